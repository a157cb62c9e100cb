//! Bundles: deployed, listed, rolled back and forward.

use std::sync::Arc;

use admit_plan::encode::ContentHash;
use admit_runtime::host::{Host as _, StoreError};
use admit_store::Deploy;
use axum::extract::{Path, State};
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::{Caller, caller};
use super::extract::{Asked, Body};
use super::problem::Problem;
use super::runs::ok;
use super::time::text;
use super::{Server, deploy};
use crate::key::Scope;

/// The most deploys that one page of the history holds.
const PAGE: u32 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    limit: Option<u32>,
    before: Option<u64>,
}

/// `PUT /v1/bundles`: the body is what `admit build` wrote. `If-Match` names the live bundle, or `If-None-Match: *` says that there
/// is none.
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

/// `POST /v1/bundles/{hash}/activate`: one that was deployed before, or is kept.
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

/// `GET /v1/bundles`: deploys, newest first; the first is live.
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Read).await?;
    let limit = asked.limit.unwrap_or(50).clamp(1, PAGE);
    let deploys = server.parts.store.deploys(&caller.tenant, asked.before, limit).await?;
    let full = usize::try_from(limit).is_ok_and(|limit| deploys.len() == limit);
    let next = deploys.last().filter(|_| full).map(|deploy| deploy.seq);
    let first = deploys.first().filter(|_| asked.before.is_none()).map(|deploy| deploy.bundle);
    let listed: Vec<Value> = deploys.iter().map(shown).collect();
    let mut response = ok(&json!({ "deploys": listed, "next_before": next }));
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
    let mut response = ok(&shown(&deploy));
    if let Some(tag) = etag(deploy.bundle) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

fn shown(deploy: &Deploy) -> Value {
    json!({ "seq": deploy.seq, "bundle": ContentHash(deploy.bundle).to_string(), "actor": deploy.actor, "deployed_at": text(deploy.at) })
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
