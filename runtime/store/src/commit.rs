//! The commits of requests of runs: each one's row, trace, suspension, writes and audit, in one transaction with those of others
//! that came at the same time. Each is on disk when it is acknowledged, or nothing of it is.

use std::collections::BTreeMap;

use admit_runtime::host::{RunCommit, StoreError};
use admit_runtime::tenant::TenantId;
use admit_runtime::trace::{Trace, TraceEvent};

use crate::audit::{self, AuditOf};
use crate::idempotency;
use crate::keys::{Owners, unsealed};
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Connection, Pool, Rows, query, rows};
use crate::time::to_micros;
use crate::writes::{At, applied, apply_all};

/// A commit of a run's request.
pub(crate) struct One {
    pub tenant: TenantId,
    pub tenant_key: SealKey,
    pub run: RunCommit,
}

/// What is inserted of all commits together.
struct Inserts<'a> {
    runs: Rows<'a>,
    new_runs: u64,
    traces: Rows<'a>,
    suspensions: Rows<'a>,
    audit: BTreeMap<&'a TenantId, (&'a SealKey, Vec<audit::Stored>)>,
}

impl SqlStore {
    /// As [`admit_runtime::host::Store::commit`].
    pub(crate) async fn commit_run(&self, tenant: &TenantId, run: RunCommit) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        self.committer.commit(&self.pool, One { tenant: tenant.clone(), tenant_key, run }).await
    }
}

/// Commits all in one transaction, but for those that are in conflict, each of which leaves nothing.
///
/// # Errors
/// Whatever else goes wrong: nothing of any of them is written then. Of one alone, a conflict too.
pub(crate) async fn commit_all(pool: &Pool, all: &[One]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let mut tenants: Vec<&TenantId> = all.iter().map(|one| &one.tenant).collect();
    tenants.sort_unstable();
    tenants.dedup();
    let mut transaction = pool.begin_write_all(tenants).await?;
    let mut inserts = Inserts::new();
    let mut ends = Vec::with_capacity(all.len());
    for one in all {
        let is_apart = all.len() > 1 && one.may_conflict();
        if is_apart {
            query("SAVEPOINT one").execute(&mut *transaction).await?;
        }
        let end = one.apply(&mut transaction).await;
        match (is_apart, &end) {
            (true, Ok(())) => query("RELEASE SAVEPOINT one").execute(&mut *transaction).await?,
            (true, Err(StoreError::Conflict)) => query("ROLLBACK TO SAVEPOINT one").execute(&mut *transaction).await?,
            (true, Err(error)) => return Err(error.clone()),
            (false, Ok(())) => 0,
            (false, Err(error)) => return Err(error.clone()),
        };
        if end.is_ok() {
            inserts.add(&mut transaction, one).await?;
        }
        ends.push(end);
    }
    inserts.insert(&mut transaction).await?;
    transaction.commit().await?;
    Ok(ends)
}

impl One {
    /// Is there anything that others may have been first at? A run that is new and writes nothing has only its id, which nobody
    /// else has.
    fn may_conflict(&self) -> bool {
        self.run.seq > 0 || !self.run.unit.writes.is_empty() || self.run.kept.is_some()
    }

    /// All that is not inserted together with what others leave.
    async fn apply(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let (tenant, tenant_key, run) = (&self.tenant, &self.tenant_key, &self.run);
        if run.seq > 0 {
            advance_run(connection, tenant, run).await?;
        }
        let writing =
            At { tenant, tenant_key, run_id: &run.run_id, at: run.at, end: run.end(), is_first: run.seq == 0 };
        apply_all(connection, &writing, &run.unit.writes).await?;
        match &run.kept {
            Some(kept) => idempotency::keep(connection, (tenant, tenant_key), run.user_id.as_deref(), kept).await,
            None => Ok(()),
        }
    }
}

impl<'a> Inserts<'a> {
    fn new() -> Self {
        Self {
            runs: rows(
                "INSERT INTO runs (tenant, id, flow, bundle, seq, outcome, detail, started_at, updated_at, blocks)",
                10,
                "ON CONFLICT (tenant, id) DO NOTHING",
            ),
            new_runs: 0,
            traces: rows("INSERT INTO traces (tenant, run_id, seq, user_id, sealed_trace, at)", 6, ""),
            suspensions: rows(
                "INSERT INTO suspensions (tenant, token_hash, run_id, seq, user_id, sealed_record, expires_at)",
                7,
                "",
            ),
            audit: BTreeMap::new(),
        }
    }

    /// After its writes: what it leaves is sealed under the key of a user whom it may have made.
    async fn add(&mut self, connection: &mut Connection, one: &'a One) -> Result<(), StoreError> {
        let (tenant, tenant_key, run) = (&one.tenant, &one.tenant_key, &one.run);
        let (seq, at) = (run.seq.to_string(), to_micros(run.at));
        if run.seq == 0 {
            self.new_runs += 1;
            self.runs.bind(tenant.as_str()).bind(&run.run_id).bind(&run.flow).bind(&run.bundle[..]).bind(0);
            self.runs.bind(&run.outcome).bind(&run.detail).bind(at).bind(at).bind(blocks(&run.trace));
        }
        let mut owners = Owners::new(tenant, tenant_key);
        let (key, owner) = owners.key(connection, run.user_id.as_deref()).await?;
        let trace = run.trace.encode().map_err(|error| StoreError::Failed(error.to_string()))?;
        let trace = key.seal(&["trace", tenant.as_str(), &run.run_id, &seq], &trace).map_err(unsealed)?;
        self.traces.bind(tenant.as_str()).bind(&run.run_id).bind(i64::from(run.seq)).bind(owner.clone());
        self.traces.bind(trace).bind(at);
        if let Some(row) = &run.suspended {
            let record = key.seal(&["run", tenant.as_str(), &run.run_id, &seq], &row.record).map_err(unsealed)?;
            self.suspensions.bind(tenant.as_str()).bind(&row.token_hash[..]).bind(&run.run_id);
            self.suspensions.bind(i64::from(run.seq)).bind(owner).bind(record).bind(to_micros(row.expires_at));
        }
        let of = AuditOf {
            tenant,
            run_id: &run.run_id,
            user_id: run.user_id.as_deref(),
            context: run.context.as_ref(),
            at: run.at,
        };
        let entries = audit::sealed(connection, &of, &mut owners, &run.unit.audit).await?;
        self.audit.entry(tenant).or_insert_with(|| (tenant_key, Vec::new())).1.extend(entries);
        Ok(())
    }

    async fn insert(self, connection: &mut Connection) -> Result<(), StoreError> {
        if self.runs.insert(connection).await? != self.new_runs {
            return Err(StoreError::Conflict);
        }
        self.traces.insert(connection).await?;
        self.suspensions.insert(connection).await?;
        for (tenant, (tenant_key, entries)) in self.audit {
            audit::chain(connection, tenant, tenant_key, entries).await?;
        }
        Ok(())
    }
}

/// A later request: only on the run as it was suspended by the request before, and only by whoever took it.
async fn advance_run(connection: &mut Connection, tenant: &TenantId, run: &RunCommit) -> Result<(), StoreError> {
    let before = i64::from(run.seq) - 1;
    let done = query(
        "UPDATE runs SET seq = seq + 1, outcome = $5, detail = $6, updated_at = $7, blocks = blocks || $8 \
         WHERE tenant = $1 AND id = $2 AND seq = $3 AND bundle = $4 AND outcome = 'suspended' \
         AND EXISTS (SELECT 1 FROM suspensions WHERE tenant = $1 AND run_id = $2 AND seq = $3 AND taken_at IS NOT NULL)",
    )
    .bind(tenant.as_str())
    .bind(&run.run_id)
    .bind(before)
    .bind(&run.bundle[..])
    .bind(&run.outcome)
    .bind(&run.detail)
    .bind(to_micros(run.at))
    .bind(blocks(&run.trace))
    .execute(&mut *connection)
    .await?;
    applied(done)?;
    // The record has served; only the hash of its token stays, so that a second use is a conflict.
    query("UPDATE suspensions SET sealed_record = NULL WHERE tenant = $1 AND run_id = $2 AND seq = $3")
        .bind(tenant.as_str())
        .bind(&run.run_id)
        .bind(before)
        .execute(connection)
        .await
        .map(|_| ())
}

/// The blocks that a request has walked through, for listings: ` label:type ` each, once.
fn blocks(trace: &Trace) -> String {
    let mut text = String::new();
    for event in &trace.events {
        if let TraceEvent::Started { label, block, .. } = event {
            let one = [" ", label.as_str(), ":", block.as_str(), " "].concat();
            if !text.contains(&one) {
                text.push_str(&one);
            }
        }
    }
    text
}
