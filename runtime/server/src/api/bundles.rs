//! Bundles: deployed, listed, rolled back and forward.

use std::sync::Arc;

use admit_plan::encode::ContentHash;
use admit_runtime::host::{Host as _, StoreError};
use admit_store::Deploy;
use axum::extract::State;
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{Caller, caller};
use super::extract::{Asked, Body, Path};
use super::page::Page;
use super::problem::Problem;
use super::runs::ok;
use super::time::text;
use super::{Server, deploy};
use crate::key::Scope;

/// Which deploys.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Most entries of the page; 50 where it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

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
    server.params(&caller.tenant, &engine)?;
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
    let page = Page::of(asked.limit, asked.cursor.as_deref())?;
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
    let loaded = server.loaded(&caller.tenant, hash).await?;
    let before = match expected {
        Some(hash) => server.loaded(&caller.tenant, hash).await.ok(),
        None => None,
    };
    let before = (expected, before.as_ref().map(|before| &*before.engine));
    let now = server.parts.host.now();
    let done = deploy(&server.parts.store, &caller.tenant, before, (&loaded.engine, &caller.key_id), now).await;
    let deploy = done.map_err(|error| match error {
        StoreError::Conflict => {
            let detail = "another bundle is live than the one that `If-Match` names: look at `GET /v1/bundles`, compare, deploy again";
            Problem::new(StatusCode::PRECONDITION_FAILED, "deployed_meanwhile", detail)
        }
        other => other.into(),
    })?;
    server.live.forget(&caller.tenant);
    let tag = etag(deploy.bundle);
    let mut response = ok(&shown(deploy));
    if let Some(tag) = tag {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
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
