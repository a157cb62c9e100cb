//! Secrets: written, never read. Their values are sealed under the tenant's key, and leave by the steps that name them alone.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_store::{ConfigEntry, ConfigKind};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::Server;
use super::auth::caller;
use super::extract::{Asked, Body, Path, check_name, read};
use super::page::Listing;
use super::precondition::{Change, versioned};
use super::problem::Problem;
use super::runs::ok;
use super::time::text;
use crate::key::Scope;

/// The largest value, in bytes.
const LARGEST: usize = 64 * 1024;

/// A value to give. No `Debug`: it is a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// The value; 64 KiB at most.
    #[schema(write_only, max_length = 65536)]
    value: String,
}

/// A secret, without its value.
#[derive(Serialize, ToSchema)]
pub struct SecretShown {
    /// Its name in flows and settings.
    name: String,
    /// When it was given its value.
    #[schema(format = DateTime)]
    updated_at: String,
    /// The version of its value, for `If-Match` as `"v<version>"`.
    version: u64,
}

/// A page of secrets, by name.
#[derive(Serialize, ToSchema)]
pub struct SecretPage {
    /// The secrets.
    secrets: Vec<SecretShown>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// List secrets
///
/// By name; never their values.
#[utoipa::path(
    get, path = "/v1/secrets", operation_id = "listSecrets", tag = "tenant",
    params(Listing),
    security(("key" = ["manage"])),
    responses((status = 200, description = "A page of secrets.", body = SecretPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let page = asked.page::<String>()?;
    let after = page.after.as_deref();
    let mut entries = server.parts.store.config_entries(&caller.tenant, ConfigKind::Secret, after, page.ask()).await?;
    let next_cursor = page.cut(&mut entries, |entry| entry.name.clone());
    Ok(ok(&SecretPage { secrets: entries.iter().map(shown).collect(), next_cursor }))
}

/// Give a secret a value
///
/// It is sealed, and cannot be read again. Runs that begin from now on have it.
#[utoipa::path(
    put, path = "/v1/secrets/{secret}", operation_id = "putSecret", tag = "tenant",
    params(
        ("secret" = String, Path, description = "Its name: lower-case words with `-` between."),
        ("If-Match" = Option<String>, Header, description = "The tag of what is replaced."),
        ("If-None-Match" = Option<String>, Header, description = "`*`: it has no value yet."),
    ),
    request_body = NewSecret,
    security(("key" = ["manage"])),
    responses((status = 200, description = "It is taken.", body = SecretShown)),
)]
pub async fn put(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let new: NewSecret = read(&body)?;
    let value = Zeroizing::new(new.value);
    check_name("secrets", &name)?;
    if value.is_empty() || value.len() > LARGEST {
        return Err(Problem::bad("bad_body", format!("`value` is 1 to {LARGEST} bytes")));
    }
    let change = Change {
        kind: ConfigKind::Secret,
        name: &name,
        value: Some(value.as_bytes()),
        audit: "secret.changed",
        data: Datum::Null,
    };
    let version = server.change(&caller, &headers, change).await?;
    let updated_at = text(server.now());
    Ok(versioned(&SecretShown { name, updated_at, version }, version))
}

/// Take a secret away
#[utoipa::path(
    delete, path = "/v1/secrets/{secret}", operation_id = "removeSecret", tag = "tenant",
    params(
        ("secret" = String, Path, description = "Its name."),
        ("If-Match" = Option<String>, Header, description = "The tag of what is removed."),
    ),
    security(("key" = ["manage"])),
    responses((status = 204, description = "It has no value any more.")),
)]
pub async fn remove(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let change =
        Change { kind: ConfigKind::Secret, name: &name, value: None, audit: "secret.removed", data: Datum::Null };
    server.change(&caller, &headers, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(entry: &ConfigEntry) -> SecretShown {
    SecretShown { name: entry.name.clone(), updated_at: text(entry.updated_at), version: entry.version }
}
