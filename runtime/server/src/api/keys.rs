//! API keys of the tenant: listed, made, revoked.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_runtime::host::{Host as _, StoreError};
use admit_store::ApiKeyRow;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Server;
use super::auth::caller;
use super::extract::{Asked, Body, Path, read};
use super::page::Listing;
use super::problem::Problem;
use super::runs::ok;
use super::time::text;
use crate::key::{ApiKey, Scope};

/// The longest name of a key.
const LONGEST_NAME: usize = 100;

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What its owner calls it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it may do; no more than the key that asks.
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: Vec<String>,
}

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
pub struct KeyShown {
    /// `key_...`
    id: String,
    /// What its owner calls it.
    name: String,
    /// What it may do.
    scopes: Vec<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Since when it opens nothing; null: it opens.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

/// A page of keys, newest first.
#[derive(Serialize, ToSchema)]
pub struct KeyPage {
    /// The keys.
    keys: Vec<KeyShown>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// A key that was made.
#[derive(Serialize, ToSchema)]
pub struct KeyMade {
    /// `key_...`
    id: String,
    /// What its owner calls it.
    name: String,
    /// What it may do.
    scopes: Vec<String>,
    /// The whole key, told this once.
    key: String,
}

/// A key that was revoked.
#[derive(Serialize, ToSchema)]
pub struct KeyRevoked {
    /// `key_...`
    id: String,
    /// It is.
    revoked: bool,
}

/// List API keys
///
/// Newest first, revoked ones too; never their secrets.
#[utoipa::path(
    get, path = "/v1/keys", operation_id = "listKeys", tag = "keys",
    params(Listing),
    security(("key" = ["manage"])),
    responses((status = 200, description = "A page of keys.", body = KeyPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let page = asked.page()?;
    let mut keys = server.parts.store.api_key_page(&caller.tenant, page.after.as_ref(), page.ask()).await?;
    let next_cursor = page.cut(&mut keys, ApiKeyRow::place);
    Ok(ok(&KeyPage { keys: keys.into_iter().map(shown).collect(), next_cursor }))
}

/// Make an API key
///
/// The answer has the key, this once. No key makes one that may do more than itself.
#[utoipa::path(
    post, path = "/v1/keys", operation_id = "createKey", tag = "keys",
    request_body = NewKey,
    security(("key" = ["manage"])),
    responses((status = 200, description = "The key.", body = KeyMade)),
)]
pub async fn create(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let new: NewKey = read(&body)?;
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
    let entry = caller.entry(&entry.kind, &entry.target, entry.data);
    server.parts.store.add_api_key(&caller.tenant, &row, &entry, server.parts.host.now()).await?;
    Ok(ok(&KeyMade { id: row.id, name: row.name, scopes: row.scopes, key: key.to_string() }))
}

/// Revoke an API key
///
/// It opens nothing from the next call on. Also the one that asks.
#[utoipa::path(
    delete, path = "/v1/keys/{key}", operation_id = "revokeKey", tag = "keys",
    params(("key" = String, Path, description = "The key: `key_...`")),
    security(("key" = ["manage"])),
    responses((status = 200, description = "It is revoked.", body = KeyRevoked)),
)]
pub async fn revoke(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let entry = caller.entry("key.revoked", &id, Datum::Null);
    let revoked = server.parts.store.revoke_api_key(&caller.tenant, &id, &entry, server.parts.host.now()).await;
    revoked.map_err(|error| match error {
        StoreError::NotFound => Problem::not_found("key that is not revoked"),
        other => other.into(),
    })?;
    server.callers.forget();
    Ok(ok(&KeyRevoked { id, revoked: true }))
}

fn shown(key: ApiKeyRow) -> KeyShown {
    KeyShown {
        id: key.id,
        name: key.name,
        scopes: key.scopes,
        created_at: text(key.created_at),
        revoked_at: key.revoked_at.map(text),
    }
}
