//! The queue: jobs that a commit enqueued, each done at least once. A taker leases a job; a lease that runs out is
//! taken again.

use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::Unit;
use sqlx::Row;

use crate::audit::{AuditOf, append};
use crate::keys::{failed, unsealed};
use crate::open::SqliteStore;
use crate::time::to_micros;
use crate::writes::apply;

/// A leased job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its idempotency key.
    pub key: String,
    /// What kind of job.
    pub kind: String,
    /// The job, encoded by its handler.
    pub payload: Vec<u8>,
    /// Which try this is, 1 first.
    pub attempt: u32,
}

impl SqliteStore {
    /// Leases the job that has been due longest; of any number of takers one gets it.
    pub async fn take_job(
        &self,
        tenant: &TenantId,
        now: Instant,
        lease_seconds: u32,
    ) -> Result<Option<Job>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let row = sqlx::query(
            "UPDATE queue SET leased_until = $3, attempts = attempts + 1 WHERE tenant = $1 AND key = \
             (SELECT key FROM queue WHERE tenant = $1 AND done_at IS NULL AND due_at <= $2 \
             AND (leased_until IS NULL OR leased_until <= $2) ORDER BY due_at, key LIMIT 1) \
             AND done_at IS NULL AND (leased_until IS NULL OR leased_until <= $2) \
             RETURNING key, kind, sealed_payload, attempts",
        )
        .bind(tenant.as_str())
        .bind(to_micros(now))
        .bind(to_micros(now).saturating_add(i64::from(lease_seconds) * 1_000_000))
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let key: String = row.try_get(0).map_err(failed)?;
        let sealed: Vec<u8> = row.try_get(2).map_err(failed)?;
        let attempts: i64 = row.try_get(3).map_err(failed)?;
        let payload = tenant_key.open(&payload_place(tenant, &key), &sealed).map_err(unsealed)?.to_vec();
        Ok(Some(Job {
            kind: row.try_get(1).map_err(failed)?,
            payload,
            attempt: u32::try_from(attempts).unwrap_or(u32::MAX),
            key,
        }))
    }

    /// The job is done: the unit of work that it leaves is committed with that, and it is not handed out again.
    /// `Conflict` if another taker has finished it meanwhile; nothing is written then.
    pub async fn finish_job(&self, tenant: &TenantId, key: &str, unit: &Unit, now: Instant) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let done = sqlx::query(
            "UPDATE queue SET done_at = $3, leased_until = NULL WHERE tenant = $1 AND key = $2 AND done_at IS NULL",
        )
        .bind(tenant.as_str())
        .bind(key)
        .bind(to_micros(now))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        if done.rows_affected() != 1 {
            return Err(StoreError::Conflict);
        }
        for write in &unit.writes {
            apply(&mut transaction, tenant, &tenant_key, write, now).await?;
        }
        // A job's key begins with the run that queued it.
        let run_id = key.split('/').next().unwrap_or(key);
        let of = AuditOf { tenant, run_id, user_id: None, at: now };
        append(&mut transaction, &of, &tenant_key, &unit.audit).await?;
        transaction.commit().await.map_err(failed)
    }

    /// The try failed; the job is due again at `due`.
    pub async fn retry_job(&self, tenant: &TenantId, key: &str, due: Instant) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE queue SET due_at = $3, leased_until = NULL WHERE tenant = $1 AND key = $2 AND done_at IS NULL",
        )
        .bind(tenant.as_str())
        .bind(key)
        .bind(to_micros(due))
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::NotFound) }
    }
}

/// Where a job's payload lies.
pub(crate) fn payload_place<'a>(tenant: &'a TenantId, key: &'a str) -> [&'a str; 3] {
    ["job", tenant.as_str(), key]
}
