//! Second factors: enrolled, offered, shown, used once; devices that are trusted. T17, T36.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_host::KeyFile;
use admit_runtime::block::{Done, Output, Prompt};
use admit_runtime::host::{Store, StoreError};
use admit_runtime::unit::{Material, NewCredential, Unit, Write};
use admit_store::SqlStore;
use admit_store::seal::SealKey;
use totp_rs::{Algorithm, Builder};

use super::support::*;

/// A call of `mfa` for a user who has shown a password.
fn mfa(user: &'static str, seconds: i64) -> Given {
    Given {
        config: vec![
            ("factors", words(&["totp", "backup_code"])),
            ("template", text("code")),
            ("attempts", Datum::Int(3)),
            ("must_verify", Datum::Bool(false)),
            ("remember_device", Datum::Bool(false)),
            ("remember_for", Datum::Duration(admit_eval::value::Span { seconds: 1_000, nanos: 0 })),
        ],
        event: at_level(user, "aal1"),
        at: seconds,
        ..Given::default()
    }
}

fn at_level(user: &'static str, aal: &str) -> Vec<(&'static str, Datum)> {
    vec![
        ("user.id", text(user)),
        ("user.email", text("alice:x@cymmetri.com")),
        ("authentication.aal", text(aal)),
        ("authentication.methods", words(&["password"])),
    ]
}

fn enroll(user: &'static str, aal: &str, seconds: i64) -> Given {
    Given {
        config: vec![
            ("factors", words(&["totp"])),
            ("template", text("code")),
            ("attempts", Datum::Int(2)),
            ("must_verify", Datum::Bool(true)),
            ("backup_codes", Datum::Int(4)),
        ],
        event: at_level(user, aal),
        at: seconds,
        ..Given::default()
    }
}

fn is(output: &Output, name: &str) -> bool {
    field(output, name) == Datum::Bool(true)
}

fn shown(prompt: &Prompt, name: &str) -> String {
    prompt.challenge.get(name).and_then(Datum::as_str).unwrap_or_default().to_owned()
}

fn list(value: Option<&Datum>) -> Vec<String> {
    let Some(Datum::List(items)) = value else { return Vec::new() };
    items.iter().filter_map(Datum::as_str).map(str::to_owned).collect()
}

fn code_of(secret: &str, hash: Algorithm, seconds: i64) -> String {
    let seed = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new()
        .with_algorithm(hash)
        .with_digits(6)
        .with_step_duration(30)
        .with_secret(seed)
        .build_noncompliant();
    totp.generate(seconds.unsigned_abs()).to_string()
}

fn credential(id: &str, kind: &str, material: &[u8], data: Datum, counter: Option<i64>) -> Write {
    Write::InsertCredential(Box::new(NewCredential {
        id: id.to_owned(),
        user_id: "usr_bob".to_owned(),
        kind: kind.to_owned(),
        material: Material::new(material),
        data,
        counter,
        external_id: None,
    }))
}

async fn stored(world: &World, run: &str, write: Write) {
    let unit = Unit { writes: vec![write], ..Unit::default() };
    world.commit(run, unit).await.unwrap();
}

/// Bob with an authenticator app and backup codes; the seed and the codes.
async fn bob_enrolled(world: &World, seconds: i64) -> (String, Vec<String>) {
    let asked = prompt(world.run("require_mfa_enroll", enroll("usr_bob", "aal1", seconds), &mut Unit::default()).await);
    let secret = shown(&asked, "secret");
    let mut unit = Unit::default();
    let code = code_of(&secret, Algorithm::SHA1, seconds);
    let given = Given { memory: Some(asked.memory), input: Some(("code", code)), ..enroll("usr_bob", "aal1", seconds) };
    let codes = prompt(world.run("require_mfa_enroll", given, &mut unit).await);
    world.commit("run_enrolled", unit).await.unwrap();
    let given = Given { memory: Some(codes.memory.clone()), ..enroll("usr_bob", "aal1", seconds) };
    let done = output(world.run("require_mfa_enroll", given, &mut Unit::default()).await);
    assert!(is(&done, "enrolled"));
    assert_eq!(field(&done, "factor"), text("totp"));
    (secret, list(codes.challenge.get("backup_codes")))
}

#[tokio::test]
async fn an_app_is_enrolled_once_it_has_shown_a_code_and_backup_codes_are_shown_once() {
    let world = world().await;
    let asked = prompt(world.run("require_mfa_enroll", enroll("usr_bob", "aal1", 900), &mut Unit::default()).await);
    let (secret, uri, svg) = (shown(&asked, "secret"), shown(&asked, "otpauth_uri"), shown(&asked, "qr_svg"));
    assert_eq!(secret.len(), 32, "20 bytes of base32: {secret}");
    assert!(
        uri.starts_with("otpauth://totp/local:alice") && uri.contains(&secret) && uri.contains("issuer=local"),
        "{uri}"
    );
    assert!(svg.contains("<svg") && !svg.contains("script"), "{svg}");
    let mut unit = Unit::default();
    let wrong = Given {
        memory: Some(asked.memory.clone()),
        input: Some(("code", "000000".to_owned())),
        ..enroll("usr_bob", "aal1", 900)
    };
    let again = prompt(world.run("require_mfa_enroll", wrong, &mut unit).await);
    assert_eq!(shown(&again, "secret"), secret, "the seed stays");
    assert!(shown(&again, "problem").contains("wrong") && unit.writes.is_empty());
    let wrong = Given {
        memory: Some(again.memory),
        input: Some(("code", "000000".to_owned())),
        ..enroll("usr_bob", "aal1", 900)
    };
    assert_eq!(denied(world.run("require_mfa_enroll", wrong, &mut unit).await), "mfa_failed");

    let (secret, codes) = bob_enrolled(&world, 900).await;
    assert_eq!(codes.len(), 4);
    assert!(codes.iter().all(|code| code.len() == 11 && code.find('-') == Some(5)), "{codes:?}");
    let kept = world.store.credentials(&world.tenant, "usr_bob", "backup_code").await.unwrap();
    assert_eq!(kept.len(), 4);
    for code in &codes {
        let bare = code.replace('-', "");
        let has = |part: &[u8]| kept.iter().any(|kept| kept.material.expose().windows(part.len()).any(|it| it == part));
        assert!(!has(bare.as_bytes()) && !has(code.as_bytes()), "stored hashed");
    }
    // The code that showed the app counts once, as any other; the next one is right.
    let code = |seconds| Some(("code", code_of(&secret, Algorithm::SHA1, seconds)));
    for (seconds, right) in [(900, false), (930, true)] {
        let given = Given { input: code(seconds), ..mfa("usr_bob", seconds) };
        let done = world.run("mfa", given, &mut Unit::default()).await.unwrap();
        assert_eq!(matches!(&done, Done::Output(output) if is(output, "verified")), right, "{seconds}");
    }
    let status = output(world.run("check_mfa_status", mfa("usr_bob", 900), &mut Unit::default()).await);
    assert!(is(&status, "enrolled"));
    assert_eq!(field(&status, "factors"), words(&["totp", "backup_code"]));
    let nobody = output(world.run("check_mfa_status", Given::default(), &mut Unit::default()).await);
    assert!(!is(&nobody, "enrolled"));
}

#[tokio::test]
async fn nobody_binds_a_factor_below_the_level_that_the_account_reaches() {
    let world = world().await;
    // Bob was only looked up; Alice has a factor and has shown a password alone.
    for (user, aal, reason) in [("usr_bob", "aal0", "not_authenticated"), ("usr_alice", "aal1", "insufficient_aal")] {
        for block in ["require_mfa_enroll", "credential_set"] {
            let mut given = enroll(user, aal, 900);
            given.config.extend([
                ("kind", text("totp")),
                ("max_length", Datum::Int(256)),
                ("with_mfa", Datum::Bool(false)),
                ("classes", words(&[])),
                ("blocklist", words(&[])),
                ("min_score", Datum::Int(2)),
            ]);
            assert_eq!(denied(world.run(block, given, &mut Unit::default()).await), reason, "{block}");
        }
    }
    let nobody = Given { event: Vec::new(), ..enroll("usr_bob", "aal1", 900) };
    assert_eq!(denied(world.run("require_mfa_enroll", nobody, &mut Unit::default()).await), "not_authenticated");
    prompt(world.run("require_mfa_enroll", enroll("usr_alice", "aal2", 900), &mut Unit::default()).await);
}

#[tokio::test]
async fn the_user_chooses_the_factor_by_answering_the_prompt() {
    let world = world().await;
    let (_, codes) = bob_enrolled(&world, 900).await;
    let asked = prompt(world.run("mfa", mfa("usr_bob", 960), &mut Unit::default()).await);
    assert_eq!(asked.challenge.get("factors"), Some(&words(&["totp", "backup_code"])));
    assert_eq!(shown(&asked, "factor"), "totp");
    let choice =
        Given { memory: Some(asked.memory), fields: vec![("factor", text("backup_code"))], ..mfa("usr_bob", 960) };
    let asked = prompt(world.run("mfa", choice, &mut Unit::default()).await);
    assert_eq!(shown(&asked, "factor"), "backup_code");
    // As it may be typed: spaces, capitals, letters for digits that look like them.
    let typed = codes.first().unwrap().to_uppercase().replace('-', " ").replace('0', "O").replace('1', "l");
    let answer = Given { memory: Some(asked.memory), input: Some(("code", typed)), ..mfa("usr_bob", 960) };
    let mut unit = Unit::default();
    let done = output(world.run("mfa", answer, &mut unit).await);
    assert!(is(&done, "verified") && !is(&done, "trusted_device"));
    assert_eq!(field(&done, "factor"), text("backup_code"));
    assert_eq!(done.sets, [("authentication.methods".to_owned(), words(&["password", "backup_code"]))]);
    world.commit("run_used", unit).await.unwrap();
    // Used, and so wrong; another is right at once, with the factor beside it.
    for (code, right) in codes.iter().zip([false, true]) {
        let given = Given {
            fields: vec![("factor", text("backup_code"))],
            input: Some(("code", code.clone())),
            ..mfa("usr_bob", 960)
        };
        let done = world.run("mfa", given, &mut Unit::default()).await.unwrap();
        assert_eq!(matches!(&done, Done::Output(output) if is(output, "verified")), right);
    }
    // Alice has no backup codes: the choice is told to be none, and nothing is counted against her.
    let choice = Given { fields: vec![("factor", text("backup_code"))], ..mfa("usr_alice", 960) };
    let asked = prompt(world.run("mfa", choice, &mut Unit::default()).await);
    assert!(shown(&asked, "problem").contains("not set up"));
    assert_eq!(asked.challenge.get("attempts_left"), Some(&Datum::Int(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t17_a_thousand_raced_replays_of_a_code_accept_one() {
    let world = Arc::new(world().await);
    // As another process has it: the same file, opened again.
    let database = world.dir.path().join("admit.db");
    let (keys, _) = KeyFile::open_or_create(&KeyFile::beside(&database)).unwrap();
    let other = SqlStore::open(&database, SealKey::new(keys.sealing())).await.unwrap();
    let replays: Vec<_> = (0..1_000)
        .map(|replay| {
            let (world, other) = (world.clone(), other.clone());
            tokio::spawn(async move {
                let given = Given { input: Some(("code", CODES[5].to_owned())), ..mfa("usr_alice", 150) };
                let mut unit = Unit::default();
                let done = world.run("mfa", given, &mut unit).await.unwrap();
                if !matches!(&done, Done::Output(output) if is(output, "verified")) {
                    return (false, false);
                }
                let store = if replay % 2 == 0 { &world.store } else { &other };
                let committed = world.commit_in(store, &format!("run_{replay}"), unit).await;
                assert!(matches!(committed, Ok(()) | Err(StoreError::Conflict)), "{committed:?}");
                (true, committed.is_ok())
            })
        })
        .collect();
    let (mut matched, mut accepted) = (0, 0);
    for replay in replays {
        let (is_match, is_accepted) = replay.await.unwrap();
        matched += usize::from(is_match);
        accepted += usize::from(is_accepted);
    }
    assert_eq!(accepted, 1, "{matched} of 1000 were right when they were compared");
}

#[tokio::test]
async fn t17_tokens_that_count_are_followed_and_never_go_back() {
    let world = world().await;
    stored(
        &world,
        "run_token",
        credential("crd_token", "hotp", b"12345678901234567890", Datum::record([("digits", Datum::Int(6))]), Some(0)),
    )
    .await;
    let shown = |code: &str| Given { input: Some(("code", code.to_owned())), ..mfa("usr_bob", 100_000) };
    // Pressed twice in vain: within the window. Then back, the same again, and far ahead are wrong.
    for (run, code, right) in [
        ("a", CODES[2], true),
        ("b", CODES[2], false),
        ("c", CODES[1], false),
        ("d", CODES[3], true),
        ("e", CODES[9], true),
    ] {
        let mut unit = Unit::default();
        let done = world.run("mfa", shown(code), &mut unit).await.unwrap();
        assert_eq!(matches!(&done, Done::Output(output) if is(output, "verified")), right, "{code}");
        world.commit(run, unit).await.unwrap();
    }
    // Two runs with the same code at once: one takes the counter.
    stored(
        &world,
        "run_second",
        credential("crd_second", "hotp", b"12345678901234567890", Datum::record([("digits", Datum::Int(6))]), Some(0)),
    )
    .await;
    let (mut first, mut second) = (Unit::default(), Unit::default());
    for unit in [&mut first, &mut second] {
        assert!(is(&output(world.run("mfa", shown(CODES[0]), unit).await), "verified"));
    }
    assert_eq!(world.commit("run_first", first).await, Ok(()));
    assert_eq!(world.commit("run_later", second).await, Err(StoreError::Conflict));
}

#[tokio::test]
async fn apps_with_other_hashes_and_what_is_no_form_at_all() {
    let world = world().await;
    let data = |hash: &str| Datum::record([("hash", text(hash))]);
    stored(&world, "run_512", credential("crd_512", "totp", b"12345678901234567890", data("SHA512"), None)).await;
    stored(&world, "run_md5", credential("crd_md5", "totp", b"99999999999999999999", data("MD5"), None)).await;
    let given = |code: String| Given { input: Some(("code", code)), ..mfa("usr_bob", 9_000) };
    let right = code_of(TOTP, Algorithm::SHA512, 9_000);
    assert!(is(&output(world.run("mfa", given(right), &mut Unit::default()).await), "verified"));
    let wrong = code_of(TOTP, Algorithm::SHA1, 9_000);
    prompt(world.run("mfa", given(wrong), &mut Unit::default()).await);
}

#[tokio::test]
async fn codes_that_are_none_are_wrong_and_nothing_else() {
    let world = world().await;
    bob_enrolled(&world, 900).await;
    for (number, code) in
        ["", " ", "\0\0\0\0\0\0", "７５５２２４", "1e5", "-1", "000000\u{202e}", &"0".repeat(60_000), "DROP TABLE"]
            .into_iter()
            .enumerate()
    {
        for factor in ["totp", "backup_code"] {
            let given = Given {
                fields: vec![("factor", text(factor))],
                input: Some(("code", code.to_owned())),
                // Far apart, so that the hour's bound on failures is not met.
                ..mfa("usr_bob", 100_000 * (i64::try_from(number).unwrap() + 1))
            };
            let again = prompt(world.run("mfa", given, &mut Unit::default()).await);
            assert!(shown(&again, "problem").contains("wrong"), "{code:?}");
        }
    }
}

#[tokio::test]
async fn a_trusted_device_is_not_asked_and_raises_nothing() {
    let world = world().await;
    let remembering = |seconds| {
        let mut given = mfa("usr_alice", seconds);
        given.config.retain(|(name, _)| *name != "remember_device");
        given.config.push(("remember_device", Datum::Bool(true)));
        given
    };
    let asked = prompt(world.run("mfa", remembering(150), &mut Unit::default()).await);
    let token = shown(&asked, "device_token");
    assert!(token.len() > 40, "{token}");
    let bring =
        |seconds, token: &str| Given { input: Some(("device_token", token.to_owned())), ..remembering(seconds) };
    // Offered is not trusted.
    prompt(world.run("mfa", bring(150, &token), &mut Unit::default()).await);
    let answer = |remember| Given {
        memory: Some(asked.memory.clone()),
        fields: vec![("remember_device", Datum::Bool(remember))],
        input: Some(("code", CODES[5].to_owned())),
        ..remembering(150)
    };
    let mut unit = Unit::default();
    assert!(is(&output(world.run("mfa", answer(false), &mut unit).await), "verified"));
    assert_eq!(unit.writes.len(), 1, "not wanted, so not trusted");
    let mut unit = Unit::default();
    assert!(is(&output(world.run("mfa", answer(true), &mut unit).await), "verified"));
    world.commit("run_trusted", unit).await.unwrap();

    let done = output(world.run("mfa", bring(200, &token), &mut Unit::default()).await);
    assert!(is(&done, "verified") && is(&done, "trusted_device"));
    assert_eq!(field(&done, "factor"), text("none"));
    assert!(done.sets.is_empty(), "a remembered device is no authenticator");
    // Too late, another token, somebody else's, a flow that trusts no devices, a block that never does.
    prompt(world.run("mfa", bring(150 + 1_000, &token), &mut Unit::default()).await);
    prompt(world.run("mfa", bring(200, &format!("{token}x")), &mut Unit::default()).await);
    let mut other = bring(200, &token);
    other.event = at_level("usr_bob", "aal1");
    assert!(!is(&output(world.run("mfa", other, &mut Unit::default()).await), "verified"), "bob has no factor at all");
    let given = Given { input: Some(("device_token", token.clone())), ..mfa("usr_alice", 200) };
    prompt(world.run("mfa", given, &mut Unit::default()).await);
    // The token itself is nowhere in the database.
    world.store.close().await;
    for file in std::fs::read_dir(world.dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
    }
}

#[tokio::test]
async fn a_password_is_set_if_it_holds_and_a_reset_ends_sessions_and_trust() {
    let world = world().await;
    let policy = |aal: &str, methods: &[&str]| Given {
        config: vec![
            ("kind", text("password")),
            ("attempts", Datum::Int(2)),
            ("max_length", Datum::Int(256)),
            ("with_mfa", Datum::Bool(false)),
            ("classes", words(&[])),
            ("blocklist", words(&["correct horse battery"])),
            ("min_score", Datum::Int(2)),
        ],
        event: vec![
            ("user.id", text("usr_bob")),
            ("authentication.aal", text(aal)),
            ("authentication.methods", words(methods)),
        ],
        at: 1_000,
        ..Given::default()
    };
    for (block, field_name) in [("credential_set", "set"), ("password_update", "updated")] {
        let looked_up = policy("aal0", &[]);
        assert_eq!(denied(world.run(block, looked_up, &mut Unit::default()).await), "not_authenticated");
        let given = |password: Option<&str>, memory: Option<Datum>| Given {
            input: password.map(|password| ("password", password.to_owned())),
            memory,
            ..policy("aal1", &["email"])
        };
        let mut unit = Unit::default();
        let asked = prompt(world.run(block, given(None, None), &mut unit).await);
        assert_eq!(asked.challenge.get("min_length"), Some(&Datum::Int(15)));
        let memory = asked.memory.clone();
        let again = prompt(world.run(block, given(Some("short"), Some(asked.memory)), &mut unit).await);
        assert!(shown(&again, "problem").contains("fewer than 15"), "{again:?}");
        assert_eq!(list(again.challenge.get("violations")).first().map(String::as_str), Some("too_short"));
        let refused =
            output(world.run(block, given(Some("Correct Horse Battery"), Some(again.memory)), &mut unit).await);
        assert!(!is(&refused, field_name) && unit.writes.is_empty());

        let password = format!("a new one for {block} \u{1f40e}");
        let done = output(world.run(block, given(Some(&password), Some(memory)), &mut unit).await);
        assert!(is(&done, field_name));
        world.commit(&format!("run_{block}"), unit).await.unwrap();
        let kept = world.store.credentials(&world.tenant, "usr_bob", "password").await.unwrap();
        assert_eq!(kept.len(), 1);
        assert!(kept.first().unwrap().material.expose().starts_with(b"$argon2id$v=19$m=19456,t=2,p=1$"));
        let check = Given {
            config: vec![("attempts", Datum::Int(1))],
            event: vec![("identifier", text("bob"))],
            input: Some(("password", password)),
            at: 2_000,
            ..Given::default()
        };
        assert!(is(&output(world.run("password_check", check, &mut Unit::default()).await), "verified"));
    }
}
