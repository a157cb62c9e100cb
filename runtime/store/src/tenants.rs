//! Tenants themselves: listed, made, disabled. What is said of several tenants is for whoever operates the server.

use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;

use crate::audit::{AuditOf, append};
use crate::keys::unsealed;
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Row, query};
use crate::time::{from_micros, to_micros};

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    /// Its slug.
    pub tenant: TenantId,
    /// When it was made.
    pub created_at: Instant,
    /// Since when nobody is served in it.
    pub disabled_at: Option<Instant>,
}

/// What a server asks of a tenant again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantState {
    /// Nobody is served in it.
    pub is_disabled: bool,
    /// The number of what it is set up with ([`SqlStore::config`]).
    pub version: u64,
}

impl SqlStore {
    /// Tenants by slug, those after one, at most `limit`.
    pub async fn all_tenants(&self, after: Option<&str>, limit: u32) -> Result<Vec<TenantRow>, StoreError> {
        let rows =
            query("SELECT tenant, created_at, disabled_at FROM tenants WHERE tenant > $1 ORDER BY tenant LIMIT $2")
                .bind(after.unwrap_or(""))
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(read).collect()
    }

    /// One tenant; none where there is none by this slug.
    pub async fn tenant(&self, tenant: &TenantId) -> Result<Option<TenantRow>, StoreError> {
        let row = query("SELECT tenant, created_at, disabled_at FROM tenants WHERE tenant = $1")
            .bind(tenant.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Whether it is served, and the number of its set-up; none where there is no such tenant. Makes none.
    pub async fn tenant_state(&self, tenant: &TenantId) -> Result<Option<TenantState>, StoreError> {
        let row = query(
            "SELECT tenants.disabled_at, config_heads.version FROM tenants \
             LEFT JOIN config_heads ON config_heads.tenant = tenants.tenant WHERE tenants.tenant = $1",
        )
        .bind(tenant.as_str())
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (disabled, version): (Option<i64>, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Some(TenantState { is_disabled: disabled.is_some(), version: version.map_or(0, i64::unsigned_abs) }))
    }

    /// Makes a tenant, with the first entry of its audit log.
    ///
    /// # Errors
    /// `Conflict` where there is one by this slug.
    pub async fn make_tenant(&self, tenant: &TenantId, entry: &AuditEntry, now: Instant) -> Result<(), StoreError> {
        let place = ["tenant key", tenant.as_str()];
        let key = SealKey::generate().map_err(unsealed)?;
        let sealed = self.master.seal_key(&place, &key).map_err(unsealed)?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let done = query(
            "INSERT INTO tenants (tenant, sealed_key, created_at) VALUES ($1, $2, $3) ON CONFLICT (tenant) DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(sealed)
        .bind(to_micros(now))
        .execute(&mut *transaction)
        .await?;
        if done != 1 {
            return Err(StoreError::Conflict);
        }
        append(&mut transaction, &AuditOf::no_run(tenant, now), &key, std::slice::from_ref(entry)).await?;
        transaction.commit().await
    }

    /// Nobody is served in it from now on, or everybody is again, with its audit entry. What is so already stays as it is.
    ///
    /// # Errors
    /// `NotFound` where there is no such tenant.
    pub async fn set_tenant_disabled(
        &self,
        tenant: &TenantId,
        is_disabled: bool,
        entry: &AuditEntry,
        now: Instant,
    ) -> Result<TenantRow, StoreError> {
        let known = self.tenant(tenant).await?.ok_or(StoreError::NotFound)?;
        if known.disabled_at.is_some() == is_disabled {
            return Ok(known);
        }
        let tenant_key = self.tenant_key(tenant).await?;
        let disabled_at = is_disabled.then(|| to_micros(now));
        let mut transaction = self.pool.begin_write(tenant).await?;
        query("UPDATE tenants SET disabled_at = $2 WHERE tenant = $1")
            .bind(tenant.as_str())
            .bind(disabled_at)
            .execute(&mut *transaction)
            .await?;
        append(&mut transaction, &AuditOf::no_run(tenant, now), &tenant_key, std::slice::from_ref(entry)).await?;
        transaction.commit().await?;
        Ok(TenantRow { disabled_at: disabled_at.map(from_micros), ..known })
    }
}

fn read(row: &Row) -> Result<TenantRow, StoreError> {
    let slug: String = row.try_get(0)?;
    let disabled: Option<i64> = row.try_get(2)?;
    Ok(TenantRow {
        tenant: slug.parse().map_err(StoreError::Failed)?,
        created_at: from_micros(row.try_get(1)?),
        disabled_at: disabled.map(from_micros),
    })
}
