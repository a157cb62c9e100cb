//! Retention: what is old enough goes, a batch at a time, each in a transaction of its own, so that nobody waits for long.

use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;

use crate::open::SqlStore;
use crate::sql::query;
use crate::time::to_micros;

/// What is kept for a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Runs that have ended, or wait for what is over, with their traces.
    Runs,
    /// The traces alone.
    Traces,
    /// Jobs of the queue that are done or were given up, and deliveries of webhooks.
    Jobs,
    /// Challenges whose time is over.
    Challenges,
    /// Sessions that have ended, with their refresh tokens.
    Sessions,
    /// Audit entries: cut off from the beginning of the chain.
    Audit,
}

/// Which runs may go, those longest there first: `$1` tenant, `$2` the time, `$3` how many.
macro_rules! runs {
    ($head:literal) => {
        concat!(
            $head,
            "(SELECT id FROM runs WHERE tenant = $1 AND started_at < $2 AND updated_at < $2 AND (outcome <> 'suspended' OR \
             NOT EXISTS (SELECT 1 FROM suspensions AS waiting WHERE waiting.tenant = $1 AND waiting.run_id = runs.id \
             AND waiting.taken_at IS NULL AND waiting.expires_at >= $2)) ORDER BY started_at, id LIMIT $3)"
        )
    };
}

macro_rules! jobs {
    ($head:literal) => {
        concat!(
            $head,
            "(SELECT key FROM queue WHERE tenant = $1 AND (done_at < $2 OR failed_at < $2) ORDER BY key LIMIT $3)"
        )
    };
}

macro_rules! deliveries {
    ($head:literal) => {
        concat!(
            $head,
            "(SELECT id FROM webhook_deliveries WHERE tenant = $1 AND (delivered_at < $2 OR failed_at < $2) \
             ORDER BY id LIMIT $3)"
        )
    };
}

macro_rules! sessions {
    ($head:literal) => {
        concat!(
            $head,
            "(SELECT id FROM sessions WHERE tenant = $1 AND (expires_at < $2 OR revoked_at < $2) ORDER BY id LIMIT $3)"
        )
    };
}

macro_rules! families {
    ($head:literal) => {
        concat!($head, "(SELECT id FROM refresh_families WHERE tenant = $1 AND session_id IN ", sessions!(""), ")")
    };
}

macro_rules! traces {
    ($head:literal, $tail:literal) => {
        concat!($head, "(SELECT run_id FROM traces WHERE tenant = $1 AND at < $2 LIMIT $3)", $tail)
    };
}

impl Kept {
    /// Everything, what refers to other things first.
    pub const ALL: [Self; 6] = [Self::Jobs, Self::Traces, Self::Runs, Self::Challenges, Self::Sessions, Self::Audit];

    /// As settings and reports name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Traces => "traces",
            Self::Jobs => "jobs",
            Self::Challenges => "challenges",
            Self::Sessions => "sessions",
            Self::Audit => "audit",
        }
    }

    /// What removes a batch, in order; the last says how many there were of it itself.
    fn statements(self) -> &'static [&'static str] {
        match self {
            Self::Runs => &[
                runs!("DELETE FROM traces WHERE tenant = $1 AND run_id IN "),
                runs!("DELETE FROM suspensions WHERE tenant = $1 AND run_id IN "),
                runs!("DELETE FROM runs WHERE tenant = $1 AND id IN "),
            ],
            Self::Traces => &[traces!("DELETE FROM traces WHERE tenant = $1 AND run_id IN ", " AND at < $2")],
            Self::Jobs => &[
                deliveries!("DELETE FROM webhook_deliveries WHERE tenant = $1 AND id IN "),
                jobs!("DELETE FROM job_traces WHERE tenant = $1 AND job_key IN "),
                jobs!("DELETE FROM queue WHERE tenant = $1 AND key IN "),
            ],
            Self::Challenges => &["DELETE FROM challenges WHERE tenant = $1 AND id IN \
                 (SELECT id FROM challenges WHERE tenant = $1 AND expires_at < $2 ORDER BY expires_at LIMIT $3)"],
            Self::Sessions => &[
                families!("DELETE FROM refresh_tokens WHERE tenant = $1 AND family_id IN "),
                families!("DELETE FROM refresh_families WHERE tenant = $1 AND id IN "),
                sessions!("DELETE FROM sessions WHERE tenant = $1 AND id IN "),
            ],
            Self::Audit => &[],
        }
    }

    /// What counts all that would go.
    fn count(self) -> &'static str {
        match self {
            Self::Runs => runs!("SELECT count(*) FROM runs WHERE tenant = $1 AND id IN "),
            Self::Traces => traces!("SELECT count(*) FROM traces WHERE tenant = $1 AND run_id IN ", " AND at < $2"),
            Self::Jobs => jobs!("SELECT count(*) FROM queue WHERE tenant = $1 AND key IN "),
            Self::Challenges => "SELECT count(*) FROM challenges WHERE tenant = $1 AND expires_at < $2 AND $3 > 0",
            Self::Sessions => sessions!("SELECT count(*) FROM sessions WHERE tenant = $1 AND id IN "),
            Self::Audit => "",
        }
    }
}

impl SqlStore {
    /// Removes the oldest of what was over before `before`, at most about `most`; answers how many. None left where it is 0. `by` is
    /// who does it, for the log, and when.
    pub async fn prune(
        &self,
        tenant: &TenantId,
        kept: Kept,
        before: Instant,
        most: u32,
        by: (&str, Instant),
    ) -> Result<u64, StoreError> {
        if kept == Kept::Audit {
            return self.prune_audit(tenant, before, most, by).await;
        }
        let mut transaction = self.pool.begin_write(tenant).await?;
        let mut removed = 0;
        for statement in kept.statements() {
            removed = query(statement)
                .bind(tenant.as_str())
                .bind(to_micros(before))
                .bind(i64::from(most))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(removed)
    }

    /// How many would go in all.
    pub async fn prunable(&self, tenant: &TenantId, kept: Kept, before: Instant) -> Result<u64, StoreError> {
        if kept == Kept::Audit {
            return self.prunable_audit(tenant, before).await;
        }
        let row = query(kept.count())
            .bind(tenant.as_str())
            .bind(to_micros(before))
            .bind(i64::MAX)
            .fetch_one(&self.pool)
            .await?;
        let count: i64 = row.try_get(0)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Every tenant, in order.
    pub async fn every_tenant(&self) -> Result<Vec<TenantId>, StoreError> {
        let rows = query("SELECT tenant FROM tenants ORDER BY tenant").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let slug: String = row.try_get(0)?;
                slug.parse().map_err(StoreError::Failed)
            })
            .collect()
    }
}
