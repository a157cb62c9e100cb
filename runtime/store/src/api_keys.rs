//! Keys of the API's callers. A key's secret is random and long, so a plain hash of it is kept; it is shown once, by
//! whoever made it.

use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;

use crate::audit::{AuditOf, append};
use crate::open::SqlStore;
use crate::sql::{Row, query};
use crate::time::{from_micros, to_micros};

/// A key that is to be kept.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// `key_...`
    pub id: String,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// A key as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// `key_...`
    pub id: String,
    /// SHA-256 of its secret.
    pub secret_hash: [u8; 32],
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Instant,
    /// Since when it opens nothing.
    pub revoked_at: Option<Instant>,
}

impl ApiKeyRow {
    /// Its place in a listing: when it was made, in microseconds since the epoch, and its id.
    pub fn place(&self) -> (i64, String) {
        (to_micros(self.created_at), self.id.clone())
    }
}

impl SqlStore {
    /// Keeps a key, with its audit entry.
    ///
    /// # Errors
    /// `Conflict` where the id is taken.
    pub async fn add_api_key(
        &self,
        tenant: &TenantId,
        key: &NewApiKey,
        entry: &AuditEntry,
        now: Instant,
    ) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let done = query(
            "INSERT INTO api_keys (tenant, id, secret_hash, name, scopes, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (tenant, id) DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(&key.id)
        .bind(key.secret_hash.to_vec())
        .bind(&key.name)
        .bind(key.scopes.join(" "))
        .bind(to_micros(now))
        .execute(&mut *transaction)
        .await?;
        if done != 1 {
            return Err(StoreError::Conflict);
        }
        let of = AuditOf::no_run(tenant, now);
        append(&mut transaction, &of, &tenant_key, std::slice::from_ref(entry)).await?;
        transaction.commit().await
    }

    /// A key by its id, revoked or not. Makes no tenant: whoever asks may have made its name up.
    pub async fn api_key(&self, tenant: &TenantId, id: &str) -> Result<Option<ApiKeyRow>, StoreError> {
        let row = query(
            "SELECT id, secret_hash, name, scopes, created_at, revoked_at FROM api_keys WHERE tenant = $1 AND id = $2",
        )
        .bind(tenant.as_str())
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// All keys of a tenant, oldest first.
    pub async fn api_keys(&self, tenant: &TenantId) -> Result<Vec<ApiKeyRow>, StoreError> {
        let rows = query(
            "SELECT id, secret_hash, name, scopes, created_at, revoked_at FROM api_keys WHERE tenant = $1 \
             ORDER BY created_at, id",
        )
        .bind(tenant.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Keys of a tenant, newest first, those after a place of the listing where one is given, at most `limit`.
    pub async fn api_key_page(
        &self,
        tenant: &TenantId,
        after: Option<&(i64, String)>,
        limit: u32,
    ) -> Result<Vec<ApiKeyRow>, StoreError> {
        let (at, id) = after.map_or((i64::MAX, ""), |(at, id)| (*at, id.as_str()));
        let rows = query(
            "SELECT id, secret_hash, name, scopes, created_at, revoked_at FROM api_keys WHERE tenant = $1 \
             AND (created_at < $2 OR (created_at = $2 AND id < $3)) ORDER BY created_at DESC, id DESC LIMIT $4",
        )
        .bind(tenant.as_str())
        .bind(at)
        .bind(id)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    /// A key opens nothing from now on, with its audit entry. One that is revoked stays as it is.
    ///
    /// # Errors
    /// `NotFound` where the tenant has no such key that is not revoked.
    pub async fn revoke_api_key(
        &self,
        tenant: &TenantId,
        id: &str,
        entry: &AuditEntry,
        now: Instant,
    ) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let done = query("UPDATE api_keys SET revoked_at = $3 WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL")
            .bind(tenant.as_str())
            .bind(id)
            .bind(to_micros(now))
            .execute(&mut *transaction)
            .await?;
        if done != 1 {
            return Err(StoreError::NotFound);
        }
        let of = AuditOf::no_run(tenant, now);
        append(&mut transaction, &of, &tenant_key, std::slice::from_ref(entry)).await?;
        transaction.commit().await
    }
}

fn read(row: &Row) -> Result<ApiKeyRow, StoreError> {
    let hash: Vec<u8> = row.try_get(1)?;
    let scopes: String = row.try_get(3)?;
    let revoked_at: Option<i64> = row.try_get(5)?;
    Ok(ApiKeyRow {
        id: row.try_get(0)?,
        secret_hash: hash.try_into().map_err(|_| StoreError::Failed("the hash of an API key is damaged".to_owned()))?,
        name: row.try_get(2)?,
        scopes: scopes.split(' ').filter(|scope| !scope.is_empty()).map(ToOwned::to_owned).collect(),
        created_at: from_micros(row.try_get(4)?),
        revoked_at: revoked_at.map(from_micros),
    })
}
