//! Deploys: which bundle a tenant runs, and which it ran before. The live one is the last; it is switched in one
//! transaction with its audit entries, and only by whoever knows what is live.

use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;

use crate::audit::{AuditOf, append};
use crate::open::SqlStore;
use crate::sql::{Connection, Row, query};
use crate::time::{from_micros, to_micros};

/// A deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploy {
    /// Its number in the tenant, 1 first.
    pub seq: u64,
    /// Content hash of the bundle.
    pub bundle: [u8; 32],
    /// Who.
    pub actor: String,
    /// When.
    pub at: Instant,
}

impl SqlStore {
    /// What the tenant runs; none where nothing was deployed. Makes no tenant.
    pub async fn live(&self, tenant: &TenantId) -> Result<Option<Deploy>, StoreError> {
        Ok(self.deploys(tenant, None, 1).await?.into_iter().next())
    }

    /// What each tenant runs.
    pub async fn live_of_all(&self) -> Result<Vec<(TenantId, [u8; 32])>, StoreError> {
        let rows = query(
            "SELECT d.tenant, d.bundle FROM deploys d WHERE d.seq = (SELECT max(seq) FROM deploys WHERE tenant = d.tenant) \
             ORDER BY d.tenant",
        )
        .fetch_all(&self.pool)
        .await?;
        let damaged = |what: &str| StoreError::Failed(format!("{what} of a deploy is damaged"));
        rows.iter()
            .map(|row| {
                let (tenant, bundle): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
                let tenant = tenant.parse().map_err(|_| damaged("the tenant"))?;
                Ok((tenant, bundle.try_into().map_err(|_| damaged("the hash"))?))
            })
            .collect()
    }

    /// Deploys, newest first, those before `before` where it is given, at most `limit`.
    pub async fn deploys(&self, tenant: &TenantId, before: Option<u64>, limit: u32) -> Result<Vec<Deploy>, StoreError> {
        let before = before.map_or(i64::MAX, |seq| i64::try_from(seq).unwrap_or(i64::MAX));
        let rows = query(
            "SELECT seq, bundle, actor, at FROM deploys WHERE tenant = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Whether the tenant has run this bundle before, or runs it now.
    pub async fn was_deployed(&self, tenant: &TenantId, bundle: [u8; 32]) -> Result<bool, StoreError> {
        let row = query("SELECT 1 FROM deploys WHERE tenant = $1 AND bundle = $2 LIMIT 1")
            .bind(tenant.as_str())
            .bind(bundle.to_vec())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// Makes a bundle that is kept ([`SqlStore::put_bundle`]) the live one, where `expected` is live now, with its audit entries.
    ///
    /// # Errors
    /// `Conflict` where something else is live: somebody has deployed meanwhile. `NotFound` where the bundle is not kept.
    pub async fn deploy(
        &self,
        tenant: &TenantId,
        expected: Option<[u8; 32]>,
        (bundle, actor): ([u8; 32], &str),
        entries: &[AuditEntry],
        now: Instant,
    ) -> Result<Deploy, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let kept = query("SELECT 1 FROM bundles WHERE tenant = $1 AND hash = $2")
            .bind(tenant.as_str())
            .bind(bundle.to_vec())
            .fetch_optional(&mut *transaction)
            .await?;
        if kept.is_none() {
            return Err(StoreError::NotFound);
        }
        let last = last(&mut transaction, tenant).await?;
        if last.as_ref().map(|last| last.bundle) != expected {
            return Err(StoreError::Conflict);
        }
        let seq = last.map_or(1, |last| last.seq.saturating_add(1));
        query("INSERT INTO deploys (tenant, seq, bundle, actor, at) VALUES ($1, $2, $3, $4, $5)")
            .bind(tenant.as_str())
            .bind(i64::try_from(seq).unwrap_or(i64::MAX))
            .bind(bundle.to_vec())
            .bind(actor)
            .bind(to_micros(now))
            .execute(&mut *transaction)
            .await?;
        let of = AuditOf::no_run(tenant, now);
        append(&mut transaction, &of, &tenant_key, entries).await?;
        transaction.commit().await?;
        Ok(Deploy { seq, bundle, actor: actor.to_owned(), at: now })
    }
}

async fn last(connection: &mut Connection, tenant: &TenantId) -> Result<Option<Deploy>, StoreError> {
    let row = query("SELECT seq, bundle, actor, at FROM deploys WHERE tenant = $1 ORDER BY seq DESC LIMIT 1")
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Deploy, StoreError> {
    let seq: i64 = row.try_get(0)?;
    let bundle: Vec<u8> = row.try_get(1)?;
    Ok(Deploy {
        seq: seq.unsigned_abs(),
        bundle: bundle.try_into().map_err(|_| StoreError::Failed("the hash of a bundle is damaged".to_owned()))?,
        actor: row.try_get(2)?,
        at: from_micros(row.try_get(3)?),
    })
}
