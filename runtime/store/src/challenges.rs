//! Challenges: made and met in commits; shown against at once, the attempt counted in the statement that precedes the
//! comparison (security.md decision 6).
//!
//! Of what must be shown only hashes are stored, keyed by the tenant: one bound to the challenge's id, and for links one to
//! find it by. A short code cannot be guessed from a stolen database.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::host::{ChallengeOf, FoundChallenge, StoreError, Tried};
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::{Challenge, Material};

use crate::json::{from_json, to_json};
use crate::keys::{opening_key, owner_key, unsealed};
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Connection, query};
use crate::time::{from_micros, to_micros};
use crate::writes::{At, applied};

/// How long a challenge that is over is kept, in microseconds: a day, so that a late guess is told apart from a wrong one.
const KEPT: i64 = 24 * 60 * 60 * 1_000_000;

impl SqlStore {
    /// As [`admit_runtime::host::Store::try_challenge`].
    pub(crate) async fn try_one(
        &self,
        tenant: &TenantId,
        of: ChallengeOf<'_>,
        shown: &[u8],
        now: Instant,
    ) -> Result<Tried, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let counted = query(
            "UPDATE challenges SET attempts = attempts + 1 WHERE tenant = $1 AND id = $2 AND kind = $3 \
             AND coalesce(run_id, $4) = $4 AND coalesce(user_id, '') = $5 \
             AND taken_at IS NULL AND attempts < max_attempts AND expires_at > $6 \
             RETURNING secret_hash, sealed_data, owner_id, max_attempts - attempts",
        )
        .bind(tenant.as_str())
        .bind(of.id)
        .bind(of.kind)
        .bind(of.run_id)
        .bind(of.user_id.unwrap_or_default())
        .bind(to_micros(now))
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = counted else { return why_not(&mut connection, tenant, &of, now).await };
        let stored: Vec<u8> = row.try_get(0)?;
        let left: i64 = row.try_get(3)?;
        let wrong = Tried::Wrong { attempts_left: u32::try_from(left).unwrap_or(0) };
        let Ok(stored) = <[u8; 32]>::try_from(stored.as_slice()) else { return Ok(wrong) };
        // `blake3::Hash` compares in constant time.
        let right = blake3::Hash::from(stored) == blake3::Hash::from(secret_hash(&tenant_key, of.id, shown));
        if !right || of.user_id.is_none() {
            return Ok(wrong);
        }
        let owner: Option<String> = row.try_get(2)?;
        let sealed: Vec<u8> = row.try_get(1)?;
        let key = opening_key(&mut connection, tenant, &tenant_key, owner.as_deref()).await?;
        let Some(key) = key else { return Ok(Tried::Unknown) };
        Ok(Tried::Right { data: from_json(&key.open(&place(tenant, of.id), &sealed).map_err(unsealed)?)? })
    }

    /// As [`admit_runtime::host::Store::open_challenge`].
    pub(crate) async fn challenge_open(
        &self,
        tenant: &TenantId,
        of: ChallengeOf<'_>,
    ) -> Result<Option<Datum>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let row = query(
            "SELECT owner_id, sealed_data FROM challenges WHERE tenant = $1 AND id = $2 AND kind = $3 \
             AND coalesce(run_id, $4) = $4 AND coalesce(user_id, '') = $5 \
             AND taken_at IS NULL AND attempts < max_attempts",
        )
        .bind(tenant.as_str())
        .bind(of.id)
        .bind(of.kind)
        .bind(of.run_id)
        .bind(of.user_id.unwrap_or_default())
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let owner: Option<String> = row.try_get(0)?;
        let sealed: Vec<u8> = row.try_get(1)?;
        let key = opening_key(&mut connection, tenant, &tenant_key, owner.as_deref()).await?;
        let Some(key) = key else { return Ok(None) };
        Ok(Some(from_json(&key.open(&place(tenant, of.id), &sealed).map_err(unsealed)?)?))
    }

    /// As [`admit_runtime::host::Store::challenge_by_secret`].
    pub(crate) async fn challenge_found(
        &self,
        tenant: &TenantId,
        kind: &str,
        secret: &[u8],
        now: Instant,
    ) -> Result<Option<FoundChallenge>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let row = query(
            "SELECT id, run_id, user_id, owner_id, sealed_data, expires_at FROM challenges \
             WHERE tenant = $1 AND kind = $2 AND lookup_hash = $3 AND taken_at IS NULL AND expires_at > $4",
        )
        .bind(tenant.as_str())
        .bind(kind)
        .bind(lookup_hash(&tenant_key, kind, secret))
        .bind(to_micros(now))
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let id: String = row.try_get(0)?;
        let owner: Option<String> = row.try_get(3)?;
        let sealed: Vec<u8> = row.try_get(4)?;
        let key = opening_key(&mut connection, tenant, &tenant_key, owner.as_deref()).await?;
        let Some(key) = key else { return Ok(None) };
        Ok(Some(FoundChallenge {
            run_id: row.try_get(1)?,
            user_id: row.try_get(2)?,
            data: from_json(&key.open(&place(tenant, &id), &sealed).map_err(unsealed)?)?,
            expires_at: from_micros(row.try_get(5)?),
            id,
        }))
    }
}

/// A new challenge. Those that have been over for a day go.
pub(crate) async fn insert(connection: &mut Connection, at: &At<'_>, challenge: &Challenge) -> Result<(), StoreError> {
    query("DELETE FROM challenges WHERE tenant = $1 AND expires_at < $2")
        .bind(at.tenant.as_str())
        .bind(to_micros(at.at).saturating_sub(KEPT))
        .execute(&mut *connection)
        .await?;
    let (key, owner) = owner_key(connection, at.tenant, at.tenant_key, challenge.user_id.as_deref()).await?;
    let data: &Datum = &challenge.data;
    let sealed = key.seal(&place(at.tenant, &challenge.id), &to_json(data)?).map_err(unsealed)?;
    let secret = challenge.secret.expose();
    let lookup = challenge.by_secret.then(|| lookup_hash(at.tenant_key, &challenge.kind, secret));
    let done = query(
        "INSERT INTO challenges (tenant, id, kind, run_id, user_id, owner_id, secret_hash, lookup_hash, sealed_data, \
         attempts, max_attempts, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11) ON CONFLICT DO NOTHING",
    )
    .bind(at.tenant.as_str())
    .bind(&challenge.id)
    .bind(&challenge.kind)
    .bind(&challenge.run_id)
    .bind(&challenge.user_id)
    .bind(owner)
    .bind(secret_hash(at.tenant_key, &challenge.id, secret).to_vec())
    .bind(lookup)
    .bind(sealed)
    .bind(i64::from(challenge.max_attempts))
    .bind(to_micros(challenge.expires_at))
    .execute(connection)
    .await?;
    applied(done)
}

/// Another secret for the same challenge; attempts stay counted.
pub(crate) async fn renew(
    connection: &mut Connection,
    at: &At<'_>,
    id: &str,
    secret: &Material,
    expires_at: Instant,
) -> Result<(), StoreError> {
    let done = query(
        "UPDATE challenges SET secret_hash = $3, lookup_hash = NULL, expires_at = $4 \
         WHERE tenant = $1 AND id = $2 AND taken_at IS NULL",
    )
    .bind(at.tenant.as_str())
    .bind(id)
    .bind(secret_hash(at.tenant_key, id, secret.expose()).to_vec())
    .bind(to_micros(expires_at))
    .execute(connection)
    .await?;
    applied(done)
}

/// Met: of any number of runs one meets it.
pub(crate) async fn take(connection: &mut Connection, at: &At<'_>, id: &str) -> Result<(), StoreError> {
    let done = query(
        "UPDATE challenges SET taken_at = $3 WHERE tenant = $1 AND id = $2 AND taken_at IS NULL AND expires_at > $3",
    )
    .bind(at.tenant.as_str())
    .bind(id)
    .bind(to_micros(at.at))
    .execute(connection)
    .await?;
    applied(done)
}

/// Why nothing may be shown.
async fn why_not(
    connection: &mut Connection,
    tenant: &TenantId,
    of: &ChallengeOf<'_>,
    now: Instant,
) -> Result<Tried, StoreError> {
    let row = query(
        "SELECT expires_at FROM challenges WHERE tenant = $1 AND id = $2 AND kind = $3 \
         AND coalesce(run_id, $4) = $4 AND coalesce(user_id, '') = $5",
    )
    .bind(tenant.as_str())
    .bind(of.id)
    .bind(of.kind)
    .bind(of.run_id)
    .bind(of.user_id.unwrap_or_default())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(Tried::Unknown) };
    let expires_at: i64 = row.try_get(0)?;
    Ok(if expires_at <= to_micros(now) { Tried::Expired } else { Tried::Spent })
}

fn place<'a>(tenant: &'a TenantId, id: &'a str) -> [&'a str; 3] {
    ["challenge", tenant.as_str(), id]
}

fn secret_hash(tenant_key: &SealKey, id: &str, secret: &[u8]) -> [u8; 32] {
    tenant_key.hash(&["challenge", id], secret)
}

fn lookup_hash(tenant_key: &SealKey, kind: &str, secret: &[u8]) -> Vec<u8> {
    tenant_key.hash(&["challenge by secret", kind], secret).to_vec()
}
