//! Whose keys: how we prove ourselves to a real OpenID provider with a key, and what becomes of sign-ins while a provider changes
//! its own, or moves.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_host::{Egress, KeyFile, Options, RealHost, Secrets};
use admit_jose::{Algorithm, SigningKey};
use admit_runtime::block::{BlockError, Done};
use admit_runtime::host::{Host as _, HttpResponse};
use admit_runtime::relying::{ClientAuthentication, Provider};
use admit_runtime::testing::TestHost;
use admit_runtime::unit::Unit;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::provider::Real;
use super::support::*;

fn provider(issuer: &str, client_id: &str, secret: Option<&str>, authentication: ClientAuthentication) -> Provider {
    Provider {
        name: client_id.to_owned(),
        issuer: issuer.to_owned(),
        client_id: client_id.to_owned(),
        secret: secret.map(str::to_owned),
        authentication,
        scopes: vec!["email".to_owned()],
        redirect_uri: "https://app.example/callback".to_owned(),
        algorithms: vec!["RS256".to_owned(), "EdDSA".to_owned()],
    }
}

fn given(name: &str, at: i64) -> Given {
    Given { config: vec![("provider", text(name)), ("link", text("create"))], at, ..Given::default() }
}

fn pem(pkcs8: &[u8]) -> String {
    let lines: Vec<String> =
        STANDARD.encode(pkcs8).as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_proves_us_to_a_real_provider_and_another_key_does_not() {
    let known = world().await;
    let tenant_set = known.host.key_set(&known.tenant).await.unwrap();
    let made = |algorithm| SigningKey::generate(algorithm).unwrap();
    let (ed, ec, stranger) = (made(Algorithm::EdDsa), made(Algorithm::Es256), made(Algorithm::EdDsa));
    let set_of = |algorithm, pkcs8: &[u8]| {
        let key = SigningKey::open(algorithm, pkcs8).unwrap();
        json!({ "keys": [key.verifying().to_jwk()] })
    };
    let client = |id: &str, algorithm: &str, set: Value| {
        json!({"client_id": id, "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": algorithm, "jwks": set})
    };
    let clients = json!([
        client("tenant", "EdDSA", tenant_set),
        client("own-ed", "EdDSA", set_of(Algorithm::EdDsa, &ed)),
        client("own-ec", "ES256", set_of(Algorithm::Es256, &ec)),
        client("swapped", "EdDSA", set_of(Algorithm::EdDsa, &stranger)),
    ]);
    let mut real = Real::with(&clients.to_string());
    let mut egress = Egress::default();
    egress.allow_peer(real.issuer.strip_prefix("http://").unwrap()).unwrap();
    let mut secrets = Secrets::default();
    for (name, value) in
        [("ed", pem(&ed)), ("ec", pem(&ec)), ("nonsense", "-----BEGIN PRIVATE KEY-----\n!\n".to_owned())]
    {
        secrets.add(&format!("{name}=env:X"), &|_| Some(value.clone())).unwrap();
    }
    let jwt = ClientAuthentication::PrivateKeyJwt;
    let mut providers: Vec<Provider> =
        [("tenant", None), ("own-ed", Some("ed")), ("own-ec", Some("ec")), ("swapped", Some("ed"))]
            .map(|(name, secret)| provider(&real.issuer, name, secret, jwt))
            .to_vec();
    providers.push(Provider { name: "broken".to_owned(), ..provider(&real.issuer, "own-ed", Some("nonsense"), jwt) });
    let (keys, _) = KeyFile::open_or_create(&KeyFile::beside(&known.dir.path().join("admit.db"))).unwrap();
    let options = Options { egress, secrets, providers, ..Options::default() };
    let host = RealHost::new(Arc::new(known.store.clone()), keys, options).unwrap();
    let now = host.now().seconds;
    for (name, ends) in [
        ("tenant", "verified"),
        ("own-ed", "verified"),
        ("own-ec", "verified"),
        ("swapped", "refused"),
        ("broken", "failed"),
    ] {
        let mut unit = Unit::default();
        let asked = prompt(run_on(&host, &known.tenant, "social_oidc_callback", given(name, now), &mut unit).await);
        let end = real.ask(&["sign-in", asked.challenge.get("redirect").unwrap().as_str().unwrap()]);
        let (_, query) = end.split_once('?').unwrap_or_else(|| panic!("{end}"));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| (text(name), text(&value.replace("%3A", ":").replace("%2F", "/"))));
        let callback = Datum::Map(pairs.collect());
        let answer = Given {
            fields: vec![("callback", callback)],
            memory: Some(asked.memory),
            ..given(name, host.now().seconds)
        };
        let end = match run_on(&host, &known.tenant, "social_oidc_callback", answer, &mut unit).await {
            Ok(Done::Output(output)) if field(&output, "verified") == Datum::Bool(true) => "verified",
            Ok(Done::Output(output)) if output.user.is_none() && unit.writes.is_empty() => "refused",
            Err(BlockError::Named { name: "provider_failed", .. }) => "failed",
            other => panic!("{name}: {:?}", other.map(|done| super::support::name(&done))),
        };
        assert_eq!(end, ends, "{name}: {:?}", unit.audit);
    }
}

const ISSUER: &str = "https://rotating.example";

fn signing_key() -> SigningKey {
    SigningKey::open(Algorithm::EdDsa, &SigningKey::generate(Algorithm::EdDsa).unwrap()).unwrap()
}

fn answer(body: Value) -> HttpResponse {
    HttpResponse { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() }
}

fn publish(host: &TestHost, token_endpoint: &str, keys: &[&SigningKey]) {
    host.answer(
        &format!("{ISSUER}/.well-known/openid-configuration"),
        answer(json!({
            "issuer": ISSUER, "authorization_endpoint": format!("{ISSUER}/auth"), "token_endpoint": token_endpoint,
            "jwks_uri": format!("{ISSUER}/keys"),
        })),
    );
    let keys: Vec<Value> = keys.iter().map(|key| key.verifying().to_jwk()).collect();
    host.answer(&format!("{ISSUER}/keys"), answer(json!({ "keys": keys })));
}

/// One sign-in at a provider that signs with this key: whether it verified, and how often we asked the provider.
async fn sign_in(world: &World, host: &TestHost, token_endpoint: &str, key: &SigningKey) -> (bool, u64) {
    let before = host.sent();
    let mut unit = Unit::default();
    let now = host.now().seconds;
    let asked = prompt(run_on(host, &world.tenant, "social_oidc_callback", given("rotating", now), &mut unit).await);
    let known = |name: &str| asked.memory.get(name).unwrap().as_str().unwrap().to_owned();
    let claims =
        json!({"iss": ISSUER, "sub": "dora", "aud": "rotating", "iat": now, "exp": now + 300, "nonce": known("nonce")});
    let token = admit_jose::sign(key, "JWT", &claims.to_string()).unwrap();
    host.answer(token_endpoint, answer(json!({"access_token": "a", "token_type": "Bearer", "id_token": token})));
    let callback = json::from_json(&json!({"code": "c", "state": known("state")}));
    let given = Given { fields: vec![("callback", callback)], memory: Some(asked.memory), ..given("rotating", now) };
    let output = output(run_on(host, &world.tenant, "social_oidc_callback", given, &mut unit).await);
    (field(&output, "verified") == Datum::Bool(true), host.sent() - before)
}

#[tokio::test]
async fn t40_keys_are_looked_for_again_for_a_new_one_but_not_for_each_that_is_made_up() {
    let world = world().await;
    let mut host = TestHost::new(at(1_800_000_000), 1);
    host.providers = vec![provider(ISSUER, "rotating", None, ClientAuthentication::None)];
    let (first, second, stranger) = (signing_key(), signing_key(), signing_key());
    let (old, new) = (format!("{ISSUER}/token"), format!("{ISSUER}/token/v2"));
    let seconds = |count: u64| host.clock.advance(count * 1_000_000_000);
    publish(&host, &old, &[&first]);
    // Metadata, code, keys; then they are known, and only the code is exchanged.
    assert_eq!(sign_in(&world, &host, &old, &first).await, (true, 3));
    assert_eq!(sign_in(&world, &host, &old, &first).await, (true, 1));
    // The provider signs with another key in the middle of it: the keys are asked for once more.
    seconds(11);
    publish(&host, &old, &[&first, &second]);
    assert_eq!(sign_in(&world, &host, &old, &second).await, (true, 2));
    assert_eq!(sign_in(&world, &host, &old, &second).await, (true, 1));
    // Keys that nobody published: nobody makes us ask for each, and nobody gets in.
    for _ in 0..20 {
        assert_eq!(sign_in(&world, &host, &old, &stranger).await, (false, 1));
    }
    seconds(11);
    assert_eq!(sign_in(&world, &host, &old, &stranger).await, (false, 2));
    assert_eq!(sign_in(&world, &host, &old, &stranger).await, (false, 1));
    // A key that was taken back is good until what we have is an hour old, or another is asked for.
    publish(&host, &new, &[&second]);
    seconds(11);
    assert_eq!(sign_in(&world, &host, &old, &stranger).await, (false, 2));
    assert_eq!(sign_in(&world, &host, &old, &first).await, (false, 1));
    // After an hour the metadata are read anew: the provider has moved its token endpoint.
    seconds(3_600);
    assert_eq!(sign_in(&world, &host, &new, &second).await, (true, 3));
    // Where they cannot be had, nobody gets in.
    seconds(3_601);
    host.fail(&format!("{ISSUER}/.well-known/openid-configuration"), "connection refused");
    let mut unit = Unit::default();
    let refused =
        run_on(&host, &world.tenant, "social_oidc_callback", given("rotating", host.now().seconds), &mut unit).await;
    assert!(refused.is_err() && unit.writes.is_empty());
}
