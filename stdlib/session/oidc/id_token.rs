//! The ID token (Core 1.0 sections 2 and 3.1.3.7): every claim that must be is there, and is right.

use admit_jose::{Headers, JwtError, VerifyingKey, verify_signature};
use admit_runtime::relying::Provider;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::{Map, Value};
use thiserror::Error;

/// How far the provider's clock may be from ours, in seconds.
const SKEW: i64 = 30;
/// How old a token may be that was just given out, in seconds.
const OLDEST: i64 = 10 * 60;

/// What it must be.
pub struct Expected<'a> {
    /// Whose it must be, and made for whom.
    pub provider: &'a Provider,
    /// What this run has asked with.
    pub nonce: &'a str,
    /// The access token that came with it.
    pub access: Option<&'a str>,
    /// Now, in seconds since the epoch.
    pub now: i64,
}

/// Why it is not taken.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum Wrong {
    /// It is signed with a key that is not known.
    #[error("the ID token's key is not known")]
    Key,
    /// Anything else.
    #[error("the ID token: {0}")]
    Token(String),
}

/// The claims of a token that is signed with one of these keys and is what it must be.
///
/// # Errors
/// Why it is not taken.
pub fn verify(token: &str, keys: &[VerifyingKey], expected: &Expected<'_>) -> Result<Map<String, Value>, Wrong> {
    let (header, payload) = verify_signature(token, keys, Headers::Foreign).map_err(|error| match error {
        JwtError::UnknownKey => Wrong::Key,
        JwtError::Malformed(_) | JwtError::BadSignature | JwtError::NotValid(_) => Wrong::Token(error.to_string()),
    })?;
    let wrong = |why: &str| Err(Wrong::Token(why.to_owned()));
    match header.get("typ").map(|kind| kind.as_str().map(str::to_ascii_lowercase)) {
        None => {}
        Some(Some(kind)) if kind == "jwt" => {}
        Some(_) => return wrong("it is of another kind"),
    }
    let claims = admit_jose::object(&payload).map_err(|_| Wrong::Token("its claims are no object".to_owned()))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.provider.issuer.as_str()) {
        return wrong("it is of another issuer");
    }
    let client = expected.provider.client_id.as_str();
    let others = match claims.get("aud") {
        Some(Value::String(one)) if one == client => false,
        Some(Value::Array(all)) if all.iter().any(|one| one == client) => all.len() > 1,
        Some(_) | None => return wrong("it is for another client"),
    };
    match (claims.get("azp"), others) {
        (Some(azp), _) if azp != client => return wrong("it was made for another client"),
        (None, true) => return wrong("it is for several, and does not say for whom it was made"),
        (Some(_) | None, _) => {}
    }
    let time = |name: &str| match claims.get(name) {
        Some(Value::Number(number)) => number.as_i64(),
        Some(_) | None => None,
    };
    match (time("exp"), time("iat")) {
        (Some(exp), Some(iat)) => {
            let now = expected.now;
            if exp.saturating_add(SKEW) <= now || iat.saturating_sub(SKEW) > now || iat.saturating_add(OLDEST) < now {
                return wrong("its time is over, or has not come");
            }
        }
        (_, _) => return wrong("it does not say when it was made and when it expires"),
    }
    if claims.contains_key("nbf") && time("nbf").is_none_or(|nbf| nbf.saturating_sub(SKEW) > expected.now) {
        return wrong("its time has not come");
    }
    if text("nonce") != Some(expected.nonce) {
        return wrong("it is of another sign-in");
    }
    if !text("sub").is_some_and(|subject| (1..=255).contains(&subject.len()) && subject.is_ascii()) {
        return wrong("it does not say who it is about");
    }
    if let Some(hash) = claims.get("at_hash")
        && hash.as_str() != expected.access.and_then(|access| half_hash(access, &header)).as_deref()
    {
        return wrong("another access token came with it");
    }
    Ok(claims)
}

/// The left half of the hash that the signature algorithm uses (Core 1.0 section 3.1.3.6); EdDSA uses SHA-512.
fn half_hash(access: &str, header: &Map<String, Value>) -> Option<String> {
    let algorithm = match header.get("alg").and_then(Value::as_str)? {
        "RS256" | "PS256" | "ES256" => &digest::SHA256,
        "ES384" => &digest::SHA384,
        "EdDSA" => &digest::SHA512,
        _ => return None,
    };
    let hash = digest::digest(algorithm, access.as_bytes());
    let (half, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    Some(URL_SAFE_NO_PAD.encode(half))
}
