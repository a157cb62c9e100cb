//! OAuth clients of a tenant: what `[clients.<id>]` says of them, and the hash of a secret that is made here and told once.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_store::{ConfigEntry, ConfigKind};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::Server;
use super::auth::{Caller, caller};
use super::extract::{Asked, Body, Path, read};
use super::page::Listing;
use super::precondition::{Change, versioned};
use super::problem::Problem;
use super::runs::ok;
use super::tenancy::{Kept, Setup};
use super::time::text;
use crate::key::Scope;

/// What a client is: `event.client` is filled from it where an event names the client's id.
#[derive(Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientDocument {
    /// Its name, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// `spa`, `web`, `native` or `m2m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(spa|web|native|m2m)$")]
    r#type: Option<String>,
    /// It is the tenant's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_party: Option<bool>,
    /// Where users may be sent when they have signed in.
    #[serde(default)]
    redirect_uris: Vec<String>,
    /// Where users may be sent when they have logged out.
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    /// Where it is told of sessions that ended (OpenID Connect Back-Channel Logout 1.0).
    #[serde(skip_serializing_if = "Option::is_none")]
    backchannel_logout_uri: Option<String>,
    /// The page that is loaded in a frame when its user logs out (OpenID Connect Front-Channel Logout 1.0).
    #[serde(skip_serializing_if = "Option::is_none")]
    frontchannel_logout_uri: Option<String>,
    /// Scopes that it may ask for.
    #[serde(default)]
    scopes: Vec<String>,
    /// Whatever the tenant keeps about it: `event.client.metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

/// A client.
#[derive(Serialize, ToSchema)]
pub struct ClientShown {
    /// `event.client.id`
    id: String,
    #[serde(flatten)]
    client: ClientDocument,
    /// It has a secret; only its hash is kept.
    has_secret: bool,
    /// It came from the project that the server was started with, and nobody has changed it since.
    of_project: bool,
    /// When it was changed last.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Its version, for `If-Match` as `"v<version>"`.
    version: u64,
}

/// A page of clients, by id.
#[derive(Serialize, ToSchema)]
pub struct ClientPage {
    /// The clients.
    clients: Vec<ClientShown>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// A client's new secret.
#[derive(Serialize, ToSchema)]
pub struct ClientSecret {
    /// The client.
    id: String,
    /// The secret, told this once.
    client_secret: String,
}

/// List clients
///
/// By id.
#[utoipa::path(
    get, path = "/v1/clients", operation_id = "listClients", tag = "clients",
    params(Listing),
    security(("key" = ["manage"])),
    responses((status = 200, description = "A page of clients.", body = ClientPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let page = asked.page::<String>()?;
    let after = page.after.as_deref();
    let mut entries = server.parts.store.config_entries(&caller.tenant, ConfigKind::Client, after, page.ask()).await?;
    let next_cursor = page.cut(&mut entries, |entry| entry.name.clone());
    let clients = entries.iter().map(shown).collect::<Result<_, _>>()?;
    Ok(ok(&ClientPage { clients, next_cursor }))
}

/// Read a client
#[utoipa::path(
    get, path = "/v1/clients/{client}", operation_id = "getClient", tag = "clients",
    params(("client" = String, Path, description = "Its id.")),
    security(("key" = ["manage"])),
    responses((status = 200, description = "The client.", body = ClientShown)),
)]
pub async fn show(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let entry = entry(&server, &caller, &id).await?.ok_or_else(|| Problem::not_found("client"))?;
    Ok(versioned(&shown(&entry)?, entry.version))
}

/// Make or replace a client
///
/// The body is the whole client but its secret, which stays. `If-None-Match: *` makes one and replaces none.
#[utoipa::path(
    put, path = "/v1/clients/{client}", operation_id = "putClient", tag = "clients",
    params(
        ("client" = String, Path, description = "Its id: printable ASCII, 255 bytes at most."),
        ("If-Match" = Option<String>, Header, description = "The tag of what is replaced."),
        ("If-None-Match" = Option<String>, Header, description = "`*`: there is none yet."),
    ),
    request_body = ClientDocument,
    security(("key" = ["manage"])),
    responses((status = 200, description = "It is taken.", body = ClientShown)),
)]
pub async fn put(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let client: ClientDocument = read(&body)?;
    let document = serde_json::to_value(&client).map_err(|_| Problem::internal())?;
    let mut setup = Setup { settings: Map::new(), ..server.tenancy(&caller.tenant).await?.setup.clone() };
    setup.clients = Map::from_iter([(id.clone(), document.clone())]);
    server.check_setup(&caller.tenant, &setup)?;
    let secret_hash = match entry(&server, &caller, &id).await? {
        Some(entry) => Kept::of(&entry)?.secret_hash,
        None => None,
    };
    let kept = Kept { of_project: false, document, secret_hash };
    let version = write(&server, &caller, &headers, &id, (&kept, "client.changed")).await?;
    let (has_secret, updated_at) = (kept.secret_hash.is_some(), text(server.now()));
    Ok(versioned(&ClientShown { id, client, has_secret, of_project: false, updated_at, version }, version))
}

/// Give a client a new secret
///
/// The one before is good for nothing from now on. Clients that cannot keep one (`spa`, `native`) get none.
#[utoipa::path(
    post, path = "/v1/clients/{client}/secret", operation_id = "newClientSecret", tag = "clients",
    params(
        ("client" = String, Path, description = "Its id."),
        ("If-Match" = Option<String>, Header, description = "The tag of the client."),
    ),
    security(("key" = ["manage"])),
    responses((status = 200, description = "The secret.", body = ClientSecret)),
)]
pub async fn secret(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let entry = entry(&server, &caller, &id).await?.ok_or_else(|| Problem::not_found("client"))?;
    let mut kept = Kept::of(&entry)?;
    let kind = kept.document.get("type").and_then(Value::as_str);
    if matches!(kind, Some("spa" | "native")) {
        let detail = "what runs at the user's can keep no secret: a client of this type has none";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "settings_refused", detail));
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|_| Problem::internal())?;
    let client_secret = URL_SAFE_NO_PAD.encode(random);
    let hash = Sha256::digest(client_secret.as_bytes());
    kept.secret_hash = Some(hash.iter().map(|byte| format!("{byte:02x}")).collect());
    let version = write(&server, &caller, &headers, &id, (&kept, "client.secret_changed")).await?;
    Ok(versioned(&ClientSecret { id, client_secret }, version))
}

/// Take a client away
#[utoipa::path(
    delete, path = "/v1/clients/{client}", operation_id = "removeClient", tag = "clients",
    params(
        ("client" = String, Path, description = "Its id."),
        ("If-Match" = Option<String>, Header, description = "The tag of what is removed."),
    ),
    security(("key" = ["manage"])),
    responses((status = 204, description = "It is gone.")),
)]
pub async fn remove(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let change =
        Change { kind: ConfigKind::Client, name: &id, value: None, audit: "client.removed", data: Datum::Null };
    server.change(&caller, &headers, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn write(
    server: &Server,
    caller: &Caller,
    headers: &HeaderMap,
    id: &str,
    (kept, audit): (&Kept, &str),
) -> Result<u64, Problem> {
    let value = kept.bytes();
    let change = Change { kind: ConfigKind::Client, name: id, value: Some(&value), audit, data: Datum::Null };
    server.change(caller, headers, change).await
}

async fn entry(server: &Server, caller: &Caller, id: &str) -> Result<Option<ConfigEntry>, Problem> {
    Ok(server.parts.store.config_entry(&caller.tenant, ConfigKind::Client, id).await?)
}

fn shown(entry: &ConfigEntry) -> Result<ClientShown, Problem> {
    let kept = Kept::of(entry)?;
    Ok(ClientShown {
        id: entry.name.clone(),
        client: serde_json::from_value(kept.document).map_err(|_| Problem::internal())?,
        has_secret: kept.secret_hash.is_some(),
        of_project: kept.of_project,
        updated_at: text(entry.updated_at),
        version: entry.version,
    })
}
