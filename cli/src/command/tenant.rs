//! `admit tenant`: the tenants of a database.

use std::path::PathBuf;

use admit_eval::datum::Datum;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;
use admit_server::key::{ApiKey, Scope};
use admit_store::TenantRow;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, print};
use crate::world::{self, Database, DatabaseArgs, New, now};

/// Who is written down as having done it.
const ACTOR: &str = "admit tenant";
/// Tenants that are read at once.
const PAGE: u32 = 500;

/// Arguments of `admit tenant`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    what: What,
}

/// What to do with tenants.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the tenants
    List(List),
    /// Make a tenant, and print its first API key
    Create(One),
    /// Serve nobody in a tenant any more; nothing of it is lost
    Disable(One),
    /// Serve a tenant again
    Enable(One),
}

/// Which database.
#[derive(Debug, clap::Args)]
struct List {
    /// Where tenants are kept
    #[command(flatten)]
    database: Place,
}

/// One tenant.
#[derive(Debug, clap::Args)]
struct One {
    /// Its slug: lower-case letters and digits, parts joined by `-`
    slug: TenantId,
    /// Where tenants are kept
    #[command(flatten)]
    database: Place,
}

/// Where tenants are kept.
#[derive(Debug, clap::Args)]
struct Place {
    /// The SQLite file, or `postgres://USER@HOST/NAME` [default: admit.db in the project's folder]
    #[arg(long, value_name = "FILE|URL", env = "ADMIT_DATABASE", hide_env_values = true)]
    database: Option<PathBuf>,
    /// The key file that the database is sealed under
    #[arg(long, value_name = "FILE", env = "ADMIT_KEY_FILE")]
    key_file: Option<PathBuf>,
}

/// Does it.
pub fn run(args: Args, output: &Output) -> Result<Exit, Failure> {
    world::block_on(async {
        match args.what {
            What::List(args) => list(args.database, output).await,
            What::Create(args) => create(args, output).await,
            What::Disable(args) => set(args, true, output).await,
            What::Enable(args) => set(args, false, output).await,
        }
    })
}

async fn open(place: Place, tenant: TenantId, new: New) -> Result<Database, Failure> {
    let root = std::env::current_dir().ok().and_then(|current| files::project_root(&current));
    let args = DatabaseArgs { database: place.database, key_file: place.key_file, tenant };
    Database::open(&args, root.as_deref(), new).await
}

async fn list(place: Place, output: &Output) -> Result<Exit, Failure> {
    let nobody = "local".parse().map_err(Failure::new)?;
    let Database { store, folder: _folder, .. } = open(place, nobody, New::Refused).await?;
    let mut tenants: Vec<TenantRow> = Vec::new();
    loop {
        let after = tenants.last().map(|row| row.tenant.to_string());
        let page = store.all_tenants(after.as_deref(), PAGE).await.map_err(|error| fail(&error))?;
        if page.is_empty() {
            break;
        }
        tenants.extend(page);
    }
    if output.human() {
        let line = |row: &TenantRow| {
            format!("{}  {}\n", row.tenant, if row.disabled_at.is_some() { "disabled" } else { "served" })
        };
        print(&tenants.iter().map(line).collect::<String>());
    } else {
        let tenants: Vec<_> = tenants.iter().map(as_json).collect();
        print(&format!("{}\n", json!({ "tenants": tenants })));
    }
    store.close().await;
    Ok(Exit::Ok)
}

async fn create(args: One, output: &Output) -> Result<Exit, Failure> {
    let tenant = args.slug;
    let Database { store, folder: _folder, .. } = open(args.database, tenant.clone(), New::Made).await?;
    let made = store.make_tenant(&tenant, &entry("tenant.created", &tenant), now()).await;
    made.map_err(|error| match error {
        StoreError::Conflict => Failure::new(format!("there is a tenant `{tenant}` already")),
        other => fail(&other),
    })?;
    let key = ApiKey::generate(&tenant).map_err(|error| fail(&error))?;
    let (row, entry) = key.row("first", &Scope::OF_TENANT, ACTOR);
    store.add_api_key(&tenant, &row, &entry, now()).await.map_err(|error| fail(&error))?;
    if output.human() {
        print(&format!("made the tenant `{tenant}`\nAPI key, shown this once: {key}\n"));
    } else {
        print(&format!("{}\n", json!({ "slug": tenant.as_str(), "key": key.to_string() })));
    }
    store.close().await;
    Ok(Exit::Ok)
}

async fn set(args: One, disabled: bool, output: &Output) -> Result<Exit, Failure> {
    let tenant = args.slug;
    let Database { store, folder: _folder, .. } = open(args.database, tenant.clone(), New::Refused).await?;
    let kind = if disabled { "tenant.disabled" } else { "tenant.enabled" };
    let row = store.set_tenant_disabled(&tenant, disabled, &entry(kind, &tenant), now()).await;
    let row = row.map_err(|error| match error {
        StoreError::NotFound => Failure::new(format!("there is no tenant `{tenant}`")),
        other => fail(&other),
    })?;
    if output.human() {
        print(&format!("`{tenant}` is {}\n", if disabled { "disabled" } else { "served" }));
    } else {
        print(&format!("{}\n", as_json(&row)));
    }
    store.close().await;
    Ok(Exit::Ok)
}

fn as_json(row: &TenantRow) -> serde_json::Value {
    json!({
        "slug": row.tenant.as_str(),
        "created_at": row.created_at.seconds,
        "disabled_at": row.disabled_at.map(|at| at.seconds),
    })
}

fn entry(kind: &str, tenant: &TenantId) -> AuditEntry {
    AuditEntry {
        kind: kind.to_owned(),
        actor: ACTOR.to_owned(),
        target: tenant.to_string(),
        outcome: "success".to_owned(),
        data: Datum::Null,
    }
}

fn fail(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
