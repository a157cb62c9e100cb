//! Credentials and challenges as runs write them.

use std::fmt;
use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;

use crate::host::Secret;

/// Secret bytes in a unit of work. They can be shared, not read by accident: printing gives no byte of them.
#[derive(Clone)]
pub struct Material(Arc<Secret>);

impl Material {
    /// Takes the bytes.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(Arc::new(Secret::new(bytes)))
    }

    /// The bytes, for the one place that needs them.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Material")
    }
}

/// A credential to be stored.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// `crd_...`
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// `password`, `totp`, `hotp`, `webauthn`, `sms`, `email`, `backup_code`, `social`. All but `password` and `social` are
    /// factors, and the kinds that a user has are `event.user.factors`.
    pub kind: String,
    /// A PHC string, a seed, a public key, the hash of a backup code: sealed at rest.
    pub material: Material,
    /// What is not secret of it: a record of JSON values, sealed as personal data.
    pub data: Datum,
    /// Where it begins to count: the sign count of WebAuthn, the counter of HOTP (RFC 4226).
    pub counter: Option<i64>,
    /// By what an authenticator or provider names it (the WebAuthn credential id; issuer and subject): unique in tenant and
    /// kind, stored as a keyed hash. Put it into `data` too where it has to be read again.
    pub external_id: Option<Vec<u8>>,
}

/// A credential without its material.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialInfo {
    /// `crd_...`
    pub id: String,
    /// As [`NewCredential::kind`].
    pub kind: String,
    /// As [`NewCredential::data`].
    pub data: Datum,
    /// When it was stored.
    pub created_at: Instant,
}

/// A challenge: what somebody has to show (a code, a link's token, a signature over a nonce) and has not shown yet.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// `chl_...`
    pub id: String,
    /// What it is for (`email_code`, `password_reset`, `webauthn`, ...): shown for anything else it is not there.
    pub kind: String,
    /// The run that it belongs to; none: any run may take it (a link that is opened later).
    pub run_id: Option<String>,
    /// Whose it is; none: nobody's, made so that an unknown user looks like a known one. Nothing shown is right for it.
    pub user_id: Option<String>,
    /// What must be shown. Only a hash of it is stored, keyed by the tenant and bound to the challenge's id, so that a stolen
    /// database gives no short code away.
    pub secret: Material,
    /// It is found by the secret alone, which must have 128 random bits at least: a link.
    pub by_secret: bool,
    /// What is kept with it: a record of JSON values, sealed.
    pub data: Datum,
    /// How often something may be shown.
    pub max_attempts: u32,
    /// Until when.
    pub expires_at: Instant,
}

/// Which sessions of a user end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoke {
    /// This one.
    One(String),
    /// All.
    All,
    /// All but this one.
    Others(String),
}
