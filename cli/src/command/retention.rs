//! `admit retention`: removes what was kept for long enough, or says what would go.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, note, print};
use crate::retention::{RetentionArgs, prune};
use crate::world::{self, Database, DatabaseArgs, New};

/// Arguments of `admit retention`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    what: What,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Remove now what `admit serve` removes every hour, in every tenant
    Run(Run),
}

/// Arguments of `admit retention run`.
#[derive(Debug, clap::Args)]
struct Run {
    /// Only say how much would go
    #[arg(long)]
    dry_run: bool,
    /// Settings that flags and variables do not give, as for `admit serve`
    #[arg(long, value_name = "FILE", env = "ADMIT_CONFIG")]
    config: Option<PathBuf>,
    /// For how long what is kept
    #[command(flatten)]
    retention: RetentionArgs,
    /// Where it is kept
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Who is said to have cut off audit entries.
const ACTOR: &str = "admit retention";

/// Does it.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let What::Run(args) = &args.what;
    world::block_on(async {
        let root = std::env::current_dir().ok().and_then(|current| files::project_root(&current));
        let opened = Database::open(&args.database, root.as_deref(), New::Refused).await?;
        let store = &opened.store;
        let mut found: Vec<Value> = Vec::new();
        for tenant in store.every_tenant().await.map_err(|error| Failure::new(error.to_string()))? {
            for (kept, before) in args.retention.due(world::now()) {
                let count = match args.dry_run {
                    true => store
                        .prunable(&tenant, kept, before)
                        .await
                        .map_err(|error| Failure::new(format!("{} of tenant `{tenant}`: {error}", kept.word())))?,
                    false => prune(store, &tenant, kept, before, ACTOR).await?,
                };
                if output.human() && count > 0 {
                    let verb = if args.dry_run { "would be removed" } else { "removed" };
                    print(&format!("{tenant}: {count} {} {verb}\n", kept.word()));
                }
                found.push(json!({ "tenant": tenant.as_str(), "what": kept.word(), "count": count }));
            }
        }
        if !output.human() {
            print(&format!("{}\n", json!({ "removed": found, "dry_run": args.dry_run })));
        } else if found.iter().all(|one| one["count"] == 0) {
            note("nothing is old enough\n");
        }
        opened.store.close().await;
        Ok(Exit::Ok)
    })
}
