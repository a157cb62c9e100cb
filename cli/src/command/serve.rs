//! `admit serve`: serves a project over HTTP until it is told to stop.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use admit_actions::{Options as PoolOptions, Pool};
use admit_eval::datum::Datum;
use admit_host::{FeedFiles, RealHost};
use admit_plan::encode;
use admit_runtime::action::Actions;
use admit_runtime::engine::Engine;
use admit_runtime::tenant::TenantId;
use admit_server::api::{Complete, Parts, Server, deploy};
use admit_server::key::{ApiKey, Scope};
use admit_stdlib::request;
use admit_store::SqlStore;
use smol_str::SmolStr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{Exit, Failure};
use crate::host::{self, HostArgs, Over};
use crate::output::{Output, note, print};
use crate::project::{self, Loaded};
use crate::world::{self, Database, DatabaseArgs, New};

use super::run::queue::Queue;

/// Who has deployed what the server was started with.
const ACTOR: &str = "admit serve";
/// How often the queue is looked at.
const QUEUE: Duration = Duration::from_millis(500);

/// Arguments of `admit serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The project's folder: it is built, and deployed to the tenant where something else is live
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", env = "ADMIT_LISTEN")]
    listen: SocketAddr,
    /// Where users, sessions and runs are kept
    #[command(flatten)]
    database: DatabaseArgs,
    /// Users to import first, one JSON object a line
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Runs at once; more are told to come back
    #[arg(long, value_name = "N", default_value_t = 256)]
    most_runs: usize,
    /// What it may reach
    #[command(flatten)]
    reach: HostArgs,
}

/// Serves until SIGTERM or SIGINT.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let loaded = project::load(&args.project)?;
    let Some(bundle) = loaded.build_with_defaults(output) else { return Ok(Exit::Findings) };
    let bytes = encode::encode(&bundle).map_err(|refusal| Failure::new(format!("the plan is refused: {refusal}")))?;
    let engine = Engine::load(&bytes, &admit_stdlib::registry()).map_err(|error| Failure::new(error.to_string()))?;
    world::block_on(whole(args, &loaded, bytes, engine))
}

async fn whole(args: &Args, loaded: &Loaded, bytes: Vec<u8>, engine: Arc<Engine>) -> Result<Exit, Failure> {
    let tenant = &args.database.tenant;
    // Before anything is written: an address that is taken, or params that do not fit, change nothing.
    let listener = TcpListener::bind(args.listen).await;
    let listener = listener.map_err(|error| {
        Failure::new(format!("cannot listen on {}: {error}", args.listen))
            .help("choose another with `--listen ADDRESS:PORT`")
    })?;
    host::params(&engine, &loaded.project, tenant)?;
    let feeds = host::feeds(&args.reach, loaded).await?;
    let Database { store, keys, folder: _folder } =
        Database::open(&args.database, loaded.root.as_deref(), New::Made).await?;
    if let Some(users) = &args.users
        && store.users(tenant, None, 1).await.map_err(fail)?.is_empty()
    {
        let imported = world::import(&store, tenant, users).await?;
        note(&format!("imported {imported} users\n"));
    }
    let pool = Pool::new(PoolOptions::default());
    let pool = pool.map_err(|error| Failure::new(format!("cannot start workers for Actions: {error}")))?;
    let actions: Option<Arc<dyn Actions>> = Some(Arc::new(pool));
    let over = Over { store: Arc::new(store.clone()), keys, actions, feeds: Arc::clone(&feeds) };
    let host = Arc::new(host::host(&args.reach, loaded, over, |_| {})?);
    let _watch = host::watch(&feeds);
    put_live(&store, tenant, &engine, &bytes).await?;
    let key = first_key(&store, tenant).await?;
    let queue = tokio::spawn(work_off(store.clone(), Arc::clone(&host), tenant.clone(), Arc::clone(&engine)));
    let server = Server::new(Parts {
        store: store.clone(),
        host,
        registry: admit_stdlib::registry(),
        params: params(loaded),
        complete: complete(feeds),
        most_runs: args.most_runs,
    });
    server.keep(engine);
    announce(&listener, loaded, key.as_ref())?;
    let served = server.serve(listener, stopped()?).await;
    served.map_err(|error| Failure::new(format!("the server failed: {error}")))?;
    queue.abort();
    let _ = queue.await;
    store.close().await;
    note("stopped\n");
    Ok(Exit::Ok)
}

/// Tenants' own values of params.
fn params(loaded: &Loaded) -> HashMap<TenantId, Vec<(SmolStr, Datum)>> {
    let tenants = loaded.project.tenants.keys().filter_map(|slug| slug.parse::<TenantId>().ok());
    tenants.map(|tenant| (tenant.clone(), host::own_params(&loaded.project, &tenant))).collect()
}

/// Deploys what was built, where something else is live.
async fn put_live(store: &SqlStore, tenant: &TenantId, engine: &Arc<Engine>, bytes: &[u8]) -> Result<(), Failure> {
    store.put_bundle(tenant, engine.hash(), bytes, world::now()).await.map_err(fail)?;
    let live = store.live(tenant).await.map_err(fail)?.map(|deploy| deploy.bundle);
    if live == Some(engine.hash()) {
        return Ok(());
    }
    let before = match live {
        Some(hash) => store.bundle(tenant, hash).await.map_err(fail)?,
        None => None,
    };
    // An old bundle that cannot be loaded any more is replaced all the same; its Actions are not compared then.
    let before = before.and_then(|bytes| Engine::load(&bytes, &admit_stdlib::registry()).ok());
    let done = deploy(store, tenant, (live, before.as_deref()), (engine, ACTOR), world::now()).await;
    done.map(|_| ()).map_err(|error| match error {
        admit_runtime::host::StoreError::Conflict => {
            Failure::new("somebody else has deployed meanwhile").help("look at what is live, then start again")
        }
        other => fail(other),
    })
}

/// A key with all scopes, where the tenant has none: shown once.
async fn first_key(store: &SqlStore, tenant: &TenantId) -> Result<Option<ApiKey>, Failure> {
    let known = store.api_keys(tenant).await.map_err(fail)?;
    if known.iter().any(|key| key.revoked_at.is_none()) {
        return Ok(None);
    }
    let key =
        ApiKey::generate(tenant).map_err(|error| Failure::new(format!("the system gives no randomness: {error}")))?;
    let (row, entry) = key.row("first", &Scope::ALL, ACTOR);
    store.add_api_key(tenant, &row, &entry, world::now()).await.map_err(fail)?;
    Ok(Some(key))
}

/// Does what runs have queued, as it comes due.
async fn work_off(store: SqlStore, host: Arc<RealHost>, tenant: TenantId, engine: Arc<Engine>) {
    loop {
        let queue = Queue { store: &store, host: &host, tenant: &tenant, engine: &engine };
        if let Err(failure) = queue.drain().await {
            note(&format!("warning: the queue waits: {}\n", failure.message));
        }
        tokio::time::sleep(QUEUE).await;
    }
}

fn complete(feeds: Arc<FeedFiles>) -> Arc<Complete> {
    Arc::new(move |event, device| request::completed(event, &*feeds, device))
}

/// Says where it listens and how to begin; the last line is `ready`.
fn announce(listener: &TcpListener, loaded: &Loaded, key: Option<&ApiKey>) -> Result<(), Failure> {
    let address = listener.local_addr().map_err(|error| Failure::new(format!("cannot listen: {error}")))?;
    let mut text = format!("listening on http://{address}\n");
    if let Some(key) = key {
        text.push_str(&format!("API key, shown this once: {key}\n"));
        for (flow, path) in requests(loaded) {
            let path = path.display();
            text.push_str(&format!(
                "try: curl -s http://{address}/v1/flows/{flow}/runs -H 'Authorization: Bearer {key}' -d @{path}\n"
            ));
        }
    }
    text.push_str("ready\n");
    print(&text);
    Ok(())
}

/// The requests that a project shows: `requests/<flow>.json`, in order.
fn requests(loaded: &Loaded) -> Vec<(String, PathBuf)> {
    let Some(root) = &loaded.root else { return Vec::new() };
    let files = std::fs::read_dir(root.join("requests")).into_iter().flatten().flatten().map(|file| file.path());
    let named = files.filter(|path| path.extension().is_some_and(|ext| ext == "json"));
    let mut found: Vec<_> = named.filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path))).collect();
    found.sort();
    found
}

/// SIGTERM or SIGINT.
fn stopped() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let hear = |kind| signal(kind).map_err(|error| Failure::new(format!("cannot hear signals: {error}")));
    let (mut term, mut int) = (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        note("stopping: what runs ends first\n");
    })
}

fn fail(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
