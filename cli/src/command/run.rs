//! `admit run`: runs a flow for one sign-in against the real parts, or resumes a run that waits.

mod ask;
mod pages;
pub mod queue;
mod show;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use admit_compiler::project::Project;
use admit_eval::datum::Datum;
use admit_eval::json;
use admit_host::{FeedFiles, RealHost};
use admit_plan::encode;
use admit_runtime::engine::{Engine, Params};
use admit_runtime::execute::{self, Answer, Known, Options, Outcome, Start};
use admit_runtime::session;
use admit_runtime::tenant::TenantId;
use admit_stdlib::request;
use admit_store::SqlStore;
use smol_str::SmolStr;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::host::{self, HostArgs, Over};
use crate::output::{Output, note};
use crate::project::{self, Loaded};
use crate::world::{self, Database, DatabaseArgs, New};

use queue::Queue;

use super::graph::no_flow;

/// Arguments of `admit run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The flow; none with `--resume`
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    flow: Option<String>,
    /// The event: JSON of what the platform knows
    #[arg(long, value_name = "FILE", required_unless_present = "resume", conflicts_with = "resume")]
    event: Option<PathBuf>,
    /// What the user submits: JSON; `-` reads standard input. Without it, a terminal asks
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The session that the flow is run within: its token, or `@FILE` with it
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, conflicts_with = "resume")]
    session: Option<String>,
    /// Go on with the run that waits under this token
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    resume: Option<String>,
    /// The project's folder
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// Where users, sessions and runs are kept
    #[command(flatten)]
    database: DatabaseArgs,
    /// Users to import first, one JSON object a line
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// What it may reach
    #[command(flatten)]
    reach: HostArgs,
    /// Print what happened
    #[arg(long)]
    trace: bool,
    /// Print the value of each part of each decision
    #[arg(long)]
    explain: bool,
    /// Never ask on the terminal
    #[arg(long)]
    no_input: bool,
    /// Open pages for steps that need a browser (passkeys, sign-in elsewhere), also without a terminal
    #[arg(long)]
    pages: bool,
    /// The port of those pages on this machine [default: any that is free]
    #[arg(long, value_name = "PORT")]
    page_port: Option<u16>,
}

/// Runs or resumes, and prints the outcome. A run that ends in deny or error is a finding.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let loaded = project::load(&args.project)?;
    let Some(bundle) = loaded.build_with_defaults(output) else { return Ok(Exit::Findings) };
    let bytes = encode::encode(&bundle).map_err(|refusal| Failure::new(format!("the plan is refused: {refusal}")))?;
    let engine = load(&bytes)?;
    if let Some(flow) = &args.flow {
        let names = || bundle.flows.iter().filter_map(|flow| bundle.pool.strings.get(flow.name as usize));
        if !names().any(|name| name == flow) {
            return Err(no_flow(flow, names().map(SmolStr::as_str)));
        }
    }
    let params = host::params(&engine, &loaded.project, &args.database.tenant)?;
    world::block_on(whole(args, output, &loaded, Prepared { bytes, engine, params }))
}

/// A bundle ready to run.
struct Prepared {
    bytes: Vec<u8>,
    engine: Arc<Engine>,
    params: Params,
}

/// One run, from its first request to the outcome, as far as there is somebody to answer.
async fn whole(args: &Args, output: &Output, loaded: &Loaded, prepared: Prepared) -> Result<Exit, Failure> {
    let tenant = &args.database.tenant;
    let new = if args.resume.is_some() { New::Refused } else { New::Made };
    let database = Database::open(&args.database, loaded.root.as_deref(), new).await?;
    if let Some(users) = &args.users {
        database.import(tenant, users).await?;
    }
    let Database { store, keys, folder } = database;
    let actions = world::actions(prepared.engine.bundle())?;
    let asks = !args.no_input && ask::can_ask();
    let pages = pages::listen(asks || args.pages, args.page_port)?;
    let feeds = host::feeds(&args.reach, loaded).await?;
    let _watch = host::watch(&feeds);
    let made = Over { store: Arc::new(store.clone()), keys, actions, feeds: Arc::clone(&feeds) };
    let host = host::host(&args.reach, loaded, made, |options| {
        if let Some(pages) = &pages {
            pages::be_known(options, pages);
        }
    })?;
    if queue::needs_bundle(prepared.engine.bundle()) {
        // Before anything is queued that can only be done with it.
        let kept = store.put_bundle(tenant, prepared.engine.hash(), &prepared.bytes, world::now()).await;
        kept.map_err(|error| Failure::new(error.to_string()))?;
    }
    let options = Options::explaining(args.explain);
    let mut answer = match &args.resume {
        None => {
            let event = args.event.as_deref().map(files::read).transpose()?.unwrap_or_default();
            let event = completed(event, &prepared, &feeds).await;
            let flow = args.flow.as_deref().unwrap_or_default();
            let input = match &args.input {
                Some(path) => Some(read_input(path)?),
                None if asks => ask::first(prepared.engine.bundle(), flow)?,
                None => None,
            };
            let known = match &args.session {
                Some(token) => within(&host, tenant, token).await?,
                None => Known::default(),
            };
            let start = Start { flow, event: &event, input, known };
            let started = prepared.engine.start(&host, tenant, &prepared.params, start, options).await;
            started.map_err(|error| refused(&error))?
        }
        Some(token) => {
            let input = args.input.as_deref().map(read_input).transpose()?;
            resume(&store, &prepared, &host, (tenant, &loaded.project), token, input, options).await?
        }
    };
    loop {
        show::aside(&answer, prepared.engine.bundle(), output, (args.trace, args.explain));
        let Outcome::Suspended { label, challenge, resume_token, problem, .. } = &answer.outcome else { break };
        let paged = match &pages {
            Some(pages) => pages::answer(pages, label, challenge).await?,
            None => None,
        };
        if !asks && paged.is_none() {
            if folder.is_some() {
                note("the run is forgotten with the database in memory; name one with --database to resume it\n");
            }
            let kept = store.put_bundle(tenant, prepared.engine.hash(), &prepared.bytes, world::now()).await;
            kept.map_err(|error| Failure::new(error.to_string()))?;
            break;
        }
        let input = match paged {
            Some(input) => input,
            None => ask::again(label, challenge, problem.as_deref())?,
        };
        let token = resume_token.clone();
        answer = resume(&store, &prepared, &host, (tenant, &loaded.project), &token, Some(input), options).await?;
    }
    let queue = Queue { store: &store, host: &host, tenant, engine: &prepared.engine };
    let sent = queue.drain().await?;
    store.close().await;
    if args.trace {
        show::queued(&sent, output);
    }
    show::outcome(&answer, (prepared.engine.bundle(), tenant), output, (args.trace, args.explain));
    Ok(match answer.outcome {
        Outcome::Session { .. }
        | Outcome::Tokens { .. }
        | Outcome::Allow
        | Outcome::Finalized
        | Outcome::Suspended { .. } => Exit::Ok,
        Outcome::Deny { .. } | Outcome::Error { .. } => Exit::Findings,
    })
}

async fn resume(
    store: &SqlStore,
    prepared: &Prepared,
    host: &RealHost,
    (tenant, project): (&TenantId, &Project),
    token: &str,
    input: Option<Datum>,
    options: Options,
) -> Result<Answer, Failure> {
    let find = |hash: [u8; 32]| {
        if hash == prepared.engine.hash() {
            return Some((Arc::clone(&prepared.engine), prepared.params.clone()));
        }
        // The run goes on with the bundle that it began with, whatever has been built since.
        let kept = || tokio::runtime::Handle::current().block_on(store.bundle(tenant, hash));
        let engine = load(&tokio::task::block_in_place(kept).ok()??).ok()?;
        let params = host::params(&engine, project, tenant).ok()?;
        (engine.hash() == hash).then_some((engine, params))
    };
    execute::resume(&find, host, tenant, token, input, options).await.map_err(|error| refused(&error))
}

fn load(bytes: &[u8]) -> Result<Arc<Engine>, Failure> {
    Engine::load(bytes, &admit_stdlib::registry()).map_err(|error| Failure::new(error.to_string()))
}

/// The event with what it leaves out of its request and feeds know. The user agent is read where a flow names the device.
async fn completed(event: Vec<u8>, prepared: &Prepared, feeds: &Arc<FeedFiles>) -> Vec<u8> {
    let (feeds, given) = (Arc::clone(feeds), event.clone());
    let device = prepared.engine.bundle().pool.strings.iter().any(|name| name == "device");
    let completed = move || request::completed(&given, &*feeds, device);
    // A fault in it is none of the event's: the event is as it was given.
    tokio::task::spawn_blocking(completed).await.ok().flatten().unwrap_or(event)
}

/// What a run begins with that is given a session. One that is over is none: the run says what that means.
async fn within(host: &RealHost, tenant: &TenantId, given: &str) -> Result<Known, Failure> {
    let token = match given.strip_prefix('@') {
        Some(path) => {
            let bytes = files::read(Path::new(path))?;
            String::from_utf8(bytes).map_err(|_| Failure::new(format!("`{path}` is not UTF-8")))?.trim().to_owned()
        }
        None => given.to_owned(),
    };
    let known = session::known(host, tenant, &token).await.map_err(|error| Failure::new(error.to_string()))?;
    Ok(known.unwrap_or_default())
}

fn read_input(path: &Path) -> Result<Datum, Failure> {
    let bytes = if path.as_os_str() == "-" { files::read_stdin()? } else { files::read(path)? };
    json::read(&bytes).map_err(|why| Failure::new(format!("the input `{}` is not JSON: {why}", path.display())))
}

fn refused(error: &execute::StepError) -> Failure {
    Failure::new(error.to_string())
}
