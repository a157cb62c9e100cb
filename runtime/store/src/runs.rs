//! Runs: taking a suspended one, listing, traces, and the bundles that runs need to go on.

use admit_eval::value::Instant;
use admit_runtime::host::{StoreError, StoredRun, WaitingRun};
use admit_runtime::tenant::TenantId;

use crate::keys::{opening_key, unsealed};
use crate::open::SqlStore;
use crate::sql::{Row, query};
use crate::time::{from_micros, to_micros};

/// What a listing shows of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// `run_...`
    pub id: String,
    /// Which flow.
    pub flow: String,
    /// Content hash of the bundle that it began with.
    pub bundle: [u8; 32],
    /// Number of its last request, 0 first.
    pub seq: u32,
    /// `session`, `deny`, `suspended`, ...
    pub outcome: String,
    /// Reason, error id or label, as the outcome has it.
    pub detail: Option<String>,
    /// When it began.
    pub started_at: Instant,
    /// When its last request ended.
    pub updated_at: Instant,
}

/// Which runs a listing shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this flow.
    pub flow: Option<String>,
    /// With this outcome: `session`, `deny`, ...
    pub outcome: Option<String>,
    /// That began then or later.
    pub since: Option<Instant>,
    /// That began before then.
    pub until: Option<Instant>,
    /// Of this user.
    pub user: Option<String>,
    /// That walked through this block: its label, or its type.
    pub block: Option<String>,
    /// That began before this place in the listing, of [`RunSummary::place`].
    pub before: Option<(i64, String)>,
}

impl RunSummary {
    /// Its place in a listing: when it began, in microseconds since the epoch, and its id.
    pub fn place(&self) -> (i64, String) {
        (to_micros(self.started_at), self.id.clone())
    }
}

impl SqlStore {
    /// Runs, newest first, at most `limit`.
    pub async fn runs(&self, tenant: &TenantId, limit: u32) -> Result<Vec<RunSummary>, StoreError> {
        self.runs_where(tenant, &RunFilter::default(), limit).await
    }

    /// Runs that a filter lets through, newest first, at most `limit`.
    pub async fn runs_where(
        &self,
        tenant: &TenantId,
        filter: &RunFilter,
        limit: u32,
    ) -> Result<Vec<RunSummary>, StoreError> {
        let (at, id) = filter.before.as_ref().map_or((i64::MAX, ""), |(at, id)| (*at, id.as_str()));
        let rows = query(
            "SELECT id, flow, seq, outcome, detail, started_at, updated_at, bundle FROM runs WHERE tenant = $1 \
             AND started_at <= $2 AND (started_at < $2 OR id < $3) \
             AND ($4 IS NULL OR flow = $4) AND ($5 IS NULL OR outcome = $5) \
             AND ($6 IS NULL OR started_at >= $6) AND ($7 IS NULL OR started_at < $7) \
             AND ($8 IS NULL OR EXISTS (SELECT 1 FROM traces WHERE traces.tenant = $1 AND traces.user_id = $8 \
             AND traces.run_id = runs.id)) \
             AND ($9 IS NULL OR replace(replace(blocks, $9, ''), $10, '') <> blocks) \
             ORDER BY started_at DESC, id DESC LIMIT $11",
        )
        .bind(tenant.as_str())
        .bind(at)
        .bind(id)
        .bind(&filter.flow)
        .bind(&filter.outcome)
        .bind(filter.since.map(to_micros))
        .bind(filter.until.map(to_micros))
        .bind(&filter.user)
        .bind(filter.block.as_ref().map(|block| format!(" {block}:")))
        .bind(filter.block.as_ref().map(|block| format!(":{block} ")))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(summary).collect()
    }

    /// A run.
    pub async fn run(&self, tenant: &TenantId, run_id: &str) -> Result<Option<RunSummary>, StoreError> {
        let row = query(
            "SELECT id, flow, seq, outcome, detail, started_at, updated_at, bundle FROM runs \
             WHERE tenant = $1 AND id = $2",
        )
        .bind(tenant.as_str())
        .bind(run_id)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(summary).transpose()
    }

    /// The database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        query("SELECT 1 FROM tenants LIMIT 1").fetch_optional(&self.pool).await.map(|_| ())
    }

    /// The encoded traces of a run, one per request in order; none for a request whose user was erased.
    pub async fn traces(&self, tenant: &TenantId, run_id: &str) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let rows =
            query("SELECT seq, user_id, sealed_trace FROM traces WHERE tenant = $1 AND run_id = $2 ORDER BY seq")
                .bind(tenant.as_str())
                .bind(run_id)
                .fetch_all(&mut *connection)
                .await?;
        let mut traces = Vec::with_capacity(rows.len());
        for row in rows {
            let seq: i64 = row.try_get(0)?;
            let owner: Option<String> = row.try_get(1)?;
            let sealed: Vec<u8> = row.try_get(2)?;
            let key = opening_key(&mut connection, tenant, &tenant_key, owner.as_deref()).await?;
            let place = seq.to_string();
            let place = ["trace", tenant.as_str(), run_id, &place];
            traces.push(
                key.map(|key| key.open(&place, &sealed).map(|plain| plain.to_vec())).transpose().map_err(unsealed)?,
            );
        }
        Ok(traces)
    }

    /// Keeps a bundle, so that runs that began with it can go on; one that is there already stays.
    pub async fn put_bundle(
        &self,
        tenant: &TenantId,
        hash: [u8; 32],
        bytes: &[u8],
        now: Instant,
    ) -> Result<(), StoreError> {
        self.tenant_key(tenant).await?;
        query(
            "INSERT INTO bundles (tenant, hash, bytes, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant, hash) DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(hash.to_vec())
        .bind(bytes)
        .bind(to_micros(now))
        .execute(&self.pool)
        .await
        .map(|_| ())
    }

    /// A bundle by its content hash.
    pub async fn bundle(&self, tenant: &TenantId, hash: [u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        query("SELECT bytes FROM bundles WHERE tenant = $1 AND hash = $2")
            .bind(tenant.as_str())
            .bind(hash.to_vec())
            .fetch_optional(&self.pool)
            .await?
            .map(|row| row.try_get(0))
            .transpose()
    }

    /// As [`admit_runtime::host::Store::waiting_run`].
    pub(crate) async fn run_that_waits(
        &self,
        tenant: &TenantId,
        token_hash: [u8; 32],
    ) -> Result<Option<WaitingRun>, StoreError> {
        let row = query(
            "SELECT r.bundle, r.id FROM suspensions s JOIN runs r ON r.tenant = s.tenant AND r.id = s.run_id \
             WHERE s.tenant = $1 AND s.token_hash = $2 AND s.taken_at IS NULL",
        )
        .bind(tenant.as_str())
        .bind(token_hash.to_vec())
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let bundle: Vec<u8> = row.try_get(0)?;
        let bundle = bundle.try_into().map_err(|_| StoreError::Failed("a bundle hash is damaged".to_owned()))?;
        Ok(Some(WaitingRun { run_id: row.try_get(1)?, bundle }))
    }

    /// As [`admit_runtime::host::Store::take_run`].
    pub(crate) async fn take_suspended(
        &self,
        tenant: &TenantId,
        token_hash: [u8; 32],
        now: Instant,
    ) -> Result<StoredRun, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let now = to_micros(now);
        let taken = query(
            "UPDATE suspensions SET taken_at = $3 WHERE tenant = $1 AND token_hash = $2 AND taken_at IS NULL \
             AND expires_at > $3 RETURNING run_id, seq, user_id, sealed_record",
        )
        .bind(tenant.as_str())
        .bind(token_hash.to_vec())
        .bind(now)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = taken else { return Err(self.why_not_taken(tenant, token_hash, now).await?) };
        let run_id: String = row.try_get(0)?;
        let seq: i64 = row.try_get(1)?;
        let owner: Option<String> = row.try_get(2)?;
        let sealed: Option<Vec<u8>> = row.try_get(3)?;
        let mut connection = self.pool.acquire().await?;
        let key = opening_key(&mut connection, tenant, &tenant_key, owner.as_deref()).await?;
        // Erased meanwhile: there is nothing to go on with.
        let (Some(key), Some(sealed)) = (key, sealed) else { return Err(StoreError::NotFound) };
        let place = seq.to_string();
        let record = key.open(&["run", tenant.as_str(), &run_id, &place], &sealed).map_err(unsealed)?.to_vec();
        let bundle: Vec<u8> = query("SELECT bundle FROM runs WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(&run_id)
            .fetch_one(&mut *connection)
            .await
            .and_then(|row| row.try_get(0))?;
        let bundle =
            bundle.try_into().map_err(|_| StoreError::Failed(format!("the bundle hash of `{run_id}` is damaged")))?;
        let seq = u32::try_from(seq.saturating_add(1))
            .map_err(|_| StoreError::Failed(format!("the sequence of `{run_id}` is damaged")))?;
        Ok(StoredRun { run_id, bundle, record, seq })
    }

    async fn why_not_taken(&self, tenant: &TenantId, token_hash: [u8; 32], now: i64) -> Result<StoreError, StoreError> {
        let row = query("SELECT taken_at, expires_at FROM suspensions WHERE tenant = $1 AND token_hash = $2")
            .bind(tenant.as_str())
            .bind(token_hash.to_vec())
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(StoreError::NotFound) };
        let taken: Option<i64> = row.try_get(0)?;
        let expires: i64 = row.try_get(1)?;
        Ok(match taken {
            None if expires <= now => StoreError::Expired,
            None | Some(_) => StoreError::Conflict,
        })
    }
}

/// A row of id, flow, number, outcome, detail, both times and bundle.
fn summary(row: &Row) -> Result<RunSummary, StoreError> {
    let seq: i64 = row.try_get(2)?;
    let bundle: Vec<u8> = row.try_get(7)?;
    let bundle = bundle.try_into().map_err(|_| StoreError::Failed("the bundle hash of a run is damaged".to_owned()))?;
    Ok(RunSummary {
        id: row.try_get(0)?,
        flow: row.try_get(1)?,
        bundle,
        seq: u32::try_from(seq).unwrap_or(u32::MAX),
        outcome: row.try_get(3)?,
        detail: row.try_get(4)?,
        started_at: from_micros(row.try_get(5)?),
        updated_at: from_micros(row.try_get(6)?),
    })
}
