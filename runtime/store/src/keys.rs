//! Keys of tenants and users as the database holds them: sealed under the key above.

use std::collections::HashMap;

use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;

use crate::open::SqlStore;
use crate::seal::{SealError, SealKey};
use crate::sql::{Connection, query};

impl SqlStore {
    /// The tenant's key; the tenant is made where it is new.
    pub(crate) async fn tenant_key(&self, tenant: &TenantId) -> Result<SealKey, StoreError> {
        if let Some(key) = self.known_tenant(tenant) {
            return Ok(key);
        }
        let place = ["tenant key", tenant.as_str()];
        let sealed = match self.sealed_tenant_key(tenant).await? {
            Some(sealed) => sealed,
            None => {
                let fresh = self.master.seal_key(&place, &SealKey::generate().map_err(unsealed)?).map_err(unsealed)?;
                query(
                    "INSERT INTO tenants (tenant, sealed_key, created_at) VALUES ($1, $2, $3) \
                     ON CONFLICT (tenant) DO NOTHING",
                )
                .bind(tenant.as_str())
                .bind(fresh)
                .bind(wall_clock())
                .execute(&self.pool)
                .await?;
                // Somebody else's, if that was first.
                let missing = || StoreError::Failed(format!("the tenant `{tenant}` cannot be made"));
                self.sealed_tenant_key(tenant).await?.ok_or_else(missing)?
            }
        };
        let key = self.master.open_key(&place, &sealed).map_err(unsealed)?;
        if let Ok(mut known) = self.tenants.lock() {
            known.insert(tenant.as_str().to_owned(), key.clone());
        }
        Ok(key)
    }

    async fn sealed_tenant_key(&self, tenant: &TenantId) -> Result<Option<Vec<u8>>, StoreError> {
        let query = query("SELECT sealed_key FROM tenants WHERE tenant = $1").bind(tenant.as_str());
        query.fetch_optional(&self.pool).await?.map(|row| row.try_get(0)).transpose()
    }

    fn known_tenant(&self, tenant: &TenantId) -> Option<SealKey> {
        self.tenants.lock().ok()?.get(tenant.as_str()).cloned()
    }
}

/// The key of a user; none where there is no such user or it was erased.
pub(crate) async fn user_key(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    user_id: &str,
) -> Result<Option<SealKey>, StoreError> {
    let row = query("SELECT sealed_key FROM users WHERE tenant = $1 AND id = $2")
        .bind(tenant.as_str())
        .bind(user_id)
        .fetch_optional(connection)
        .await?;
    let sealed: Option<Vec<u8>> = match row {
        Some(row) => row.try_get(0)?,
        None => None,
    };
    sealed.map(|sealed| tenant_key.open_key(&key_place(tenant, user_id), &sealed)).transpose().map_err(unsealed)
}

/// Where a user's key lies.
pub(crate) fn key_place<'a>(tenant: &'a TenantId, user_id: &'a str) -> [&'a str; 3] {
    ["user key", tenant.as_str(), user_id]
}

/// The keys that what one commit leaves is sealed under, each looked for once.
pub(crate) struct Owners<'a> {
    tenant: &'a TenantId,
    tenant_key: &'a SealKey,
    users: HashMap<String, Option<SealKey>>,
}

impl<'a> Owners<'a> {
    /// None is known yet.
    pub(crate) fn new(tenant: &'a TenantId, tenant_key: &'a SealKey) -> Self {
        Self { tenant, tenant_key, users: HashMap::new() }
    }

    /// As [`owner_key`].
    pub(crate) async fn key(
        &mut self,
        connection: &mut Connection,
        user_id: Option<&str>,
    ) -> Result<(SealKey, Option<String>), StoreError> {
        let Some(user_id) = user_id else { return Ok((self.tenant_key.clone(), None)) };
        let key = match self.users.get(user_id) {
            Some(key) => key.clone(),
            None => {
                let key = user_key(connection, self.tenant, self.tenant_key, user_id).await?;
                self.users.insert(user_id.to_owned(), key.clone());
                key
            }
        };
        Ok(key.map_or_else(|| (self.tenant_key.clone(), None), |key| (key, Some(user_id.to_owned()))))
    }
}

/// The key for data of a run or an audit entry: its user's where there is one, with the user's id, else the tenant's.
pub(crate) async fn owner_key(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    user_id: Option<&str>,
) -> Result<(SealKey, Option<String>), StoreError> {
    if let Some(user_id) = user_id
        && let Some(key) = user_key(connection, tenant, tenant_key, user_id).await?
    {
        return Ok((key, Some(user_id.to_owned())));
    }
    Ok((tenant_key.clone(), None))
}

/// The key that data of `owner` was sealed under. An erased owner's is gone for good.
pub(crate) async fn opening_key(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    owner: Option<&str>,
) -> Result<Option<SealKey>, StoreError> {
    match owner {
        Some(user_id) => user_key(connection, tenant, tenant_key, user_id).await,
        None => Ok(Some(tenant_key.clone())),
    }
}

pub(crate) fn unsealed(error: SealError) -> StoreError {
    StoreError::Failed(error.to_string())
}

/// The system's clock, for stamps of rows that nothing compares with.
fn wall_clock() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or(0)
}
