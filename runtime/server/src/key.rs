//! API keys: `admit_<tenant>.<id>.<secret>`. The tenant stands in the key, so that every query names one; the secret is 256
//! random bits, kept as its SHA-256 and shown once.

use std::fmt;

use admit_eval::datum::Datum;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;
use admit_store::NewApiKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

const PREFIX: &str = "admit_";

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Scope {
    /// Start and resume runs.
    Run,
    /// Read runs, bundles and audit.
    Read,
    /// Deploy, and roll back.
    Deploy,
    /// Manage what the tenant is set up with: settings, params, secrets, clients, Actions, users, keys.
    Manage,
    /// Operate the server, across tenants.
    Operate,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Run, Self::Read, Self::Deploy, Self::Manage, Self::Operate];
    /// Those that reach no other tenant.
    pub const OF_TENANT: [Self; 4] = [Self::Run, Self::Read, Self::Deploy, Self::Manage];

    /// Its word in a key.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Read => "read",
            Self::Deploy => "deploy",
            Self::Manage => "manage",
            Self::Operate => "operate",
        }
    }

    /// By its word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }
}

/// A key as its owner has it. No `Debug`: it is a secret.
pub struct ApiKey {
    tenant: TenantId,
    id: String,
    secret: String,
}

impl ApiKey {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate(tenant: &TenantId) -> Result<Self, getrandom::Error> {
        let (mut id, mut secret) = ([0; 12], [0; 32]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut secret)?;
        let id = id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Ok(Self { tenant: tenant.clone(), id: format!("key_{id}"), secret: URL_SAFE_NO_PAD.encode(secret) })
    }

    /// Reads a key. Whether anybody has it is for the store to say.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PREFIX)?.split('.');
        let (tenant, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || id.len() > 64 || secret.len() > 128 {
            return None;
        }
        Some(Self { tenant: tenant.parse().ok()?, id: id.to_owned(), secret: secret.to_owned() })
    }

    /// Whose it is.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// `key_...`
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the store keeps of the secret. Comparing hashes of 256 random bits tells nobody anything, however long it takes.
    pub fn secret_hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret.as_bytes()).into()
    }

    /// What the store keeps, with the audit entry that says so.
    pub fn row(&self, name: &str, scopes: &[Scope], actor: &str) -> (NewApiKey, AuditEntry) {
        let scopes: Vec<String> = scopes.iter().map(|scope| scope.word().to_owned()).collect();
        let data = Datum::record([
            ("name", Datum::Str(name.into())),
            ("scopes", Datum::List(scopes.iter().map(|scope| Datum::Str(scope.as_str().into())).collect())),
        ]);
        let entry = AuditEntry {
            kind: "key.created".to_owned(),
            actor: actor.to_owned(),
            target: self.id.clone(),
            outcome: "success".to_owned(),
            data,
        };
        (NewApiKey { id: self.id.clone(), secret_hash: self.secret_hash(), name: name.to_owned(), scopes }, entry)
    }
}

/// The whole key: for its owner, once.
impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}.{}.{}", self.tenant, self.id, self.secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_shown() {
        let key = ApiKey::generate(&"acme".parse().unwrap()).unwrap();
        let again = ApiKey::parse(&key.to_string()).unwrap();
        assert_eq!((again.tenant(), again.id(), again.secret_hash()), (key.tenant(), key.id(), key.secret_hash()));
        for text in ["", "admit_", "admit_acme", "admit_acme.key_1", "admit_Acme.key_1.s", "admit_acme.key_1.s.t"] {
            assert!(ApiKey::parse(text).is_none(), "{text}");
        }
    }
}
