//! `issue_session`: who gets one, what the token says, what is stored.

use admit_eval::value::Span;
use admit_runtime::block::{Done, Settled};
use admit_runtime::host::{Host, Store};
use admit_runtime::session::SESSION_TOKEN;
use admit_runtime::unit::Unit;
use admit_store::Status;

use super::support::*;
use admit_eval::datum::Datum;

fn mint(world: &World, aal: &str, aal_min: &str) -> Given {
    Given {
        config: vec![("ttl", Datum::Duration(Span { seconds: 3_600, nanos: 0 })), ("aal_min", text(aal_min))],
        event: vec![
            ("authentication.aal", text(aal)),
            ("authentication.methods", words(&["password", "totp"])),
            ("user.id", text("usr_alice")),
            ("client.id", text("app_1")),
            ("request.ip", text("203.0.113.9")),
            ("request.device.id", text("dev_1")),
            ("request.geo.country", text("FR")),
            ("request.geo.lat", Datum::Double(48.85)),
            ("request.geo.long", Datum::Int(2)),
        ],
        at: world.host.now().seconds,
        ..Given::default()
    }
}

#[tokio::test]
async fn a_session_is_signed_stored_and_remembered() {
    let world = world().await;
    let mut unit = Unit::default();
    let done = world.run("issue_session", mint(&world, "aal2", "aal2"), &mut unit).await.unwrap();
    let Done::Settle(Settled::Session { session, token, .. }) = done else { panic!("no session") };
    assert_eq!(session.get("aal"), Some(&text("aal2")));
    assert_eq!(session.get("methods"), Some(&words(&["password", "totp"])));
    let claims = world.host.verify_jwt(&world.tenant, SESSION_TOKEN, &token).await.unwrap();
    let claims = admit_eval::json::to_json(&claims);
    let claim = |name: &str| claims.get(name).cloned().unwrap_or_default();
    assert_eq!(claim("sub"), "usr_alice");
    assert_eq!(claim("iss"), "urn:admit:tenant:local");
    assert_eq!(claim("aud"), "app_1");
    assert_eq!(claim("aal"), "aal2");
    assert_eq!(claim("amr"), serde_json::json!(["pwd", "otp", "mfa"]));
    assert_eq!(Some(claim("sid").as_str().unwrap()), session.get("id").unwrap().as_str());
    assert_eq!(claim("exp").as_i64().unwrap() - claim("iat").as_i64().unwrap(), 3_600);
    // T1: another tenant does not take it.
    assert!(world.host.verify_jwt(&"other".parse().unwrap(), SESSION_TOKEN, &token).await.is_err());

    world.commit("run_1", unit).await.unwrap();
    let past = world.store.sign_ins(&world.tenant, "usr_alice", 5).await.unwrap();
    let past = past.first().unwrap();
    assert_eq!(
        (past.device.as_deref(), past.country.as_deref(), past.position),
        (Some("dev_1"), Some("FR"), Some((48.85, 2.0)))
    );
    let user = world.store.find_user(&world.tenant, "usr_alice").await.unwrap().unwrap();
    assert_eq!(user.login_count, 1);
}

#[tokio::test]
async fn nobody_gets_a_session_below_the_level_or_without_being_an_active_user() {
    let world = world().await;
    let mut unit = Unit::default();
    for (aal, aal_min, reason) in [
        ("aal0", "aal1", "insufficient_aal"),
        ("aal1", "aal2", "insufficient_aal"),
        ("aal2", "aal3", "insufficient_aal"),
        ("", "aal1", "insufficient_aal"),
        ("AAL2", "aal1", "insufficient_aal"),
        ("aal0", "aal0", "insufficient_aal"),
    ] {
        assert_eq!(denied(world.run("issue_session", mint(&world, aal, aal_min), &mut unit).await), reason);
    }
    for user in [None, Some("usr_nobody")] {
        let mut given = mint(&world, "aal1", "aal1");
        given.event.retain(|(path, _)| *path != "user.id");
        given.event.extend(user.map(|user| ("user.id", text(user))));
        assert_eq!(denied(world.run("issue_session", given, &mut unit).await), "not_authenticated");
    }
    world.store.set_status(&world.tenant, "usr_alice", Status::Blocked).await.unwrap();
    assert_eq!(denied(world.run("issue_session", mint(&world, "aal1", "aal1"), &mut unit).await), "user_blocked");
    assert!(unit.writes.is_empty() && unit.audit.is_empty());
    for seconds in [0, -5] {
        let mut given = mint(&world, "aal1", "aal1");
        given.config = vec![("ttl", Datum::Duration(Span { seconds, nanos: 0 })), ("aal_min", text("aal1"))];
        assert!(world.run("issue_session", given, &mut unit).await.is_err());
    }
}

fn record(fields: &[(&str, &str)]) -> Datum {
    Datum::Map(fields.iter().map(|(name, value)| (text(name), text(value))).collect())
}

#[tokio::test]
async fn t34_the_cookie_of_a_session_is_for_https_and_no_script_whatever_the_flow_says() {
    let world = world().await;
    let cookie = |fields: &[(&str, &str)]| {
        let mut given = mint(&world, "aal1", "aal1");
        given.config.push(("cookie", record(fields)));
        let world = &world;
        async move {
            match world.run("issue_session", given, &mut Unit::default()).await {
                Ok(Done::Settle(Settled::Session { cookie, .. })) => Ok(admit_eval::json::to_json(&cookie.unwrap())),
                Ok(other) => panic!("{}", name(&other)),
                Err(error) => Err(error.to_string()),
            }
        }
    };
    let plain = serde_json::json!({
        "name": "sid", "path": "/", "secure": true, "http_only": true, "same_site": "lax", "max_age": 3_600,
    });
    assert_eq!(cookie(&[("name", "sid")]).await.unwrap(), plain);
    let mut wanted = plain.clone();
    (wanted["name"], wanted["path"], wanted["domain"]) = ("__Secure-sid".into(), "/app".into(), "example.com".into());
    for same_site in ["strict", "lax", "none"] {
        wanted["same_site"] = same_site.into();
        let fields = [("name", "__Secure-sid"), ("path", "/app"), ("domain", "example.com"), ("same_site", same_site)];
        assert_eq!(cookie(&fields).await.unwrap(), wanted);
    }
    wanted = plain.clone();
    wanted["name"] = "__Host-sid".into();
    assert_eq!(cookie(&[("name", "__Host-sid")]).await.unwrap(), wanted);
    assert_eq!(cookie(&[("name", "__Host-sid"), ("path", "/")]).await.unwrap(), wanted);
    // RFC 6265bis section 4.1.3: browsers drop a cookie whose prefix is not kept to, in whatever case it is written.
    for fields in [
        [("name", "__Host-sid"), ("path", "/app")],
        [("name", "__Host-sid"), ("domain", "example.com")],
        [("name", "__HOST-sid"), ("domain", "example.com")],
        [("name", "__host-sid"), ("path", "/app")],
        [("name", ""), ("path", "/")],
        [("name", "a b"), ("path", "/")],
        [("name", "a=b"), ("path", "/")],
        [("name", "a;Domain=evil.example"), ("path", "/")],
        [("name", "sid\r\nSet-Cookie: x"), ("path", "/")],
        [("name", "sidé"), ("path", "/")],
        [("name", "sid"), ("path", "app")],
        [("name", "sid"), ("path", "/;Domain=evil.example")],
        [("name", "sid"), ("path", "/\r\nSet-Cookie: x=y")],
        [("name", "sid"), ("domain", "")],
        [("name", "sid"), ("domain", "example.com;Path=/x")],
        [("name", "sid"), ("domain", "example.com\r\n")],
    ] {
        let refused = cookie(&fields).await.unwrap_err();
        assert!(refused.contains("cookie"), "{fields:?}: {refused}");
    }
}
