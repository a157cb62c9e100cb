//! Compact JSON Web Signatures and the claims of tokens. Every check is on what was signed: a header of ours holds `alg`,
//! `kid` and `typ` and nothing else, a key has one algorithm, members are unique.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::jwk::{SigningKey, VerifyingKey};
use crate::unique::object;

/// `typ` of a session token (RFC 8725 section 3.11: explicit, so that no token is taken for another kind).
pub const SESSION: &str = "session+jwt";
/// `typ` of an access token (RFC 9068 section 2.1).
pub const ACCESS: &str = "at+jwt";
/// `typ` of a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
pub const LOGOUT: &str = "logout+jwt";
const LONGEST: usize = 16 * 1024;

/// Why a token is refused. The caller of a service never sees which.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JwtError {
    /// Not three parts of canonical base64url, too long, or a header that is not allowed.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// No key has its `kid`, or the key is for another algorithm.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The signature is not right.
    #[error("the signature is not right")]
    BadSignature,
    /// It is another kind of token, somebody else's, or out of its time.
    #[error("the token is not valid here: {0}")]
    NotValid(&'static str),
}

/// What may stand in a token's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// `alg`, `kid` and `typ`: nothing else is ours.
    Ours,
    /// Whatever a provider adds, except what asks for something that is not done here (`crit`, `b64`, `zip`, `enc`, a nested
    /// token). Keys and addresses of keys in it (`jwk`, `jku`, `x5u`, `x5c`) are not looked at.
    Foreign,
}

/// What a token must be.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// `typ`
    pub kind: &'a str,
    /// `iss`
    pub issuer: &'a str,
    /// One of `aud`; none: it is not looked at.
    pub audience: Option<&'a str>,
    /// Now, in seconds since the epoch: before `exp`, not before `iat` and `nbf`.
    pub now: i64,
}

/// Signs claims, a JSON object.
///
/// # Errors
/// Claims that are no object.
pub fn sign(key: &SigningKey, kind: &str, claims: &str) -> Result<String, String> {
    let claims = object(claims.as_bytes()).map_err(|error| format!("the claims are no object: {error}"))?;
    let header = serde_json::json!({"alg": key.algorithm().name(), "kid": key.id(), "typ": kind});
    let payload = Value::Object(claims).to_string();
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

/// Verifies one of our own tokens with its claims.
///
/// # Errors
/// Why it is refused.
pub fn verify(token: &str, keys: &[VerifyingKey], expected: Expected<'_>) -> Result<Map<String, Value>, JwtError> {
    let (header, payload) = verify_signature(token, keys, Headers::Ours)?;
    if header.get("typ").and_then(Value::as_str) != Some(expected.kind) {
        return Err(JwtError::NotValid("it is of another kind"));
    }
    let claims = object(&payload).map_err(|_| JwtError::Malformed("claims"))?;
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(JwtError::NotValid("it is of another issuer"));
    }
    if let Some(audience) = expected.audience
        && !is_for(&claims, audience)
    {
        return Err(JwtError::NotValid("it is for somebody else"));
    }
    match claims.get("exp").and_then(Value::as_i64) {
        Some(exp) if expected.now < exp => {}
        Some(_) => return Err(JwtError::NotValid("it has expired")),
        None => return Err(JwtError::NotValid("it does not say when it expires")),
    }
    for name in ["iat", "nbf"] {
        match claims.get(name).map(Value::as_i64) {
            None => {}
            Some(Some(time)) if time <= expected.now => {}
            Some(_) => return Err(JwtError::NotValid("its time has not come")),
        }
    }
    Ok(claims)
}

/// `aud` is the audience, or a list of strings with it in.
fn is_for(claims: &Map<String, Value>, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(all)) => all.iter().all(Value::is_string) && all.iter().any(|one| one == audience),
        Some(_) | None => false,
    }
}

/// Header and payload of a token whose signature is right. A token without `kid` is verified only where one key alone has
/// its algorithm.
///
/// # Errors
/// Why it is refused.
pub fn verify_signature(
    token: &str,
    keys: &[VerifyingKey],
    headers: Headers,
) -> Result<(Map<String, Value>, Vec<u8>), JwtError> {
    if token.len() > LONGEST {
        return Err(JwtError::Malformed("length"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed("parts"))?;
    let (header, payload) = signed.split_once('.').ok_or(JwtError::Malformed("parts"))?;
    // Five parts are an encrypted token (RFC 7516): those are not taken.
    if payload.contains('.') {
        return Err(JwtError::Malformed("parts"));
    }
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed("base64url"));
    let header = object(&decode(header)?).map_err(|_| JwtError::Malformed("header"))?;
    let refused: fn(&str) -> bool = match headers {
        Headers::Ours => |name| !["alg", "kid", "typ"].contains(&name),
        Headers::Foreign => |name| ["crit", "b64", "zip", "enc", "cty", "epk"].contains(&name),
    };
    if header.keys().any(|name| refused(name)) {
        return Err(JwtError::Malformed("header"));
    }
    let key = key_of(&header, keys, headers)?;
    if header.get("alg").and_then(Value::as_str) != Some(key.algorithm.name()) {
        return Err(JwtError::UnknownKey);
    }
    let payload = decode(payload)?;
    match key.verifies(signed.as_bytes(), &decode(signature)?) {
        true => Ok((header, payload)),
        false => Err(JwtError::BadSignature),
    }
}

fn key_of<'k>(
    header: &Map<String, Value>,
    keys: &'k [VerifyingKey],
    headers: Headers,
) -> Result<&'k VerifyingKey, JwtError> {
    match header.get("kid") {
        Some(Value::String(id)) => keys.iter().find(|key| key.id.as_ref() == Some(id)).ok_or(JwtError::UnknownKey),
        None if headers == Headers::Foreign => {
            let named = header.get("alg").and_then(Value::as_str);
            let mut fitting = keys.iter().filter(|key| Some(key.algorithm.name()) == named);
            match (fitting.next(), fitting.next()) {
                (Some(only), None) => Ok(only),
                (_, _) => Err(JwtError::UnknownKey),
            }
        }
        Some(_) | None => Err(JwtError::UnknownKey),
    }
}

#[cfg(test)]
mod tests;
