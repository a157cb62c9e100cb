//! Users: adding, importing (all or none), finding, blocking, erasing; and how a run reads them.

use std::hint::black_box;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::host::{RunEnd, StoreError};
use admit_runtime::identifier::normalise_identifier;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::{AuditEntry, Material, NewCredential};
use thiserror::Error;

use crate::audit::{AuditOf, append};
use crate::credentials;
use crate::import::{LineError, decode_base32, user_fault};
use crate::keys::{key_place, unsealed};
use crate::open::SqlStore;
use crate::people::activate;
use crate::profile::{NewUser, Profile, UserSummary, event_user, identifiers};
use crate::seal::SealKey;
use crate::sql::{Connection, Row, query};
use crate::time::{from_micros, to_micros};
use crate::writes::{At, applied};

const COLUMNS: &str = "SELECT id, status, sealed_key, sealed_profile, created_at, last_login_at, login_count FROM users WHERE tenant = $1 AND id = $2";

/// A profile of the size that profiles have: what is read where there is none.
const NOBODY: &str = concat!(
    r#"{"email":"nobody@example.com","email_verified":true,"phone":null,"phone_verified":false,"username":null,"#,
    r#""name":"Nobody Atall","groups":["staff"],"roles":["user"],"app_metadata":{"plan":"free"},"user_metadata":{}}"#,
);

/// May a user sign in?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Yes.
    Active,
    /// No: somebody blocked it.
    Blocked,
    /// No: the run that made it has not ended well yet. Other runs do not see it.
    Pending,
    /// No: the run that made it ended in deny or error. Nothing is left of it but the key that the record of that run is
    /// sealed under.
    Discarded,
}

/// Why a user could not be added.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UserError {
    /// Something in it is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The identifier or id is taken.
    #[error("`{0}` belongs to another user")]
    Taken(String),
    /// The store failed; nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Status {
    /// `active`, `blocked`, `pending`, `discarded`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Pending => "pending",
            Self::Discarded => "discarded",
        }
    }

    /// Anything unknown may not sign in.
    pub(crate) fn of(text: &str) -> Self {
        match text {
            "active" => Self::Active,
            "pending" => Self::Pending,
            "discarded" => Self::Discarded,
            _ => Self::Blocked,
        }
    }
}

impl SqlStore {
    /// Adds one user; answers its id.
    ///
    /// # Errors
    /// What is wrong with it, or that an identifier is taken; nothing is written then.
    pub async fn add_user(&self, tenant: &TenantId, user: &NewUser, now: Instant) -> Result<String, UserError> {
        let key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let id = insert_user(&mut transaction, tenant, &key, user, now).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// Adds the users of an import, all or none; answers how many.
    ///
    /// # Errors
    /// The first user that could not be added, with its line.
    pub async fn import_users(
        &self,
        tenant: &TenantId,
        users: &[(usize, NewUser)],
        now: Instant,
    ) -> Result<usize, LineError> {
        let store_fault = |error: StoreError| LineError { line: 0, message: error.to_string() };
        let key = self.tenant_key(tenant).await.map_err(store_fault)?;
        let mut transaction = self.pool.begin_write(tenant).await.map_err(store_fault)?;
        for (line, user) in users {
            insert_user(&mut transaction, tenant, &key, user, now)
                .await
                .map_err(|error| LineError { line: *line, message: error.to_string() })?;
        }
        transaction.commit().await.map_err(store_fault)?;
        Ok(users.len())
    }

    /// Users in the order of their ids, after `after`, at most `limit`.
    pub async fn users(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<UserSummary>, StoreError> {
        let rows =
            query("SELECT id FROM users WHERE tenant = $1 AND id > $2 AND status <> 'discarded' ORDER BY id LIMIT $3")
                .bind(tenant.as_str())
                .bind(after.unwrap_or(""))
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
                .await?;
        let mut users = Vec::with_capacity(rows.len());
        for row in rows {
            let id: String = row.try_get(0)?;
            users.extend(self.user_summary(tenant, &id).await?);
        }
        Ok(users)
    }

    /// One user by id or identifier; a pending one by id.
    pub async fn find_user(
        &self,
        tenant: &TenantId,
        id_or_identifier: &str,
    ) -> Result<Option<UserSummary>, StoreError> {
        if let Some(user) = self.user_summary(tenant, id_or_identifier).await? {
            return Ok(Some(user));
        }
        let id = self.id_of_identifier(tenant, id_or_identifier).await?;
        match id {
            Some(id) => self.user_summary(tenant, &id).await,
            None => Ok(None),
        }
    }

    /// Lets a user sign in, or not. `NotFound` where there is none; `Conflict` where a pending user is to be activated whose
    /// identifier is somebody else's by now.
    pub async fn set_status(&self, tenant: &TenantId, id: &str, status: Status) -> Result<(), StoreError> {
        let tenant_key = &self.tenant_key(tenant).await?;
        let user = self.user_summary(tenant, id).await?.filter(|user| user.profile.is_some());
        let user = user.ok_or(StoreError::NotFound)?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        if (user.status, status) == (Status::Pending, Status::Active) {
            let at = At { tenant, tenant_key, run_id: "", at: user.created_at, end: RunEnd::Well, is_first: false };
            activate(&mut transaction, &at, id).await?;
        } else {
            // An erased one, also if that was meanwhile, stays as it is.
            let text = "UPDATE users SET status = $3 WHERE tenant = $1 AND id = $2 AND sealed_profile IS NOT NULL";
            let query = query(text).bind(tenant.as_str()).bind(id).bind(status.as_str());
            applied(query.execute(&mut *transaction).await?).map_err(|_| StoreError::NotFound)?;
        }
        transaction.commit().await
    }

    /// Erases a user: identifiers, credentials, past sign-ins and inbox go, sessions end, and the key is destroyed under which
    /// everything else of the user is sealed (profile, run records, traces, audit data). The audit chain stays whole.
    pub async fn erase_user(&self, tenant: &TenantId, id: &str, now: Instant) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_write(tenant).await?;
        erase(&mut transaction, tenant, id, now).await?;
        transaction.commit().await
    }

    /// As [`SqlStore::erase_user`], with the audit entry that says so, which outlives the user.
    ///
    /// # Errors
    /// `NotFound` where there is no such user, or it is erased already.
    pub async fn delete_user(
        &self,
        tenant: &TenantId,
        id: &str,
        entry: &AuditEntry,
        now: Instant,
    ) -> Result<(), StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let there = query("SELECT 1 FROM users WHERE tenant = $1 AND id = $2 AND sealed_key IS NOT NULL")
            .bind(tenant.as_str())
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await?;
        there.ok_or(StoreError::NotFound)?;
        erase(&mut transaction, tenant, id, now).await?;
        let of = AuditOf::no_run(tenant, now);
        append(&mut transaction, &of, &tenant_key, std::slice::from_ref(entry)).await?;
        transaction.commit().await
    }

    /// As [`admit_runtime::host::Store::user_by_identifier`]: an unknown identifier does the same reads as a known one.
    pub(crate) async fn visible_by_identifier(
        &self,
        tenant: &TenantId,
        identifier: &str,
    ) -> Result<Option<Datum>, StoreError> {
        let id = self.id_of_identifier(tenant, identifier).await?;
        self.visible_user(tenant, id.as_deref().unwrap_or("usr_none")).await
    }

    /// As [`admit_runtime::host::Store::user`]: pending and erased users are not there.
    pub(crate) async fn visible_user(&self, tenant: &TenantId, id: &str) -> Result<Option<Datum>, StoreError> {
        let user = self.user_summary(tenant, id).await?;
        Ok(user.filter(|user| user.status != Status::Pending).and_then(|user| {
            let profile = user.profile.as_ref()?;
            Some(event_user(&user, profile))
        }))
    }

    async fn id_of_identifier(&self, tenant: &TenantId, identifier: &str) -> Result<Option<String>, StoreError> {
        let key = self.tenant_key(tenant).await?;
        query("SELECT user_id FROM identifiers WHERE tenant = $1 AND lookup_hash = $2")
            .bind(tenant.as_str())
            .bind(lookup_hash(&key, identifier))
            .fetch_optional(&self.pool)
            .await?
            .map(|row| row.try_get(0))
            .transpose()
    }

    pub(crate) async fn user_summary(&self, tenant: &TenantId, id: &str) -> Result<Option<UserSummary>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let row = query(COLUMNS).bind(tenant.as_str()).bind(id).fetch_optional(&self.pool).await?;
        let kinds = query("SELECT DISTINCT kind FROM credentials WHERE tenant = $1 AND user_id = $2 ORDER BY kind")
            .bind(tenant.as_str())
            .bind(id)
            .fetch_all(&self.pool)
            .await?;
        let credentials = kinds.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        match row {
            Some(row) => summary(tenant, &tenant_key, &row, credentials).map(Some),
            None => summary_of_nobody(tenant, &tenant_key).map(|()| None),
        }
    }
}

/// Erases a user, in a transaction that is alone with the tenant.
pub(crate) async fn erase(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &str,
    now: Instant,
) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM identifiers WHERE tenant = $1 AND user_id = $2",
        "DELETE FROM credentials WHERE tenant = $1 AND user_id = $2",
        "DELETE FROM challenges WHERE tenant = $1 AND user_id = $2",
        "DELETE FROM sign_ins WHERE tenant = $1 AND user_id = $2",
        "DELETE FROM inbox WHERE tenant = $1 AND user_id = $2",
        "UPDATE suspensions SET sealed_record = NULL WHERE tenant = $1 AND user_id = $2",
    ] {
        query(statement).bind(tenant.as_str()).bind(id).execute(&mut *connection).await?;
    }
    query("UPDATE sessions SET revoked_at = $3 WHERE tenant = $1 AND user_id = $2 AND revoked_at IS NULL")
        .bind(tenant.as_str())
        .bind(id)
        .bind(to_micros(now))
        .execute(&mut *connection)
        .await?;
    let done = query(
        "UPDATE users SET status = 'blocked', pending_run = NULL, sealed_key = NULL, sealed_profile = NULL \
         WHERE tenant = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(id)
    .execute(&mut *connection)
    .await?;
    if done == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}

pub(crate) async fn insert_user(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    user: &NewUser,
    now: Instant,
) -> Result<String, UserError> {
    if let Some(fault) = user_fault(user) {
        return Err(UserError::Invalid(fault));
    }
    let id = user.id.clone().unwrap_or_else(|| new_id("usr"));
    let profile = user.profile();
    let key = SealKey::generate().map_err(unsealed)?;
    let sealed_key = tenant_key.seal_key(&key_place(tenant, &id), &key).map_err(unsealed)?;
    let json = serde_json::to_vec(&profile).map_err(|error| StoreError::Failed(error.to_string()))?;
    let sealed_profile = key.seal(&["profile", tenant.as_str(), &id], &json).map_err(unsealed)?;
    let status = if user.blocked { Status::Blocked } else { Status::Active };
    let done = query(
        "INSERT INTO users (tenant, id, status, sealed_key, sealed_profile, created_at, login_count) \
         VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (tenant, id) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(&id)
    .bind(status.as_str())
    .bind(sealed_key)
    .bind(sealed_profile)
    .bind(to_micros(now))
    .execute(&mut *connection)
    .await?;
    if done == 0 {
        return Err(UserError::Taken(id));
    }
    for (kind, value) in identifiers(&profile) {
        let done = query(
            "INSERT INTO identifiers (tenant, lookup_hash, kind, user_id) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant, lookup_hash) DO NOTHING",
        )
        .bind(tenant.as_str())
        .bind(lookup_hash(tenant_key, value))
        .bind(kind)
        .bind(&id)
        .execute(&mut *connection)
        .await?;
        if done == 0 {
            return Err(UserError::Taken(value.to_owned()));
        }
    }
    let at = At { tenant, tenant_key, run_id: "", at: now, end: RunEnd::Well, is_first: false };
    for new in credentials_of(user, &id) {
        credentials::insert(connection, &at, &new).await?;
    }
    Ok(id)
}

/// The credentials that a user to be added comes with.
fn credentials_of(user: &NewUser, id: &str) -> Vec<NewCredential> {
    let new = |kind: &str, material: &[u8], data: Vec<(&str, Datum)>, counter: Option<i64>| NewCredential {
        id: new_id("crd"),
        user_id: id.to_owned(),
        kind: kind.to_owned(),
        material: Material::new(material),
        data: Datum::record(data),
        counter,
        external_id: None,
    };
    let number = |name, value: Option<i64>| value.map(|value| (name, Datum::Int(value)));
    let mut found = Vec::new();
    if let Some(hash) = &user.password_hash {
        found.push(new("password", hash.as_bytes(), Vec::new(), None));
    }
    if let Some(seed) = user.totp_secret.as_deref().and_then(decode_base32) {
        let hash = user.totp_hash.as_deref().map(|hash| ("hash", Datum::Str(hash.into())));
        let form = [hash, number("digits", user.totp_digits), number("step", user.totp_step)];
        found.push(new("totp", &seed, form.into_iter().flatten().collect(), None));
    }
    if let Some(seed) = user.hotp_secret.as_deref().and_then(decode_base32) {
        let form = number("digits", user.hotp_digits).into_iter().collect();
        found.push(new("hotp", &seed, form, Some(user.hotp_counter)));
    }
    found
}

fn summary(
    tenant: &TenantId,
    tenant_key: &SealKey,
    row: &Row,
    credentials: Vec<String>,
) -> Result<UserSummary, StoreError> {
    let id: String = row.try_get(0)?;
    let status: String = row.try_get(1)?;
    let sealed_key: Option<Vec<u8>> = row.try_get(2)?;
    let sealed_profile: Option<Vec<u8>> = row.try_get(3)?;
    let profile = match (sealed_key, sealed_profile) {
        (Some(key), Some(profile)) => {
            let key = tenant_key.open_key(&key_place(tenant, &id), &key).map_err(unsealed)?;
            let json = key.open(&["profile", tenant.as_str(), &id], &profile).map_err(unsealed)?;
            let profile: Profile = serde_json::from_slice(&json)
                .map_err(|error| StoreError::Failed(format!("the profile of `{id}` is not readable: {error}")))?;
            Some(profile)
        }
        (_, _) => None,
    };
    let last: Option<i64> = row.try_get(5)?;
    Ok(UserSummary {
        status: Status::of(&status),
        profile,
        credentials,
        created_at: from_micros(row.try_get(4)?),
        last_login_at: last.map(from_micros),
        login_count: row.try_get(6)?,
        id,
    })
}

/// The work of [`summary`] where there is no row, so that time does not tell who exists (T19): two boxes of the same size
/// (sealing does what opening does) and a profile that is read.
fn summary_of_nobody(tenant: &TenantId, tenant_key: &SealKey) -> Result<(), StoreError> {
    let id = "usr_none";
    let key = tenant_key.seal_key(&key_place(tenant, id), tenant_key).map_err(unsealed)?;
    let profile = tenant_key.seal(&["profile", tenant.as_str(), id], NOBODY.as_bytes()).map_err(unsealed)?;
    let read: Result<Profile, _> = serde_json::from_str(NOBODY);
    let profile = read.map(|read| (profile, read)).map_err(|error| StoreError::Failed(error.to_string()))?;
    black_box((key, profile));
    Ok(())
}

/// By what an identifier is found.
pub(crate) fn lookup_hash(tenant_key: &SealKey, identifier: &str) -> Vec<u8> {
    let (kind, normal) = normalise_identifier(identifier);
    tenant_key.hash(&["identifier", kind], normal.as_bytes()).to_vec()
}

/// An id with its prefix; sorts by time.
pub(crate) fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::now_v7().simple())
}
