//! Loaded bundles: what each tenant runs now, and what its waiting runs began with.
//!
//! What is live is asked of the store again once a second, so that a deploy on another node is seen here by then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use admit_eval::datum::Datum;
use admit_plan::bundle::Bundle;
use admit_plan::encode::ContentHash;
use admit_runtime::engine::{Engine, Params};
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;
use admit_store::{Deploy, SqlStore};

use super::Server;
use super::problem::Problem;
use axum::http::StatusCode;

/// How long what is live may be taken from memory.
const FRESH: Duration = Duration::from_secs(1);

type Hash = [u8; 32];

/// A bundle as a tenant runs it: worked out once.
pub struct Loaded {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The tenant's params for it.
    pub params: Params,
    /// Some flow names the device, which is read out of the user agent.
    pub reads_device: bool,
}

/// What is loaded. An engine serves every tenant that has its bundle.
#[derive(Default)]
pub struct Live {
    tenants: Mutex<HashMap<TenantId, (Instant, Hash)>>,
    loaded: Mutex<HashMap<(TenantId, Hash), Arc<Loaded>>>,
    engines: Mutex<HashMap<Hash, Arc<Engine>>>,
}

impl Live {
    /// What is live is asked anew.
    pub fn forget(&self, tenant: &TenantId) {
        lock(&self.tenants).remove(tenant);
    }

    fn known(&self, tenant: &TenantId) -> Option<Hash> {
        let tenants = lock(&self.tenants);
        tenants.get(tenant).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, hash)| *hash)
    }
}

impl Server {
    /// What the tenant runs.
    pub async fn live(&self, tenant: &TenantId) -> Result<Arc<Loaded>, Problem> {
        let hash = match self.live.known(tenant) {
            Some(hash) => hash,
            None => {
                let deploy = self.parts.store.live(tenant).await?;
                let nothing = || {
                    Problem::new(StatusCode::NOT_FOUND, "nothing_deployed", "deploy a bundle first: `PUT /v1/bundles`")
                };
                let hash = deploy.ok_or_else(nothing)?.bundle;
                let mut tenants = lock(&self.live.tenants);
                tenants.insert(tenant.clone(), (Instant::now(), hash));
                hash
            }
        };
        self.loaded(tenant, hash).await
    }

    /// A bundle that the tenant has, loaded.
    pub async fn loaded(&self, tenant: &TenantId, hash: Hash) -> Result<Arc<Loaded>, Problem> {
        let key = (tenant.clone(), hash);
        if let Some(known) = lock(&self.live.loaded).get(&key) {
            return Ok(Arc::clone(known));
        }
        // Asked for also where another tenant has it loaded: only who has it may know.
        let bytes = self.parts.store.bundle(tenant, hash).await?.ok_or_else(|| Problem::not_found("bundle"))?;
        let known = lock(&self.live.engines).get(&hash).cloned();
        let engine = match known {
            Some(engine) => engine,
            None => self.load(bytes).await?,
        };
        let params = self.params(tenant, &engine)?;
        let reads_device = engine.bundle().pool.strings.iter().any(|name| name == "device");
        let loaded = Arc::new(Loaded { engine, params, reads_device });
        Ok(Arc::clone(lock(&self.live.loaded).entry(key).or_insert(loaded)))
    }

    /// Loads a bundle, and keeps it.
    pub async fn load(&self, bytes: Vec<u8>) -> Result<Arc<Engine>, Problem> {
        let registry = self.parts.registry.clone();
        let loaded = tokio::task::spawn_blocking(move || Engine::load(&bytes, &registry)).await;
        let failed = |why: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bundle_refused", why);
        let engine = loaded.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
        Ok(self.keep(engine))
    }

    /// Keeps an engine, so that nobody has to load it again.
    pub fn keep(&self, engine: Arc<Engine>) -> Arc<Engine> {
        Arc::clone(lock(&self.live.engines).entry(engine.hash()).or_insert(engine))
    }

    /// The tenant's params for a bundle.
    pub fn params(&self, tenant: &TenantId, engine: &Engine) -> Result<Params, Problem> {
        let own = self.parts.params.get(tenant).map_or(&[][..], Vec::as_slice);
        engine.params(own).map_err(|error| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "params_refused", format!("tenant `{tenant}`: {error}"))
        })
    }
}

/// Makes a kept bundle live where `expected` is, with the audit entries of what it changes.
///
/// # Errors
/// `Conflict` where something else is live by now.
pub async fn deploy(
    store: &SqlStore,
    tenant: &TenantId,
    (expected, before): (Option<Hash>, Option<&Engine>),
    (engine, actor): (&Engine, &str),
    now: admit_eval::value::Instant,
) -> Result<Deploy, StoreError> {
    let earlier = store.was_deployed(tenant, engine.hash()).await?;
    let hash = ContentHash(engine.hash()).to_string();
    let entries = changes(before.map(Engine::bundle), engine.bundle(), (actor, &hash), earlier);
    store.deploy(tenant, expected, (engine.hash(), actor), &entries, now).await
}

/// The audit entries of a deploy: the deploy itself, and what it does to Actions, by comparing the bundles.
fn changes(before: Option<&Bundle>, after: &Bundle, (actor, hash): (&str, &str), earlier: bool) -> Vec<AuditEntry> {
    let entry = |kind: &str, target: &str, data: Datum| AuditEntry {
        kind: kind.to_owned(),
        actor: actor.to_owned(),
        target: target.to_owned(),
        outcome: "success".to_owned(),
        data,
    };
    let kind = if earlier && before.is_some() { "flow.rolled_back" } else { "flow.deployed" };
    let mut entries = vec![entry(kind, hash, Datum::Null)];
    let versions = |bundle: &Bundle| -> Vec<(String, String)> {
        let text = |id: u32| bundle.pool.strings.get(id as usize).map(ToString::to_string).unwrap_or_default();
        bundle.actions.iter().map(|action| (text(action.slug), text(action.version))).collect()
    };
    let (old, new) = (before.map(versions).unwrap_or_default(), versions(after));
    let version = |version: &str| Datum::record([("version", Datum::Str(version.into()))]);
    let has = |list: &[(String, String)], slug: &str| list.iter().any(|(known, _)| known == slug);
    for (slug, added) in new.iter().filter(|pinned| !old.contains(pinned)) {
        let kind = if has(&old, slug) { "flow.action_updated" } else { "flow.action_attached" };
        entries.push(entry(kind, slug, version(added)));
    }
    for (slug, gone) in old.iter().filter(|(slug, _)| !has(&new, slug)) {
        entries.push(entry("flow.action_detached", slug, version(gone)));
    }
    entries
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
