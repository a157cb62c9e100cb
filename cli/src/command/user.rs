//! `admit user`: the users of a database.

use std::path::PathBuf;

use admit_compiler::render::sanitize;
use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_server::erasure::deleted;
use admit_store::{NewUser, SecretText, UserSummary};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, note, print};
use crate::world::{self, Database, DatabaseArgs, New, now, passwords};

/// Arguments of `admit user`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    what: What,
}

/// What to do with users.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Add one user
    Add(Add),
    /// Add the users of a file, one JSON object a line: all or none
    Import(Import),
    /// List the users
    List(List),
    /// Erase a user: its key is destroyed, under which all that is kept of it is sealed, and its sessions end
    Delete(Delete),
    /// Erase users whose sign-up was never finished: those pending for more than a day
    Purge(Purge),
}

/// Arguments of `admit user add`.
#[derive(Debug, clap::Args)]
struct Add {
    /// E-mail address
    #[arg(long)]
    email: Option<String>,
    /// Phone number, as in +33123456789
    #[arg(long)]
    phone: Option<String>,
    /// User name
    #[arg(long)]
    username: Option<String>,
    /// Name for people
    #[arg(long)]
    name: Option<String>,
    /// A group; may be given several times
    #[arg(long)]
    group: Vec<String>,
    /// Read the password from standard input instead of the terminal
    #[arg(long, conflicts_with = "no_password")]
    password_stdin: bool,
    /// The user has no password
    #[arg(long)]
    no_password: bool,
    /// Where users are kept
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Arguments of `admit user import`.
#[derive(Debug, clap::Args)]
struct Import {
    /// The file; `-` reads standard input
    file: PathBuf,
    /// Where users are kept
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Arguments of `admit user list`.
#[derive(Debug, clap::Args)]
struct List {
    /// Users at most
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Where users are kept
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Arguments of `admit user delete`.
#[derive(Debug, clap::Args)]
struct Delete {
    /// Its id, or an identifier
    user: String,
    /// Where users are kept
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Arguments of `admit user purge`.
#[derive(Debug, clap::Args)]
struct Purge {
    /// Hours that a user must have been pending for
    #[arg(long, default_value_t = 24)]
    hours: u32,
    /// Where users are kept
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Does it.
pub fn run(args: Args, output: &Output) -> Result<Exit, Failure> {
    match args.what {
        What::Add(args) => world::block_on(add(args, output)),
        What::Import(args) => world::block_on(import(args)),
        What::List(args) => world::block_on(list(args, output)),
        What::Delete(args) => world::block_on(delete(args, output)),
        What::Purge(args) => world::block_on(purge(args, output)),
    }
}

async fn add(args: Add, output: &Output) -> Result<Exit, Failure> {
    if args.email.is_none() && args.phone.is_none() && args.username.is_none() {
        return Err(Failure::new("a user needs an identifier").help("give --email, --phone or --username"));
    }
    let password_hash = match password(&args)? {
        None => None,
        Some(password) if password.is_empty() => return Err(Failure::new("the password is empty")),
        Some(password) => {
            let hash = (passwords().hash)(password.as_bytes()).map_err(Failure::new)?;
            Some(SecretText::from(hash))
        }
    };
    let user = NewUser {
        email: args.email,
        phone: args.phone,
        username: args.username,
        name: args.name,
        groups: args.group,
        password_hash,
        ..NewUser::default()
    };
    let database = Database::open(&args.database, root().as_deref(), New::Made).await?;
    let id = database.store.add_user(&args.database.tenant, &user, now()).await;
    let id = id.map_err(|error| Failure::new(error.to_string()))?;
    if output.human() {
        print(&format!("{id}\n"))
    } else {
        print(&format!("{}\n", json!({ "id": id })))
    }
    database.store.close().await;
    Ok(Exit::Ok)
}

async fn import(args: Import) -> Result<Exit, Failure> {
    let database = Database::open(&args.database, root().as_deref(), New::Made).await?;
    let count = database.import(&args.database.tenant, &args.file).await?;
    note(&format!("imported {count} user{}\n", if count == 1 { "" } else { "s" }));
    database.store.close().await;
    Ok(Exit::Ok)
}

async fn list(args: List, output: &Output) -> Result<Exit, Failure> {
    let database = Database::open(&args.database, root().as_deref(), New::Refused).await?;
    let users = database.store.users(&args.database.tenant, None, args.limit).await;
    let users = users.map_err(|error| Failure::new(error.to_string()))?;
    if output.human() {
        print(&users.iter().map(line).collect::<String>());
        if users.is_empty() {
            note(&format!("the tenant `{}` has no users\n", args.database.tenant));
        }
    } else {
        let users: Vec<_> = users.iter().map(as_json).collect();
        print(&format!("{}\n", sanitize::json(&json!({ "users": users }))));
    }
    database.store.close().await;
    Ok(Exit::Ok)
}

async fn delete(args: Delete, output: &Output) -> Result<Exit, Failure> {
    let database = Database::open(&args.database, root().as_deref(), New::Refused).await?;
    let (store, tenant) = (&database.store, &args.database.tenant);
    let missing = || {
        Failure::new(format!("there is no user `{}`", sanitize::line(&args.user)))
            .help("`admit user list` lists the users of the tenant")
    };
    let found = store.find_user(tenant, &args.user).await.map_err(|error| Failure::new(error.to_string()))?;
    let id = found.ok_or_else(missing)?.id;
    store.delete_user(tenant, &id, &deleted(&id, "admit user delete"), now()).await.map_err(|error| match error {
        StoreError::NotFound => missing(),
        other => Failure::new(other.to_string()),
    })?;
    match output.human() {
        true => note(&format!("erased `{id}`: its key is destroyed, its sessions have ended\n")),
        false => print(&format!("{}\n", json!({ "deleted": id }))),
    }
    database.store.close().await;
    Ok(Exit::Ok)
}

async fn purge(args: Purge, output: &Output) -> Result<Exit, Failure> {
    let database = Database::open(&args.database, root().as_deref(), New::Refused).await?;
    let now = now();
    let before = Instant { seconds: now.seconds.saturating_sub(i64::from(args.hours) * 60 * 60), nanos: now.nanos };
    let purged = database.store.purge_pending(&args.database.tenant, before, now).await;
    let purged = purged.map_err(|error| Failure::new(error.to_string()))?;
    if output.human() {
        note(&format!("purged {purged} pending user{}\n", if purged == 1 { "" } else { "s" }));
    } else {
        print(&format!("{}\n", json!({ "purged": purged })));
    }
    database.store.close().await;
    Ok(Exit::Ok)
}

/// The project that the command is run in: its database is the default.
fn root() -> Option<PathBuf> {
    files::project_root(&std::env::current_dir().ok()?)
}

fn password(args: &Add) -> Result<Option<String>, Failure> {
    if args.no_password {
        return Ok(None);
    }
    if args.password_stdin {
        let bytes = files::read_stdin()?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::new("the password is not UTF-8"))?;
        return Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()));
    }
    let asked = rpassword::prompt_password("password: ");
    asked
        .map(Some)
        .map_err(|error| Failure::io("read", "the terminal", error).help("use --password-stdin, or --no-password"))
}

fn identifiers(user: &UserSummary) -> Vec<&str> {
    let profile = user.profile.iter();
    profile
        .flat_map(|profile| [&profile.email, &profile.phone, &profile.username])
        .flatten()
        .map(String::as_str)
        .collect()
}

fn line(user: &UserSummary) -> String {
    let names = identifiers(user).join(" ");
    format!("{}  {}  {}  {}\n", user.id, user.status.as_str(), sanitize::line(&names), user.credentials.join(","))
}

fn as_json(user: &UserSummary) -> serde_json::Value {
    json!({
        "id": user.id,
        "status": user.status.as_str(),
        "identifiers": identifiers(user),
        "credentials": user.credentials,
        "login_count": user.login_count,
    })
}
