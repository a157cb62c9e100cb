//! T17: attempts at a challenge are counted before the comparison, whoever races; it is its run's, user's, kind's and
//! tenant's alone, and is met once.

use std::process::{Command, Stdio};

use admit_eval::datum::Datum;
use admit_runtime::host::{ChallengeOf, Store, StoreError, Tried};
use admit_runtime::unit::{Challenge, Material, Unit, Write};
use admit_store::SqliteStore;

use crate::support::*;

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

async fn write(store: &SqliteStore, run: &str, outcome: &str, writes: Vec<Write>) -> Result<(), StoreError> {
    let mut run = commit(run, 0, outcome);
    run.unit = Unit { writes, audit: Vec::new() }.into();
    store.commit(&tenant("local"), run).await
}

async fn world(dir: &std::path::Path, challenge: Challenge) -> SqliteStore {
    let store = open(dir).await;
    store.add_user(&tenant("local"), &alice(), at(100)).await.unwrap();
    write(&store, "run_made", "finalized", vec![Write::InsertChallenge(Box::new(challenge))]).await.unwrap();
    store
}

async fn tried(store: &SqliteStore, of: ChallengeOf<'_>, code: &[u8]) -> Tried {
    store.try_challenge(&tenant("local"), of, code, at(1_500)).await.unwrap()
}

#[tokio::test]
async fn attempts_are_counted_and_a_right_code_gives_what_was_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = world(dir.path(), challenge()).await;
    assert_eq!(tried(&store, OF, b"271827").await, Tried::Wrong { attempts_left: 4 });
    assert_eq!(tried(&store, OF, b"").await, Tried::Wrong { attempts_left: 3 });
    assert_eq!(tried(&store, OF, b"271828").await, Tried::Right { data: challenge().data });
    write(&store, "run_1", "session", vec![Write::TakeChallenge { id: "chl_1".to_owned() }]).await.unwrap();
    assert_eq!(tried(&store, OF, b"271828").await, Tried::Spent, "it is met once");
    let again = write(&store, "run_2", "session", vec![Write::TakeChallenge { id: "chl_1".to_owned() }]).await;
    assert_eq!(again, Err(StoreError::Conflict));
    write(&store, "run_3", "deny", vec![Write::TakeChallenge { id: "chl_1".to_owned() }]).await.unwrap();
}

#[tokio::test]
async fn a_challenge_of_somebody_else_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let store = world(dir.path(), challenge()).await;
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

#[tokio::test]
async fn nothing_is_right_for_a_challenge_of_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = world(dir.path(), Challenge { user_id: None, ..challenge() }).await;
    let nobody = ChallengeOf { user_id: None, ..OF };
    for left in (0..5).rev() {
        assert_eq!(tried(&store, nobody, b"271828").await, Tried::Wrong { attempts_left: left });
    }
    assert_eq!(tried(&store, nobody, b"271828").await, Tried::Spent);
}

#[tokio::test]
async fn another_code_for_the_same_challenge_keeps_the_count() {
    let dir = tempfile::tempdir().unwrap();
    let store = world(dir.path(), challenge()).await;
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

#[tokio::test]
async fn a_link_is_found_by_its_secret_until_it_is_met_or_over() {
    let dir = tempfile::tempdir().unwrap();
    let link = || Challenge {
        run_id: None,
        kind: "password_reset".to_owned(),
        secret: Material::new([9_u8; 32]),
        by_secret: true,
        ..challenge()
    };
    let store = world(dir.path(), link()).await;
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

#[tokio::test]
async fn t39_no_code_can_be_read_or_tried_from_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = world(dir.path(), challenge()).await;
    store.close().await;
    let bytes = std::fs::read(dir.path().join("admit.db")).unwrap();
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
    let Ok(dir) = std::env::var("ADMIT_TEST_GUESSER") else { return };
    let dir = std::path::Path::new(&dir);
    let store = open(dir).await;
    std::fs::write(dir.join(format!("ready-{}", std::process::id())), "").unwrap();
    while !dir.join("go").exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let mut guesses = Vec::new();
    for code in 0..25 {
        let store = store.clone();
        guesses.push(tokio::spawn(async move { tried(&store, OF, format!("{code:06}").as_bytes()).await }));
    }
    for guess in guesses {
        println!("\n{}", if matches!(guess.await.unwrap(), Tried::Wrong { .. }) { "compared" } else { "refused" });
    }
}

#[tokio::test]
async fn t17_parallel_guesses_from_several_processes_use_the_allowed_attempts() {
    let dir = tempfile::tempdir().unwrap();
    let _store = world(dir.path(), challenge()).await;
    let guessers: Vec<_> = (0..4)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "challenges::t17_guesser_process", "--nocapture"])
                .env("ADMIT_TEST_GUESSER", dir.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let ready = || {
        let files = std::fs::read_dir(dir.path()).unwrap();
        files.filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().starts_with("ready")).count()
    };
    let start = std::time::Instant::now();
    while ready() < guessers.len() && start.elapsed().as_secs() < 30 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    std::fs::write(dir.path().join("go"), "").unwrap();
    let said: Vec<String> = guessers
        .into_iter()
        .map(|guesser| String::from_utf8(guesser.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    let count = |word: &str| said.iter().flat_map(|text| text.lines()).filter(|line| *line == word).count();
    assert_eq!((count("compared"), count("refused")), (5, 95), "{said:?}");
}
