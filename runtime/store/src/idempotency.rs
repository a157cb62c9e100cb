//! Answers that are given again: a caller that sends its call twice under one `Idempotency-Key` has it done once
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! Who comes first claims the key; its answer is kept by the commit that does what was asked for, so there is none without
//! the other. A claim whose holder is gone can be taken over after a while; what the holder commits after that is a conflict.

use admit_eval::value::Instant;
use admit_runtime::host::{Claim, KeptAnswer, StoreError};
use admit_runtime::tenant::TenantId;
use zeroize::Zeroizing;

use crate::keys::{Owners, opening_key, unsealed};
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Connection, query};
use crate::time::to_micros;
use crate::writes::applied;

/// How long an answer is kept, and how long a claim is believed to be worked on, in seconds.
const KEPT: i64 = 24 * 60 * 60;
const CLAIMED: i64 = 2 * 60;

/// What came of claiming a key.
pub enum Claimed {
    /// Nobody has used it: the call is to be done, and its answer kept under this claim.
    Mine(Claim),
    /// The call was done: its answer.
    Done(Zeroizing<Vec<u8>>),
    /// Somebody is at it.
    UnderWay,
    /// The key was used for another call, or another body.
    Other,
    /// The call was done, and its answer went with its user.
    Erased,
}

impl SqlStore {
    /// Claims a key for a call. `caller` is the API key, `call` what is called and with which body.
    pub async fn claim(
        &self,
        tenant: &TenantId,
        (caller, key): (&str, &str),
        (call, body): (&str, &[u8]),
        now: Instant,
    ) -> Result<Claimed, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        // Keyed, both: a body may hold a password, and a plain hash of it could be tried out.
        let key_hash = tenant_key.hash(&["idempotency key", tenant.as_str(), caller], key.as_bytes());
        let fingerprint = tenant_key.hash(&["idempotency body", tenant.as_str(), call], body);
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(|error| StoreError::Failed(error.to_string()))?;
        let at = to_micros(now);
        let later = |seconds: i64| at.saturating_add(seconds.saturating_mul(1_000_000));
        let mut transaction = self.pool.begin_write(tenant).await?;
        query("DELETE FROM idempotency WHERE tenant = $1 AND expires_at <= $2")
            .bind(tenant.as_str())
            .bind(at)
            .execute(&mut *transaction)
            .await?;
        let taken = query(
            "INSERT INTO idempotency (tenant, key_hash, fingerprint, claim, claimed_until, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, key_hash) DO UPDATE SET claim = excluded.claim, \
             claimed_until = excluded.claimed_until, expires_at = excluded.expires_at \
             WHERE idempotency.sealed_answer IS NULL AND idempotency.claimed_until <= $7 \
             AND idempotency.fingerprint = excluded.fingerprint",
        )
        .bind(tenant.as_str())
        .bind(key_hash.to_vec())
        .bind(fingerprint.to_vec())
        .bind(token.to_vec())
        .bind(later(CLAIMED))
        .bind(later(KEPT))
        .bind(at)
        .execute(&mut *transaction)
        .await?;
        if taken == 1 {
            transaction.commit().await?;
            return Ok(Claimed::Mine(Claim { key_hash, token }));
        }
        let row =
            query("SELECT fingerprint, user_id, sealed_answer FROM idempotency WHERE tenant = $1 AND key_hash = $2")
                .bind(tenant.as_str())
                .bind(key_hash.to_vec())
                .fetch_one(&mut *transaction)
                .await?;
        let (known, owner, sealed): (Vec<u8>, Option<String>, Option<Vec<u8>>) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if known != fingerprint {
            return Ok(Claimed::Other);
        }
        let Some(sealed) = sealed else { return Ok(Claimed::UnderWay) };
        let opened = opening_key(&mut transaction, tenant, &tenant_key, owner.as_deref()).await?;
        let Some(opened) = opened else { return Ok(Claimed::Erased) };
        let plain = opened.open(&place(tenant, &hex(&key_hash)), &sealed).map_err(unsealed)?;
        Ok(Claimed::Done(plain))
    }

    /// Gives a claim back: nothing was done under it.
    pub async fn give_back(&self, tenant: &TenantId, claim: &Claim) -> Result<(), StoreError> {
        query("DELETE FROM idempotency WHERE tenant = $1 AND key_hash = $2 AND claim = $3 AND sealed_answer IS NULL")
            .bind(tenant.as_str())
            .bind(claim.key_hash.to_vec())
            .bind(claim.token.to_vec())
            .execute(&self.pool)
            .await
            .map(|_| ())
    }
}

/// Keeps an answer, in the transaction that does what it tells of.
///
/// # Errors
/// `Conflict` where the claim is somebody else's by now.
pub(crate) async fn keep(
    connection: &mut Connection,
    (tenant, tenant_key): (&TenantId, &SealKey),
    user_id: Option<&str>,
    kept: &KeptAnswer,
) -> Result<(), StoreError> {
    let (key, owner) = Owners::new(tenant, tenant_key).key(connection, user_id).await?;
    let sealed = key.seal(&place(tenant, &hex(&kept.claim.key_hash)), kept.body.expose()).map_err(unsealed)?;
    let done = query(
        "UPDATE idempotency SET user_id = $4, sealed_answer = $5 \
         WHERE tenant = $1 AND key_hash = $2 AND claim = $3 AND sealed_answer IS NULL",
    )
    .bind(tenant.as_str())
    .bind(kept.claim.key_hash.to_vec())
    .bind(kept.claim.token.to_vec())
    .bind(owner)
    .bind(sealed)
    .execute(connection)
    .await?;
    applied(done)
}

fn place<'a>(tenant: &'a TenantId, key_hash: &'a str) -> [&'a str; 3] {
    ["idempotent answer", tenant.as_str(), key_hash]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
