//! Sessions of users: listed, revoked.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_runtime::unit::AuditEntry;
use admit_store::{SessionRow, Sessions};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Server;
use super::auth::{Caller, caller};
use super::extract::{Asked, Path};
use super::page::Page;
use super::problem::Problem;
use super::runs::ok;
use super::time::text;
use crate::key::Scope;

/// Whose sessions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// The user: `usr_...`.
    #[param(required = true)]
    user: Option<String>,
    /// Most entries of the page; 50 where it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Whose sessions end.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Ending {
    /// The user: `usr_...`.
    #[param(required = true)]
    user: Option<String>,
}

/// A session. Its token is nowhere but at the user's.
#[derive(Serialize, ToSchema)]
pub struct SessionShown {
    /// `ses_...`
    id: String,
    /// Whose.
    user: String,
    /// How sure we were who the user is.
    aal: String,
    /// How the user showed it.
    methods: Vec<String>,
    /// The client that it was made for.
    client: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    issued_at: String,
    /// When it ends at the latest.
    #[schema(format = DateTime)]
    expires_at: String,
    /// It ends after so many seconds without use; null: it does not.
    idle_seconds: Option<u64>,
    /// When it was used last.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// Since when it is revoked; null: it is not.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

/// A page of sessions, newest first.
#[derive(Serialize, ToSchema)]
pub struct SessionPage {
    /// The sessions; those that are over too.
    sessions: Vec<SessionShown>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// Sessions that were revoked.
#[derive(Serialize, ToSchema)]
pub struct SessionsRevoked {
    /// Their ids; those that were revoked before are not among them.
    revoked: Vec<String>,
}

/// List a user's sessions
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/sessions", operation_id = "listSessions", tag = "users",
    params(Listing),
    security(("key" = ["manage"])),
    responses((status = 200, description = "A page of sessions.", body = SessionPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let page = Page::<(i64, String)>::of(asked.limit, asked.cursor.as_deref())?;
    let user = whose(asked.user)?;
    known(&server, &caller, &user).await?;
    let ask = page.ask();
    let mut sessions = server.parts.store.sessions_of(&caller.tenant, &user, page.after.clone(), ask).await?;
    let next_cursor = page.cut(&mut sessions, SessionRow::cursor);
    Ok(ok(&SessionPage { sessions: sessions.into_iter().map(shown).collect(), next_cursor }))
}

/// Read a session
#[utoipa::path(
    get, path = "/v1/sessions/{session}", operation_id = "getSession", tag = "users",
    params(("session" = String, Path, description = "`ses_...`")),
    security(("key" = ["manage"])),
    responses((status = 200, description = "The session.", body = SessionShown)),
)]
pub async fn show(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let found = server.parts.store.session_row(&caller.tenant, &id).await?;
    Ok(ok(&shown(found.ok_or_else(|| Problem::not_found("session"))?)))
}

/// Revoke a session
///
/// Its token and its refresh tokens are good for nothing from now on. Access tokens hold until their time is over.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}", operation_id = "revokeSession", tag = "users",
    params(("session" = String, Path, description = "`ses_...`")),
    security(("key" = ["manage"])),
    responses((status = 200, description = "It is revoked.", body = SessionsRevoked)),
)]
pub async fn revoke(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    if server.parts.store.session_row(&caller.tenant, &id).await?.is_none() {
        return Err(Problem::not_found("session"));
    }
    end(&server, &caller, Sessions::One(&id)).await
}

/// Revoke all sessions of a user
#[utoipa::path(
    delete, path = "/v1/sessions", operation_id = "revokeSessions", tag = "users",
    params(Ending),
    security(("key" = ["manage"])),
    responses((status = 200, description = "They are revoked.", body = SessionsRevoked)),
)]
pub async fn revoke_all(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Ending>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let user = whose(asked.user)?;
    known(&server, &caller, &user).await?;
    end(&server, &caller, Sessions::OfUser(&user)).await
}

/// Said after the key was looked at: who has none learns of no field.
fn whose(user: Option<String>) -> Result<String, Problem> {
    user.ok_or_else(|| Problem::bad("bad_query", "say whose sessions: `?user=usr_...`"))
}

async fn end(server: &Server, caller: &Caller, which: Sessions<'_>) -> Result<Response, Problem> {
    let entry = AuditEntry {
        kind: "session.revoked".to_owned(),
        actor: caller.key_id.clone(),
        target: String::new(),
        outcome: "success".to_owned(),
        data: Datum::Null,
    };
    let revoked = server.parts.store.revoke_sessions(&caller.tenant, which, &entry, server.now()).await?;
    Ok(ok(&SessionsRevoked { revoked }))
}

async fn known(server: &Server, caller: &Caller, user: &str) -> Result<(), Problem> {
    let found = server.parts.store.tagged_user(&caller.tenant, user).await?;
    found.map(|_| ()).ok_or_else(|| Problem::not_found("user"))
}

fn shown(row: SessionRow) -> SessionShown {
    let session = row.session;
    SessionShown {
        id: session.id,
        user: session.user_id,
        aal: session.aal,
        methods: session.methods,
        client: session.client_id,
        issued_at: text(session.issued_at),
        expires_at: text(session.expires_at),
        idle_seconds: session.idle_seconds,
        last_used_at: row.last_used_at.map(text),
        revoked_at: row.revoked_at.map(text),
    }
}
