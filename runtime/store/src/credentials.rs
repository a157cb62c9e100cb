//! Credentials: what runs read of them and write to them. Material and data are sealed under the user's key, each for its
//! place; what an authenticator names a credential by is found through a keyed hash.

use admit_eval::datum::Datum;
use admit_runtime::host::{Credential, Secret, StoreError};
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::{CredentialInfo, NewCredential};

use crate::json::{from_json, to_json};
use crate::keys::{unsealed, user_key};
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Connection, Row, query};
use crate::time::{from_micros, to_micros};
use crate::writes::{At, applied};

impl SqlStore {
    /// As [`admit_runtime::host::Store::credentials`].
    pub(crate) async fn credentials_of(
        &self,
        tenant: &TenantId,
        user_id: &str,
        kind: &str,
    ) -> Result<Vec<Credential>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let key = user_key(&mut connection, tenant, &tenant_key, user_id).await?;
        let rows = query(
            "SELECT id, user_id, kind, sealed_material, sealed_data, last_step, counter, created_at FROM credentials \
             WHERE tenant = $1 AND user_id = $2 AND kind = $3 ORDER BY id",
        )
        .bind(tenant.as_str())
        .bind(user_id)
        .bind(kind)
        .fetch_all(&mut *connection)
        .await?;
        let Some(key) = key else { return Ok(Vec::new()) };
        rows.iter().map(|row| credential(tenant, &key, row)).collect()
    }

    /// As [`admit_runtime::host::Store::credential_list`].
    pub(crate) async fn credential_list_of(
        &self,
        tenant: &TenantId,
        user_id: &str,
    ) -> Result<Vec<CredentialInfo>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let key = user_key(&mut connection, tenant, &tenant_key, user_id).await?;
        let rows = query(
            "SELECT id, kind, sealed_data, created_at FROM credentials WHERE tenant = $1 AND user_id = $2 ORDER BY id",
        )
        .bind(tenant.as_str())
        .bind(user_id)
        .fetch_all(&mut *connection)
        .await?;
        let Some(key) = key else { return Ok(Vec::new()) };
        rows.iter()
            .map(|row| {
                let id: String = row.try_get(0)?;
                let kind: String = row.try_get(1)?;
                let data = data(tenant, &key, &kind, &id, row.try_get(2)?)?;
                Ok(CredentialInfo { id, kind, data, created_at: from_micros(row.try_get(3)?) })
            })
            .collect()
    }

    /// As [`admit_runtime::host::Store::credential_by_external_id`].
    pub(crate) async fn credential_named(
        &self,
        tenant: &TenantId,
        kind: &str,
        external_id: &[u8],
    ) -> Result<Option<Credential>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let row = query(
            "SELECT id, user_id, kind, sealed_material, sealed_data, last_step, counter, created_at FROM credentials \
             WHERE tenant = $1 AND kind = $2 AND external_hash = $3 AND EXISTS (SELECT 1 FROM users \
             WHERE users.tenant = credentials.tenant AND users.id = credentials.user_id AND users.pending_run IS NULL)",
        )
        .bind(tenant.as_str())
        .bind(kind)
        .bind(external_hash(&tenant_key, kind, external_id))
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let user_id: String = row.try_get(1)?;
        let Some(key) = user_key(&mut connection, tenant, &tenant_key, &user_id).await? else { return Ok(None) };
        credential(tenant, &key, &row).map(Some)
    }
}

/// A new credential of a user that is there.
pub(crate) async fn insert(connection: &mut Connection, at: &At<'_>, new: &NewCredential) -> Result<(), StoreError> {
    let key = user_key(connection, at.tenant, at.tenant_key, &new.user_id).await?.ok_or(StoreError::Conflict)?;
    let material = key.seal(&material_place(at.tenant, &new.kind, &new.id), new.material.expose()).map_err(unsealed)?;
    let data = key.seal(&data_place(at.tenant, &new.kind, &new.id), &to_json(&new.data)?).map_err(unsealed)?;
    let external = new.external_id.as_deref().map(|name| external_hash(at.tenant_key, &new.kind, name));
    let done = query(
        "INSERT INTO credentials (tenant, id, user_id, kind, sealed_material, sealed_data, counter, external_hash, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind(at.tenant.as_str())
    .bind(&new.id)
    .bind(&new.user_id)
    .bind(&new.kind)
    .bind(material)
    .bind(data)
    .bind(new.counter)
    .bind(external)
    .bind(to_micros(at.at))
    .execute(connection)
    .await?;
    applied(done)
}

/// The data of a credential becomes this.
pub(crate) async fn update(
    connection: &mut Connection,
    at: &At<'_>,
    user_id: &str,
    id: &str,
    data: &Datum,
) -> Result<(), StoreError> {
    let key = user_key(connection, at.tenant, at.tenant_key, user_id).await?.ok_or(StoreError::Conflict)?;
    let row = query("SELECT kind FROM credentials WHERE tenant = $1 AND user_id = $2 AND id = $3")
        .bind(at.tenant.as_str())
        .bind(user_id)
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
    let kind: String = row.ok_or(StoreError::Conflict)?.try_get(0)?;
    let sealed = key.seal(&data_place(at.tenant, &kind, id), &to_json(data)?).map_err(unsealed)?;
    let done = query("UPDATE credentials SET sealed_data = $3 WHERE tenant = $1 AND id = $2")
        .bind(at.tenant.as_str())
        .bind(id)
        .bind(sealed)
        .execute(connection)
        .await?;
    applied(done)
}

/// A credential goes.
pub(crate) async fn delete(
    connection: &mut Connection,
    at: &At<'_>,
    user_id: &str,
    id: &str,
) -> Result<(), StoreError> {
    query("DELETE FROM credentials WHERE tenant = $1 AND user_id = $2 AND id = $3")
        .bind(at.tenant.as_str())
        .bind(user_id)
        .bind(id)
        .execute(connection)
        .await
        .map(|_| ())
}

/// All credentials of a kind go.
pub(crate) async fn delete_kind(
    connection: &mut Connection,
    at: &At<'_>,
    user_id: &str,
    kind: &str,
) -> Result<(), StoreError> {
    query("DELETE FROM credentials WHERE tenant = $1 AND user_id = $2 AND kind = $3")
        .bind(at.tenant.as_str())
        .bind(user_id)
        .bind(kind)
        .execute(connection)
        .await
        .map(|_| ())
}

/// A credential that counts once goes; of any number of takers one gets it.
pub(crate) async fn take(connection: &mut Connection, at: &At<'_>, id: &str) -> Result<(), StoreError> {
    let done = query("DELETE FROM credentials WHERE tenant = $1 AND id = $2")
        .bind(at.tenant.as_str())
        .bind(id)
        .execute(connection)
        .await?;
    applied(done)
}

/// The counter becomes greater, or this is a conflict.
pub(crate) async fn advance(connection: &mut Connection, at: &At<'_>, id: &str, to: i64) -> Result<(), StoreError> {
    let done = query(
        "UPDATE credentials SET counter = $3 WHERE tenant = $1 AND id = $2 AND (counter IS NULL OR counter < $3)",
    )
    .bind(at.tenant.as_str())
    .bind(id)
    .bind(to)
    .execute(connection)
    .await?;
    applied(done)
}

/// Where credential material lies.
pub(crate) fn material_place<'a>(tenant: &'a TenantId, kind: &'a str, id: &'a str) -> [&'a str; 4] {
    ["credential", tenant.as_str(), kind, id]
}

fn data_place<'a>(tenant: &'a TenantId, kind: &'a str, id: &'a str) -> [&'a str; 4] {
    ["credential data", tenant.as_str(), kind, id]
}

fn external_hash(tenant_key: &SealKey, kind: &str, external_id: &[u8]) -> Vec<u8> {
    tenant_key.hash(&["external id", kind], external_id).to_vec()
}

fn credential(tenant: &TenantId, key: &SealKey, row: &Row) -> Result<Credential, StoreError> {
    let id: String = row.try_get(0)?;
    let kind: String = row.try_get(2)?;
    let sealed: Vec<u8> = row.try_get(3)?;
    let material = key.open(&material_place(tenant, &kind, &id), &sealed).map_err(unsealed)?;
    Ok(Credential {
        user_id: row.try_get(1)?,
        material: Secret::new(material.as_slice()),
        last_step: row.try_get(5)?,
        counter: row.try_get(6)?,
        data: data(tenant, key, &kind, &id, row.try_get(4)?)?,
        created_at: from_micros(row.try_get(7)?),
        id,
    })
}

/// Credentials that were imported have none.
fn data(tenant: &TenantId, key: &SealKey, kind: &str, id: &str, sealed: Option<Vec<u8>>) -> Result<Datum, StoreError> {
    let Some(sealed) = sealed else { return Ok(Datum::Map(Vec::new())) };
    from_json(&key.open(&data_place(tenant, kind, id), &sealed).map_err(unsealed)?)
}
