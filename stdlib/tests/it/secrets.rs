//! T21, T39: a whole sign-in leaves no secret in the database, in outputs or in audit.

use admit_eval::value::Span;
use admit_runtime::block::{Done, Settled};
use admit_runtime::host::Host;
use admit_runtime::unit::Unit;
use base64::Engine as _;

use super::support::*;
use super::webhooks::{serve, world_calling};
use admit_eval::datum::Datum;

fn forms(canary: &str) -> Vec<Vec<u8>> {
    let hex: String = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(canary);
    let url: String = canary.replace(' ', "%20");
    vec![canary.into(), hex.to_uppercase().into(), hex.into(), base64.into(), url.into()]
}

#[tokio::test]
async fn t21_a_sign_in_leaves_no_secret_behind() {
    let (port, _) = serve("200 OK", "{}").await;
    let world = world_calling(port).await;
    let now = world.host.now().seconds;
    let mut unit = Unit::default();
    let mut shown = String::new();
    let event = || {
        vec![
            ("identifier", text("alice@cymmetri.com")),
            ("user.id", text("usr_alice")),
            ("request.ip", text("203.0.113.9")),
            ("authentication.aal", text("aal1")),
            ("authentication.methods", words(&["password"])),
        ]
    };
    let password = Given {
        config: vec![("attempts", Datum::Int(1))],
        event: event(),
        input: Some(("password", PASSWORD.to_owned())),
        at: now,
        ..Given::default()
    };
    let webhook = Given {
        config: vec![("url", text(&format!("http://127.0.0.1:{port}/"))), ("method", text("GET"))],
        config_secrets: vec![(
            "headers.authorization".to_owned(),
            admit_runtime::host::Secret::new(*b"Bearer canary-header"),
        )],
        at: now,
        ..Given::default()
    };
    let mint = Given {
        config: vec![("ttl", Datum::Duration(Span { seconds: 60, nanos: 0 })), ("aal_min", text("aal1"))],
        event: event(),
        at: now,
        ..Given::default()
    };
    for (block, given) in [("password_check", password), ("call_webhook", webhook)] {
        shown += &name(&world.run(block, given, &mut unit).await.unwrap());
    }
    let Done::Settle(Settled::Session { session, token, .. }) =
        world.run("issue_session", mint, &mut unit).await.unwrap()
    else {
        panic!("no session")
    };
    shown += &format!("{session:?} {unit:?}");
    let hash = {
        use admit_runtime::host::Store as _;
        let stored = world.store.credentials(&world.tenant, "usr_alice", "password").await.unwrap();
        String::from_utf8(stored.first().unwrap().material.expose().to_vec()).unwrap()
    };
    world.commit("run_1", unit).await.unwrap();

    let mut bytes = shown.into_bytes();
    for file in std::fs::read_dir(world.dir.path()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "key") {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    let signature = token.rsplit('.').next().unwrap();
    for canary in
        [PASSWORD, TOTP, "12345678901234567890", "canary-header", signature, hash.as_str(), "alice@cymmetri.com"]
    {
        for form in forms(canary) {
            let found = bytes.windows(form.len()).any(|window| window == form);
            assert!(!found, "{}", String::from_utf8_lossy(&form));
        }
    }
}
