//! What is left for users to read in the application, sealed under each user's key.

use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::InboxEntry;

use crate::keys::{unsealed, user_key};
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Connection, query};
use crate::time::{from_micros, to_micros};
use crate::writes::applied;

impl SqlStore {
    /// As [`admit_runtime::host::Store::inbox`].
    pub(crate) async fn inbox_of(
        &self,
        tenant: &TenantId,
        user_id: &str,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<InboxEntry>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let Some(key) = user_key(&mut connection, tenant, &tenant_key, user_id).await? else { return Ok(Vec::new()) };
        let rows = query(
            "SELECT id, sealed_content, created_at, read_at FROM inbox WHERE tenant = $1 AND user_id = $2 \
             AND ($3 IS NULL OR (created_at, id) < \
             (SELECT created_at, id FROM inbox WHERE tenant = $1 AND user_id = $2 AND id = $3)) \
             ORDER BY created_at DESC, id DESC LIMIT $4",
        )
        .bind(tenant.as_str())
        .bind(user_id)
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?;
        rows.iter()
            .map(|row| {
                let id: String = row.try_get(0)?;
                let sealed: Vec<u8> = row.try_get(1)?;
                let plain = key.open(&place(tenant, &id), &sealed).map_err(unsealed)?;
                let (subject, text): (String, String) =
                    postcard::from_bytes(&plain).map_err(|error| StoreError::Failed(error.to_string()))?;
                let read_at: Option<i64> = row.try_get(3)?;
                Ok(InboxEntry {
                    at: from_micros(row.try_get(2)?),
                    read_at: read_at.map(from_micros),
                    user_id: user_id.to_owned(),
                    id,
                    subject,
                    text,
                })
            })
            .collect()
    }

    /// As [`admit_runtime::host::Store::mark_read`].
    pub(crate) async fn mark_inbox_read(
        &self,
        tenant: &TenantId,
        user_id: &str,
        id: &str,
        now: Instant,
    ) -> Result<(), StoreError> {
        let done =
            query("UPDATE inbox SET read_at = COALESCE(read_at, $4) WHERE tenant = $1 AND user_id = $2 AND id = $3")
                .bind(tenant.as_str())
                .bind(user_id)
                .bind(id)
                .bind(to_micros(now))
                .execute(&self.pool)
                .await?;
        applied(done).map_err(|_| StoreError::NotFound)
    }
}

/// Puts an entry into its user's inbox.
pub(crate) async fn insert(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    entry: &InboxEntry,
) -> Result<(), StoreError> {
    // Erased meanwhile: nobody is left to read it.
    let Some(key) = user_key(connection, tenant, tenant_key, &entry.user_id).await? else { return Ok(()) };
    let plain = postcard::to_stdvec(&(&entry.subject, &entry.text));
    let plain = plain.map_err(|error| StoreError::Failed(error.to_string()))?;
    let sealed = key.seal(&place(tenant, &entry.id), &plain).map_err(unsealed)?;
    query(
        "INSERT INTO inbox (tenant, id, user_id, sealed_content, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant, id) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(&entry.id)
    .bind(&entry.user_id)
    .bind(sealed)
    .bind(to_micros(entry.at))
    .execute(connection)
    .await
    .map(|_| ())
}

fn place<'a>(tenant: &'a TenantId, id: &'a str) -> [&'a str; 3] {
    ["inbox", tenant.as_str(), id]
}
