//! Signing keys of a tenant as the store keeps them: one that signs, one that follows it and is published before, and those
//! that signed before and still verify.

use admit_eval::value::Instant;

use crate::host::{BoxFuture, Secret, StoreError};
use crate::tenant::TenantId;

/// What a key is for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is published, so that verifiers know it before it signs.
    Next,
    /// It signs.
    Current,
    /// It signed before, and verifies what it has signed.
    Retired,
}

/// A signing key. No `Debug`: it holds the key.
pub struct StoredKey {
    /// `kid`
    pub id: String,
    /// `EdDSA` or `ES256`: a key has one algorithm.
    pub algorithm: String,
    /// What it is for now.
    pub state: KeyState,
    /// The key, as PKCS #8.
    pub private: Secret,
    /// When it was made.
    pub created_at: Instant,
    /// When it stopped signing.
    pub retired_at: Option<Instant>,
}

/// The part of a store that keeps signing keys.
pub trait Keys: Send + Sync {
    /// All keys of the tenant, oldest first.
    fn keys<'a>(&'a self, tenant: &'a TenantId) -> BoxFuture<'a, Result<Vec<StoredKey>, StoreError>>;

    /// Adds the first keys, one that signs and one that follows; does nothing where there are keys already.
    fn add_first_keys<'a>(
        &'a self,
        tenant: &'a TenantId,
        keys: [StoredKey; 2],
        now: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The next key signs from now on, the current one is retired, and `next` follows. `Conflict` where `current` is not the
    /// id of the key that signs any more: somebody else has rotated.
    fn rotate_keys<'a>(
        &'a self,
        tenant: &'a TenantId,
        current: &'a str,
        next: StoredKey,
        now: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Removes retired keys of which no session that may still be used can hold a token; answers their ids.
    fn prune_keys<'a>(&'a self, tenant: &'a TenantId, now: Instant) -> BoxFuture<'a, Result<Vec<String>, StoreError>>;
}

/// The keys of a store that keeps none.
pub struct NoKeys;

impl KeyState {
    /// `next`, `current`, `retired`
    pub fn word(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retired => "retired",
        }
    }

    /// By its word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Next, Self::Current, Self::Retired].into_iter().find(|state| state.word() == word)
    }
}

fn none<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(async { Err(StoreError::Failed("this store keeps no signing keys".to_owned())) })
}

impl Keys for NoKeys {
    fn keys<'a>(&'a self, _: &'a TenantId) -> BoxFuture<'a, Result<Vec<StoredKey>, StoreError>> {
        none()
    }

    fn add_first_keys<'a>(
        &'a self,
        _: &'a TenantId,
        _: [StoredKey; 2],
        _: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        none()
    }

    fn rotate_keys<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: StoredKey,
        _: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        none()
    }

    fn prune_keys<'a>(&'a self, _: &'a TenantId, _: Instant) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        none()
    }
}
