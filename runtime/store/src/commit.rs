//! The commit of one request of a run: the run's row, trace, suspension, writes and audit in one transaction. It is
//! on disk when it is acknowledged, or nothing of it is.

use admit_runtime::host::{RunCommit, StoreError};
use admit_runtime::tenant::TenantId;

use crate::audit::{AuditOf, append};
use crate::keys::{owner_key, unsealed};
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Connection, query};
use crate::time::to_micros;
use crate::writes::{At, apply_all};

impl SqlStore {
    /// As [`admit_runtime::host::Store::commit`].
    pub(crate) async fn commit_run(&self, tenant: &TenantId, commit: RunCommit) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        if commit.seq == 0 {
            insert_run(&mut transaction, tenant, &commit).await?;
        } else {
            advance_run(&mut transaction, tenant, &commit).await?;
        }
        // Before what is sealed under the key of a user whom this commit makes.
        let (run_id, at) = (commit.run_id.as_str(), commit.at);
        let writing = At { tenant, tenant_key: &tenant_key, run_id, at, end: commit.end() };
        apply_all(&mut transaction, &writing, &commit.unit.writes).await?;
        let (key, owner) = owner_key(&mut transaction, tenant, &tenant_key, commit.user_id.as_deref()).await?;
        insert_trace(&mut transaction, tenant, &key, owner.as_deref(), &commit).await?;
        insert_suspension(&mut transaction, tenant, &key, owner.as_deref(), &commit).await?;
        let of = AuditOf { tenant, run_id: &commit.run_id, user_id: commit.user_id.as_deref(), at: commit.at };
        append(&mut transaction, &of, &tenant_key, &commit.unit.audit).await?;
        transaction.commit().await
    }
}

async fn insert_run(connection: &mut Connection, tenant: &TenantId, run: &RunCommit) -> Result<(), StoreError> {
    let done = query(
        "INSERT INTO runs (tenant, id, flow, bundle, seq, outcome, detail, started_at, updated_at) \
         VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $7) ON CONFLICT (tenant, id) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(&run.run_id)
    .bind(&run.flow)
    .bind(run.bundle.to_vec())
    .bind(&run.outcome)
    .bind(&run.detail)
    .bind(to_micros(run.at))
    .execute(connection)
    .await?;
    if done == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

/// A later request: only on the run as it was suspended by the request before, and only by whoever took it.
async fn advance_run(connection: &mut Connection, tenant: &TenantId, run: &RunCommit) -> Result<(), StoreError> {
    let before = i64::from(run.seq) - 1;
    let done = query(
        "UPDATE runs SET seq = seq + 1, outcome = $5, detail = $6, updated_at = $7 \
         WHERE tenant = $1 AND id = $2 AND seq = $3 AND bundle = $4 AND outcome = 'suspended' \
         AND EXISTS (SELECT 1 FROM suspensions WHERE tenant = $1 AND run_id = $2 AND seq = $3 AND taken_at IS NOT NULL)",
    )
    .bind(tenant.as_str())
    .bind(&run.run_id)
    .bind(before)
    .bind(run.bundle.to_vec())
    .bind(&run.outcome)
    .bind(&run.detail)
    .bind(to_micros(run.at))
    .execute(&mut *connection)
    .await?;
    if done != 1 {
        return Err(StoreError::Conflict);
    }
    // The record has served; only the hash of its token stays, so that a second use is a conflict.
    query("UPDATE suspensions SET sealed_record = NULL WHERE tenant = $1 AND run_id = $2 AND seq = $3")
        .bind(tenant.as_str())
        .bind(&run.run_id)
        .bind(before)
        .execute(connection)
        .await
        .map(|_| ())
}

async fn insert_trace(
    connection: &mut Connection,
    tenant: &TenantId,
    key: &SealKey,
    owner: Option<&str>,
    run: &RunCommit,
) -> Result<(), StoreError> {
    let seq = run.seq.to_string();
    let trace = run.trace.encode().map_err(|error| StoreError::Failed(error.to_string()))?;
    let sealed = key.seal(&["trace", tenant.as_str(), &run.run_id, &seq], &trace).map_err(unsealed)?;
    query("INSERT INTO traces (tenant, run_id, seq, user_id, sealed_trace, at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(tenant.as_str())
        .bind(&run.run_id)
        .bind(i64::from(run.seq))
        .bind(owner)
        .bind(sealed)
        .bind(to_micros(run.at))
        .execute(connection)
        .await
        .map(|_| ())
}

async fn insert_suspension(
    connection: &mut Connection,
    tenant: &TenantId,
    key: &SealKey,
    owner: Option<&str>,
    run: &RunCommit,
) -> Result<(), StoreError> {
    let Some(row) = &run.suspended else { return Ok(()) };
    let seq = run.seq.to_string();
    let sealed = key.seal(&["run", tenant.as_str(), &run.run_id, &seq], &row.record).map_err(unsealed)?;
    query(
        "INSERT INTO suspensions (tenant, token_hash, run_id, seq, user_id, sealed_record, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(tenant.as_str())
    .bind(row.token_hash.to_vec())
    .bind(&run.run_id)
    .bind(i64::from(run.seq))
    .bind(owner)
    .bind(sealed)
    .bind(to_micros(row.expires_at))
    .execute(connection)
    .await
    .map(|_| ())
}
