//! Tenants: for keys that operate the server, across tenants. Nobody else learns that there are others.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;
use admit_store::TenantRow;
use axum::extract::State;
use axum::http::HeaderMap;
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

/// A tenant to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// Its slug: lower-case letters and digits, parts joined by `-`, at most 63. It stays.
    #[schema(min_length = 1, max_length = 63)]
    slug: String,
}

/// Whether a tenant is served.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantPatch {
    /// Nobody is served in it.
    disabled: bool,
}

/// A tenant.
#[derive(Serialize, ToSchema)]
pub struct TenantShown {
    /// Its slug.
    slug: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Since when nobody is served in it; null: it is served.
    #[schema(format = DateTime)]
    disabled_at: Option<String>,
}

/// A page of tenants, by slug.
#[derive(Serialize, ToSchema)]
pub struct TenantPage {
    /// The tenants.
    tenants: Vec<TenantShown>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// A tenant that was made, with its first key.
#[derive(Serialize, ToSchema)]
pub struct TenantMade {
    #[serde(flatten)]
    tenant: TenantShown,
    /// A key of the tenant with all scopes but `operate`, told this once.
    key: String,
}

/// List tenants
///
/// By slug.
#[utoipa::path(
    get, path = "/v1/tenants", operation_id = "listTenants", tag = "tenants",
    params(Listing),
    security(("key" = ["operate"])),
    responses((status = 200, description = "A page of tenants.", body = TenantPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller(&server, &headers, Scope::Operate).await?;
    let page = asked.page::<String>()?;
    let mut tenants = server.parts.store.all_tenants(page.after.as_deref(), page.ask()).await?;
    let next_cursor = page.cut(&mut tenants, |row| row.tenant.to_string());
    Ok(ok(&TenantPage { tenants: tenants.iter().map(shown).collect(), next_cursor }))
}

/// Read a tenant
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}", operation_id = "getTenant", tag = "tenants",
    params(("tenant" = String, Path, description = "Its slug.")),
    security(("key" = ["operate"])),
    responses((status = 200, description = "The tenant.", body = TenantShown)),
)]
pub async fn show(
    State(server): State<Arc<Server>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller(&server, &headers, Scope::Operate).await?;
    Ok(ok(&shown(&found(&server, &slug).await?)))
}

/// Make a tenant
///
/// It has nothing but its first key.
#[utoipa::path(
    post, path = "/v1/tenants", operation_id = "createTenant", tag = "tenants",
    request_body = NewTenant,
    security(("key" = ["operate"])),
    responses((status = 200, description = "The tenant.", body = TenantMade)),
)]
pub async fn create(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Operate).await?;
    let new: NewTenant = read(&body)?;
    let tenant: TenantId = new.slug.parse().map_err(|why: String| Problem::bad("bad_name", why))?;
    let store = &server.parts.store;
    let entry = entry("tenant.created", &caller.key_id, &tenant);
    store.make_tenant(&tenant, &entry, server.now()).await?;
    let key = ApiKey::generate(&tenant).map_err(|_| Problem::internal())?;
    let (row, entry) = key.row("first", &Scope::OF_TENANT, &caller.key_id);
    store.add_api_key(&tenant, &row, &entry, server.now()).await?;
    let tenant = shown(&found(&server, tenant.as_str()).await?);
    Ok(ok(&TenantMade { tenant, key: key.to_string() }))
}

/// Disable or enable a tenant
///
/// Nobody is served in a disabled tenant, on other nodes within a second; nothing of it is lost.
#[utoipa::path(
    patch, path = "/v1/tenants/{tenant}", operation_id = "patchTenant", tag = "tenants",
    params(("tenant" = String, Path, description = "Its slug.")),
    request_body = TenantPatch,
    security(("key" = ["operate"])),
    responses((status = 200, description = "It is so.", body = TenantShown)),
)]
pub async fn patch(
    State(server): State<Arc<Server>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Operate).await?;
    let TenantPatch { disabled } = read(&body)?;
    let tenant = found(&server, &slug).await?.tenant;
    let entry = entry(if disabled { "tenant.disabled" } else { "tenant.enabled" }, &caller.key_id, &tenant);
    let row = server.parts.store.set_tenant_disabled(&tenant, disabled, &entry, server.now()).await;
    server.forget_tenancy(&tenant);
    Ok(ok(&shown(&row.map_err(|error| match error {
        StoreError::NotFound => Problem::not_found("tenant"),
        other => other.into(),
    })?)))
}

async fn found(server: &Server, slug: &str) -> Result<TenantRow, Problem> {
    let none = || Problem::not_found("tenant");
    let tenant: TenantId = slug.parse().map_err(|_| none())?;
    server.parts.store.tenant(&tenant).await?.ok_or_else(none)
}

fn entry(kind: &str, actor: &str, tenant: &TenantId) -> AuditEntry {
    AuditEntry {
        kind: kind.to_owned(),
        actor: actor.to_owned(),
        target: tenant.to_string(),
        outcome: "success".to_owned(),
        data: Datum::Null,
    }
}

fn shown(row: &TenantRow) -> TenantShown {
    TenantShown {
        slug: row.tenant.to_string(),
        created_at: text(row.created_at),
        disabled_at: row.disabled_at.map(text),
    }
}
