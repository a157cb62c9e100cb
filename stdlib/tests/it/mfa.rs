//! `mfa` and `require_mfa`: T17, T36.

use admit_runtime::block::{BlockError, Done, Output};
use admit_runtime::host::StoreError;
use admit_runtime::unit::{Unit, Write};

use super::support::*;
use admit_eval::datum::Datum;

fn ask(user: Option<&'static str>, code: Option<&str>, seconds: i64) -> Given {
    let mut event = vec![("authentication.methods", words(&["password"]))];
    if let Some(user) = user {
        event.push(("user.id", text(user)));
    }
    Given {
        config: config(&["totp"], true),
        event,
        input: code.map(|code| ("code", code.to_owned())),
        at: seconds,
        ..Given::default()
    }
}

fn config(factors: &[&str], must_verify: bool) -> Vec<(&'static str, Datum)> {
    vec![
        ("factors", words(factors)),
        ("template", text("code")),
        ("attempts", Datum::Int(3)),
        ("must_verify", Datum::Bool(must_verify)),
        ("remember_device", Datum::Bool(false)),
        ("remember_for", Datum::Duration(admit_eval::value::Span { seconds: 86_400, nanos: 0 })),
    ]
}

fn require(code: Option<&str>, must_verify: bool) -> Given {
    Given {
        config: vec![
            ("factor", text("totp")),
            ("template", text("code")),
            ("attempts", Datum::Int(1)),
            ("must_verify", Datum::Bool(must_verify)),
        ],
        ..ask(Some("usr_alice"), code, 150)
    }
}

fn verified(done: &Output) -> bool {
    field(done, "verified") == Datum::Bool(true)
}

#[tokio::test]
async fn a_code_verifies_and_raises_the_methods() {
    let world = world().await;
    let mut unit = Unit::default();
    let asked = prompt(world.run("mfa", ask(Some("usr_alice"), None, 150), &mut unit).await);
    assert_eq!(asked.challenge.get("factors"), Some(&words(&["totp"])));
    let done = output(world.run("mfa", ask(Some("usr_alice"), Some(CODES[5]), 150), &mut unit).await);
    assert!(verified(&done));
    assert_eq!(field(&done, "factor"), text("totp"));
    assert_eq!(done.sets, [("authentication.methods".to_owned(), words(&["password", "totp"]))]);
    assert!(matches!(unit.writes.as_slice(), [Write::TakeTotpStep { step: 5, .. }]));
}

#[tokio::test]
async fn t17_a_code_counts_once_also_when_two_runs_race() {
    let world = world().await;
    let (mut first, mut second) = (Unit::default(), Unit::default());
    for unit in [&mut first, &mut second] {
        assert!(verified(&output(world.run("mfa", ask(Some("usr_alice"), Some(CODES[5]), 150), unit).await)));
    }
    assert_eq!(world.commit("run_1", first).await, Ok(()));
    assert_eq!(world.commit("run_2", second).await, Err(StoreError::Conflict));
    // Afterwards the code, and any before it, is wrong; the next one is right. T36: so too with the clock set back.
    for (code, seconds, right) in
        [(CODES[5], 150, false), (CODES[4], 150, false), (CODES[4], 120, false), (CODES[6], 150, true)]
    {
        let done = world.run("mfa", ask(Some("usr_alice"), Some(code), seconds), &mut Unit::default()).await.unwrap();
        assert_eq!(matches!(done, Done::Output(_)), right, "{code}");
    }
}

#[tokio::test]
async fn too_many_wrong_codes_end_in_mfa_failed() {
    let world = world().await;
    let mut unit = Unit::default();
    let mut memory = None;
    for left in [2, 1] {
        let given = Given { memory, ..ask(Some("usr_alice"), Some("000000"), 150) };
        let again = prompt(world.run("mfa", given, &mut unit).await);
        assert_eq!(again.challenge.get("attempts_left"), Some(&Datum::Int(left)));
        assert!(again.challenge.get("problem").is_some(), "a wrong code is told to be wrong");
        memory = Some(again.memory);
    }
    let given = Given { memory, ..ask(Some("usr_alice"), Some("000000"), 150) };
    assert_eq!(denied(world.run("mfa", given, &mut unit).await), "mfa_failed");
    assert_eq!(unit.audit.len(), 3);
    assert!(unit.writes.is_empty());
}

#[tokio::test]
async fn t17_guesses_of_an_account_are_bounded_over_all_its_runs() {
    let world = world().await;
    for _ in 0..10 {
        world.run("require_mfa", require(Some("000000"), false), &mut Unit::default()).await.unwrap();
    }
    let right = output(world.run("require_mfa", require(Some(CODES[5]), false), &mut Unit::default()).await);
    assert!(!verified(&right), "right, but the eleventh within the hour");
    let mut later = require(None, false);
    later.at = 270 + 60 * 60;
    assert!(world.run("require_mfa", later, &mut Unit::default()).await.is_ok());
}

#[tokio::test]
async fn require_mfa_answers_or_ends_as_it_was_told() {
    let world = world().await;
    let mut unit = Unit::default();
    assert!(verified(&output(world.run("require_mfa", require(Some(CODES[5]), true), &mut unit).await)));
    assert!(!verified(&output(world.run("require_mfa", require(Some("000000"), false), &mut unit).await)));
    assert_eq!(denied(world.run("require_mfa", require(Some("000000"), true), &mut unit).await), "mfa_failed");
}

#[tokio::test]
async fn without_the_factor_nobody_passes_and_an_unknown_user_is_asked_like_anybody() {
    let world = world().await;
    let mut unit = Unit::default();
    assert_eq!(denied(world.run("mfa", ask(Some("usr_bob"), None, 150), &mut unit).await), "mfa_failed");
    assert_eq!(denied(world.run("mfa", ask(Some("usr_bob"), Some(CODES[5]), 150), &mut unit).await), "mfa_failed");
    let asked = prompt(world.run("mfa", ask(None, None, 150), &mut unit).await);
    let known = prompt(world.run("mfa", ask(Some("usr_alice"), None, 150), &mut unit).await);
    assert_eq!(asked.challenge, known.challenge);
    prompt(world.run("mfa", ask(None, Some(CODES[5]), 150), &mut unit).await);
    let none = Given { config: config(&[], false), ..ask(Some("usr_alice"), Some(CODES[5]), 150) };
    assert!(!verified(&output(world.run("mfa", none, &mut unit).await)));
}

#[tokio::test]
async fn a_config_that_no_checked_plan_has_is_an_error() {
    let world = world().await;
    let mut given = ask(Some("usr_alice"), None, 150);
    given.config.retain(|(name, _)| *name != "attempts");
    given.config.push(("attempts", text("three")));
    let error = world.run("mfa", given, &mut Unit::default()).await.err().unwrap();
    assert_eq!(error, BlockError::Named { name: "invalid_config", detail: "`attempts` must be an int".to_owned() });
}
