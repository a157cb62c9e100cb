//! Bundles: deployed, listed, rolled back and forward.

use std::sync::Arc;

use admit_plan::changes::{BudgetChange, Changes, Named};
use admit_plan::encode::ContentHash;
use admit_runtime::engine::Engine;
use admit_runtime::host::{Host as _, StoreError};
use admit_store::Deploy;
use axum::extract::State;
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::{Caller, caller};
use super::extract::{Asked, Body, Path};
use super::page::Listing;
use super::problem::Problem;
use super::runs::ok;
use super::time::text;
use super::{Server, deploy};
use crate::key::Scope;

/// A deploy.
#[derive(Serialize, ToSchema)]
pub struct DeployShown {
    /// Its number in the tenant, 1 first.
    seq: u64,
    /// Content hash of the bundle.
    bundle: String,
    /// Who: a key, or `admit serve`.
    actor: String,
    /// When.
    #[schema(format = DateTime)]
    deployed_at: String,
}

/// A page of deploys, newest first.
#[derive(Serialize, ToSchema)]
pub struct DeployPage {
    /// The deploys; the first of all is live.
    deploys: Vec<DeployShown>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// Names that came, went, or mean something else than before.
#[derive(Serialize, ToSchema)]
pub struct NamedShown {
    /// They are new.
    added: Vec<String>,
    /// They are gone.
    removed: Vec<String>,
    /// They stay, and are not what they were.
    changed: Vec<String>,
}

/// A time budget that changes.
#[derive(Serialize, ToSchema)]
pub struct BudgetShown {
    /// The flow.
    flow: String,
    /// Before, in milliseconds.
    from: u64,
    /// From now on, in milliseconds.
    to: u64,
}

/// What a deploy changes.
#[derive(Serialize, ToSchema)]
pub struct ChangesShown {
    /// System flows.
    flows: NamedShown,
    /// Actions, `slug@version`; changed: the same version with other code or rights.
    actions: NamedShown,
    /// Hosts that may be called; one that is computed stands as `computed in FLOW at LABEL`.
    egress: NamedShown,
    /// Claims that are set in tokens.
    claims: NamedShown,
    /// Budgets of flows.
    budgets: Vec<BudgetShown>,
    /// Params; changed: another type or default.
    params: NamedShown,
    /// Names of secrets.
    secrets: NamedShown,
}

/// What a deploy would come to.
#[derive(Serialize, ToSchema)]
pub struct DeployPlan {
    /// Content hash of the bundle.
    bundle: String,
    /// What is live; null: nothing is.
    live: Option<DeployShown>,
    /// What changes.
    changes: ChangesShown,
    /// Why it would be refused; empty: it would not.
    problems: Vec<String>,
}

/// Check a deploy
///
/// Verifies a bundle as a deploy does, holds it against the tenant's params, and tells what it would change. Nothing is kept. The `ETag`
/// is that of the live bundle: the precondition of the deploy.
#[utoipa::path(
    post, path = "/v1/bundles/check", operation_id = "checkDeploy", tag = "bundles",
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The bundle."),
    security(("key" = ["deploy"])),
    responses((status = 200, description = "What it would come to.", body = DeployPlan)),
)]
pub async fn check(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Deploy).await?;
    let engine = server.load_alone(body.to_vec()).await?;
    planned(&server, &caller, &engine).await
}

/// Check a roll back
///
/// The same of a bundle that was deployed before, or is kept.
#[utoipa::path(
    post, path = "/v1/bundles/{hash}/check", operation_id = "checkActivate", tag = "bundles",
    params(("hash" = String, Path, description = "Content hash of the bundle.")),
    security(("key" = ["deploy"])),
    responses((status = 200, description = "What it would come to.", body = DeployPlan)),
)]
pub async fn check_kept(
    State(server): State<Arc<Server>>,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Deploy).await?;
    let hash = read(&hash).ok_or_else(|| Problem::not_found("bundle"))?;
    let engine = server.kept(&caller.tenant, hash).await?;
    planned(&server, &caller, &engine).await
}

/// Deploy a bundle
///
/// The body is what `admit build` wrote. `If-Match` names the bundle that is live, or `If-None-Match: *` says that none is;
/// where another one is live by now nothing changes.
#[utoipa::path(
    put, path = "/v1/bundles", operation_id = "deploy", tag = "bundles",
    params(
        ("If-Match" = Option<String>, Header, description = "`\"<hash>\"` of the bundle that is live."),
        ("If-None-Match" = Option<String>, Header, description = "`*`: nothing is live."),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The bundle."),
    security(("key" = ["deploy"])),
    responses((status = 200, description = "It is live; its hash is the `ETag`.", body = DeployShown)),
)]
pub async fn put(State(server): State<Arc<Server>>, headers: HeaderMap, Body(body): Body) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Deploy).await?;
    let expected = expected(&headers)?;
    let engine = server.load(body.to_vec()).await?;
    // Before it is kept: a bundle that this tenant's params do not fit would refuse every run.
    let tenancy = server.tenancy(&caller.tenant).await?;
    server.params(&tenancy, &engine)?;
    let now = server.parts.host.now();
    server.parts.store.put_bundle(&caller.tenant, engine.hash(), &body, now).await?;
    switch(&server, &caller, expected, engine.hash()).await
}

/// Roll back, or forward
///
/// Makes a bundle live that was deployed before, or is kept. The preconditions are those of a deploy.
#[utoipa::path(
    post, path = "/v1/bundles/{hash}/activate", operation_id = "activateBundle", tag = "bundles",
    params(
        ("hash" = String, Path, description = "Content hash of the bundle."),
        ("If-Match" = Option<String>, Header, description = "`\"<hash>\"` of the bundle that is live."),
        ("If-None-Match" = Option<String>, Header, description = "`*`: nothing is live."),
    ),
    security(("key" = ["deploy"])),
    responses((status = 200, description = "It is live; its hash is the `ETag`.", body = DeployShown)),
)]
pub async fn activate(
    State(server): State<Arc<Server>>,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Deploy).await?;
    let expected = expected(&headers)?;
    let hash = read(&hash).ok_or_else(|| Problem::not_found("bundle"))?;
    switch(&server, &caller, expected, hash).await
}

/// List deploys
///
/// Newest first; the first of all is live, and its hash is the `ETag` of the first page.
#[utoipa::path(
    get, path = "/v1/bundles", operation_id = "listDeploys", tag = "bundles",
    params(Listing),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page of deploys.", body = DeployPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Read).await?;
    let page = asked.page()?;
    let mut deploys = server.parts.store.deploys(&caller.tenant, page.after, page.ask()).await?;
    let next_cursor = page.cut(&mut deploys, |deploy| deploy.seq);
    let first = deploys.first().filter(|_| page.after.is_none()).map(|deploy| deploy.bundle);
    let mut response = ok(&DeployPage { deploys: deploys.into_iter().map(shown).collect(), next_cursor });
    if let Some(tag) = first.and_then(etag) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

async fn switch(
    server: &Arc<Server>,
    caller: &Caller,
    expected: Option<[u8; 32]>,
    hash: [u8; 32],
) -> Result<Response, Problem> {
    let tenancy = server.tenancy(&caller.tenant).await?;
    let loaded = server.loaded(&tenancy, hash).await?;
    let before = match expected {
        Some(hash) => server.kept(&caller.tenant, hash).await.ok(),
        None => None,
    };
    let before = (expected, before.as_deref());
    let now = server.parts.host.now();
    let done = deploy(&server.parts.store, &caller.tenant, before, (&loaded.engine, &caller.key_id), now).await;
    let deploy = match done {
        Ok(deploy) => deploy,
        Err(StoreError::Conflict) => return Err(deployed_meanwhile(server, caller).await?),
        Err(other) => return Err(other.into()),
    };
    server.live.forget(&caller.tenant);
    let tag = etag(deploy.bundle);
    let mut response = ok(&shown(deploy));
    if let Some(tag) = tag {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// Says who has deployed what meanwhile.
async fn deployed_meanwhile(server: &Server, caller: &Caller) -> Result<Problem, Problem> {
    let detail = match server.parts.store.live(&caller.tenant).await? {
        Some(live) => format!(
            "`{}` has deployed {} at {}, which is not what the precondition names: compare, then deploy again",
            live.actor,
            ContentHash(live.bundle),
            text(live.at)
        ),
        None => "nothing is live, and the precondition names a bundle".to_owned(),
    };
    Ok(Problem::new(StatusCode::PRECONDITION_FAILED, "deployed_meanwhile", detail))
}

/// What a deploy of this engine's bundle would come to.
async fn planned(server: &Server, caller: &Caller, engine: &Engine) -> Result<Response, Problem> {
    let tenancy = server.tenancy(&caller.tenant).await?;
    let problems = server.params(&tenancy, engine).err().map(|problem| problem.detail().to_owned());
    let live = server.parts.store.live(&caller.tenant).await?;
    let before = match &live {
        // One that cannot be loaded any more is replaced all the same; nothing is compared then.
        Some(live) => server.kept(&caller.tenant, live.bundle).await.ok(),
        None => None,
    };
    let changes = Changes::between(before.as_ref().map(|before| before.bundle()), engine.bundle());
    let tag = live.as_ref().and_then(|live| etag(live.bundle));
    let mut response = ok(&DeployPlan {
        bundle: ContentHash(engine.hash()).to_string(),
        live: live.map(shown),
        changes: ChangesShown::of(changes),
        problems: problems.into_iter().collect(),
    });
    if let Some(tag) = tag {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

impl ChangesShown {
    fn of(changes: Changes) -> Self {
        let named = |named: Named| NamedShown { added: named.added, removed: named.removed, changed: named.changed };
        let budget = |one: BudgetChange| BudgetShown { flow: one.flow, from: one.from, to: one.to };
        Self {
            flows: named(changes.flows),
            actions: named(changes.actions),
            egress: named(changes.egress),
            claims: named(changes.claims),
            budgets: changes.budgets.into_iter().map(budget).collect(),
            params: named(changes.params),
            secrets: named(changes.secrets),
        }
    }
}

fn shown(deploy: Deploy) -> DeployShown {
    let bundle = ContentHash(deploy.bundle).to_string();
    DeployShown { seq: deploy.seq, bundle, actor: deploy.actor, deployed_at: text(deploy.at) }
}

fn etag(hash: [u8; 32]) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("\"{}\"", ContentHash(hash))).ok()
}

/// What the caller takes to be live. Whoever does not say it could undo a deploy that it has not seen.
fn expected(headers: &HeaderMap) -> Result<Option<[u8; 32]>, Problem> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    match (value(IF_MATCH), value(IF_NONE_MATCH)) {
        (None, Some("*")) => Ok(None),
        (Some(tag), None) => {
            let hash = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(read);
            hash.map(Some).ok_or_else(|| {
                Problem::bad("bad_if_match", "`If-Match` names one bundle: `\"<hash>\"`, as `ETag` gave it")
            })
        }
        _ => {
            let detail =
                "say which bundle is live now: `If-Match: \"<hash>\"`, or `If-None-Match: *` for the first deploy";
            Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "no_precondition", detail))
        }
    }
}

fn read(hash: &str) -> Option<[u8; 32]> {
    hash.parse().ok().map(|ContentHash(hash)| hash)
}
