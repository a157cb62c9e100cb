//! Sessions: minted by runs, read, revoked.

use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::{Revoke, Session};

use crate::open::SqlStore;
use crate::sql::{Connection, Row, query};
use crate::time::{from_micros, to_micros};
use crate::writes::{At, applied};

impl SqlStore {
    /// As [`admit_runtime::host::Store::session`].
    pub(crate) async fn live_session(
        &self,
        tenant: &TenantId,
        id: &str,
        now: Instant,
    ) -> Result<Option<Session>, StoreError> {
        let row = query(
            "SELECT sessions.id, sessions.user_id, sessions.aal, sessions.methods, sessions.issued_at, sessions.expires_at, \
             sessions.client_id, sessions.idle_micros FROM sessions \
             JOIN users ON users.tenant = sessions.tenant AND users.id = sessions.user_id \
             WHERE sessions.tenant = $1 AND sessions.id = $2 AND sessions.revoked_at IS NULL \
             AND sessions.expires_at > $3 AND users.status = 'active' \
             AND (sessions.idle_micros IS NULL OR sessions.last_used_at + sessions.idle_micros > $3)",
        )
        .bind(tenant.as_str())
        .bind(id)
        .bind(to_micros(now))
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(session).transpose()
    }
}

/// A row of id, user, aal, methods, both times, client and idle time.
pub(crate) fn session(row: &Row) -> Result<Session, StoreError> {
    let methods: String = row.try_get(3)?;
    let idle: Option<i64> = row.try_get(7)?;
    Ok(Session {
        id: row.try_get(0)?,
        user_id: row.try_get(1)?,
        aal: row.try_get(2)?,
        methods: serde_json::from_str(&methods).map_err(|error| StoreError::Failed(error.to_string()))?,
        issued_at: from_micros(row.try_get(4)?),
        expires_at: from_micros(row.try_get(5)?),
        client_id: row.try_get(6)?,
        idle_seconds: idle.map(|idle| idle.unsigned_abs() / 1_000_000),
    })
}

/// Only a user that may sign in now gets a session: whoever was blocked while the run went on does not.
pub(crate) async fn insert(connection: &mut Connection, at: &At<'_>, session: &Session) -> Result<(), StoreError> {
    let methods = serde_json::to_string(&session.methods).map_err(|error| StoreError::Failed(error.to_string()))?;
    let done = query(
        "INSERT INTO sessions (tenant, id, user_id, aal, methods, issued_at, expires_at, client_id, idle_micros, last_used_at) \
         SELECT $1, $2, id, $4, $5, $6, $7, $8, $9, $6 FROM users WHERE tenant = $1 AND id = $3 AND status = 'active'",
    )
    .bind(at.tenant.as_str())
    .bind(&session.id)
    .bind(&session.user_id)
    .bind(&session.aal)
    .bind(methods)
    .bind(to_micros(session.issued_at))
    .bind(to_micros(session.expires_at))
    .bind(&session.client_id)
    .bind(session.idle_seconds.map(|idle| i64::try_from(idle).unwrap_or(i64::MAX / 1_000_000).saturating_mul(1_000_000)))
    .execute(connection)
    .await?;
    applied(done)
}

/// Sessions of a user end.
pub(crate) async fn revoke(
    connection: &mut Connection,
    at: &At<'_>,
    user_id: &str,
    which: &Revoke,
) -> Result<(), StoreError> {
    let (statement, id) = match which {
        Revoke::All => {
            ("UPDATE sessions SET revoked_at = $3 WHERE tenant = $1 AND user_id = $2 AND revoked_at IS NULL", None)
        }
        Revoke::One(id) => (
            "UPDATE sessions SET revoked_at = $3 WHERE tenant = $1 AND user_id = $2 AND revoked_at IS NULL AND id = $4",
            Some(id),
        ),
        Revoke::Others(id) => (
            "UPDATE sessions SET revoked_at = $3 WHERE tenant = $1 AND user_id = $2 AND revoked_at IS NULL AND id <> $4",
            Some(id),
        ),
    };
    let mut query = query(statement).bind(at.tenant.as_str()).bind(user_id).bind(to_micros(at.at));
    if let Some(id) = id {
        query = query.bind(id);
    }
    query.execute(connection).await.map(|_| ())
}
