//! `admit keys`: the keys that sign a tenant's tokens, and the API keys of its callers.

mod api;

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
    /// List the keys: which one signs, which follows, which only verify; with --api those of callers
    List(Listed),
    /// Make an API key, and print it this once
    Create(Create),
    /// Let an API key open nothing any more
    Revoke(Revoke),
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

/// Arguments of `admit keys list`.
#[derive(Debug, clap::Args)]
struct Listed {
    /// The keys of the API's callers instead
    #[arg(long)]
    api: bool,
    /// Whose
    #[command(flatten)]
    of: Of,
}

/// Arguments of `admit keys create`.
#[derive(Debug, clap::Args)]
struct Create {
    /// What the key may do: `run`, `read`, `deploy`, `manage`, `operate`, with commas between
    #[arg(long, value_name = "SCOPE,...", value_delimiter = ',', required = true)]
    scopes: Vec<String>,
    /// What its owner calls it
    #[arg(long, default_value = "command line")]
    name: String,
    /// Whose
    #[command(flatten)]
    of: Of,
}

/// Arguments of `admit keys revoke`.
#[derive(Debug, clap::Args)]
struct Revoke {
    /// The key: `key_...`
    id: String,
    /// Whose
    #[command(flatten)]
    of: Of,
}

/// Does it, and prints what there is then.
pub fn run(args: Args, output: &Output) -> Result<Exit, Failure> {
    let of = match &args.what {
        What::Jwks(of) | What::Rotate(of) | What::Prune(of) => of,
        What::List(listed) => &listed.of,
        What::Create(create) => &create.of,
        What::Revoke(revoke) => &revoke.of,
    };
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
        // So does the first API key of a database that is to be served.
        let new = if matches!(args.what, What::Jwks(_) | What::Create(_)) { New::Made } else { New::Refused };
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
            What::Create(create) => {
                api::create(&opened, tenant, (&create.name, &create.scopes), output).await?;
            }
            What::Revoke(revoke) => api::revoke(&opened, tenant, &revoke.id, output).await?,
            What::List(listed) if listed.api => api::list(&opened, tenant, output).await?,
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
