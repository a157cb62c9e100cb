//! Counters: exact under any number of writers, committed at once, keys only as keyed hashes.
//!
//! A window begins with the first count and lasts its length; a clock that is set back does not end it.

use admit_eval::value::Instant;
use admit_runtime::host::{Counted, StoreError};
use admit_runtime::tenant::TenantId;

use crate::open::SqlStore;
use crate::sql::query;
use crate::time::{from_micros, to_micros};

impl SqlStore {
    /// As [`admit_runtime::host::Store::count_in`].
    pub(crate) async fn add_to_counter(
        &self,
        tenant: &TenantId,
        key: &str,
        window_seconds: u64,
        now: Instant,
    ) -> Result<Counted, StoreError> {
        let hash = self.tenant_key(tenant).await?.hash(&["counter"], key.as_bytes()).to_vec();
        let now = to_micros(now);
        let window = i64::try_from(window_seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let (count, began): (i64, i64) = query(
            "INSERT INTO counters (tenant, key_hash, window_start, count) VALUES ($1, $2, $3, 1) \
             ON CONFLICT (tenant, key_hash) DO UPDATE SET \
             count = CASE WHEN counters.window_start <= $4 THEN 1 ELSE counters.count + 1 END, \
             window_start = CASE WHEN counters.window_start <= $4 THEN $3 ELSE counters.window_start END \
             RETURNING count, window_start",
        )
        .bind(tenant.as_str())
        .bind(hash)
        .bind(now)
        .bind(now.saturating_sub(window))
        .fetch_one(&self.pool)
        .await
        .and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?)))?;
        let ends_at = from_micros(began.saturating_add(window));
        Ok(Counted { count: u64::try_from(count).unwrap_or(u64::MAX), ends_at })
    }

    /// As [`admit_runtime::host::Store::reset_count`].
    pub(crate) async fn reset_counter(&self, tenant: &TenantId, key: &str) -> Result<(), StoreError> {
        let hash = self.tenant_key(tenant).await?.hash(&["counter"], key.as_bytes()).to_vec();
        query("DELETE FROM counters WHERE tenant = $1 AND key_hash = $2")
            .bind(tenant.as_str())
            .bind(hash)
            .execute(&self.pool)
            .await
            .map(|_| ())
    }
}
