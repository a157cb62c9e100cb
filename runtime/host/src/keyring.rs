//! The signing keys at work: read from the store, kept for some seconds, rotated and pruned.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_eval::value::Instant;
use admit_jose::{Algorithm, Expected, JwtError, SigningKey, VerifyingKey};
use admit_runtime::host::{Host, HostError, Secret, StoreError};
use admit_runtime::keys::{KeyState, StoredKey};
use admit_runtime::tenant::TenantId;
use serde_json::{Value, json};

use crate::RealHost;

/// How long keys are used without looking for new ones: shorter than a retired key is kept at the least.
const FRESH: Duration = Duration::from_secs(5);
/// How soon they are looked for again where a token names an unknown key, so that nobody makes us read for each token.
const AGAIN: Duration = Duration::from_secs(1);

/// How tokens are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// `iss`; none: `urn:admit:tenant:<slug>`.
    pub issuer: Option<String>,
    /// The algorithm of keys that are made from now on.
    pub algorithm: Algorithm,
}

/// What is shown of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySummary {
    /// `kid`
    pub id: String,
    /// `alg`
    pub algorithm: String,
    /// What it is for now.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Instant,
    /// When it stopped signing.
    pub retired_at: Option<Instant>,
}

/// Keys that were read lately, by tenant.
#[derive(Default)]
pub(crate) struct KeyRing(Mutex<HashMap<TenantId, (Monotonic, Arc<Ring>)>>);

/// The keys of a tenant.
struct Ring {
    current: SigningKey,
    verifying: Vec<VerifyingKey>,
    summaries: Vec<KeySummary>,
}

impl Default for Signing {
    fn default() -> Self {
        Self { issuer: None, algorithm: Algorithm::EdDsa }
    }
}

impl RealHost {
    /// The tenant's keys, oldest first. The first ones are made here.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn keys(&self, tenant: &TenantId) -> Result<Vec<KeySummary>, HostError> {
        Ok(self.ring(tenant, Duration::ZERO).await?.summaries.clone())
    }

    /// The public halves as a JSON Web Key Set (RFC 7517): what verifies tokens now, and what will sign next.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn key_set(&self, tenant: &TenantId) -> Result<Value, HostError> {
        let ring = self.ring(tenant, FRESH).await?;
        Ok(json!({ "keys": ring.verifying.iter().map(VerifyingKey::to_jwk).collect::<Vec<_>>() }))
    }

    /// The next key signs from now on; a new one follows it.
    ///
    /// # Errors
    /// If the store fails, or somebody else has rotated at the same time.
    pub async fn rotate_keys(&self, tenant: &TenantId) -> Result<Vec<KeySummary>, HostError> {
        let before = self.ring(tenant, Duration::ZERO).await?;
        let next = self.fresh_key(KeyState::Next)?;
        let rotated = self.store.keys().rotate_keys(tenant, &before.current.id(), next, self.now()).await;
        rotated.map_err(|error| match error {
            StoreError::Conflict => HostError::Failed("the keys were rotated by somebody else meanwhile".to_owned()),
            StoreError::NotFound
            | StoreError::Expired
            | StoreError::Contended
            | StoreError::Unavailable(_)
            | StoreError::Failed(_) => failed(&error),
        })?;
        self.keys(tenant).await
    }

    /// Removes retired keys that no token needs any more; answers their ids.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn prune_keys(&self, tenant: &TenantId) -> Result<Vec<String>, HostError> {
        let removed = self.store.keys().prune_keys(tenant, self.now()).await.map_err(|error| failed(&error))?;
        self.ring(tenant, Duration::ZERO).await?;
        Ok(removed)
    }

    pub(crate) async fn sign(&self, tenant: &TenantId, kind: &str, claims: &str) -> Result<String, HostError> {
        let ring = self.ring(tenant, FRESH).await?;
        admit_jose::sign(&ring.current, kind, claims).map_err(HostError::Failed)
    }

    pub(crate) async fn verify(&self, tenant: &TenantId, kind: &str, token: &str) -> Result<Datum, HostError> {
        let issuer = self.issuer(tenant);
        let expected = Expected { kind, issuer: &issuer, audience: None, now: self.now().seconds };
        let ring = self.ring(tenant, FRESH).await?;
        let verified = match admit_jose::verify(token, &ring.verifying, expected) {
            Err(JwtError::UnknownKey) => {
                let ring = self.ring(tenant, AGAIN).await?;
                admit_jose::verify(token, &ring.verifying, expected)
            }
            verified => verified,
        };
        let claims = verified.map_err(|error| HostError::Failed(error.to_string()))?;
        Ok(json::from_json(&Value::Object(claims)))
    }

    /// The keys, read again where they are older than this.
    async fn ring(&self, tenant: &TenantId, fresh: Duration) -> Result<Arc<Ring>, HostError> {
        let known = self.keyring.0.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        if let Some((read, ring)) = known
            && read.elapsed() < fresh
        {
            return Ok(ring);
        }
        let read = Monotonic::now();
        let store = self.store.keys();
        let mut keys = store.keys(tenant).await.map_err(|error| failed(&error))?;
        if keys.is_empty() {
            let first = [self.fresh_key(KeyState::Current)?, self.fresh_key(KeyState::Next)?];
            store.add_first_keys(tenant, first, self.now()).await.map_err(|error| failed(&error))?;
            keys = store.keys(tenant).await.map_err(|error| failed(&error))?;
        }
        let ring = Arc::new(Ring::of(&keys)?);
        let mut known = self.keyring.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(tenant.clone(), (read, Arc::clone(&ring)));
        Ok(ring)
    }

    fn fresh_key(&self, state: KeyState) -> Result<StoredKey, HostError> {
        let algorithm = self.signing.algorithm;
        let private = SigningKey::generate(algorithm).map_err(HostError::Failed)?;
        let key = SigningKey::open(algorithm, &private).map_err(HostError::Failed)?;
        Ok(StoredKey {
            id: key.id(),
            algorithm: algorithm.name().to_owned(),
            state,
            private: Secret::new(private.as_slice()),
            created_at: self.now(),
            retired_at: None,
        })
    }
}

impl Ring {
    fn of(keys: &[StoredKey]) -> Result<Self, HostError> {
        let (mut current, mut verifying, mut summaries) = (None, Vec::new(), Vec::new());
        for stored in keys {
            let key = open(stored)
                .map_err(|why| HostError::Failed(format!("the signing key `{}` cannot be used: {why}", stored.id)))?;
            verifying.push(key.verifying());
            summaries.push(KeySummary {
                id: stored.id.clone(),
                algorithm: stored.algorithm.clone(),
                state: stored.state,
                created_at: stored.created_at,
                retired_at: stored.retired_at,
            });
            if stored.state == KeyState::Current {
                current = Some(key);
            }
        }
        let current = current.ok_or_else(|| HostError::Failed("no signing key is current".to_owned()))?;
        Ok(Self { current, verifying, summaries })
    }
}

/// A stored key; its id must be its own, so that no row can be put in the place of another.
fn open(stored: &StoredKey) -> Result<SigningKey, String> {
    let algorithm = Algorithm::of(&stored.algorithm).ok_or("its algorithm is not known")?;
    let key = SigningKey::open(algorithm, stored.private.expose())?;
    if key.id() == stored.id { Ok(key) } else { Err("its id is not its own".to_owned()) }
}

fn failed(error: &StoreError) -> HostError {
    if error.is_passing() { HostError::Overloaded } else { HostError::Failed(error.to_string()) }
}
