//! Erasing a user.

use std::sync::Arc;

use admit_runtime::context;
use admit_runtime::host::{Host as _, StoreError};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::Server;
use super::auth::caller;
use super::extract::Path;
use super::problem::Problem;
use super::runs::ok;
use crate::erasure::deleted;
use crate::key::Scope;

/// A user who was erased.
#[derive(Serialize, ToSchema)]
pub struct UserErased {
    /// `usr_...`
    id: String,
    /// It is.
    erased: bool,
}

/// Erase a user
///
/// What the user is found by and signs in with is removed, sessions end, and the user's key is destroyed, under which the rest is
/// sealed. The audit log keeps that something happened, and still verifies.
#[utoipa::path(
    delete, path = "/v1/users/{user}", operation_id = "eraseUser", tag = "users",
    params(("user" = String, Path, description = "`usr_...`")),
    security(("key" = ["manage"])),
    responses((status = 200, description = "It is erased.", body = UserErased)),
)]
pub async fn erase(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let entry = context::of_request(deleted(&id, &caller.key_id));
    let done = server.parts.store.delete_user(&caller.tenant, &id, &entry, server.parts.host.now()).await;
    done.map_err(|error| match error {
        StoreError::NotFound => Problem::not_found("user"),
        other => other.into(),
    })?;
    Ok(ok(&UserErased { id, erased: true }))
}
