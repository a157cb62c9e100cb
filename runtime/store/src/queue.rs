//! The queue: jobs that a commit enqueued, each done at least once. A taker leases a job; a lease that runs out is
//! taken again.

use admit_eval::value::Instant;
use admit_runtime::execute::job::JobEnd;
use admit_runtime::host::{RunEnd, StoreError};
use admit_runtime::tenant::TenantId;

use crate::audit::{AuditOf, append};
use crate::keys::{opening_key, owner_key, unsealed};
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Connection, query};
use crate::time::{from_micros, to_micros};
use crate::writes::{At, applied, apply_all};

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

/// What becomes of a job after a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobNext {
    /// It is done, and is not handed out again.
    Done,
    /// It failed, and is handed out again.
    Again {
        /// When it is due.
        due: Instant,
    },
    /// It failed too often, or for good: it stays, to be looked at.
    GivenUp {
        /// Why.
        why: String,
    },
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedJob {
    /// Its idempotency key.
    pub key: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub failed_at: Instant,
    /// Why the last try failed.
    pub why: String,
}

/// A job that is still to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenJob {
    /// Its idempotency key.
    pub key: String,
    /// What kind of job.
    pub kind: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due.
    pub due: Instant,
}

/// Leases the job that has been due longest: `$2` is now, `$3` the end of the lease.
macro_rules! take {
    ($lock:literal) => {
        concat!(
            "UPDATE queue SET leased_until = $3, attempts = attempts + 1 WHERE tenant = $1 AND key = \
             (SELECT key FROM queue WHERE tenant = $1 AND done_at IS NULL AND failed_at IS NULL AND due_at <= $2 \
             AND (leased_until IS NULL OR leased_until <= $2) ORDER BY due_at, key LIMIT 1 ",
            $lock,
            ") AND done_at IS NULL AND (leased_until IS NULL OR leased_until <= $2) \
             RETURNING key, kind, sealed_payload, attempts"
        )
    };
}

impl SqlStore {
    /// Leases the job that has been due longest; of any number of takers one gets it.
    pub async fn take_job(
        &self,
        tenant: &TenantId,
        now: Instant,
        lease_seconds: u32,
    ) -> Result<Option<Job>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        // Takers that come at the same time get different jobs. SQLite has one of them at a time.
        let row = query(self.pool.either(take!(""), take!("FOR UPDATE SKIP LOCKED")))
            .bind(tenant.as_str())
            .bind(to_micros(now))
            .bind(to_micros(now).saturating_add(i64::from(lease_seconds) * 1_000_000))
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let key: String = row.try_get(0)?;
        let sealed: Vec<u8> = row.try_get(2)?;
        let attempts: i64 = row.try_get(3)?;
        let payload = tenant_key.open(&payload_place(tenant, &key), &sealed).map_err(unsealed)?.to_vec();
        Ok(Some(Job { kind: row.try_get(1)?, payload, attempt: u32::try_from(attempts).unwrap_or(u32::MAX), key }))
    }

    /// The taker still works on it: nobody else gets it until the lease runs out. `Conflict` where it is not this try's any
    /// more.
    pub async fn renew_job(
        &self,
        tenant: &TenantId,
        (key, attempt): (&str, u32),
        now: Instant,
        lease_seconds: u32,
    ) -> Result<(), StoreError> {
        let done = query(
            "UPDATE queue SET leased_until = $4 WHERE tenant = $1 AND key = $2 AND attempts = $3 \
             AND done_at IS NULL AND failed_at IS NULL",
        )
        .bind(tenant.as_str())
        .bind(key)
        .bind(i64::from(attempt))
        .bind(to_micros(now).saturating_add(i64::from(lease_seconds) * 1_000_000))
        .execute(&self.pool)
        .await?;
        applied(done)
    }

    /// A try has ended: what it leaves is committed with what becomes of the job. `Conflict` if another taker has finished
    /// it meanwhile, or, of a try that failed, has taken it; nothing is written then.
    pub async fn end_job(
        &self,
        tenant: &TenantId,
        (key, attempt): (&str, u32),
        next: &JobNext,
        left: &JobEnd,
        now: Instant,
    ) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        settle(&mut transaction, tenant, &tenant_key, (key, attempt), next, now).await?;
        // A job's key begins with the run that queued it.
        let run_id = key.split('/').next().unwrap_or(key);
        // The users that the run has made are the run's to settle.
        let writing = At { tenant, tenant_key: &tenant_key, run_id, at: now, end: RunEnd::Suspended, is_first: false };
        apply_all(&mut transaction, &writing, &left.unit.writes).await?;
        let user_id = left.user_id.as_deref();
        append(
            &mut transaction,
            &AuditOf { tenant, run_id, user_id, context: None, at: now },
            &tenant_key,
            &left.unit.audit,
        )
        .await?;
        let (owner_key, owner) = owner_key(&mut transaction, tenant, &tenant_key, user_id).await?;
        let trace = left.trace.encode().map_err(|error| StoreError::Failed(error.to_string()))?;
        let number = attempt.to_string();
        query(
            "INSERT INTO job_traces (tenant, job_key, attempt, run_id, user_id, sealed_trace, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, job_key, attempt) DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(key)
        .bind(i64::from(attempt))
        .bind(run_id)
        .bind(owner)
        .bind(owner_key.seal(&trace_place(tenant, key, &number), &trace).map_err(unsealed)?)
        .bind(to_micros(now))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await
    }

    /// Jobs that were given up, oldest first, at most `limit`.
    pub async fn failed_jobs(&self, tenant: &TenantId, limit: u32) -> Result<Vec<FailedJob>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let rows = query(
            "SELECT key, attempts, failed_at, sealed_error FROM queue WHERE tenant = $1 AND failed_at IS NOT NULL \
             ORDER BY failed_at, key LIMIT $2",
        )
        .bind(tenant.as_str())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let key: String = row.try_get(0)?;
                let attempts: i64 = row.try_get(1)?;
                let sealed: Vec<u8> = row.try_get(3)?;
                let why = tenant_key.open(&error_place(tenant, &key), &sealed).map_err(unsealed)?;
                Ok(FailedJob {
                    why: String::from_utf8_lossy(&why).into_owned(),
                    attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
                    failed_at: from_micros(row.try_get(2)?),
                    key,
                })
            })
            .collect()
    }

    /// Jobs that are still to be done, what is due first in front, at most `limit`.
    pub async fn list_open_jobs(&self, tenant: &TenantId, limit: u32) -> Result<Vec<OpenJob>, StoreError> {
        let rows = query(
            "SELECT key, kind, attempts, due_at FROM queue WHERE tenant = $1 AND done_at IS NULL AND failed_at IS NULL \
             ORDER BY due_at, key LIMIT $2",
        )
        .bind(tenant.as_str())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let attempts: i64 = row.try_get(2)?;
                Ok(OpenJob {
                    key: row.try_get(0)?,
                    kind: row.try_get(1)?,
                    attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
                    due: from_micros(row.try_get(3)?),
                })
            })
            .collect()
    }

    /// A job that was given up, or that waits for a further try, is due now. It gets one more try where it was given up, and
    /// as many as are left to it else. `NotFound` where it is done, works, or there is none.
    pub async fn retry_job(&self, tenant: &TenantId, key: &str, now: Instant) -> Result<(), StoreError> {
        let done = query(
            "UPDATE queue SET failed_at = NULL, sealed_error = NULL, leased_until = NULL, due_at = $3 \
             WHERE tenant = $1 AND key = $2 AND done_at IS NULL AND (leased_until IS NULL OR leased_until <= $3)",
        )
        .bind(tenant.as_str())
        .bind(key)
        .bind(to_micros(now))
        .execute(&self.pool)
        .await?;
        if done == 1 { Ok(()) } else { Err(StoreError::NotFound) }
    }

    /// Tenants that have jobs which are due and which nobody works on, at most `limit`.
    pub async fn tenants_with_jobs(&self, now: Instant, limit: u32) -> Result<Vec<TenantId>, StoreError> {
        let rows = query(
            "SELECT DISTINCT tenant FROM queue WHERE done_at IS NULL AND failed_at IS NULL AND due_at <= $1 \
             AND (leased_until IS NULL OR leased_until <= $1) LIMIT $2",
        )
        .bind(to_micros(now))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let slug: String = row.try_get(0)?;
                slug.parse().map_err(StoreError::Failed)
            })
            .collect()
    }

    /// How many jobs of all tenants are still to be done, and since when the one that was due first is.
    pub async fn queue_depth(&self) -> Result<(u64, Option<Instant>), StoreError> {
        let row = query("SELECT count(*), min(due_at) FROM queue WHERE done_at IS NULL AND failed_at IS NULL")
            .fetch_one(&self.pool)
            .await?;
        let (count, due): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
        Ok((u64::try_from(count).unwrap_or(0), due.map(from_micros)))
    }

    /// How many jobs are still to be done.
    pub async fn open_jobs(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let count: i64 =
            query("SELECT count(*) FROM queue WHERE tenant = $1 AND done_at IS NULL AND failed_at IS NULL")
                .bind(tenant.as_str())
                .fetch_one(&self.pool)
                .await
                .and_then(|row| row.try_get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The traces of the tries of a run's jobs, by job and try; none of a user who was erased.
    pub async fn job_traces(&self, tenant: &TenantId, run_id: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let rows = query(
            "SELECT job_key, attempt, user_id, sealed_trace FROM job_traces WHERE tenant = $1 AND run_id = $2 \
             ORDER BY job_key, attempt",
        )
        .bind(tenant.as_str())
        .bind(run_id)
        .fetch_all(&mut *connection)
        .await?;
        let mut traces = Vec::with_capacity(rows.len());
        for row in rows {
            let key: String = row.try_get(0)?;
            let attempt: i64 = row.try_get(1)?;
            let owner: Option<String> = row.try_get(2)?;
            let sealed: Vec<u8> = row.try_get(3)?;
            let opening = opening_key(&mut connection, tenant, &tenant_key, owner.as_deref()).await?;
            let Some(opening) = opening else { continue };
            let place = attempt.to_string();
            let plain = opening.open(&trace_place(tenant, &key, &place), &sealed).map_err(unsealed)?.to_vec();
            traces.push((key, plain));
        }
        Ok(traces)
    }
}

/// Writes what becomes of a job after a try. `Conflict` as [`SqlStore::end_job`] has it.
pub(crate) async fn settle(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    (key, attempt): (&str, u32),
    next: &JobNext,
    now: Instant,
) -> Result<(), StoreError> {
    let end = match next {
        // Whoever did the work has done it, also if somebody else was given it meanwhile. What it was is forgotten.
        JobNext::Done => query(
            "UPDATE queue SET done_at = $3, leased_until = NULL, sealed_payload = $4 \
             WHERE tenant = $1 AND key = $2 AND done_at IS NULL AND failed_at IS NULL",
        )
        .bind(tenant.as_str())
        .bind(key)
        .bind(to_micros(now))
        .bind(Vec::new()),
        JobNext::Again { due } => query(
            "UPDATE queue SET due_at = $3, leased_until = NULL \
             WHERE tenant = $1 AND key = $2 AND attempts = $4 AND done_at IS NULL AND failed_at IS NULL",
        )
        .bind(tenant.as_str())
        .bind(key)
        .bind(to_micros(*due))
        .bind(i64::from(attempt)),
        JobNext::GivenUp { why } => query(
            "UPDATE queue SET failed_at = $3, leased_until = NULL, sealed_error = $5 \
             WHERE tenant = $1 AND key = $2 AND attempts = $4 AND done_at IS NULL AND failed_at IS NULL",
        )
        .bind(tenant.as_str())
        .bind(key)
        .bind(to_micros(now))
        .bind(i64::from(attempt))
        .bind(tenant_key.seal(&error_place(tenant, key), why.as_bytes()).map_err(unsealed)?),
    };
    applied(end.execute(connection).await?)
}

/// Where a job's payload lies.
pub(crate) fn payload_place<'a>(tenant: &'a TenantId, key: &'a str) -> [&'a str; 3] {
    ["job", tenant.as_str(), key]
}

fn error_place<'a>(tenant: &'a TenantId, key: &'a str) -> [&'a str; 3] {
    ["job error", tenant.as_str(), key]
}

fn trace_place<'a>(tenant: &'a TenantId, key: &'a str, attempt: &'a str) -> [&'a str; 4] {
    ["job trace", tenant.as_str(), key, attempt]
}
