//! Tokens and key sets from outside: nothing verifies that the key did not sign, and no bytes make a panic.

use std::sync::LazyLock;

use admit_jose::{Algorithm, Expected, Headers, JwtError, SigningKey, key_set, verify, verify_signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Target;
use crate::choices::Choices;
use crate::histogram;

/// The target.
pub const TARGET: Target =
    Target { name: "token", promise: "no token verifies that its key did not sign, byte for byte", run, kinds };

const KINDS: [&str; 8] =
    ["verified", "malformed", "unknown key", "bad signature", "not valid", "foreign", "a key set", "no key set"];
const CLAIMS: &str = r#"{"iss":"i","sub":"s","aud":["a"],"iat":100,"exp":200,"nonce":"n"}"#;

/// A key of ours for each algorithm that we sign with.
static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    let key = |algorithm| SigningKey::open(algorithm, &SigningKey::generate(algorithm).ok()?).ok();
    [Algorithm::EdDsa, Algorithm::Es256].into_iter().filter_map(key).collect()
});

/// What is put in, instead of a byte or between two.
const PIECES: [&str; 22] = [
    "",
    ".",
    "..",
    "=",
    "A",
    "_",
    "-",
    "\0",
    " ",
    "\n",
    "é",
    "{}",
    "\"",
    "eyJhbGciOiJub25lIn0",
    "none",
    "HS256",
    "ES256",
    "EdDSA",
    "../",
    r#","alg":"none""#,
    r#","crit":["exp"]"#,
    r#","jwk":{}"#,
];

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    match choices.below(4) {
        0 => set(&mut choices),
        1 => parts(&mut choices),
        _ => bent(&mut choices),
    }
}

/// Kinds of ends.
pub fn kinds() -> Vec<String> {
    KINDS.map(str::to_owned).into()
}

/// A good token with some changes: it verifies only if it is the same.
fn bent(choices: &mut Choices<'_>) {
    let Some(key) = KEYS.get(choices.below(KEYS.len())) else { return };
    let Ok(good) = admit_jose::sign(key, "session+jwt", CLAIMS) else { return };
    let mut token = good.clone();
    for _ in 0..choices.below(4) {
        let at = choices.below(token.len());
        let with = choices.pick(&PIECES);
        match choices.below(3) {
            0 => token.insert_str(at, with),
            1 => token.replace_range(at..=at, with),
            _ => token.truncate(at),
        }
        if !token.is_ascii() || token.is_empty() {
            break;
        }
    }
    let is_taken = judge(&token, choices);
    assert!(!is_taken || token == good, "a changed token is taken: {token:?}");
}

/// A good token of another kind, issuer or time, or with a header that was put in the place of the one that was signed.
fn parts(choices: &mut Choices<'_>) {
    let Some(key) = KEYS.get(choices.below(KEYS.len())) else { return };
    let kind = choices.pick(&["session+jwt", "at+jwt", "logout+jwt", "JWT", "Session+JWT", ""]);
    let expiry = choices.pick(&["200", "100", "-1", "1e99", "\"x\"", "null", "99999999999999999999"]);
    let issuer = choices.pick(&["i", "I", "", "j"]);
    let claims = CLAIMS.replace("200", expiry).replace("\"i\"", &format!("\"{issuer}\""));
    let Ok(good) = admit_jose::sign(key, kind, &claims) else { return };
    let mut token = good.clone();
    if choices.one_in(2) {
        let mut header = format!(r#"{{"alg":"{}","kid":"{}","typ":"session+jwt"}}"#, key.algorithm().name(), key.id());
        let at = choices.below(header.len());
        header.insert_str(at, choices.pick(&PIECES));
        let rest = good.split_once('.').map_or("", |(_, rest)| rest);
        token = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(&header));
    }
    if judge(&token, choices) {
        let is_ours = (kind, expiry, issuer) == ("session+jwt", "200", "i");
        assert!(is_ours && token == good, "a token that is not ours is taken: {claims} {token}");
    }
}

/// Whether it is taken as a session; what a provider's token would come to is seen too.
fn judge(token: &str, choices: &mut Choices<'_>) -> bool {
    let keys: Vec<_> = KEYS.iter().map(SigningKey::verifying).collect();
    if verify_signature(token, &keys, Headers::Foreign).is_ok() {
        histogram::count("foreign");
    }
    let now = if choices.one_in(3) { 500 } else { 150 };
    let verified = verify(token, &keys, Expected { kind: "session+jwt", issuer: "i", audience: None, now });
    histogram::count(match &verified {
        Ok(_) => "verified",
        Err(JwtError::Malformed(_)) => "malformed",
        Err(JwtError::UnknownKey) => "unknown key",
        Err(JwtError::BadSignature) => "bad signature",
        Err(JwtError::NotValid(_)) => "not valid",
    });
    assert!(now == 150 || verified.is_err(), "a token is taken after its time: {token}");
    verified.is_ok()
}

/// A key set: what is read from it is written as the same again, and a private key is never one.
fn set(choices: &mut Choices<'_>) {
    let keys: Vec<_> = KEYS.iter().map(|key| key.verifying().to_jwk()).collect();
    let mut text = serde_json::json!({ "keys": keys }).to_string();
    for _ in 0..choices.below(3) {
        let at = choices.below(text.len());
        if text.is_char_boundary(at) {
            text.insert_str(at, choices.pick(&PIECES));
        }
    }
    if choices.one_in(4) {
        text = String::from_utf8_lossy(choices.rest()).into_owned();
    }
    match key_set(text.as_bytes(), Algorithm::Rs256) {
        Ok(keys) => {
            histogram::count("a key set");
            for key in keys {
                let jwk = key.to_jwk();
                assert!(jwk.get("d").is_none() && jwk.get("k").is_none(), "a private key is read: {jwk}");
                let again = admit_jose::VerifyingKey::of_jwk(&jwk, Algorithm::Rs256);
                assert!(again.is_ok_and(|again| again.thumbprint() == key.thumbprint()), "a key changes: {jwk}");
            }
        }
        Err(_) => histogram::count("no key set"),
    }
}
