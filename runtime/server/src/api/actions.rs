//! The Actions of the live bundle: listed, and switched off and on for the tenant. What is off is skipped, and the trace says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_plan::bundle::{Bundle, NodeKind};
use admit_store::{ConfigKind, Expected};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Server;
use super::auth::{Caller, caller};
use super::extract::{Asked, Body, Path, read};
use super::live;
use super::page::Listing;
use super::precondition::{Change, changed_meanwhile, expected, tagged};
use super::problem::Problem;
use super::runs::ok;
use crate::key::Scope;

/// Whether an Action runs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActionPatch {
    /// It runs; false: it is skipped.
    enabled: bool,
}

/// An Action of the live bundle.
#[derive(Clone, Serialize, ToSchema)]
pub struct ActionShown {
    /// Its slug.
    slug: String,
    /// Versions that flows pin, in order.
    versions: Vec<String>,
    /// How it runs: `sync`, `async`, or `both`.
    kind: &'static str,
    /// The slots that it runs in: `login.post-auth`.
    triggers: Vec<String>,
    /// How often flows attach it.
    attached: u64,
    /// It runs in this tenant; false: it is skipped.
    enabled: bool,
    /// Hosts that it may call.
    egress: Vec<String>,
    /// Secrets that it may read, by name.
    secrets: Vec<String>,
    /// Claims that it may set.
    claims: Vec<String>,
}

/// A page of Actions, by slug.
#[derive(Serialize, ToSchema)]
pub struct ActionPage {
    /// The Actions.
    actions: Vec<ActionShown>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// List Actions
///
/// Those of the live bundle, by slug.
#[utoipa::path(
    get, path = "/v1/actions", operation_id = "listActions", tag = "actions",
    params(Listing),
    security(("key" = ["manage"])),
    responses((status = 200, description = "A page of Actions.", body = ActionPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let page = asked.page::<String>()?;
    let after = |action: &ActionShown| page.after.as_ref().is_none_or(|after| action.slug > *after);
    let most = usize::try_from(page.ask()).unwrap_or(usize::MAX);
    let mut actions: Vec<ActionShown> = all(&server, &caller).await?.into_values().filter(after).take(most).collect();
    let next_cursor = page.cut(&mut actions, |action| action.slug.clone());
    Ok(ok(&ActionPage { actions, next_cursor }))
}

/// Read an Action
#[utoipa::path(
    get, path = "/v1/actions/{action}", operation_id = "getAction", tag = "actions",
    params(("action" = String, Path, description = "Its slug.")),
    security(("key" = ["manage"])),
    responses((status = 200, description = "The Action.", body = ActionShown)),
)]
pub async fn show(
    State(server): State<Arc<Server>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let shown = all(&server, &caller).await?.remove(&slug).ok_or_else(|| Problem::not_found("action"))?;
    let tag = switch(&server, &caller, &slug).await?;
    Ok(tagged(&shown, &tag))
}

/// Switch an Action off or on
///
/// In this tenant alone, for all flows and versions, from the next run on; steps that were queued before are skipped too.
#[utoipa::path(
    patch, path = "/v1/actions/{action}", operation_id = "patchAction", tag = "actions",
    params(
        ("action" = String, Path, description = "Its slug."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what is changed."),
    ),
    request_body = ActionPatch,
    security(("key" = ["manage"])),
    responses((status = 200, description = "It is so.", body = ActionShown)),
)]
pub async fn patch(
    State(server): State<Arc<Server>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let ActionPatch { enabled } = read(&body)?;
    let mut shown = all(&server, &caller).await?.remove(&slug).ok_or_else(|| Problem::not_found("action"))?;
    let stands = server.parts.store.config_entry(&caller.tenant, ConfigKind::Disabled, &slug).await?;
    if enabled == stands.is_none() {
        // It is so already; who has seen something else is told.
        let version = stands.as_ref().map_or(0, |entry| entry.version);
        let fits = match expected(&headers)? {
            Expected::Any => true,
            Expected::Absent => version == 0,
            Expected::Version(seen) => version == seen,
        };
        return if fits { Ok(tagged(&shown, &format!("v{version}"))) } else { Err(changed_meanwhile()) };
    }
    let change = Change {
        kind: ConfigKind::Disabled,
        name: &slug,
        value: if enabled { None } else { Some(&[]) },
        audit: if enabled { "action.enabled" } else { "action.disabled" },
        data: Datum::Null,
    };
    server.change(&caller, &headers, change).await?;
    shown.enabled = enabled && is_declared_on(&server, &caller, &slug).await?;
    let tag = switch(&server, &caller, &slug).await?;
    Ok(tagged(&shown, &tag))
}

/// The tag of whether it is off.
async fn switch(server: &Server, caller: &Caller, slug: &str) -> Result<String, Problem> {
    let entry = server.parts.store.config_entry(&caller.tenant, ConfigKind::Disabled, slug).await?;
    Ok(format!("v{}", entry.map_or(0, |entry| entry.version)))
}

async fn is_declared_on(server: &Server, caller: &Caller, slug: &str) -> Result<bool, Problem> {
    Ok(all(server, caller).await?.get(slug).is_some_and(|shown| shown.enabled))
}

async fn all(server: &Server, caller: &Caller) -> Result<BTreeMap<String, ActionShown>, Problem> {
    let tenancy = server.tenancy(&caller.tenant).await?;
    if server.parts.store.live(&caller.tenant).await?.is_none() {
        return Ok(BTreeMap::new());
    }
    Ok(of_bundle(server.live(&tenancy).await?.engine.bundle()))
}

fn of_bundle(bundle: &Bundle) -> BTreeMap<String, ActionShown> {
    let text = |id: u32| live::text(bundle, id).to_string();
    let add = |list: &mut Vec<String>, word: String| {
        if let Err(at) = list.binary_search(&word) {
            list.insert(at, word);
        }
    };
    let mut all: BTreeMap<String, ActionShown> = BTreeMap::new();
    for action in &bundle.actions {
        let slug = text(action.slug);
        let shown = all.entry(slug.clone()).or_insert_with(|| ActionShown {
            slug,
            versions: Vec::new(),
            kind: "sync",
            triggers: Vec::new(),
            attached: 0,
            enabled: action.enabled,
            egress: Vec::new(),
            secrets: Vec::new(),
            claims: Vec::new(),
        });
        shown.versions.push(text(action.version));
        shown.enabled |= action.enabled;
        action.fetch.iter().for_each(|id| add(&mut shown.egress, text(*id)));
        action.claims.iter().for_each(|id| add(&mut shown.claims, text(*id)));
        let secrets = action.secrets.iter().filter_map(|id| bundle.secrets.get(*id as usize));
        secrets.for_each(|id| add(&mut shown.secrets, text(*id)));
    }
    let mut ways: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for node in bundle.flows.iter().flat_map(|flow| &flow.nodes) {
        let NodeKind::Block(block) = &node.kind else { continue };
        let Some(used) = &block.action else { continue };
        let Some(action) = bundle.actions.get(used.action as usize) else { continue };
        let slug = text(action.slug);
        let Some(shown) = all.get_mut(&slug) else { continue };
        shown.attached += 1;
        add(&mut shown.triggers, text(used.trigger));
        used.fetch.iter().for_each(|id| add(&mut shown.egress, text(*id)));
        used.claims.iter().for_each(|id| add(&mut shown.claims, text(*id)));
        let (sync, later) = ways.entry(slug).or_default();
        *(if block.is_async { later } else { sync }) = true;
    }
    for (slug, (sync, later)) in ways {
        if let Some(shown) = all.get_mut(&slug) {
            shown.kind = match (sync, later) {
                (true, true) => "both",
                (false, true) => "async",
                (true | false, false) => "sync",
            };
        }
    }
    all
}
