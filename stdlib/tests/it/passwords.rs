//! `password_check`: T13, T17, T19.

use admit_runtime::block::{Done, Output};
use admit_runtime::host::Store;
use admit_runtime::unit::{Unit, Write};
use admit_store::NewUser;

use super::support::*;
use admit_eval::datum::Datum;

fn typed(identifier: &str, password: &str) -> Given {
    Given {
        config: vec![("attempts", Datum::Int(1))],
        event: vec![("identifier", text(identifier)), ("request.ip", text("203.0.113.9"))],
        input: Some(("password", password.to_owned())),
        at: 1_000,
        ..Given::default()
    }
}

async fn check(world: &World, given: Given) -> Output {
    output(world.run("password_check", given, &mut Unit::default()).await)
}

fn verified(output: &Output) -> bool {
    field(output, "verified") == Datum::Bool(true)
}

fn locked(output: &Output) -> bool {
    field(output, "locked") == Datum::Bool(true)
}

#[tokio::test]
async fn only_the_whole_password_verifies_and_provides_the_user() {
    let world = world().await;
    let right = check(&world, typed("alice@cymmetri.com", PASSWORD)).await;
    assert!(verified(&right));
    assert_eq!(right.user.unwrap().get("id"), Some(&text("usr_alice")));
    assert_eq!(right.sets, [("authentication.methods".to_owned(), words(&["password"]))]);
    for wrong in ["", "Correct horse battery staple", "correct horse battery stapl", "correct horse battery staple\0"] {
        let wrong = check(&world, typed("alice@cymmetri.com", wrong)).await;
        assert!(!verified(&wrong) && wrong.user.is_none() && wrong.sets.is_empty());
    }
    // Bob has no password at all.
    assert!(!verified(&check(&world, typed("bob", "")).await));
    assert!(!verified(&check(&world, typed("nobody@cymmetri.com", "nobody")).await));
}

#[tokio::test]
async fn it_prompts_where_nothing_was_submitted_and_again_while_attempts_are_left() {
    let world = world().await;
    let mut unit = Unit::default();
    let given = |password: Option<&str>, memory: Option<Datum>| Given {
        config: vec![("attempts", Datum::Int(2))],
        input: password.map(|password| ("password", password.to_owned())),
        memory,
        ..typed("alice@cymmetri.com", "")
    };
    let first = prompt(world.run("password_check", given(None, None), &mut unit).await);
    assert_eq!(first.challenge.get("attempts_left"), Some(&Datum::Int(2)));
    let second = prompt(world.run("password_check", given(Some("wrong"), Some(first.memory)), &mut unit).await);
    assert_eq!(second.challenge.get("attempts_left"), Some(&Datum::Int(1)));
    let last = output(world.run("password_check", given(Some("wrong"), Some(second.memory.clone())), &mut unit).await);
    assert!(!verified(&last));
    let right = output(world.run("password_check", given(Some(PASSWORD), Some(second.memory)), &mut unit).await);
    assert!(verified(&right));
    assert_eq!(unit.audit.iter().filter(|entry| entry.kind == "user.password_failed").count(), 2);
}

#[tokio::test]
async fn t17_tries_are_counted_before_they_are_compared() {
    let world = world().await;
    for _ in 0..10 {
        assert!(!locked(&check(&world, typed("alice@cymmetri.com", "wrong")).await));
    }
    let right = check(&world, typed("alice@cymmetri.com", PASSWORD)).await;
    assert!(locked(&right) && !verified(&right) && right.user.is_none(), "the eleventh is refused, right or not");
    // T37: from another address the account is not locked; after the window neither is this one.
    let mut elsewhere = typed("alice@cymmetri.com", PASSWORD);
    elsewhere.event = vec![("identifier", text("alice@cymmetri.com")), ("request.ip", text("198.51.100.1"))];
    assert!(verified(&check(&world, elsewhere).await));
    let mut later = typed("alice@cymmetri.com", PASSWORD);
    later.at = 1_000 + 15 * 60;
    assert!(verified(&check(&world, later).await));
    // A success set the count back.
    let mut later = typed("alice@cymmetri.com", "wrong");
    later.at = 1_000 + 15 * 60;
    assert!(!locked(&check(&world, later).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t17_parallel_guesses_do_not_get_more_tries() {
    let world = std::sync::Arc::new(world().await);
    let guesses: Vec<_> = (0..24)
        .map(|guess| {
            let world = world.clone();
            tokio::spawn(
                async move { locked(&check(&world, typed("alice@cymmetri.com", &format!("guess {guess}"))).await) },
            )
        })
        .collect();
    let mut refused = 0;
    for guess in guesses {
        refused += usize::from(guess.await.unwrap());
    }
    assert_eq!(refused, 14);
}

/// The same answers for every class of user as for a wrong password, try by try, the lock included.
#[tokio::test]
async fn t19_nobody_can_be_told_from_a_wrong_password() {
    let world = world().await;
    let hash = admit_stdlib::password::hash_password(PASSWORD.as_bytes()).unwrap();
    let eve = NewUser {
        id: Some("usr_eve".to_owned()),
        username: Some("eve".to_owned()),
        password_hash: Some(hash.into()),
        blocked: true,
        ..NewUser::default()
    };
    world.store.add_user(&world.tenant, &eve, at(1)).await.unwrap();
    let classes = [
        ("alice@cymmetri.com", "wrong"),
        ("nobody@cymmetri.com", "wrong"),
        ("bob", "wrong"),
        ("eve", PASSWORD),
        ("ALICE@cymmetri.com ", ""),
        ("nobody else", ""),
    ];
    for attempt in 0..7 {
        let mut answers = Vec::new();
        for (identifier, password) in classes {
            // As after a lookup, which knows the user's id, and without one.
            let user = world.store.user_by_identifier(&world.tenant, identifier).await.unwrap();
            let id = user.as_ref().and_then(|user| user.get("id").cloned());
            for looked_up in [true, false] {
                let mut given = typed(identifier, password);
                given.config = vec![("attempts", Datum::Int(3))];
                given.event.extend(id.clone().filter(|_| looked_up).map(|id| ("user.id", id)));
                let failed = Datum::record([("failed", Datum::Int(attempt % 3))]);
                given.memory = Some(failed);
                let done = world.run("password_check", given, &mut Unit::default()).await.unwrap();
                if let Done::Output(output) = &done {
                    assert!(output.user.is_none() && output.sets.is_empty());
                }
                answers.push(name(&done));
            }
        }
        // Alice is tried twice as often as the others, so her lock comes first; it shows in no answer but the flag.
        let flags = |answer: &str| answer.replace("(\"locked\", Bool(true))", "(\"locked\", Bool(false))");
        let first = flags(answers.first().unwrap());
        assert!(answers.iter().all(|answer| flags(answer) == first), "{attempt}: {answers:?}");
    }
}

/// Any user with a hash that others made takes no less time than an unknown one; `benches/enumeration.rs` measures the rest.
#[tokio::test]
async fn hashes_of_others_are_taken_once_and_replaced() {
    let world = world().await;
    let bcrypt = bcrypt::hash_with_salt("old password", 4, [7; 16]).unwrap().to_string();
    let scrypt = "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E";
    for (id, hash, password) in [("dora", bcrypt.as_str(), "old password"), ("ed", scrypt, "password")] {
        let lines = format!(r#"{{"id": "usr_{id}", "username": "{id}", "password_hash": "{hash}"}}"#);
        let passwords = admit_store::Passwords {
            hash: &admit_stdlib::password::hash_password,
            fault: &admit_stdlib::password::password_hash_fault,
        };
        let users = admit_store::parse_users(&lines, &passwords).unwrap_or_else(|faults| panic!("{faults:?}"));
        world.store.import_users(&world.tenant, &users, at(1)).await.unwrap();
        assert!(!verified(&check(&world, typed(id, "another")).await));
        let mut unit = Unit::default();
        let done = output(world.run("password_check", typed(id, password), &mut unit).await);
        assert!(verified(&done));
        assert_eq!(field(&done, "needs_rehash"), Datum::Bool(true));
        world.commit(&format!("run_{id}"), unit).await.unwrap();
        let stored = world.store.credentials(&world.tenant, &format!("usr_{id}"), "password").await.unwrap();
        let stored = String::from_utf8(stored.first().unwrap().material.expose().to_vec()).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(field(&check(&world, typed(id, password)).await, "needs_rehash"), Datum::Bool(false));
    }
}

/// T39: the pepper of a hash is the key that it is sealed under, which the database does not hold.
#[tokio::test]
async fn t39_a_stolen_database_holds_no_hash_to_guess_at() {
    let world = world().await;
    world.store.close().await;
    for file in std::fs::read_dir(world.dir.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for canary in ["$argon2id", "argon2", "m=19456", "12345678901234567890", TOTP] {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "`{canary}` is in {}", path.display());
        }
    }
}

/// T13: hashing is bounded in number; what is beyond the queue is the host's error, which is no answer about anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t13_more_hashes_than_the_queue_holds_are_refused() {
    let world = std::sync::Arc::new(world().await);
    let tries: Vec<_> = (0..120)
        .map(|each| {
            let world = world.clone();
            tokio::spawn(async move {
                let given = typed(&format!("nobody {each}"), "guess");
                world.run("password_check", given, &mut Unit::default()).await.map(|_| ())
            })
        })
        .collect();
    let (mut compared, mut refused) = (0, 0);
    for each in tries {
        match each.await.unwrap() {
            Ok(()) => compared += 1,
            Err(error) => {
                assert_eq!(error, admit_runtime::host::HostError::Overloaded.into());
                refused += 1;
            }
        }
    }
    assert!(compared > 0 && refused > 0, "{compared} compared, {refused} refused");
}

#[tokio::test]
async fn an_older_hash_is_replaced_once_it_has_verified() {
    let world = world().await;
    let old = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$";
    let hash = argon2::Argon2::new(
        argon2::Algorithm::Argon2id,
        argon2::Version::V0x13,
        argon2::Params::new(64, 1, 1, None).unwrap(),
    );
    let mut tag = [0; 32];
    hash.hash_password_into(b"old password", b"somesaltsomesalt", &mut tag).unwrap();
    use base64::Engine as _;
    let old = format!("{old}{}", base64::engine::general_purpose::STANDARD_NO_PAD.encode(tag));
    let carol = NewUser {
        id: Some("usr_carol".to_owned()),
        username: Some("carol".to_owned()),
        password_hash: Some(old.clone().into()),
        ..NewUser::default()
    };
    world.store.add_user(&world.tenant, &carol, at(1)).await.unwrap();
    let mut unit = Unit::default();
    let done = output(world.run("password_check", typed("carol", "old password"), &mut unit).await);
    assert!(verified(&done));
    assert_eq!(field(&done, "needs_rehash"), Datum::Bool(true));
    assert!(matches!(unit.writes.as_slice(), [Write::RehashPassword { old: was, .. }] if *was == old));
    world.commit("run_1", unit).await.unwrap();
    let stored = world.store.credentials(&world.tenant, "usr_carol", "password").await.unwrap();
    let stored = String::from_utf8(stored.first().unwrap().material.expose().to_vec()).unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    let again = check(&world, typed("carol", "old password")).await;
    assert!(verified(&again));
    assert_eq!(field(&again, "needs_rehash"), Datum::Bool(false));
}
