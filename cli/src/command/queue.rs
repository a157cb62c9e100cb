//! `admit queue`: what waits to be done after a run, and what was given up.

use admit_compiler::render::sanitize;
use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, note, print};
use crate::world::{self, Database, DatabaseArgs, New};

/// Arguments of `admit queue`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    what: What,
}

/// What to do with the queue.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// List what waits to be done, and what was given up with why
    List(List),
    /// Let a job be tried again at once, also one that was given up
    Retry(Retry),
}

/// Arguments of `admit queue list`.
#[derive(Debug, clap::Args)]
struct List {
    /// Jobs of each kind at most
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Only what was given up
    #[arg(long)]
    failed: bool,
    /// Where the queue is kept
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Arguments of `admit queue retry`.
#[derive(Debug, clap::Args)]
struct Retry {
    /// The job's key, as `admit queue list` prints it; all that were given up where it is left out
    key: Option<String>,
    /// Where the queue is kept
    #[command(flatten)]
    database: DatabaseArgs,
}

/// More jobs than anybody gives up at once.
const ALL: u32 = 100_000;

/// Does it.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let (What::List(List { database, .. }) | What::Retry(Retry { database, .. })) = &args.what;
    world::block_on(async {
        let root = std::env::current_dir().ok().and_then(|current| files::project_root(&current));
        let opened = Database::open(database, root.as_deref(), New::Refused).await?;
        match &args.what {
            What::List(list) => show(list, &opened, output).await?,
            What::Retry(retry) => again(retry, &opened, output).await?,
        }
        opened.store.close().await;
        Ok(Exit::Ok)
    })
}

async fn show(list: &List, opened: &Database, output: &Output) -> Result<(), Failure> {
    let tenant = &list.database.tenant;
    let failed = opened.store.failed_jobs(tenant, list.limit).await.map_err(|error| fail(&error))?;
    let open = match list.failed {
        true => Vec::new(),
        false => opened.store.list_open_jobs(tenant, list.limit).await.map_err(|error| fail(&error))?,
    };
    if !output.human() {
        let open: Vec<_> = open
            .iter()
            .map(|job| json!({ "key": job.key, "kind": job.kind, "tries": job.attempts, "due": job.due.seconds }))
            .collect();
        let failed: Vec<_> = failed
            .iter()
            .map(|job| json!({ "key": job.key, "tries": job.attempts, "given_up": job.failed_at.seconds, "why": job.why }))
            .collect();
        print(&format!("{}\n", json!({ "waiting": open, "given_up": failed })));
        return Ok(());
    }
    if open.is_empty() && failed.is_empty() {
        note(&format!("the queue of `{tenant}` is empty\n"));
    }
    let now = world::now();
    for job in &open {
        let due = due_in(job.due, now);
        print(&format!("{}  {}  {} tries  {due}\n", sanitize::line(&job.key), sanitize::line(&job.kind), job.attempts));
    }
    for job in &failed {
        let why = sanitize::line(&job.why);
        print(&format!("{}  given up after {} tries: {why}\n", sanitize::line(&job.key), job.attempts));
    }
    Ok(())
}

async fn again(retry: &Retry, opened: &Database, output: &Output) -> Result<(), Failure> {
    let tenant = &retry.database.tenant;
    let keys = match &retry.key {
        Some(key) => vec![key.clone()],
        None => {
            let failed = opened.store.failed_jobs(tenant, ALL).await.map_err(|error| fail(&error))?;
            failed.into_iter().map(|job| job.key).collect()
        }
    };
    for key in &keys {
        opened.store.retry_job(tenant, key, world::now()).await.map_err(|error| match error {
            StoreError::NotFound => Failure::new(format!(
                "no job `{}` can be tried again: it is done, is worked on, or there is none; see `admit queue list`",
                sanitize::line(key)
            )),
            error => fail(&error),
        })?;
    }
    match output.human() {
        true if keys.is_empty() => note("nothing was given up\n"),
        true => note(&format!("{} due now: the next `admit run` of the project does it\n", keys.len())),
        false => print(&format!("{}\n", json!({ "due": keys }))),
    }
    Ok(())
}

fn due_in(due: Instant, now: Instant) -> String {
    match due.seconds.saturating_sub(now.seconds) {
        left if left > 0 => format!("due in {left} s"),
        _ => "due".to_owned(),
    }
}

fn fail(error: &StoreError) -> Failure {
    Failure::new(error.to_string())
}
