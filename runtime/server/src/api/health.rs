//! Liveness, readiness, and the keys that tokens verify under.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::Server;
use super::auth::caller;
use super::problem::Problem;
use super::runs::ok;
use crate::key::Scope;

/// `GET /healthz`: the process answers.
pub async fn live() -> Response {
    ok(&json!({ "status": "ok" }))
}

/// `GET /readyz`: the store answers too.
pub async fn ready(State(server): State<Arc<Server>>) -> Result<Response, Problem> {
    match server.parts.store.ping().await {
        Ok(()) => Ok(ok(&json!({ "status": "ready" }))),
        Err(error) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", format!("not ready: {error}"))),
    }
}

/// `GET /.well-known/jwks.json`: the tenant's public keys (RFC 7517).
pub async fn key_set(State(server): State<Arc<Server>>, headers: HeaderMap) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Read).await?;
    Ok(ok(&server.parts.host.key_set(&caller.tenant).await?))
}
