//! Params: what the live bundle declares, with the tenant's own values. A value is held to its type before it is taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_store::ConfigKind;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Server;
use super::auth::{Caller, caller};
use super::extract::{Asked, Body, Path, check_name, read};
use super::live::Loaded;
use super::page::Listing;
use super::precondition::{Change, versioned};
use super::problem::Problem;
use super::runs::ok;
use super::tenancy::{Kept, Tenancy};
use crate::key::Scope;

/// How a param is given.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Giving {
    /// Take it also where the live bundle declares no such param: for one that is to be deployed. Its type is held to the value then.
    ahead: Option<bool>,
}

/// A value to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewParam {
    /// Of the param's type: durations as `"8s"`, timestamps as RFC 3339.
    value: Value,
}

/// A param.
#[derive(Clone, Serialize, ToSchema)]
pub struct ParamShown {
    /// Its name.
    name: String,
    /// Its type as the live bundle declares it; null: it declares no such param.
    r#type: Option<String>,
    /// What holds where the tenant has no value of its own; null: there is none.
    default: Option<Value>,
    /// The tenant's own value; null: it has none.
    value: Option<Value>,
    /// It came from the project that the server was started with, and nobody has changed it since.
    of_project: bool,
    /// The version of the own value, for `If-Match` as `"v<version>"`; null: it has none.
    version: Option<u64>,
}

/// A page of params, by name.
#[derive(Serialize, ToSchema)]
pub struct ParamPage {
    /// The params.
    params: Vec<ParamShown>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// List params
///
/// Those that the live bundle declares, and those that the tenant has a value for; by name.
#[utoipa::path(
    get, path = "/v1/params", operation_id = "listParams", tag = "tenant",
    params(Listing),
    security(("key" = ["manage"])),
    responses((status = 200, description = "A page of params.", body = ParamPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let page = asked.page::<String>()?;
    let all = all(&server, &caller).await?;
    let after = |param: &ParamShown| page.after.as_ref().is_none_or(|after| param.name > *after);
    let most = usize::try_from(page.ask()).unwrap_or(usize::MAX);
    let mut params: Vec<ParamShown> = all.into_values().filter(after).take(most).collect();
    let next_cursor = page.cut(&mut params, |param| param.name.clone());
    Ok(ok(&ParamPage { params, next_cursor }))
}

/// Read a param
#[utoipa::path(
    get, path = "/v1/params/{param}", operation_id = "getParam", tag = "tenant",
    params(("param" = String, Path, description = "Its name.")),
    security(("key" = ["manage"])),
    responses((status = 200, description = "The param.", body = ParamShown)),
)]
pub async fn show(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let shown = all(&server, &caller).await?.remove(&name).ok_or_else(|| Problem::not_found("param"))?;
    Ok(versioned(&shown, shown.version.unwrap_or(0)))
}

/// Give a param a value
///
/// It is held to the type that the live bundle declares, and refused where it does not fit: no run is met by it.
#[utoipa::path(
    put, path = "/v1/params/{param}", operation_id = "putParam", tag = "tenant",
    params(
        ("param" = String, Path, description = "Its name."),
        Giving,
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what is replaced."),
    ),
    request_body = NewParam,
    security(("key" = ["manage"])),
    responses((status = 200, description = "It is taken.", body = ParamShown)),
)]
pub async fn put(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    Asked(asked): Asked<Giving>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let new: NewParam = read(&body)?;
    check_name("params", &name)?;
    let tenancy = server.tenancy(&caller.tenant).await?;
    let live = live(&server, &tenancy).await?;
    let declared =
        live.as_ref().and_then(|live| live.engine.declared_params().find(|(known, ..)| *known == name.as_str()));
    match declared {
        Some((_, ty, _)) => {
            let value = server.parts.formats.param(&new.value, ty, &name);
            value.map_err(|why| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "params_refused", why))?;
        }
        None if asked.ahead == Some(true) => {}
        None => {
            let detail =
                format!("the live bundle has no param `{name}`; with `?ahead=true` it is kept for one that will");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "params_refused", detail));
        }
    }
    let kept = Kept { of_project: false, document: new.value, secret_hash: None };
    let value = kept.bytes();
    let change =
        Change { kind: ConfigKind::Param, name: &name, value: Some(&value), audit: "param.changed", data: Datum::Null };
    let version = server.change(&caller, &headers, change).await?;
    let shown = all(&server, &caller).await?.remove(&name).ok_or_else(Problem::internal)?;
    Ok(versioned(&shown, version))
}

/// Take a param's own value away
///
/// Its default holds from now on. Refused where the live bundle declares none.
#[utoipa::path(
    delete, path = "/v1/params/{param}", operation_id = "removeParam", tag = "tenant",
    params(
        ("param" = String, Path, description = "Its name."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what is removed."),
    ),
    security(("key" = ["manage"])),
    responses((status = 204, description = "The default holds.")),
)]
pub async fn remove(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let tenancy = server.tenancy(&caller.tenant).await?;
    let live = live(&server, &tenancy).await?;
    let needed = live.as_ref().is_some_and(|live| {
        live.engine.declared_params().any(|(known, _, default)| *known == name.as_str() && default.is_none())
    });
    if needed && tenancy.setup.params.iter().any(|(known, _)| *known == name) {
        let detail = format!("the live bundle gives `{name}` no default, so it needs a value");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "params_refused", detail));
    }
    let change =
        Change { kind: ConfigKind::Param, name: &name, value: None, audit: "param.removed", data: Datum::Null };
    server.change(&caller, &headers, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is live, if anything.
async fn live(server: &Server, tenancy: &Tenancy) -> Result<Option<Arc<Loaded>>, Problem> {
    match server.parts.store.live(&tenancy.tenant).await? {
        Some(_) => server.live(tenancy).await.map(Some),
        None => Ok(None),
    }
}

async fn all(server: &Server, caller: &Caller) -> Result<BTreeMap<String, ParamShown>, Problem> {
    let tenancy = server.tenancy(&caller.tenant).await?;
    let mut all = BTreeMap::new();
    let shown = |name: &str| ParamShown {
        name: name.to_owned(),
        r#type: None,
        default: None,
        value: None,
        of_project: false,
        version: None,
    };
    if let Some(live) = live(server, &tenancy).await? {
        for (name, ty, default) in live.engine.declared_params() {
            let default = default.map(json::to_json);
            let shown = ParamShown { r#type: Some(ty.to_string()), default, ..shown(name) };
            all.insert(name.to_string(), shown);
        }
    }
    for entry in server.parts.store.config_entries(&caller.tenant, ConfigKind::Param, None, u32::MAX).await? {
        let kept = Kept::of(&entry)?;
        let known = all.entry(entry.name.clone()).or_insert_with(|| shown(&entry.name));
        known.of_project = kept.of_project;
        known.value = Some(kept.document);
        known.version = Some(entry.version);
    }
    Ok(all)
}
