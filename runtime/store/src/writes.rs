//! The writes of a unit of work, each inside the commit's transaction.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::host::{RunEnd, SignIn, StoreError};
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::{NewCredential, Write};
use serde::{Deserialize, Serialize};

use crate::credentials::material_place;
use crate::families;
use crate::keys::{owner_key, unsealed, user_key};
use crate::open::SqlStore;
use crate::profile::patched_profile;
use crate::queue::payload_place;
use crate::seal::SealKey;
use crate::sql::{Connection, query};
use crate::time::{from_micros, to_micros};
use crate::users::new_id;
use crate::{challenges, credentials, inbox, people, sessions};

/// The facts of a sign-in, as sealed.
#[derive(Serialize, Deserialize)]
struct Facts {
    device: Option<String>,
    country: Option<String>,
    position: Option<(f64, f64)>,
    ip: String,
}

impl SqlStore {
    /// As [`admit_runtime::host::Store::sign_ins`].
    pub(crate) async fn past_sign_ins(
        &self,
        tenant: &TenantId,
        user_id: &str,
        limit: u32,
    ) -> Result<Vec<SignIn>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let key = user_key(&mut connection, tenant, &tenant_key, user_id).await?;
        // Asked for also where there is no such user, so that time does not tell.
        let rows = query(
            "SELECT id, at, sealed_facts FROM sign_ins WHERE tenant = $1 AND user_id = $2 ORDER BY at DESC, id DESC LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(user_id)
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?;
        let Some(key) = key else { return Ok(Vec::new()) };
        rows.iter()
            .map(|row| {
                let id: String = row.try_get(0)?;
                let sealed: Vec<u8> = row.try_get(2)?;
                let plain = key.open(&["sign-in", tenant.as_str(), &id], &sealed).map_err(unsealed)?;
                let facts: Facts =
                    postcard::from_bytes(&plain).map_err(|error| StoreError::Failed(error.to_string()))?;
                Ok(SignIn {
                    at: from_micros(row.try_get(1)?),
                    device: facts.device,
                    country: facts.country,
                    position: facts.position,
                    ip: facts.ip,
                })
            })
            .collect()
    }
}

/// What every write needs to know of the commit that it belongs to.
pub(crate) struct At<'a> {
    pub tenant: &'a TenantId,
    pub tenant_key: &'a SealKey,
    pub run_id: &'a str,
    pub at: Instant,
    pub end: RunEnd,
    /// The first request of the run: it has made nothing before.
    pub is_first: bool,
}

/// Applies the writes of a commit, in order, and settles what becomes of the users that the run has made.
pub(crate) async fn apply_all(connection: &mut Connection, at: &At<'_>, writes: &[Write]) -> Result<(), StoreError> {
    let may_have_users = !at.is_first || writes.iter().any(|write| matches!(write, Write::InsertUser(_)));
    if at.end == RunEnd::Well && may_have_users {
        people::activate_all(connection, at).await?;
    }
    for write in writes {
        match apply(connection, at, write).await {
            // Nobody is let in: that it was used already, or that what was used is discarded with the rest, takes nothing from
            // anybody.
            Err(StoreError::Conflict) if at.end == RunEnd::Badly && write.is_use() => {}
            result => result?,
        }
    }
    if at.end == RunEnd::Badly && may_have_users {
        people::discard_all(connection, at).await?;
    }
    Ok(())
}

/// Applies one write. A compare-and-set that does not apply is a `Conflict`.
async fn apply(connection: &mut Connection, at: &At<'_>, write: &Write) -> Result<(), StoreError> {
    let (tenant, tenant_key) = (at.tenant, at.tenant_key);
    match write {
        Write::InsertSession(session) => sessions::insert(connection, at, session).await,
        Write::InsertFamily(family, first) => families::insert(connection, at, family, first).await,
        Write::RotateRefresh(rotation) => families::rotate(connection, at, rotation).await,
        Write::RevokeFamily { family_id, session_id } => families::revoke(connection, at, family_id, session_id).await,
        Write::RehashPassword { user_id, old, new } => rehash(connection, tenant, tenant_key, user_id, old, new).await,
        Write::TakeTotpStep { credential_id, step } => {
            let done = query(
                "UPDATE credentials SET last_step = $3 WHERE tenant = $1 AND id = $2 AND kind = 'totp' \
                 AND (last_step IS NULL OR last_step < $3)",
            )
            .bind(tenant.as_str())
            .bind(credential_id)
            .bind(*step)
            .execute(connection)
            .await?;
            applied(done)
        }
        Write::RecordSignIn { user_id, at, device, country, position, ip } => {
            let facts = Facts { device: device.clone(), country: country.clone(), position: *position, ip: ip.clone() };
            record_sign_in(connection, tenant, tenant_key, user_id, *at, &facts).await
        }
        Write::PatchAppMetadata { user_id, patches } => {
            patch_app_metadata(connection, tenant, tenant_key, user_id, patches).await
        }
        Write::Enqueue { key, kind, payload } => {
            enqueue(connection, tenant, tenant_key, key, kind, payload, at.at).await
        }
        Write::InsertUser(user) => people::insert(connection, at, user).await,
        Write::UpdateUser { user_id, changes } => people::update(connection, at, user_id, changes).await,
        Write::SetVerified { user_id, what, value } => {
            people::set_verified(connection, at, user_id, *what, value).await
        }
        Write::InsertCredential(new) => credentials::insert(connection, at, new).await,
        Write::UpdateCredential { user_id, credential_id, data } => {
            credentials::update(connection, at, user_id, credential_id, data).await
        }
        Write::SetPassword { user_id, credential_id, hash } => {
            credentials::delete_kind(connection, at, user_id, "password").await?;
            let new = NewCredential {
                id: credential_id.clone(),
                user_id: user_id.clone(),
                kind: "password".to_owned(),
                material: hash.clone(),
                data: Datum::Map(Vec::new()),
                counter: None,
                external_id: None,
            };
            credentials::insert(connection, at, &new).await
        }
        Write::DeleteCredential { user_id, credential_id } => {
            credentials::delete(connection, at, user_id, credential_id).await
        }
        Write::TakeCredential { credential_id } => credentials::take(connection, at, credential_id).await,
        Write::AdvanceCounter { credential_id, to } => credentials::advance(connection, at, credential_id, *to).await,
        Write::InsertChallenge(challenge) => challenges::insert(connection, at, challenge).await,
        Write::RenewChallenge { id, secret, expires_at } => {
            challenges::renew(connection, at, id, secret, *expires_at).await
        }
        Write::TakeChallenge { id } => challenges::take(connection, at, id).await,
        Write::RevokeSessions { user_id, which } => sessions::revoke(connection, at, user_id, which).await,
        Write::InsertInbox(entry) => inbox::insert(connection, tenant, tenant_key, entry).await,
    }
}

async fn rehash(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    user_id: &str,
    old: &str,
    new: &str,
) -> Result<(), StoreError> {
    let key = user_key(connection, tenant, tenant_key, user_id).await?.ok_or(StoreError::Conflict)?;
    let rows =
        query("SELECT id, sealed_material FROM credentials WHERE tenant = $1 AND user_id = $2 AND kind = 'password'")
            .bind(tenant.as_str())
            .bind(user_id)
            .fetch_all(&mut *connection)
            .await?;
    for row in rows {
        let id: String = row.try_get(0)?;
        let sealed: Vec<u8> = row.try_get(1)?;
        let place = material_place(tenant, "password", &id);
        if key.open(&place, &sealed).map_err(unsealed)?.as_slice() == old.as_bytes() {
            let renewed = key.seal(&place, new.as_bytes()).map_err(unsealed)?;
            let done = query(
                "UPDATE credentials SET sealed_material = $3 WHERE tenant = $1 AND id = $2 AND sealed_material = $4",
            )
            .bind(tenant.as_str())
            .bind(&id)
            .bind(renewed)
            .bind(sealed)
            .execute(connection)
            .await?;
            return applied(done);
        }
    }
    // The password was changed meanwhile: a better hash of the old one is not wanted, and no reason to fail the run.
    Ok(())
}

async fn record_sign_in(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    user_id: &str,
    at: Instant,
    facts: &Facts,
) -> Result<(), StoreError> {
    let key = user_key(connection, tenant, tenant_key, user_id).await?.ok_or(StoreError::Conflict)?;
    let id = new_id("sgn");
    let plain = postcard::to_stdvec(facts).map_err(|error| StoreError::Failed(error.to_string()))?;
    let sealed = key.seal(&["sign-in", tenant.as_str(), &id], &plain).map_err(unsealed)?;
    query("INSERT INTO sign_ins (tenant, id, user_id, at, sealed_facts) VALUES ($1, $2, $3, $4, $5)")
        .bind(tenant.as_str())
        .bind(&id)
        .bind(user_id)
        .bind(to_micros(at))
        .bind(sealed)
        .execute(&mut *connection)
        .await?;
    let done =
        query("UPDATE users SET last_login_at = $3, login_count = login_count + 1 WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(user_id)
            .bind(to_micros(at))
            .execute(connection)
            .await?;
    applied(done)
}

/// Over what `app_metadata` is now, which another run may have changed since this one read it.
async fn patch_app_metadata(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    user_id: &str,
    patches: &[Datum],
) -> Result<(), StoreError> {
    // Erased meanwhile: there is nothing to patch.
    let Some(key) = user_key(connection, tenant, tenant_key, user_id).await? else { return Ok(()) };
    let row = query("SELECT sealed_profile FROM users WHERE tenant = $1 AND id = $2 AND sealed_profile IS NOT NULL")
        .bind(tenant.as_str())
        .bind(user_id)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(()) };
    let sealed: Vec<u8> = row.try_get(0)?;
    let sealed = patched_profile(&key, tenant, user_id, &sealed, patches)?;
    let done = query("UPDATE users SET sealed_profile = $3 WHERE tenant = $1 AND id = $2")
        .bind(tenant.as_str())
        .bind(user_id)
        .bind(sealed)
        .execute(connection)
        .await?;
    applied(done)
}

async fn enqueue(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    key: &str,
    kind: &str,
    payload: &[u8],
    at: Instant,
) -> Result<(), StoreError> {
    let (seal_key, _) = owner_key(connection, tenant, tenant_key, None).await?;
    let sealed = seal_key.seal(&payload_place(tenant, key), payload).map_err(unsealed)?;
    query(
        "INSERT INTO queue (tenant, key, kind, sealed_payload, attempts, due_at, created_at) \
         VALUES ($1, $2, $3, $4, 0, $5, $5) ON CONFLICT (tenant, key) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(key)
    .bind(kind)
    .bind(sealed)
    .bind(to_micros(at))
    .execute(connection)
    .await
    .map(|_| ())
}

pub(crate) fn applied(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}
