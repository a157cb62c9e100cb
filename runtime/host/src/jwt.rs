//! JSON Web Tokens in the narrowest form that serves (RFC 7515 compact, RFC 7519, RFC 8037, RFC 8725): a header of
//! `alg`, `kid` and `typ`, nothing else; a key has one algorithm; EdDSA is signed, EdDSA and ES256 are verified.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::keys::key_id;

/// `typ` of a session token (RFC 8725 section 3.11: explicit, so that no token is taken for another kind).
pub const SESSION: &str = "session+jwt";
const LONGEST: usize = 16 * 1024;

/// A key that verifies, with its one algorithm.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    /// `kid`
    pub id: String,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// The public key: 32 bytes for EdDSA, an uncompressed point of 65 for ES256.
    pub bytes: Vec<u8>,
}

/// Algorithms that are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).
    Es256,
}

/// Why a token is refused. The caller of a service never sees which.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JwtError {
    /// Not three parts of canonical base64url, too long, or a header that is not ours.
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

/// A JSON object whose members are unique.
struct Unique(Map<String, Value>);

/// What a token must be.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// `typ`
    pub kind: &'a str,
    /// `iss`
    pub issuer: &'a str,
    /// Now, in seconds since the epoch: before `exp`, not before `iat` and `nbf`.
    pub now: i64,
}

/// Signs claims, a JSON object.
///
/// # Errors
/// Claims that are no object.
pub fn sign(key: &Ed25519KeyPair, kind: &str, claims: &str) -> Result<String, String> {
    let claims: Unique = serde_json::from_str(claims).map_err(|error| format!("the claims are no object: {error}"))?;
    let header = serde_json::json!({"alg": "EdDSA", "kid": key_id(key), "typ": kind});
    let payload = Value::Object(claims.0).to_string();
    let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
    let signature = key.sign(token.as_bytes());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

/// The verifying half of a signing key.
pub fn verifying_key(key: &Ed25519KeyPair) -> VerifyingKey {
    VerifyingKey { id: key_id(key), algorithm: Algorithm::EdDsa, bytes: key.public_key().as_ref().to_vec() }
}

/// Verifies a token with its claims.
pub fn verify(token: &str, keys: &[VerifyingKey], expected: Expected<'_>) -> Result<Map<String, Value>, JwtError> {
    let (header, payload) = verify_signature(token, keys)?;
    if header.get("typ").and_then(Value::as_str) != Some(expected.kind) {
        return Err(JwtError::NotValid("it is of another kind"));
    }
    let Unique(claims) = serde_json::from_slice(&payload).map_err(|_| JwtError::Malformed("claims"))?;
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(JwtError::NotValid("it is of another issuer"));
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

/// Header and payload of a token whose signature is right.
pub(crate) fn verify_signature(token: &str, keys: &[VerifyingKey]) -> Result<(Map<String, Value>, Vec<u8>), JwtError> {
    if token.len() > LONGEST {
        return Err(JwtError::Malformed("length"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed("parts"))?;
    let (header, payload) = signed.split_once('.').ok_or(JwtError::Malformed("parts"))?;
    if payload.contains('.') {
        return Err(JwtError::Malformed("parts"));
    }
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed("base64url"));
    let Unique(header) = serde_json::from_slice(&decode(header)?).map_err(|_| JwtError::Malformed("header"))?;
    // Anything else (`crit`, `jwk`, `jku`, `x5u`, `b64`, `zip`) asks for what is not done here.
    if header.keys().any(|name| !["alg", "kid", "typ"].contains(&name.as_str())) {
        return Err(JwtError::Malformed("header"));
    }
    let text = |name| header.get(name).and_then(Value::as_str);
    let key = keys.iter().find(|key| text("kid") == Some(key.id.as_str())).ok_or(JwtError::UnknownKey)?;
    let (name, algorithm): (_, &dyn ring::signature::VerificationAlgorithm) = match key.algorithm {
        Algorithm::EdDsa => ("EdDSA", &ED25519),
        Algorithm::Es256 => ("ES256", &ECDSA_P256_SHA256_FIXED),
    };
    if text("alg") != Some(name) {
        return Err(JwtError::UnknownKey);
    }
    let payload = decode(payload)?;
    UnparsedPublicKey::new(algorithm, &key.bytes)
        .verify(signed.as_bytes(), &decode(signature)?)
        .map_err(|_| JwtError::BadSignature)?;
    Ok((header, payload))
}

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member stands twice"));
                    }
                }
                Ok(Unique(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests;
