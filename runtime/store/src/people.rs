//! Users as runs make and change them: pending until the run ends well, then activated, or discarded.
//!
//! A pending user's identifiers are not taken: they are entered when the user is activated, which fails if somebody else
//! has one by then. So a sign-up that is never finished keeps nothing from anybody, and tells nobody anything. A
//! discarded user leaves a row with the key under which the traces and audit of that run are sealed, and nothing else.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::host::{RunEnd, StoreError};
use admit_runtime::identifier::normalise_identifier;
use admit_runtime::patch::merge;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::{Change, NewUser, Proved, UserChanges};
use zeroize::Zeroizing;

use crate::keys::{key_place, unsealed, user_key};
use crate::open::SqlStore;
use crate::profile::{Profile, identifiers};
use crate::seal::SealKey;
use crate::sql::{Connection, query};
use crate::time::to_micros;
use crate::users::{Status, erase, lookup_hash};
use crate::writes::{At, applied};

impl SqlStore {
    /// As [`admit_runtime::host::Store::pending_user`].
    pub(crate) async fn pending_of_run(
        &self,
        tenant: &TenantId,
        run_id: &str,
        id_or_identifier: &str,
    ) -> Result<Option<Datum>, StoreError> {
        let rows = query("SELECT id FROM users WHERE tenant = $1 AND pending_run = $2 ORDER BY id")
            .bind(tenant.as_str())
            .bind(run_id)
            .fetch_all(&self.pool)
            .await?;
        let wanted = normalise_identifier(id_or_identifier);
        for row in rows {
            let id: String = row.try_get(0)?;
            let Some(user) = self.user_summary(tenant, &id).await? else { continue };
            let Some(profile) = &user.profile else { continue };
            let mut named = identifiers(profile).into_iter();
            if id == id_or_identifier || named.any(|(_, value)| normalise_identifier(value) == wanted) {
                return Ok(Some(crate::profile::event_user(&user, profile)));
            }
        }
        Ok(None)
    }

    /// Discards and erases users that have been pending since before this time: their runs can hardly be resumed any more, and
    /// one that is ends in an error. Answers how many.
    pub async fn purge_pending(&self, tenant: &TenantId, before: Instant, now: Instant) -> Result<u64, StoreError> {
        // In one transaction: whom a run activates meanwhile is not erased.
        let mut transaction = self.pool.begin_write(tenant).await?;
        let rows = query("SELECT id FROM users WHERE tenant = $1 AND pending_run IS NOT NULL AND created_at < $2")
            .bind(tenant.as_str())
            .bind(to_micros(before))
            .fetch_all(&mut *transaction)
            .await?;
        let mut purged = 0;
        for row in rows {
            let id: String = row.try_get(0)?;
            erase(&mut transaction, tenant, &id, now).await?;
            purged += 1;
        }
        transaction.commit().await?;
        Ok(purged)
    }
}

/// A user of a run. One that ends well in the same request is active at once.
pub(crate) async fn insert(connection: &mut Connection, at: &At<'_>, new: &NewUser) -> Result<(), StoreError> {
    let profile = Profile {
        email: new.email.clone(),
        email_verified: new.email_verified,
        phone: new.phone.clone(),
        phone_verified: new.phone_verified,
        username: new.username.clone(),
        name: new.name.clone(),
        groups: new.groups.clone(),
        roles: new.roles.clone(),
        app_metadata: object(&new.app_metadata)?,
        user_metadata: object(&new.user_metadata)?,
    };
    let key = SealKey::generate().map_err(unsealed)?;
    let sealed_key = at.tenant_key.seal_key(&key_place(at.tenant, &new.id), &key).map_err(unsealed)?;
    let done = query(
        "INSERT INTO users (tenant, id, status, pending_run, sealed_key, sealed_profile, created_at, login_count) \
         VALUES ($1, $2, 'pending', $3, $4, $5, $6, 0) ON CONFLICT (tenant, id) DO NOTHING",
    )
    .bind(at.tenant.as_str())
    .bind(&new.id)
    .bind(at.run_id)
    .bind(sealed_key)
    .bind(sealed(&key, at.tenant, &new.id, &profile)?)
    .bind(to_micros(at.at))
    .execute(&mut *connection)
    .await?;
    applied(done)?;
    if at.end == RunEnd::Well { activate(connection, at, &new.id).await } else { Ok(()) }
}

/// Changes of a user. Identifiers of a pending one are not entered yet.
pub(crate) async fn update(
    connection: &mut Connection,
    at: &At<'_>,
    user_id: &str,
    changes: &UserChanges,
) -> Result<(), StoreError> {
    let (key, status, mut profile) = read(connection, at, user_id).await?;
    let before = profile.clone();
    change(&mut profile.email, &changes.email);
    change(&mut profile.phone, &changes.phone);
    change(&mut profile.username, &changes.username);
    change(&mut profile.name, &changes.name);
    profile.email_verified &= is_same(before.email.as_deref(), profile.email.as_deref());
    profile.phone_verified &= is_same(before.phone.as_deref(), profile.phone.as_deref());
    change_list(&mut profile.groups, &changes.groups);
    change_list(&mut profile.roles, &changes.roles);
    for (metadata, patch) in
        [(&mut profile.app_metadata, &changes.app_metadata), (&mut profile.user_metadata, &changes.user_metadata)]
    {
        if let Some(patch) = patch {
            *metadata = object(&merge(crate::json::json_object(metadata), patch))?;
        }
    }
    profile.check_size()?;
    write(connection, at, &key, user_id, &profile).await?;
    if status == Status::Pending {
        return Ok(());
    }
    for (_, value) in identifiers(&before) {
        query("DELETE FROM identifiers WHERE tenant = $1 AND lookup_hash = $2 AND user_id = $3")
            .bind(at.tenant.as_str())
            .bind(lookup_hash(at.tenant_key, value))
            .bind(user_id)
            .execute(&mut *connection)
            .await?;
    }
    enter(connection, at, user_id, &profile).await
}

/// What was proved, if it is still the user's.
pub(crate) async fn set_verified(
    connection: &mut Connection,
    at: &At<'_>,
    user_id: &str,
    what: Proved,
    value: &str,
) -> Result<(), StoreError> {
    let (key, _, mut profile) = read(connection, at, user_id).await?;
    let (known, flag) = match what {
        Proved::Email => (profile.email.as_deref(), &mut profile.email_verified),
        Proved::Phone => (profile.phone.as_deref(), &mut profile.phone_verified),
    };
    if known.is_none() || !is_same(known, Some(value)) {
        return Err(StoreError::Conflict);
    }
    *flag = true;
    write(connection, at, &key, user_id, &profile).await
}

/// The users of a run that has ended well: a conflict if an identifier is somebody else's by now.
pub(crate) async fn activate_all(connection: &mut Connection, at: &At<'_>) -> Result<(), StoreError> {
    for id in pending(connection, at).await? {
        activate(connection, at, &id).await?;
    }
    Ok(())
}

/// One pending user.
pub(crate) async fn activate(connection: &mut Connection, at: &At<'_>, user_id: &str) -> Result<(), StoreError> {
    let (_, _, profile) = read(connection, at, user_id).await?;
    enter(connection, at, user_id, &profile).await?;
    let done = query(
        "UPDATE users SET status = 'active', pending_run = NULL WHERE tenant = $1 AND id = $2 AND status = 'pending'",
    )
    .bind(at.tenant.as_str())
    .bind(user_id)
    .execute(connection)
    .await?;
    applied(done)
}

/// The users of a run that has ended in deny or error.
pub(crate) async fn discard_all(connection: &mut Connection, at: &At<'_>) -> Result<(), StoreError> {
    for id in pending(connection, at).await? {
        for statement in [
            "DELETE FROM credentials WHERE tenant = $1 AND user_id = $2",
            "DELETE FROM challenges WHERE tenant = $1 AND user_id = $2",
            "UPDATE users SET status = 'discarded', pending_run = NULL, sealed_profile = NULL WHERE tenant = $1 AND id = $2",
        ] {
            query(statement).bind(at.tenant.as_str()).bind(&id).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

async fn pending(connection: &mut Connection, at: &At<'_>) -> Result<Vec<String>, StoreError> {
    let rows = query("SELECT id FROM users WHERE tenant = $1 AND pending_run = $2")
        .bind(at.tenant.as_str())
        .bind(at.run_id)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Enters the identifiers of a user, each of which must be free.
async fn enter(connection: &mut Connection, at: &At<'_>, user_id: &str, profile: &Profile) -> Result<(), StoreError> {
    for (kind, value) in identifiers(profile) {
        let done = query(
            "INSERT INTO identifiers (tenant, lookup_hash, kind, user_id) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant, lookup_hash) DO UPDATE SET kind = $3 WHERE identifiers.user_id = $4",
        )
        .bind(at.tenant.as_str())
        .bind(lookup_hash(at.tenant_key, value))
        .bind(kind)
        .bind(user_id)
        .execute(&mut *connection)
        .await?;
        applied(done)?;
    }
    Ok(())
}

async fn read(
    connection: &mut Connection,
    at: &At<'_>,
    user_id: &str,
) -> Result<(SealKey, Status, Profile), StoreError> {
    let key = user_key(connection, at.tenant, at.tenant_key, user_id).await?.ok_or(StoreError::Conflict)?;
    let row = query("SELECT status, sealed_profile FROM users WHERE tenant = $1 AND id = $2")
        .bind(at.tenant.as_str())
        .bind(user_id)
        .fetch_optional(connection)
        .await?
        .ok_or(StoreError::Conflict)?;
    let status: String = row.try_get(0)?;
    let sealed: Option<Vec<u8>> = row.try_get(1)?;
    let plain = key.open(&place(at.tenant, user_id), &sealed.ok_or(StoreError::Conflict)?).map_err(unsealed)?;
    let profile = serde_json::from_slice(&plain)
        .map_err(|error| StoreError::Failed(format!("the profile of `{user_id}` is not readable: {error}")))?;
    Ok((key, Status::of(&status), profile))
}

async fn write(
    connection: &mut Connection,
    at: &At<'_>,
    key: &SealKey,
    user_id: &str,
    profile: &Profile,
) -> Result<(), StoreError> {
    let done = query("UPDATE users SET sealed_profile = $3 WHERE tenant = $1 AND id = $2")
        .bind(at.tenant.as_str())
        .bind(user_id)
        .bind(sealed(key, at.tenant, user_id, profile)?)
        .execute(connection)
        .await?;
    applied(done)
}

fn sealed(key: &SealKey, tenant: &TenantId, user_id: &str, profile: &Profile) -> Result<Vec<u8>, StoreError> {
    let plain = serde_json::to_vec(profile).map_err(|error| StoreError::Failed(error.to_string()))?;
    key.seal(&place(tenant, user_id), &Zeroizing::new(plain)).map_err(unsealed)
}

fn place<'a>(tenant: &'a TenantId, user_id: &'a str) -> [&'a str; 3] {
    ["profile", tenant.as_str(), user_id]
}

fn object(data: &Datum) -> Result<serde_json::Map<String, serde_json::Value>, StoreError> {
    match admit_eval::json::to_json(data) {
        serde_json::Value::Object(object) => Ok(object),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_)
        | serde_json::Value::Array(_) => Err(StoreError::Failed("metadata must be an object".to_owned())),
    }
}

fn change(value: &mut Option<String>, change: &Change<String>) {
    match change {
        Change::Keep => {}
        Change::Clear => *value = None,
        Change::Set(new) => *value = Some(new.clone()),
    }
}

fn change_list(value: &mut Vec<String>, change: &Change<Vec<String>>) {
    match change {
        Change::Keep => {}
        Change::Clear => value.clear(),
        Change::Set(new) => value.clone_from(new),
    }
}

fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    one.map(normalise_identifier) == other.map(normalise_identifier)
}
