//! Users and sessions as whoever manages a tenant sees and changes them: in pages, by compare-and-set, with audit entries.

use admit_eval::value::Instant;
use admit_runtime::host::{RunEnd, StoreError};
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::{AuditEntry, Session, UserChanges};
use sha2::{Digest as _, Sha256};

use crate::audit::{AuditOf, append};
use crate::import::user_fault;
use crate::open::SqlStore;
use crate::profile::{NewUser, UserSummary, identifiers};
use crate::sql::{Connection, Row, query};
use crate::time::{from_micros, to_micros};
use crate::users::{Status, UserError, insert_user};
use crate::writes::At;
use crate::{people, sessions};

macro_rules! columns {
    () => {
        "SELECT id, user_id, aal, methods, issued_at, expires_at, client_id, idle_micros, last_used_at, revoked_at FROM sessions "
    };
}

/// What changes of a user.
#[derive(Clone, Debug)]
pub struct UserPatch {
    /// Profile and metadata.
    pub changes: UserChanges,
    /// Whether the user may sign in; none: as before.
    pub blocked: Option<bool>,
}

/// A session as kept, over or not.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    /// The session.
    pub session: Session,
    /// When it was used last.
    pub last_used_at: Option<Instant>,
    /// Since when it is good for nothing.
    pub revoked_at: Option<Instant>,
}

impl SessionRow {
    /// The place of a page that begins after it.
    pub fn cursor(&self) -> (i64, String) {
        (to_micros(self.session.issued_at), self.session.id.clone())
    }
}

impl SqlStore {
    /// Users by id, newest first, those before one, at most `limit`. Discarded ones are left out.
    pub async fn users_before(
        &self,
        tenant: &TenantId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<UserSummary>, StoreError> {
        let rows = match before {
            Some(before) => {
                let text = "SELECT id FROM users WHERE tenant = $1 AND id < $2 AND status <> 'discarded' ORDER BY id DESC LIMIT $3";
                query(text).bind(tenant.as_str()).bind(before).bind(i64::from(limit)).fetch_all(&self.pool).await?
            }
            None => {
                let text = "SELECT id FROM users WHERE tenant = $1 AND status <> 'discarded' ORDER BY id DESC LIMIT $2";
                query(text).bind(tenant.as_str()).bind(i64::from(limit)).fetch_all(&self.pool).await?
            }
        };
        let mut users = Vec::with_capacity(rows.len());
        for row in rows {
            let id: String = row.try_get(0)?;
            users.extend(self.user_summary(tenant, &id).await?);
        }
        Ok(users)
    }

    /// A user by id, with the tag of how it stands: another one after each change. Erased and discarded users are not there.
    pub async fn tagged_user(&self, tenant: &TenantId, id: &str) -> Result<Option<(UserSummary, String)>, StoreError> {
        let Some(tag) = tag(&mut *self.pool.acquire().await?, tenant, id).await? else { return Ok(None) };
        let user = self.user_summary(tenant, id).await?.filter(|user| user.profile.is_some());
        Ok(user.map(|user| (user, tag)))
    }

    /// As [`SqlStore::add_user`], with an audit entry: its target is filled in.
    ///
    /// # Errors
    /// What is wrong with the user, or who has its id or one of its identifiers.
    pub async fn create_user(
        &self,
        tenant: &TenantId,
        user: &NewUser,
        mut entry: AuditEntry,
        now: Instant,
    ) -> Result<String, UserError> {
        let key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let id = insert_user(&mut transaction, tenant, &key, user, now).await?;
        entry.target.clone_from(&id);
        append(&mut transaction, &AuditOf::no_run(tenant, now), &key, &[entry]).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// Changes a user that stands as `expected` says, if it says so. Sessions of one that is blocked are good for nothing at once.
    ///
    /// # Errors
    /// No such user, another tag, an identifier that is no such thing or another user's, or metadata that are too large.
    pub async fn patch_user(
        &self,
        tenant: &TenantId,
        (id, expected): (&str, Option<&str>),
        patch: &UserPatch,
        entries: &[AuditEntry],
        now: Instant,
    ) -> Result<(), UserError> {
        let tenant_key = &self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let tag = tag(&mut transaction, tenant, id).await?.ok_or(StoreError::NotFound)?;
        if expected.is_some_and(|expected| expected != tag) {
            return Err(StoreError::Conflict.into());
        }
        let at = At { tenant, tenant_key, run_id: "", at: now, end: RunEnd::Well, is_first: false };
        people::update(&mut transaction, &at, id, &patch.changes).await.map_err(|error| match error {
            StoreError::Conflict => UserError::Taken("an identifier".to_owned()),
            other => other.into(),
        })?;
        if let Some(blocked) = patch.blocked {
            // One that has not finished signing up is not let in by this.
            query("UPDATE users SET status = $3 WHERE tenant = $1 AND id = $2 AND status IN ('active', 'blocked')")
                .bind(tenant.as_str())
                .bind(id)
                .bind(if blocked { Status::Blocked } else { Status::Active }.as_str())
                .execute(&mut *transaction)
                .await?;
        }
        append(&mut transaction, &AuditOf::no_run(tenant, now), tenant_key, entries).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Sessions of a user, newest first, those before one, at most `limit`; revoked ones and those that are over too.
    pub async fn sessions_of(
        &self,
        tenant: &TenantId,
        user_id: &str,
        before: Option<(i64, String)>,
        limit: u32,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let (at, id) = before.unwrap_or((i64::MAX, String::new()));
        let rows = query(concat!(
            columns!(),
            "WHERE tenant = $1 AND user_id = $2 AND (issued_at < $3 OR (issued_at = $3 AND id < $4)) \
             ORDER BY issued_at DESC, id DESC LIMIT $5"
        ))
        .bind(tenant.as_str())
        .bind(user_id)
        .bind(at)
        .bind(id)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(session_row).collect()
    }

    /// One session, over or not.
    pub async fn session_row(&self, tenant: &TenantId, id: &str) -> Result<Option<SessionRow>, StoreError> {
        let row = query(concat!(columns!(), "WHERE tenant = $1 AND id = $2"))
            .bind(tenant.as_str())
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(session_row).transpose()
    }

    /// Revokes one session, or all of a user's that are not revoked, with an audit entry for each; answers which. `entry` is
    /// given the session's id as its target.
    pub async fn revoke_sessions(
        &self,
        tenant: &TenantId,
        which: Sessions<'_>,
        entry: &AuditEntry,
        now: Instant,
    ) -> Result<Vec<String>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let (text, id) = match which {
            Sessions::One(id) => (
                "UPDATE sessions SET revoked_at = $3 WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL RETURNING id",
                id,
            ),
            Sessions::OfUser(id) => (
                "UPDATE sessions SET revoked_at = $3 WHERE tenant = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING id",
                id,
            ),
        };
        let rows = query(text).bind(tenant.as_str()).bind(id).bind(to_micros(now)).fetch_all(&mut *transaction).await?;
        let revoked: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let entries: Vec<AuditEntry> =
            revoked.iter().map(|id| AuditEntry { target: id.clone(), ..entry.clone() }).collect();
        append(&mut transaction, &AuditOf::no_run(tenant, now), &tenant_key, &entries).await?;
        transaction.commit().await?;
        Ok(revoked)
    }
}

/// Which sessions.
#[derive(Clone, Copy, Debug)]
pub enum Sessions<'a> {
    /// The one by this id.
    One(&'a str),
    /// All of the user by this id.
    OfUser(&'a str),
}

/// What is wrong with a user as it would be after a patch; none where nothing is.
pub fn patch_fault(user: &UserSummary, changes: &UserChanges) -> Option<String> {
    let mut changed = NewUser::default();
    let known = user.profile.clone().unwrap_or_default();
    changed.email = changed_to(&changes.email, known.email);
    changed.phone = changed_to(&changes.phone, known.phone);
    changed.username = changed_to(&changes.username, known.username);
    if identifiers(&changed.profile()).is_empty() {
        return Some("a user has an e-mail address, a phone number or a user name".to_owned());
    }
    user_fault(&changed)
}

fn changed_to(change: &admit_runtime::unit::Change<String>, before: Option<String>) -> Option<String> {
    match change {
        admit_runtime::unit::Change::Keep => before,
        admit_runtime::unit::Change::Clear => None,
        admit_runtime::unit::Change::Set(new) => Some(new.clone()),
    }
}

/// A hash over what is stored of the user: it was sealed anew with each change of the profile.
async fn tag(connection: &mut Connection, tenant: &TenantId, id: &str) -> Result<Option<String>, StoreError> {
    let row = query(
        "SELECT status, sealed_profile FROM users WHERE tenant = $1 AND id = $2 AND sealed_profile IS NOT NULL AND status <> 'discarded'",
    )
    .bind(tenant.as_str())
    .bind(id)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (status, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
    let digest = Sha256::new().chain_update(status).chain_update([0]).chain_update(sealed).finalize();
    Ok(Some(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()))
}

fn session_row(row: &Row) -> Result<SessionRow, StoreError> {
    let (used, revoked): (Option<i64>, Option<i64>) = (row.try_get(8)?, row.try_get(9)?);
    Ok(SessionRow {
        session: sessions::session(row)?,
        last_used_at: used.map(from_micros),
        revoked_at: revoked.map(from_micros),
    })
}
