//! Failed sign-ins: when they were, by key; committed at once, keys only as keyed hashes.

use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;

use crate::open::SqlStore;
use crate::sql::query;
use crate::time::{from_micros, to_micros};
use crate::users::new_id;

/// How long a failure is kept, in microseconds: longer than any window and lockout together (2 days).
const KEPT: i64 = 48 * 60 * 60 * 1_000_000;

impl SqlStore {
    /// As [`admit_runtime::host::Store::note_failure`].
    pub(crate) async fn add_failure(&self, tenant: &TenantId, key: &str, now: Instant) -> Result<(), StoreError> {
        let hash = self.tenant_key(tenant).await?.hash(&["failure"], key.as_bytes()).to_vec();
        let now = to_micros(now);
        query("DELETE FROM failures WHERE tenant = $1 AND key_hash = $2 AND at < $3")
            .bind(tenant.as_str())
            .bind(&hash)
            .bind(now.saturating_sub(KEPT))
            .execute(&self.pool)
            .await?;
        query("INSERT INTO failures (tenant, key_hash, at, id) VALUES ($1, $2, $3, $4)")
            .bind(tenant.as_str())
            .bind(&hash)
            .bind(now)
            .bind(new_id("fail"))
            .execute(&self.pool)
            .await
            .map(|_| ())
    }

    /// As [`admit_runtime::host::Store::failures`].
    pub(crate) async fn failures_since(
        &self,
        tenant: &TenantId,
        key: &str,
        since: Instant,
        limit: u32,
    ) -> Result<Vec<Instant>, StoreError> {
        let hash = self.tenant_key(tenant).await?.hash(&["failure"], key.as_bytes()).to_vec();
        let rows =
            query("SELECT at FROM failures WHERE tenant = $1 AND key_hash = $2 AND at >= $3 ORDER BY at DESC LIMIT $4")
                .bind(tenant.as_str())
                .bind(hash)
                .bind(to_micros(since))
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
                .await?;
        rows.iter().map(|row| row.try_get::<i64>(0).map(from_micros)).collect()
    }

    /// As [`admit_runtime::host::Store::forget_failures`].
    pub(crate) async fn drop_failures(&self, tenant: &TenantId, key: &str) -> Result<(), StoreError> {
        let hash = self.tenant_key(tenant).await?.hash(&["failure"], key.as_bytes()).to_vec();
        query("DELETE FROM failures WHERE tenant = $1 AND key_hash = $2")
            .bind(tenant.as_str())
            .bind(hash)
            .execute(&self.pool)
            .await
            .map(|_| ())
    }
}
