//! T17: attempts at a challenge are counted before the comparison, whoever races; it is its run's, user's, kind's and
//! tenant's alone, and is met once.

use admit_eval::datum::Datum;
use admit_runtime::host::{ChallengeOf, Store, StoreError, Tried};
use admit_runtime::unit::{Challenge, Material, Unit, Write};
use admit_store::SqlStore;

use crate::support::*;

on_both! {
    attempts_are_counted_and_a_right_code_gives_what_was_kept,
    a_challenge_of_somebody_else_is_not_there,
    nothing_is_right_for_a_challenge_of_nobody,
    another_code_for_the_same_challenge_keeps_the_count,
    a_link_is_found_by_its_secret_until_it_is_met_or_over,
    t39_no_code_can_be_read_or_tried_from_the_files,
    t17_parallel_guesses_from_several_processes_use_the_allowed_attempts,
}

const OF: ChallengeOf<'_> =
    ChallengeOf { id: "chl_1", kind: "email_code", run_id: "run_1", user_id: Some("usr_alice") };

fn challenge() -> Challenge {
    Challenge {
        id: "chl_1".to_owned(),
        kind: "email_code".to_owned(),
        run_id: Some("run_1".to_owned()),
        user_id: Some("usr_alice".to_owned()),
        secret: Material::new(*b"271828"),
        by_secret: false,
        data: Datum::record([("to", Datum::Str("canary@x.example".into()))]),
        max_attempts: 5,
        expires_at: at(1_600),
    }
}

async fn write(store: &SqlStore, run: &str, outcome: &str, writes: Vec<Write>) -> Result<(), StoreError> {
    let mut run = commit(run, 0, outcome);
    run.unit = Unit { writes, audit: Vec::new() }.into();
    store.commit(&tenant("local"), run).await
}

async fn world(place: &Place, challenge: Challenge) -> SqlStore {
    let store = place.open().await;
    store.add_user(&tenant("local"), &alice(), at(100)).await.unwrap();
    write(&store, "run_made", "finalized", vec![Write::InsertChallenge(Box::new(challenge))]).await.unwrap();
    store
}

async fn tried(store: &SqlStore, of: ChallengeOf<'_>, code: &[u8]) -> Tried {
    store.try_challenge(&tenant("local"), of, code, at(1_500)).await.unwrap()
}

async fn attempts_are_counted_and_a_right_code_gives_what_was_kept(place: Place) {
    let store = world(&place, challenge()).await;
    assert_eq!(tried(&store, OF, b"271827").await, Tried::Wrong { attempts_left: 4 });
    assert_eq!(tried(&store, OF, b"").await, Tried::Wrong { attempts_left: 3 });
    assert_eq!(tried(&store, OF, b"271828").await, Tried::Right { data: challenge().data });
    write(&store, "run_1", "session", vec![Write::TakeChallenge { id: "chl_1".to_owned() }]).await.unwrap();
    assert_eq!(tried(&store, OF, b"271828").await, Tried::Spent, "it is met once");
    let again = write(&store, "run_2", "session", vec![Write::TakeChallenge { id: "chl_1".to_owned() }]).await;
    assert_eq!(again, Err(StoreError::Conflict));
    write(&store, "run_3", "deny", vec![Write::TakeChallenge { id: "chl_1".to_owned() }]).await.unwrap();
}

async fn a_challenge_of_somebody_else_is_not_there(place: Place) {
    let store = world(&place, challenge()).await;
    for (what, of) in [
        ("another run", ChallengeOf { run_id: "run_2", ..OF }),
        ("another user", ChallengeOf { user_id: Some("usr_bob"), ..OF }),
        ("nobody", ChallengeOf { user_id: None, ..OF }),
        ("another kind", ChallengeOf { kind: "password_reset", ..OF }),
        ("another id", ChallengeOf { id: "chl_2", ..OF }),
    ] {
        assert_eq!(tried(&store, of, b"271828").await, Tried::Unknown, "{what}");
    }
    let other = store.try_challenge(&tenant("other"), OF, b"271828", at(1_500)).await;
    assert_eq!(other, Ok(Tried::Unknown));
    let late = store.try_challenge(&tenant("local"), OF, b"271828", at(1_600)).await;
    assert_eq!(late, Ok(Tried::Expired));
    let late = write(&store, "run_9", "session", vec![Write::TakeChallenge { id: "chl_1".to_owned() }]);
    assert_eq!(late.await, Ok(()), "at 1000 it was in time");
    assert_eq!(tried(&store, OF, b"271828").await, Tried::Spent, "none of these was counted as one of its attempts");
}

async fn nothing_is_right_for_a_challenge_of_nobody(place: Place) {
    let store = world(&place, Challenge { user_id: None, ..challenge() }).await;
    let nobody = ChallengeOf { user_id: None, ..OF };
    for left in (0..5).rev() {
        assert_eq!(tried(&store, nobody, b"271828").await, Tried::Wrong { attempts_left: left });
    }
    assert_eq!(tried(&store, nobody, b"271828").await, Tried::Spent);
}

async fn another_code_for_the_same_challenge_keeps_the_count(place: Place) {
    let store = world(&place, challenge()).await;
    for _ in 0..3 {
        tried(&store, OF, b"000000").await;
    }
    let renewed =
        Write::RenewChallenge { id: "chl_1".to_owned(), secret: Material::new(*b"314159"), expires_at: at(1_700) };
    write(&store, "run_1", "finalized", vec![renewed]).await.unwrap();
    assert_eq!(tried(&store, OF, b"271828").await, Tried::Wrong { attempts_left: 1 });
    assert_eq!(tried(&store, OF, b"314159").await, Tried::Right { data: challenge().data });
    assert_eq!(tried(&store, OF, b"314159").await, Tried::Spent);
}

async fn a_link_is_found_by_its_secret_until_it_is_met_or_over(place: Place) {
    let link = || Challenge {
        run_id: None,
        kind: "password_reset".to_owned(),
        secret: Material::new([9_u8; 32]),
        by_secret: true,
        ..challenge()
    };
    let store = world(&place, link()).await;
    let found = async |tenant_slug: &str, kind: &str, secret: &[u8], now| {
        store.challenge_by_secret(&tenant(tenant_slug), kind, secret, at(now)).await.unwrap()
    };
    let it = found("local", "password_reset", &[9; 32], 1_500).await.unwrap();
    assert_eq!((it.id.as_str(), it.user_id.as_deref(), it.run_id), ("chl_1", Some("usr_alice"), None));
    assert_eq!(it.data, challenge().data);
    assert_eq!(found("local", "password_reset", &[8; 32], 1_500).await, None);
    assert_eq!(found("local", "email_link", &[9; 32], 1_500).await, None);
    assert_eq!(found("other", "password_reset", &[9; 32], 1_500).await, None);
    assert_eq!(found("local", "password_reset", &[9; 32], 1_600).await, None);
    write(&store, "run_1", "finalized", vec![Write::TakeChallenge { id: "chl_1".to_owned() }]).await.unwrap();
    assert_eq!(found("local", "password_reset", &[9; 32], 1_500).await, None);
}

async fn t39_no_code_can_be_read_or_tried_from_the_files(place: Place) {
    let store = world(&place, challenge()).await;
    store.close().await;
    let bytes = place.bytes().await;
    let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(has(b"chl_1") && !has(b"271828") && !has(b"canary@x.example"));
    // Whoever has the file but not the key cannot try all codes: no plain hash of any of them is in it.
    for code in [&b"271828"[..], b"chl_1271828", b"chl_1:271828"] {
        assert!(!has(blake3::hash(code).as_bytes()));
        assert!(!has(<sha2::Sha256 as sha2::Digest>::digest(code).as_slice()));
    }
}

/// Not a test by itself: what `t17_parallel_guesses_from_several_processes_use_the_allowed_attempts` runs.
#[tokio::test]
async fn t17_guesser_process() {
    let Some(store) = racer().await else { return };
    let mut guesses = Vec::new();
    for code in 0..25 {
        let store = store.clone();
        guesses.push(tokio::spawn(async move { tried(&store, OF, format!("{code:06}").as_bytes()).await }));
    }
    for guess in guesses {
        println!("\n{}", if matches!(guess.await.unwrap(), Tried::Wrong { .. }) { "compared" } else { "refused" });
    }
}

async fn t17_parallel_guesses_from_several_processes_use_the_allowed_attempts(place: Place) {
    let _store = world(&place, challenge()).await;
    let said = race(&place, "challenges::t17_guesser_process", 4);
    let count = |word: &str| said.iter().flat_map(|text| text.lines()).filter(|line| *line == word).count();
    assert_eq!((count("compared"), count("refused")), (5, 95), "{said:?}");
}
