//! Signing keys: their private halves sealed under the tenant's key, every change of them in the audit log.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::host::{BoxFuture, Secret, StoreError};
use admit_runtime::keys::{KeyState, Keys, StoredKey};
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;

use crate::audit::{AuditOf, append};
use crate::keys::unsealed;
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Connection, query};
use crate::time::{from_micros, to_micros};
use crate::writes::applied;

impl Keys for SqlStore {
    fn keys<'a>(&'a self, tenant: &'a TenantId) -> BoxFuture<'a, Result<Vec<StoredKey>, StoreError>> {
        Box::pin(self.signing_keys(tenant))
    }

    fn add_first_keys<'a>(
        &'a self,
        tenant: &'a TenantId,
        keys: [StoredKey; 2],
        now: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.insert_first_keys(tenant, keys, now))
    }

    fn rotate_keys<'a>(
        &'a self,
        tenant: &'a TenantId,
        current: &'a str,
        next: StoredKey,
        now: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.rotate_signing_keys(tenant, current, next, now))
    }

    fn prune_keys<'a>(&'a self, tenant: &'a TenantId, now: Instant) -> BoxFuture<'a, Result<Vec<String>, StoreError>> {
        Box::pin(self.prune_signing_keys(tenant, now))
    }
}

impl SqlStore {
    async fn signing_keys(&self, tenant: &TenantId) -> Result<Vec<StoredKey>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let rows = query(
            "SELECT id, algorithm, state, sealed_private, created_at, retired_at FROM signing_keys WHERE tenant = $1 \
             ORDER BY created_at, state, id",
        )
        .bind(tenant.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let id: String = row.try_get(0)?;
                let algorithm: String = row.try_get(1)?;
                let state: String = row.try_get(2)?;
                let sealed: Vec<u8> = row.try_get(3)?;
                let private = tenant_key.open(&place(tenant, &id, &algorithm), &sealed).map_err(unsealed)?;
                let retired: Option<i64> = row.try_get(5)?;
                let damaged = || StoreError::Failed(format!("the state of the signing key `{id}` is damaged"));
                Ok(StoredKey {
                    state: KeyState::of(&state).ok_or_else(damaged)?,
                    private: Secret::new(private.as_slice()),
                    created_at: from_micros(row.try_get(4)?),
                    retired_at: retired.map(from_micros),
                    algorithm,
                    id,
                })
            })
            .collect()
    }

    async fn insert_first_keys(&self, tenant: &TenantId, keys: [StoredKey; 2], now: Instant) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let known: i64 = query("SELECT count(*) FROM signing_keys WHERE tenant = $1")
            .bind(tenant.as_str())
            .fetch_one(&mut *transaction)
            .await
            .and_then(|row| row.try_get(0))?;
        if known > 0 {
            return Ok(());
        }
        let mut entries = Vec::with_capacity(keys.len());
        for key in &keys {
            insert(&mut transaction, tenant, &tenant_key, key).await?;
            entries.push(entry("key.created", &key.id, &key.algorithm));
        }
        let of = AuditOf::no_run(tenant, now);
        append(&mut transaction, &of, &tenant_key, &entries).await?;
        transaction.commit().await
    }

    async fn rotate_signing_keys(
        &self,
        tenant: &TenantId,
        current: &str,
        next: StoredKey,
        now: Instant,
    ) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let retired = query(
            "UPDATE signing_keys SET state = 'retired', retired_at = $3 \
             WHERE tenant = $1 AND id = $2 AND state = 'current'",
        )
        .bind(tenant.as_str())
        .bind(current)
        .bind(to_micros(now))
        .execute(&mut *transaction)
        .await?;
        applied(retired)?;
        let signs = query("UPDATE signing_keys SET state = 'current' WHERE tenant = $1 AND state = 'next'")
            .bind(tenant.as_str())
            .execute(&mut *transaction)
            .await?;
        applied(signs)?;
        insert(&mut transaction, tenant, &tenant_key, &next).await?;
        let of = AuditOf::no_run(tenant, now);
        let entries = [entry("key.rotated", current, ""), entry("key.created", &next.id, &next.algorithm)];
        append(&mut transaction, &of, &tenant_key, &entries).await?;
        transaction.commit().await
    }

    /// A session made before a key was retired may hold tokens of it until it ends; a token never outlives its session.
    async fn prune_signing_keys(&self, tenant: &TenantId, now: Instant) -> Result<Vec<String>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let rows = query(
            "DELETE FROM signing_keys WHERE tenant = $1 AND state = 'retired' AND retired_at < $2 AND NOT EXISTS \
             (SELECT 1 FROM sessions s WHERE s.tenant = $1 AND s.issued_at <= signing_keys.retired_at + $3 \
             AND s.expires_at > $2) RETURNING id",
        )
        .bind(tenant.as_str())
        .bind(to_micros(now).saturating_sub(SETTLED))
        .bind(SETTLED)
        .fetch_all(&mut *transaction)
        .await?;
        let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        let entries: Vec<AuditEntry> = ids.iter().map(|id| entry("key.removed", id, "")).collect();
        append(&mut transaction, &AuditOf::no_run(tenant, now), &tenant_key, &entries).await?;
        transaction.commit().await?;
        Ok(ids)
    }
}

/// How long other processes may go on signing with a key that was retired, in microseconds: they look for new keys more often
/// than that. Logout tokens are not longer valid either.
const SETTLED: i64 = 5 * 60 * 1_000_000;

async fn insert(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    key: &StoredKey,
) -> Result<(), StoreError> {
    let place = place(tenant, &key.id, &key.algorithm);
    let sealed = tenant_key.seal(&place, key.private.expose()).map_err(unsealed)?;
    query(
        "INSERT INTO signing_keys (tenant, id, algorithm, state, sealed_private, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(tenant.as_str())
    .bind(&key.id)
    .bind(&key.algorithm)
    .bind(key.state.word())
    .bind(sealed)
    .bind(to_micros(key.created_at))
    .execute(connection)
    .await
    .map(|_| ())
}

/// Where a private key lies: with its algorithm, which cannot be changed under it.
fn place<'a>(tenant: &'a TenantId, id: &'a str, algorithm: &'a str) -> [&'a str; 4] {
    ["signing key", tenant.as_str(), id, algorithm]
}

fn entry(kind: &str, id: &str, algorithm: &str) -> AuditEntry {
    let data = match algorithm {
        "" => Vec::new(),
        algorithm => vec![(Datum::Str("algorithm".into()), Datum::Str(algorithm.into()))],
    };
    AuditEntry {
        kind: kind.to_owned(),
        actor: "operator".to_owned(),
        target: format!("key:{id}"),
        outcome: "success".to_owned(),
        data: Datum::Map(data),
    }
}
