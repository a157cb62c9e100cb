//! An OpenID provider for cases: metadata and keys from the start, a token endpoint that answers once the run's nonce is known.

use admit_jose::{Algorithm, SigningKey};
use admit_runtime::host::HttpResponse;
use admit_runtime::relying::{ClientAuthentication, Provider};
use admit_runtime::testing::TestHost;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use toml::{Table, Value};

/// The providers of a case: `known`, which works, and `broken`, whose metadata cannot be had.
pub fn providers(given: &Table) -> Vec<Provider> {
    let Some(issuer) = issuer(given) else { return Vec::new() };
    let provider = |name: &str, issuer: &str| Provider {
        name: name.to_owned(),
        issuer: issuer.to_owned(),
        client_id: "us".to_owned(),
        secret: None,
        authentication: ClientAuthentication::None,
        scopes: vec!["email".to_owned()],
        redirect_uri: "https://app.example/callback".to_owned(),
        algorithms: vec!["EdDSA".to_owned()],
    };
    vec![provider("known", issuer), provider("broken", "https://broken.example")]
}

/// Answers for metadata and keys.
pub fn seed(host: &TestHost, given: &Table) {
    let Some(issuer) = issuer(given) else { return };
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
    });
    host.answer(&format!("{issuer}/.well-known/openid-configuration"), response(&metadata, 200));
    host.answer(&format!("{issuer}/keys"), response(&json!({ "keys": [key().verifying().to_jwk()] }), 200));
    host.answer("https://broken.example/.well-known/openid-configuration", response(&json!({}), 500));
}

/// The state of the run, by the address that the user was sent to; the token endpoint answers for its nonce from now on.
pub fn state(host: &TestHost, given: &Table, url: &str, now: i64) -> Result<String, String> {
    let query = |name: &str| {
        let (_, query) = url.split_once('?')?;
        let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.map(str::to_owned)
    };
    let issuer = issuer(given).ok_or("the case has no provider")?;
    let mut claims = json!({"iss": issuer, "aud": "us", "iat": now, "exp": now + 300, "nonce": query("nonce")});
    let own = given.get("oidc").and_then(|oidc| oidc.get("claims")).and_then(Value::as_table);
    for (name, value) in own.into_iter().flatten() {
        claims[name] = serde_json::to_value(value).map_err(|error| error.to_string())?;
    }
    let token = admit_jose::sign(&key(), "JWT", &claims.to_string())?;
    let answer = json!({"access_token": "at", "token_type": "Bearer", "id_token": token});
    host.answer(&format!("{issuer}/token"), response(&answer, 200));
    query("state").ok_or_else(|| "the user was sent nowhere".to_owned())
}

fn issuer(given: &Table) -> Option<&str> {
    given.get("oidc")?.get("issuer")?.as_str()
}

/// The same in every case, because keys are kept between them.
fn key() -> SigningKey {
    let seed = [9; 32];
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let before = [0x30, 0x51, 2, 1, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let pkcs8 = [&before[..], &seed, &[0x81, 0x21, 0], pair.public_key().as_ref()].concat();
    SigningKey::open(Algorithm::EdDsa, &pkcs8).unwrap()
}

fn response(body: &serde_json::Value, status: u16) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}
