//! A tenant's settings: the sections of `admit.toml` that belong to it, as one document.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_store::ConfigKind;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Server;
use super::auth::caller;
use super::extract::{Body, read};
use super::precondition::{Change, versioned};
use super::problem::Problem;
use super::tenancy::{Kept, Setup};
use super::time::text;
use crate::key::Scope;

/// A tenant's settings.
#[derive(Serialize, ToSchema)]
pub struct SettingsShown {
    /// By section: `egress`, `redirects`, `webauthn`, `smtp`, `sms`, `links`, `tokens`, `providers`, as in `admit.toml`.
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    /// They are those of the project that the server was started with, and nobody has changed them since.
    of_project: bool,
    /// When they were given; null: never.
    #[schema(format = DateTime)]
    updated_at: Option<String>,
}

/// Read the tenant's settings
///
/// Secrets stand in them by name. The `ETag` goes into `If-Match` of a change.
#[utoipa::path(
    get, path = "/v1/settings", operation_id = "getSettings", tag = "tenant",
    security(("key" = ["manage"])),
    responses((status = 200, description = "The settings.", body = SettingsShown)),
)]
pub async fn show(State(server): State<Arc<Server>>, headers: HeaderMap) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let Some(entry) = server.parts.store.config_entry(&caller.tenant, ConfigKind::Settings, "").await? else {
        let nothing = SettingsShown { settings: Map::new(), of_project: false, updated_at: None };
        return Ok(versioned(&nothing, 0));
    };
    let kept = Kept::of(&entry)?;
    let shown = SettingsShown {
        of_project: kept.of_project,
        settings: kept.object(),
        updated_at: Some(text(entry.updated_at)),
    };
    Ok(versioned(&shown, entry.version))
}

/// Put the tenant's settings
///
/// The body is the whole document: a section that it leaves out is empty from now on. It is held to what `admit.toml` is held to.
/// Runs that begin from now on have it, on other nodes within a second.
#[utoipa::path(
    put, path = "/v1/settings", operation_id = "putSettings", tag = "tenant",
    params(("If-Match" = Option<String>, Header, description = "The `ETag` of what is replaced.")),
    request_body = Object,
    security(("key" = ["manage"])),
    responses((status = 200, description = "They are taken.", body = SettingsShown)),
)]
pub async fn put(State(server): State<Arc<Server>>, headers: HeaderMap, Body(body): Body) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let settings: Map<String, Value> = read(&body)?;
    let tenancy = server.tenancy(&caller.tenant).await?;
    if settings.contains_key("clients") {
        return Err(Problem::bad("bad_body", "clients are made with `/v1/clients`"));
    }
    server.check_setup(&caller.tenant, &Setup { settings: settings.clone(), ..tenancy.setup.clone() })?;
    let sections = settings.keys().map(|name| Datum::Str(name.as_str().into())).collect();
    let kept = Kept { of_project: false, document: Value::Object(settings.clone()), secret_hash: None };
    let change = Change {
        kind: ConfigKind::Settings,
        name: "",
        value: Some(&kept.bytes()),
        audit: "settings.changed",
        data: Datum::record([("sections", Datum::List(sections))]),
    };
    let version = server.change(&caller, &headers, change).await?;
    let updated_at = Some(text(server.now()));
    Ok(versioned(&SettingsShown { settings, of_project: false, updated_at }, version))
}
