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
use super::tenancy::Tenancy;
use axum::http::StatusCode;
use smol_str::SmolStr;

/// How long what is live may be taken from memory.
const FRESH: Duration = Duration::from_secs(1);

/// How soon a bundle that was refused is looked at again: it may have been restored.
const AGAIN: Duration = Duration::from_secs(10);

type Hash = [u8; 32];

/// A bundle as a tenant runs it: worked out once.
pub struct Loaded {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The tenant's params for it.
    pub params: Params,
    /// Some flow names the device, which is read out of the user agent.
    pub reads_device: bool,
    /// The number of the tenant's set-up that this was worked out from.
    version: u64,
}

/// What is loaded. An engine serves every tenant that has its bundle.
#[derive(Default)]
pub struct Live {
    tenants: Mutex<HashMap<TenantId, (Instant, Hash)>>,
    loaded: Mutex<HashMap<(TenantId, Hash), Arc<Loaded>>>,
    engines: Mutex<HashMap<Hash, Arc<Engine>>>,
    /// Kept bundles that are not what they were, and since when that is known.
    damaged: Mutex<HashMap<(TenantId, Hash), Instant>>,
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
    pub async fn live(&self, tenancy: &Tenancy) -> Result<Arc<Loaded>, Problem> {
        let tenant = &tenancy.tenant;
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
        self.loaded(tenancy, hash).await
    }

    /// A bundle that the tenant has, loaded, as the tenant is set up.
    pub async fn loaded(&self, tenancy: &Tenancy, hash: Hash) -> Result<Arc<Loaded>, Problem> {
        let tenant = &tenancy.tenant;
        let key = (tenant.clone(), hash);
        if let Some(known) = lock(&self.live.loaded).get(&key).filter(|known| known.version == tenancy.version) {
            return Ok(Arc::clone(known));
        }
        let engine = self.kept(tenant, hash).await?;
        let params = self.params(tenancy, &engine)?;
        let is_off = |slug: &str| tenancy.setup.disabled.contains(slug);
        let engine = match engine.bundle().actions.iter().any(|action| is_off(&text(engine.bundle(), action.slug))) {
            true => engine.without(&is_off, &self.parts.registry).map_err(|error| refused(&error))?,
            false => engine,
        };
        let reads_device = engine.bundle().pool.strings.iter().any(|name| name == "device");
        let loaded = Arc::new(Loaded { engine, params, reads_device, version: tenancy.version });
        lock(&self.live.loaded).insert(key, Arc::clone(&loaded));
        Ok(loaded)
    }

    /// The engine of a bundle that the tenant has, without anything of the tenant's in it. One that is not what was kept any more is
    /// refused, and audited: nothing of it runs, and nobody else is met by it.
    pub async fn kept(&self, tenant: &TenantId, hash: Hash) -> Result<Arc<Engine>, Problem> {
        let key = (tenant.clone(), hash);
        if lock(&self.live.damaged).get(&key).is_some_and(|since| since.elapsed() < AGAIN) {
            return Err(damaged());
        }
        // Asked for also where another tenant has it loaded: only who has it may know.
        let bytes = self.parts.store.bundle(tenant, hash).await?.ok_or_else(|| Problem::not_found("bundle"))?;
        let known = lock(&self.live.engines).get(&hash).cloned();
        if let Some(engine) = known {
            return Ok(engine);
        }
        match self.load_alone(bytes).await {
            Ok(engine) if engine.hash() == hash => Ok(self.keep(engine)),
            Ok(_) => Err(self.quarantined(key, "it is another bundle").await),
            Err(problem) => Err(self.quarantined(key, problem.detail()).await),
        }
    }

    async fn quarantined(&self, key: (TenantId, Hash), why: &str) -> Problem {
        let (tenant, hash) = (&key.0, ContentHash(key.1).to_string());
        tracing::error!(tenant = tenant.as_str(), bundle = hash.as_str(), problem = why, "a kept bundle is refused");
        let entry = AuditEntry {
            kind: "bundle.refused".to_owned(),
            actor: "admit serve".to_owned(),
            target: hash,
            outcome: "failure".to_owned(),
            data: Datum::record([("why", Datum::Str(why.into()))]),
        };
        // Where not even this can be written the run is refused all the same.
        let _ = self.parts.store.change_config(tenant, &[], &[entry], self.now()).await;
        lock(&self.live.damaged).insert(key, Instant::now());
        damaged()
    }

    /// Loads what every tenant runs, before it is asked for; answers what is wrong with bundles that cannot be loaded, whose
    /// tenants are told so when they ask.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn load_live(self: &Arc<Self>) -> Result<Vec<String>, StoreError> {
        let mut loading = Vec::new();
        for (tenant, hash) in self.parts.store.live_of_all().await? {
            let server = Arc::clone(self);
            loading.push(tokio::spawn(async move {
                let loaded = match server.tenancy(&tenant).await {
                    Ok(tenancy) => server.loaded(&tenancy, hash).await,
                    Err(problem) => Err(problem),
                };
                loaded.err().map(|problem| format!("tenant `{tenant}`: {problem}"))
            }));
        }
        let mut faults = Vec::new();
        for one in loading {
            faults.extend(one.await.unwrap_or_else(|error| Some(error.to_string())));
        }
        Ok(faults)
    }

    /// Loads a bundle, and keeps it.
    pub async fn load(&self, bytes: Vec<u8>) -> Result<Arc<Engine>, Problem> {
        Ok(self.keep(self.load_alone(bytes).await?))
    }

    /// Loads a bundle, for this once.
    pub async fn load_alone(&self, bytes: Vec<u8>) -> Result<Arc<Engine>, Problem> {
        let registry = self.parts.registry.clone();
        let loaded = tokio::task::spawn_blocking(move || Engine::load(&bytes, &registry)).await;
        loaded.map_err(|error| refused(&error))?.map_err(|error| refused(&error))
    }

    /// Keeps an engine, so that nobody has to load it again.
    pub fn keep(&self, engine: Arc<Engine>) -> Arc<Engine> {
        Arc::clone(lock(&self.live.engines).entry(engine.hash()).or_insert(engine))
    }

    /// The tenant's params for a bundle: its own values of those that the bundle declares, held to their types.
    pub fn params(&self, tenancy: &Tenancy, engine: &Engine) -> Result<Params, Problem> {
        let bundle = engine.bundle();
        let mut own = Vec::new();
        for (name, value) in &tenancy.setup.params {
            let Some(param) = bundle.params.iter().find(|param| text(bundle, param.name) == *name) else { continue };
            let value = self.parts.formats.param(value, &param.ty, name).map_err(|why| params_refused(&why))?;
            own.push((SmolStr::from(name.as_str()), value));
        }
        engine.params(&own).map_err(|error| params_refused(&error.to_string()))
    }
}

fn params_refused(why: &str) -> Problem {
    let detail = format!("{why}: set it with `PUT /v1/params/{{name}}`");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "params_refused", detail)
}

fn damaged() -> Problem {
    let detail = "the bundle is not any more what was deployed: restore the database, or deploy again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "bundle_damaged", detail)
}

fn refused(why: &dyn std::fmt::Display) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bundle_refused", why.to_string())
}

/// A string of a bundle's pool. Ids are verified when the bundle is loaded.
pub fn text(bundle: &Bundle, id: u32) -> SmolStr {
    bundle.pool.strings.get(id as usize).cloned().unwrap_or_default()
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
        let text = |id: u32| text(bundle, id).to_string();
        bundle.actions.iter().map(|action| (text(action.slug), text(action.version))).collect()
    };
    let (old, new) = (before.map(versions).unwrap_or_default(), versions(after));
    let version = |version: &str| Datum::record([("version", Datum::Str(version.into()))]);
    let has = |list: &[(String, String)], slug: &str| list.iter().any(|(known, _)| known == slug);
    for (slug, added) in new.iter().filter(|pinned| !old.contains(pinned)) {
        // This version of it goes live: the first of it that the tenant runs, or another one than before.
        entries.push(entry("flow.action_published", slug, version(added)));
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
