//! Liveness, readiness, and the keys that tokens verify under.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Server;
use super::auth::caller;
use super::problem::Problem;
use super::runs::{ok, tagged};
use crate::key::Scope;

/// How the server is.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`, `ready`
    status: &'static str,
}

/// A JSON Web Key Set (RFC 7517 section 5).
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of what the host gives as JSON")]
pub struct KeySet {
    /// The public keys.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<Value>,
}

/// Liveness
///
/// The process answers. Needs no key.
#[utoipa::path(
    get, path = "/healthz", operation_id = "live", tag = "operation",
    responses((status = 200, description = "It does.", body = Health)),
)]
pub async fn live() -> Response {
    ok(&Health { status: "ok" })
}

/// Readiness
///
/// The store answers too, and the server is not about to stop. Needs no key.
#[utoipa::path(
    get, path = "/readyz", operation_id = "ready", tag = "operation",
    responses((status = 200, description = "It does.", body = Health)),
)]
pub async fn ready(State(server): State<Arc<Server>>) -> Result<Response, Problem> {
    let not = |why: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", why);
    if server.is_stopping.load(Ordering::Relaxed) {
        return Err(not("not ready: the server stops".to_owned()));
    }
    match server.parts.store.ping().await {
        Ok(()) => Ok(ok(&Health { status: "ready" })),
        Err(error) => Err(not(format!("not ready: {error}"))),
    }
}

/// The tenant's public keys
///
/// What its tokens verify under (RFC 7517).
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "keySet", tag = "keys",
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer: 304 where nothing has changed.")),
    security(("key" = ["read"])),
    responses(
        (status = 200, description = "The key set.", body = KeySet, headers(("ETag" = String))),
        (status = 304, description = "As the `ETag` says."),
    ),
)]
pub async fn key_set(State(server): State<Arc<Server>>, headers: HeaderMap) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Read).await?;
    let tenancy = server.tenancy(&caller.tenant).await?;
    let mut response = tagged(&headers, &tenancy.host()?.key_set(&caller.tenant).await?);
    // A new key is published long before it signs.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=300"));
    Ok(response)
}
