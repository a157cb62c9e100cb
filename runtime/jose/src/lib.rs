//! JSON Web Signatures, Keys and Tokens (RFC 7515, 7517, 7519, 8037) in the narrowest form that serves (RFC 8725): compact
//! form only, a key has one algorithm, and nothing in a token says how it is to be verified.
//!
//! No I/O: strings in, values out. The host signs and verifies our own tokens with it; the OpenID Connect client verifies
//! those of providers.

mod jwk;
mod jws;
mod unique;

pub use jwk::{JwkError, SigningKey, VerifyingKey, key_set};
pub use jws::{ACCESS, Expected, Headers, JwtError, LOGOUT, SESSION, sign, verify, verify_signature};
pub use unique::object;

/// Signature algorithms that are verified (RFC 7518 section 3, RFC 8037 section 3.1). There is no `none` and nothing
/// symmetric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519. Signed too.
    EdDsa,
    /// ECDSA on P-256 with SHA-256. Signed too.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-256: what OpenID providers sign with unless told otherwise.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::EdDsa, Self::Es256, Self::Es384, Self::Rs256, Self::Ps256];

    /// Its name in `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    /// By its name, which is compared byte by byte.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}
