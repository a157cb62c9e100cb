//! `admit serve`: serves a project over HTTP until it is told to stop.

mod operation;
mod seed;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use admit_actions::{Options as PoolOptions, Pool};
use admit_host::FeedFiles;
use admit_plan::encode;
use admit_runtime::action::Actions;
use admit_runtime::engine::Engine;
use admit_runtime::tenant::TenantId;
use admit_server::api::{Complete, Parts, Server, deploy};
use admit_server::key::{ApiKey, Scope};
use admit_stdlib::request;
use admit_store::SqlStore;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::failure::{Exit, Failure};
use crate::host::formats::OwnFormats;
use crate::host::{self, HostArgs, Over};
use crate::log;
use crate::notify;
use crate::output::{Output, print};
use crate::project::{self, Loaded};
use crate::world::{self, Database, DatabaseArgs, New};

use crate::settings::{Setting, print_settings};
use operation::{Observed, OperationArgs, Prepared};

/// Who has deployed what the server was started with.
const ACTOR: &str = "admit serve";
/// How long queued jobs that are under way may take once it is told to stop.
const LAST_JOBS: Duration = Duration::from_secs(10);

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
    /// Whether runs are recorded, with trace and audit, before they are answered
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Records::Durable, env = "ADMIT_RECORDS")]
    records: Records,
    /// Calls a second that an API key may make, on this node; without it, as many as it likes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate_per_key: Option<u32>,
    /// What it may reach
    #[command(flatten)]
    reach: HostArgs,
    /// How it is operated
    #[command(flatten)]
    operation: OperationArgs,
}

/// What is kept of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Records {
    /// Each run's row, trace and audit entries are on disk before it is answered
    Durable,
    /// Nothing: for flows that only decide; a run that would wait or write is refused
    None,
}

/// Serves until SIGTERM or SIGINT.
pub fn run(args: &Args, output: &Output, settings: &[Setting]) -> Result<Exit, Failure> {
    if args.operation.print_config {
        print_settings(settings, output);
        return Ok(Exit::Ok);
    }
    log::start(args.operation.log);
    let loaded = project::load(&args.project)?;
    let Some(bundle) = loaded.build_with_defaults(output) else { return Ok(Exit::Findings) };
    let bytes = encode::encode(&bundle).map_err(|refusal| Failure::new(format!("the plan is refused: {refusal}")))?;
    let engine = Engine::load(&bytes, &admit_stdlib::registry()).map_err(|error| Failure::new(error.to_string()))?;
    if args.records == Records::None {
        tracing::warn!(
            "no records are kept: runs have no trace and no audit entries, and what would wait or write is refused"
        );
    }
    world::block_on_cores(whole(args, &loaded, bytes, engine))
}

async fn whole(args: &Args, loaded: &Loaded, bytes: Vec<u8>, engine: Arc<Engine>) -> Result<Exit, Failure> {
    let tenant = &args.database.tenant;
    // Before anything is written: an address that is taken, or params that do not fit, change nothing.
    let mut prepared = operation::prepare(&args.operation, args.listen).await?;
    host::params(&engine, &loaded.project, tenant)?;
    let feeds = host::feeds(&args.reach, loaded).await?;
    // Nobody waits for it: whoever comes before it is done waits as long as it takes.
    let _warming = tokio::task::spawn_blocking(request::warm);
    let Database { store, keys, folder: _folder } =
        Database::open(&args.database, loaded.root.as_deref(), New::Made).await?;
    if let Some(users) = &args.users
        && store.users(tenant, None, 1).await.map_err(fail)?.is_empty()
    {
        let imported = world::import(&store, tenant, users).await?;
        tracing::info!(imported, "imported users");
    }
    let pool = Pool::new(PoolOptions::default());
    let pool = pool.map_err(|error| Failure::new(format!("cannot start workers for Actions: {error}")))?;
    let pool = Arc::new(pool);
    let actions: Option<Arc<dyn Actions>> = Some(Arc::clone(&pool) as Arc<dyn Actions>);
    let over = Over { store: Arc::new(store.clone()), keys, actions, feeds: Arc::clone(&feeds) };
    let host = Arc::new(host::host(&args.reach, loaded, over, |_| {})?);
    let _watch = host::watch(&feeds);
    seed::seed(&store, tenant, &args.reach, loaded).await?;
    put_live(&store, tenant, &engine, &bytes).await?;
    let key = first_key(&store, tenant).await?;
    let observed = Observed { pool, feeds: Arc::clone(&feeds) };
    let server = Server::new(Parts {
        store: store.clone(),
        host,
        registry: admit_stdlib::registry(),
        formats: Arc::new(OwnFormats::new(&args.reach, loaded, tenant)?),
        complete: complete(feeds),
        most_runs: args.most_runs,
        records: args.records == Records::Durable,
        operation: prepared.operation(observed),
        rate_per_key: args.rate_per_key,
    });
    server.keep(engine);
    for fault in server.load_live().await.map_err(fail)? {
        tracing::warn!("a bundle cannot be loaded: {fault}");
    }
    // Before anybody is told that it is ready: who then says stop is heard.
    let stop = stopped()?;
    let greeting = greeting(&prepared, loaded, tenant, key.as_ref())?;
    let (serving, background) = prepared.start(&args.operation, &store)?;
    print(&greeting);
    let stop_work = Arc::new(Notify::new());
    let work = tokio::spawn(Arc::clone(&server).work(Arc::clone(&stop_work)));
    notify::ready();
    let is_whole = server.serve_on(serving, stop).await;
    let is_whole = is_whole.map_err(|error| Failure::new(format!("the server failed: {error}")))?;
    stop_work.notify_one();
    // Leased jobs that do not end in time are taken by others when their leases are over.
    let _ = tokio::time::timeout(LAST_JOBS, work).await;
    background.end().await;
    store.close().await;
    match is_whole {
        true => tracing::info!("stopped"),
        false => tracing::warn!("stopped, though requests were still under way"),
    }
    Ok(Exit::Ok)
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

/// A key with all scopes but `operate`, where the tenant has none: shown once.
async fn first_key(store: &SqlStore, tenant: &TenantId) -> Result<Option<ApiKey>, Failure> {
    let known = store.api_keys(tenant).await.map_err(fail)?;
    if known.iter().any(|key| key.revoked_at.is_none()) {
        return Ok(None);
    }
    let key =
        ApiKey::generate(tenant).map_err(|error| Failure::new(format!("the system gives no randomness: {error}")))?;
    let (row, entry) = key.row("first", &Scope::OF_TENANT, ACTOR);
    store.add_api_key(tenant, &row, &entry, world::now()).await.map_err(fail)?;
    Ok(Some(key))
}

fn complete(feeds: Arc<FeedFiles>) -> Arc<Complete> {
    Arc::new(move |event, device| request::completed(event, &*feeds, device))
}

/// Says where it listens and how to begin; the last line is `ready`.
fn greeting(prepared: &Prepared, loaded: &Loaded, tenant: &TenantId, key: Option<&ApiKey>) -> Result<String, Failure> {
    let scheme = prepared.scheme();
    let address =
        prepared.serving.public.local_addr().map_err(|error| Failure::new(format!("cannot listen: {error}")))?;
    let mut text = format!("listening on {scheme}://{address}\n");
    if let Some(listener) = &prepared.serving.management {
        let address = listener.local_addr().map_err(|error| Failure::new(format!("cannot listen: {error}")))?;
        text.push_str(&format!("management on http://{address}\n"));
    }
    match key {
        Some(key) => {
            text.push_str(&format!("API key, shown this once: {key}\n"));
            let call = format!("-H 'Authorization: Bearer {key}'");
            let requests = requests(loaded);
            for (flow, path) in &requests {
                let body = quoted(&format!("@{}", path.display()));
                text.push_str(&format!(
                    "try: curl -s {scheme}://{address}/v1/flows/{flow}/runs {call} -H 'Content-Type: application/json' -d {body}\n"
                ));
            }
            if requests.is_empty() {
                text.push_str(&format!("try: curl -s {scheme}://{address}/v1/bundles {call}\n"));
            }
        }
        None => text.push_str(&format!(
            "the tenant `{tenant}` has an API key already, which was shown when it was made: one of the scope `manage` makes another\n"
        )),
    }
    text.push_str("ready\n");
    Ok(text)
}

/// A word of a shell.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./_-".contains(&byte);
    if word.bytes().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
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
        notify::stopping();
        tracing::info!("stopping: what runs ends first");
    })
}

fn fail(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
