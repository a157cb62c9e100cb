//! API keys of the tenant: listed, made, revoked.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_runtime::host::{Host as _, StoreError};
use admit_runtime::unit::AuditEntry;
use admit_store::ApiKeyRow;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Server;
use super::auth::caller;
use super::extract::Body;
use super::problem::Problem;
use super::runs::{ok, read};
use super::time::text;
use crate::key::{ApiKey, Scope};

/// The longest name of a key.
const LONGEST_NAME: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    scopes: Vec<String>,
}

/// `GET /v1/keys`: all keys, revoked ones too; never their secrets.
pub async fn list(State(server): State<Arc<Server>>, headers: HeaderMap) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let keys = server.parts.store.api_keys(&caller.tenant).await?;
    Ok(ok(&json!({ "keys": keys.iter().map(shown).collect::<Vec<Value>>() })))
}

/// `POST /v1/keys`: `{"name", "scopes"}`; the answer has the key, this once. No key makes one that may do more than itself.
pub async fn create(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let new: New = read(&body)?;
    if new.name.is_empty() || new.name.len() > LONGEST_NAME || new.name.chars().any(char::is_control) {
        return Err(Problem::bad(
            "bad_name",
            format!("`name` is 1 to {LONGEST_NAME} bytes without control characters"),
        ));
    }
    let scopes: Option<Vec<Scope>> = new.scopes.iter().map(|word| Scope::of(word)).collect();
    let known = || Scope::ALL.map(Scope::word).join("`, `");
    let bad = || Problem::bad("bad_scopes", format!("`scopes` is a list of at least one of `{}`", known()));
    let mut scopes = scopes.filter(|scopes| !scopes.is_empty()).ok_or_else(bad)?;
    scopes.dedup();
    if let Some(more) = scopes.iter().find(|scope| !caller.scopes.contains(scope)) {
        let detail = format!("this key does not have the scope `{}`, so it cannot give it", more.word());
        return Err(Problem::new(StatusCode::FORBIDDEN, "missing_scope", detail));
    }
    let key = ApiKey::generate(&caller.tenant).map_err(|_| Problem::internal())?;
    let (row, entry) = key.row(&new.name, &scopes, &caller.key_id);
    server.parts.store.add_api_key(&caller.tenant, &row, &entry, server.parts.host.now()).await?;
    Ok(ok(&json!({ "id": row.id, "name": row.name, "scopes": row.scopes, "key": key.to_string() })))
}

/// `DELETE /v1/keys/{key}`: the key opens nothing from now on. Also the one that asks.
pub async fn revoke(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let entry = AuditEntry {
        kind: "key.revoked".to_owned(),
        actor: caller.key_id,
        target: id.clone(),
        outcome: "success".to_owned(),
        data: Datum::Null,
    };
    let revoked = server.parts.store.revoke_api_key(&caller.tenant, &id, &entry, server.parts.host.now()).await;
    revoked.map_err(|error| match error {
        StoreError::NotFound => Problem::not_found("key that is not revoked"),
        other => other.into(),
    })?;
    Ok(ok(&json!({ "id": id, "revoked": true })))
}

fn shown(key: &ApiKeyRow) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "created_at": text(key.created_at),
        "revoked_at": key.revoked_at.map(text),
    })
}
