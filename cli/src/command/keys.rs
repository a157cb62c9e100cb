//! `admit keys`: the keys that sign a tenant's tokens.

use admit_host::{KeySummary, Options as HostOptions, RealHost};
use admit_runtime::host::HostError;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, note, print};
use crate::world::{self, Database, DatabaseArgs, New};

/// Arguments of `admit keys`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    what: What,
}

/// What to do with keys.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print the public keys as a JSON Web Key Set (RFC 7517)
    Jwks(Of),
    /// List the keys: which one signs, which follows, which only verify
    List(Of),
    /// Let the next key sign from now on; the one before still verifies
    Rotate(Of),
    /// Remove retired keys that no session needs any more
    Prune(Of),
}

/// Whose keys.
#[derive(Debug, clap::Args)]
struct Of {
    /// Where keys are kept
    #[command(flatten)]
    database: DatabaseArgs,
    /// The settings of this `[env.NAME]` of admit.toml
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

/// Does it, and prints what there is then.
pub fn run(args: Args, output: &Output) -> Result<Exit, Failure> {
    let (What::Jwks(of) | What::List(of) | What::Rotate(of) | What::Prune(of)) = &args.what;
    world::block_on(async {
        let root = std::env::current_dir().ok().and_then(|current| files::project_root(&current));
        let signing = match &root {
            Some(root) => world::signing(crate::project::load(root)?.settings(of.env.as_deref())?)?,
            None if of.env.is_some() => {
                return Err(Failure::new("there is no `admit.toml` here, so it has no environments")
                    .help("go to the project's folder, or leave out `--env`"));
            }
            None => admit_host::Signing::default(),
        };
        // A key set is published before anything is signed; all else looks for keys that there are.
        let new = if matches!(args.what, What::Jwks(_)) { New::Made } else { New::Refused };
        let database = Database::open(&of.database, root.as_deref(), new).await?;
        let Database { store: opened, keys, folder: _folder } = database;
        let store = std::sync::Arc::new(opened.clone());
        let host = RealHost::new(store, keys, HostOptions { signing, ..HostOptions::default() });
        let host = host.map_err(|error| Failure::new(error.to_string()))?;
        let tenant = &of.database.tenant;
        match &args.what {
            What::Jwks(_) => {
                let set = host.key_set(tenant).await.map_err(|error| fail(&error))?;
                print(&format!("{set:#}\n"));
            }
            What::List(_) => list(&host.keys(tenant).await.map_err(|error| fail(&error))?, output),
            What::Rotate(_) => list(&host.rotate_keys(tenant).await.map_err(|error| fail(&error))?, output),
            What::Prune(_) => {
                let removed = host.prune_keys(tenant).await.map_err(|error| fail(&error))?;
                match output.human() {
                    true if removed.is_empty() => note("no key can be removed: what is retired may still be needed\n"),
                    true => print(&removed.iter().map(|id| format!("removed {id}\n")).collect::<String>()),
                    false => print(&format!("{}\n", json!({ "removed": removed }))),
                }
            }
        }
        opened.close().await;
        Ok(Exit::Ok)
    })
}

fn list(keys: &[KeySummary], output: &Output) {
    if output.human() {
        let line = |key: &KeySummary| format!("{}  {:<7}  {}\n", key.id, key.state.word(), key.algorithm);
        print(&keys.iter().map(line).collect::<String>());
        return;
    }
    let seconds = |at: admit_eval::value::Instant| at.seconds;
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            json!({
                "id": key.id,
                "state": key.state.word(),
                "algorithm": key.algorithm,
                "created_at": seconds(key.created_at),
                "retired_at": key.retired_at.map(seconds),
            })
        })
        .collect();
    print(&format!("{}\n", json!({ "keys": keys })));
}

fn fail(error: &HostError) -> Failure {
    Failure::new(error.to_string())
}
