//! OpenID Connect against a real provider on this machine (`oidc-provider` of npm), and against one that lies; our own tokens
//! under a library that did not sign them.

use std::sync::{Arc, Mutex};

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_host::{Egress, Options, Secrets};
use admit_jose::{Algorithm, SigningKey};
use admit_runtime::block::{BlockError, Done, Output};
use admit_runtime::host::Host as _;
use admit_runtime::relying::{ClientAuthentication, Provider};
use admit_runtime::session::{ACCESS_TOKEN, SESSION_TOKEN};
use admit_runtime::unit::{Unit, Write};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::provider::Real;
use super::support::*;

/// What the browser of the user brings back, as parameters.
fn sign_in(real: &mut Real, url: &str) -> Datum {
    let end = real.ask(&["sign-in", url]);
    let (_, query) = end.split_once("https://app.example/callback?").unwrap_or_else(|| panic!("{end}"));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let decoded = |value: &str| value.replace("%3A", ":").replace("%2F", "/");
    Datum::Map(pairs.map(|(name, value)| (text(name), text(&decoded(value)))).collect())
}

fn provider(issuer: &str, client_id: &str, authentication: ClientAuthentication) -> Provider {
    Provider {
        name: client_id.to_owned(),
        issuer: issuer.to_owned(),
        client_id: client_id.to_owned(),
        secret: (authentication != ClientAuthentication::None).then(|| format!("secret-of-{client_id}")),
        authentication,
        scopes: vec!["email".to_owned(), "profile".to_owned()],
        redirect_uri: "https://app.example/callback".to_owned(),
        algorithms: vec!["RS256".to_owned()],
    }
}

async fn world_with_providers(issuer: &str, providers: Vec<Provider>) -> World {
    let mut egress = Egress::default();
    egress.allow_peer(issuer.strip_prefix("http://").unwrap()).unwrap();
    let mut secrets = Secrets::default();
    let known = |name: &str| match name {
        "BASIC" => Some("s3cret of basic & co".to_owned()),
        _ => Some("s3cret-of-post".to_owned()),
    };
    secrets.add("secret-of-basic=env:BASIC", &known).unwrap();
    secrets.add("secret-of-post=env:POST", &known).unwrap();
    world_of(Options { egress, secrets, providers, ..Options::default() }).await
}

fn given(world: &World, name: &str, link: &str) -> Given {
    Given {
        config: vec![("provider", text(name)), ("link", text(link))],
        at: world.host.now().seconds,
        ..Given::default()
    }
}

fn url_of(challenge: &Datum) -> String {
    challenge.get("redirect").unwrap().as_str().unwrap().to_owned()
}

fn verified(output: &Output) -> bool {
    field(output, "verified") == Datum::Bool(true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_signs_in_at_a_real_provider_however_we_prove_ourselves() {
    let mut real = Real::start();
    let issuer = real.issuer.clone();
    let ways = [
        ("basic", ClientAuthentication::SecretBasic),
        ("post", ClientAuthentication::SecretPost),
        ("public", ClientAuthentication::None),
    ];
    let providers = ways.map(|(name, how)| provider(&issuer, name, how)).to_vec();
    let world = world_with_providers(&issuer, providers).await;
    let mut first = None;
    for (index, (name, _)) in ways.into_iter().enumerate() {
        let mut unit = Unit::default();
        // Sent away by the one block, taken back by the other, in one request.
        let asked = prompt(world.run("social_oidc_redirect", given(&world, name, "create"), &mut unit).await);
        let url = url_of(&asked.challenge);
        assert!(url.starts_with(&format!("{issuer}/auth?")) && url.contains("code_challenge_method=S256"), "{url}");
        let callback = sign_in(&mut real, &url);
        let answer = Given {
            fields: vec![("callback", callback.clone())],
            memory: Some(asked.memory),
            ..given(&world, name, "create")
        };
        output(world.run("social_oidc_redirect", answer, &mut unit).await);
        let back = output(world.run("social_oidc_callback", given(&world, name, "create"), &mut unit).await);
        assert!(verified(&back), "{name}: {:?}", unit.audit);
        assert_eq!((field(&back, "subject"), field(&back, "email_verified")), (text("carol"), Datum::Bool(true)));
        let user = back.user.clone().unwrap();
        assert_eq!(user.get("email"), Some(&text("carol@cymmetri.com")));
        // One user of ours, whichever client of the provider she comes through.
        let id = user.get("id").cloned();
        assert_eq!(first.get_or_insert(id.clone()), &id);
        // The code counts once, also where everything else is right.
        let again = output(world.run("social_oidc_callback", given(&world, name, "create"), &mut unit).await);
        assert!(!verified(&again));
        world.commit(&format!("run_{index}"), unit).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t32_tokens_verify_under_a_library_that_did_not_sign_them() {
    let mut real = Real::start();
    let world = world().await;
    let now = world.host.now().seconds;
    let claims = json!({"iss": "urn:admit:tenant:local", "sub": "usr_alice", "iat": now, "exp": now + 60}).to_string();
    let token = world.host.sign_jwt(&world.tenant, SESSION_TOKEN, &claims).await.unwrap();
    let set = world.host.key_set(&world.tenant).await.unwrap().to_string();
    assert!(!set.contains("\"d\""), "no private key is published");
    let said = real.ask(&["verify", &set, &token]);
    let told: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!((told["sub"].as_str(), told["header"]["typ"].as_str()), (Some("usr_alice"), Some(SESSION_TOKEN)));
    // Over a rotation the old token verifies, the next key was published before, and the token after it is another key's.
    world.host.rotate_keys(&world.tenant).await.unwrap();
    let later = world.host.sign_jwt(&world.tenant, ACCESS_TOKEN, &claims).await.unwrap();
    let rotated = world.host.key_set(&world.tenant).await.unwrap().to_string();
    for (set, token) in [(&rotated, &token), (&rotated, &later), (&set, &later)] {
        assert!(real.ask(&["verify", set, token]).contains("usr_alice"));
    }
    assert!(world.host.verify_jwt(&world.tenant, SESSION_TOKEN, &token).await.is_ok());
    // Nothing that was signed before is needed by a session: it may go only after the time that others have to notice.
    assert!(world.host.prune_keys(&world.tenant).await.unwrap().is_empty());
    let forged = format!("{}A", token.strip_suffix(token.chars().last().unwrap()).unwrap());
    assert!(forged == token || real.ask(&["verify", &rotated, &forged]).starts_with("refused"));
}

/// What a hostile provider answers: claims of its ID token, and what else is wrong.
#[derive(Clone, Default)]
struct Lie {
    claims: Vec<(&'static str, Option<Value>)>,
    kind: &'static str,
    algorithm: Option<&'static str>,
    body: Option<&'static str>,
    callback: Vec<(&'static str, Option<&'static str>)>,
}

/// A provider that answers as the lie says.
async fn hostile(lie: Arc<Mutex<(Lie, String, i64)>>, key: Arc<SigningKey>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let own = issuer.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0; 16 * 1024];
            let read = socket.read(&mut buffer).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
            let body = if request.starts_with("GET /.well-known") {
                json!({
                    "issuer": own, "authorization_endpoint": format!("{own}/auth"), "token_endpoint": format!("{own}/token"),
                    "jwks_uri": format!("{own}/jwks"), "authorization_response_iss_parameter_supported": true,
                })
                .to_string()
            } else if request.starts_with("GET /jwks") {
                json!({ "keys": [key.verifying().to_jwk()] }).to_string()
            } else {
                let (lie, nonce, now) = lie.lock().unwrap().clone();
                token_answer(&lie, &own, &nonce, now, &key)
            };
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = socket.write_all(answer.as_bytes()).await;
            let _ = socket.shutdown().await;
        }
    });
    issuer
}

fn token_answer(lie: &Lie, issuer: &str, nonce: &str, now: i64, key: &SigningKey) -> String {
    if let Some(body) = lie.body {
        return body.to_owned();
    }
    let mut claims = json!({
        "iss": issuer, "sub": "mallory", "aud": "liar", "iat": now, "exp": now + 300, "nonce": nonce,
        "email": "alice@cymmetri.com", "email_verified": true,
    });
    for (name, value) in &lie.claims {
        match value {
            Some(value) => claims[*name] = value.clone(),
            None => drop(claims.as_object_mut().unwrap().remove(*name)),
        }
    }
    let kind = if lie.kind.is_empty() { "JWT" } else { lie.kind };
    let mut token = admit_jose::sign(key, kind, &claims.to_string()).unwrap();
    if let Some(algorithm) = lie.algorithm {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let payload = token.split('.').nth(1).unwrap().to_owned();
        let header = encode(&format!(r#"{{"alg":"{algorithm}","kid":"{}"}}"#, key.id()));
        token = format!("{header}.{payload}.");
    }
    json!({"access_token": "at", "token_type": "Bearer", "id_token": token}).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t40_a_provider_that_lies_in_any_field_lets_nobody_in() {
    let key = SigningKey::open(Algorithm::EdDsa, &SigningKey::generate(Algorithm::EdDsa).unwrap()).unwrap();
    let lie = Arc::new(Mutex::new((Lie::default(), String::new(), 0)));
    let issuer = hostile(Arc::clone(&lie), Arc::new(key)).await;
    let mut liar = provider(&issuer, "liar", ClientAuthentication::None);
    liar.algorithms = vec!["EdDSA".to_owned()];
    let world = world_with_providers(&issuer, vec![liar]).await;
    let now = world.host.now().seconds;
    let try_it = |told: Lie, link: &'static str| {
        let (world, lie, issuer) = (&world, &lie, &issuer);
        async move {
            let mut unit = Unit::default();
            let asked = prompt(world.run("social_oidc_callback", given(world, "liar", link), &mut unit).await);
            let known = |name: &str| asked.memory.get(name).unwrap().as_str().unwrap().to_owned();
            *lie.lock().unwrap() = (told.clone(), known("nonce"), now);
            let mut callback = json!({"code": "c", "state": known("state"), "iss": issuer});
            for (name, value) in &told.callback {
                match value {
                    Some(value) => callback[*name] = (*value).into(),
                    None => drop(callback.as_object_mut().unwrap().remove(*name)),
                }
            }
            let answer = Given {
                fields: vec![("callback", json::from_json(&callback))],
                memory: Some(asked.memory),
                ..given(world, "liar", link)
            };
            (world.run("social_oidc_callback", answer, &mut unit).await, unit)
        }
    };
    // Without a lie it is somebody.
    let (done, unit) = try_it(Lie { claims: vec![("email", None)], ..Lie::default() }, "create").await;
    assert!(verified(&output(done)), "{:?}", unit.audit);
    // Who is not linked, or linked by an address that our user never proved, is nobody: alice's is not verified here.
    for link in ["none", "verified_email", "verified_email_or_create", "create"] {
        let (done, unit) = try_it(Lie::default(), link).await;
        assert!(!verified(&output(done)) && unit.writes.is_empty(), "{link}");
    }
    let claims = |name, value: Value| Lie { claims: vec![(name, Some(value)), ("email", None)], ..Lie::default() };
    let without = |name| Lie { claims: vec![(name, None), ("email", None)], ..Lie::default() };
    let mut lies = vec![
        claims("iss", json!("https://accounts.example")),
        claims("iss", json!(format!("{issuer}/"))),
        claims("aud", json!("another")),
        claims("aud", json!(["another"])),
        claims("aud", json!(["liar", "another"])),
        claims("azp", json!("another")),
        claims("exp", json!(now - 60)),
        claims("exp", json!("tomorrow")),
        claims("exp", json!(1e300)),
        claims("iat", json!(now + 3_600)),
        claims("iat", json!(now - 3_600)),
        claims("nbf", json!(now + 3_600)),
        claims("nonce", json!("of another run")),
        claims("sub", json!("")),
        claims("sub", json!(7)),
        claims("sub", json!("x".repeat(256))),
        claims("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ];
    lies.extend(["iss", "aud", "exp", "iat", "nonce", "sub"].map(without));
    let calm = || Lie { claims: vec![("email", None)], ..Lie::default() };
    lies.extend(["at+jwt", "session+jwt", "logout+jwt"].map(|kind| Lie { kind, ..calm() }));
    lies.extend(["none", "HS256", "RS256", "EdDSA"].map(|algorithm| Lie { algorithm: Some(algorithm), ..calm() }));
    lies.extend(
        [
            "",
            "{}",
            "[]",
            "not json",
            r#"{"id_token": 7}"#,
            r#"{"id_token": "a.b.c"}"#,
            r#"{"id_token":"","id_token":""}"#,
        ]
        .map(|body| Lie { body: Some(body), ..calm() }),
    );
    lies.extend(
        [
            ("state", None),
            ("state", Some("AAAA")),
            ("iss", None),
            ("iss", Some("https://accounts.example")),
            ("code", None),
            ("code", Some("")),
            ("error", Some("access_denied")),
            ("error", Some("\u{1b}[31m<script>")),
        ]
        .map(|change| Lie { callback: vec![change], ..calm() }),
    );
    let count = lies.len();
    for (index, told) in lies.into_iter().enumerate() {
        let (done, unit) = try_it(told, "create").await;
        match done {
            Ok(Done::Output(output)) => assert!(!verified(&output) && output.user.is_none(), "lie {index}"),
            Ok(other) => panic!("lie {index}: {}", name(&other)),
            Err(BlockError::Named { name, .. }) => assert_eq!(name, "provider_failed", "lie {index}"),
            Err(other) => panic!("lie {index}: {other}"),
        }
        assert!(!unit.writes.iter().any(|write| matches!(write, Write::InsertUser(_))), "lie {index} made a user");
    }
    assert!(count > 40, "{count} lies");
}
