//! Cutting off the oldest part of a chain. What is left verifies from a checkpoint: the number and the hash of the last entry
//! that went, under a keyed seal; an entry of the log says what went, and when.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;

use super::{AuditFault, AuditOf, append, first_prev, number, read_rows, row_fault};
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Connection, query};
use crate::time::to_micros;

/// The beginning of what is left of a chain: the last entry that went, 0 and zeros where none did.
type Start = (i64, Vec<u8>);

impl SqlStore {
    /// How many of a tenant's entries were cut off.
    pub async fn audit_pruned(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let row = query("SELECT seq FROM audit_checkpoints WHERE tenant = $1")
            .bind(tenant.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| row.try_get(0)).transpose().map(|seq| seq.map_or(0, number))
    }

    /// Cuts off the oldest entries, those before `before`, at most `most`; answers how many. Entries that a webhook has yet to read
    /// stay. The cut, its checkpoint and the entry that tells of it are one transaction.
    ///
    /// # Errors
    /// An entry that does not verify: nothing of a chain is cut off where it could be evidence.
    pub async fn prune_audit(
        &self,
        tenant: &TenantId,
        before: Instant,
        most: u32,
        (actor, now): (&str, Instant),
    ) -> Result<u64, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let damaged = |fault: AuditFault| StoreError::Failed(format!("{fault}; nothing was cut off"));
        let (start, mut hash) = start(&mut transaction, tenant, &tenant_key).await?.map_err(damaged)?;
        let unread = unread(&mut transaction, tenant).await?;
        let mut seq = start;
        for row in read_rows(&mut transaction, tenant, start, i64::from(most)).await? {
            if row.at >= to_micros(before) || row.seq > unread {
                break;
            }
            if let Some(problem) = row_fault(tenant, &row, seq, &hash) {
                return Err(damaged(AuditFault { seq: number(seq.saturating_add(1)), problem }));
            }
            (seq, hash) = (row.seq, row.hash);
        }
        let pruned = number(seq.saturating_sub(start));
        if pruned == 0 {
            return Ok(0);
        }
        query(
            "INSERT INTO audit_checkpoints (tenant, seq, hash, mac, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant) \
             DO UPDATE SET seq = excluded.seq, hash = excluded.hash, mac = excluded.mac, at = excluded.at",
        )
        .bind(tenant.as_str())
        .bind(seq)
        .bind(&hash)
        .bind(mac(&tenant_key, tenant, seq, &hash))
        .bind(to_micros(now))
        .execute(&mut *transaction)
        .await?;
        query("DELETE FROM audit WHERE tenant = $1 AND seq <= $2")
            .bind(tenant.as_str())
            .bind(seq)
            .execute(&mut *transaction)
            .await?;
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let data = Datum::record([
            ("through", Datum::Int(seq)),
            ("entries", Datum::Int(seq.saturating_sub(start))),
            ("hash", Datum::Str(hex.as_str().into())),
        ]);
        let entry = AuditEntry {
            kind: "audit.pruned".to_owned(),
            actor: actor.to_owned(),
            target: format!("audit:{seq}"),
            outcome: "success".to_owned(),
            data,
        };
        append(&mut transaction, &AuditOf::no_run(tenant, now), &tenant_key, &[entry]).await?;
        transaction.commit().await?;
        Ok(pruned)
    }

    /// How many entries [`SqlStore::prune_audit`] would cut off in all.
    pub(crate) async fn prunable_audit(&self, tenant: &TenantId, before: Instant) -> Result<u64, StoreError> {
        let mut transaction = self.pool.begin_read().await?;
        let unread = unread(&mut transaction, tenant).await?;
        let row = query(
            "SELECT count(*) FROM audit WHERE tenant = $1 AND seq <= $3 AND seq < \
             COALESCE((SELECT min(seq) FROM audit WHERE tenant = $1 AND at >= $2), $4)",
        )
        .bind(tenant.as_str())
        .bind(to_micros(before))
        .bind(unread)
        .bind(i64::MAX)
        .fetch_one(&mut *transaction)
        .await?;
        row.try_get(0).map(number)
    }
}

/// From where the chain is to be verified, or what is wrong with that.
pub(super) async fn start(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
) -> Result<Result<Start, AuditFault>, StoreError> {
    let row = query("SELECT seq, hash, mac FROM audit_checkpoints WHERE tenant = $1")
        .bind(tenant.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(Ok((0, first_prev().to_vec()))) };
    let (seq, hash, seal): (i64, Vec<u8>, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let fault = |problem| Ok(Err(AuditFault { seq: number(seq), problem }));
    if seal != mac(tenant_key, tenant, seq, &hash) {
        return fault("the checkpoint of the chain was not written by this store");
    }
    let left = query("SELECT 1 FROM audit WHERE tenant = $1 AND seq <= $2 LIMIT 1")
        .bind(tenant.as_str())
        .bind(seq)
        .fetch_optional(connection)
        .await?;
    match left {
        Some(_) => fault("an entry lies before the checkpoint of the chain"),
        None => Ok(Ok((seq, hash))),
    }
}

/// Up to which entry every webhook in use has read.
async fn unread(connection: &mut Connection, tenant: &TenantId) -> Result<i64, StoreError> {
    let seen: Option<i64> = query("SELECT min(seen) FROM webhooks WHERE tenant = $1 AND disabled_at IS NULL")
        .bind(tenant.as_str())
        .fetch_one(connection)
        .await?
        .try_get(0)?;
    Ok(seen.unwrap_or(i64::MAX))
}

fn mac(tenant_key: &SealKey, tenant: &TenantId, seq: i64, hash: &[u8]) -> Vec<u8> {
    let mut data = seq.to_be_bytes().to_vec();
    data.extend_from_slice(hash);
    tenant_key.hash(&["audit checkpoint", tenant.as_str()], &data).to_vec()
}
