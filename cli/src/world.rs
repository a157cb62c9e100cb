//! The world of a command that runs flows or manages users: the database with its keys, and the host over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use admit_actions::{Options as PoolOptions, Pool};
use admit_compiler::project::{self, Settings};
use admit_eval::value::Instant;
use admit_host::{FeedFiles, FeedKind, FeedOptions, FeedSource, KeyFile, Signing};
use admit_jose::Algorithm;
use admit_plan::bundle::Bundle;
use admit_runtime::action::Actions;
use admit_runtime::relying::{ClientAuthentication, OAuthClient, Provider};
use admit_runtime::tenant::TenantId;
use admit_stdlib::password::{hash_password, password_hash_fault};
use admit_store::seal::SealKey;
use admit_store::{NewUser, Passwords, SqlStore, is_server, parse_users};
use smol_str::SmolStr;

use crate::failure::Failure;
use crate::files;
use crate::output::note;

/// Where users, sessions and runs are kept.
#[derive(Debug, clap::Args)]
pub struct DatabaseArgs {
    /// The SQLite file, `postgres://USER@HOST/NAME`, or `memory` to forget everything at the end [default: admit.db in the
    /// project's folder]
    #[arg(long, value_name = "FILE|URL", env = "ADMIT_DATABASE", hide_env_values = true)]
    pub database: Option<PathBuf>,
    /// The key file that the database is sealed under [default: the SQLite file's name with `.key` after it; for PostgreSQL
    /// admit.key in the project's folder]
    #[arg(long, value_name = "FILE", env = "ADMIT_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// The tenant
    #[arg(long, default_value = "local", value_name = "SLUG")]
    pub tenant: TenantId,
}

/// What becomes of a database that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum New {
    /// It is made.
    Made,
    /// The command looks for what only an old one holds: it fails.
    Refused,
    /// It is made, for what a key file that is there was written with.
    Restored,
}

/// An open database. One in memory lies in a folder of its own, which goes when this is dropped.
pub struct Database {
    /// The store.
    pub store: SqlStore,
    /// Its keys.
    pub keys: KeyFile,
    /// Where a database in memory lies.
    pub folder: Option<tempfile::TempDir>,
}

impl Database {
    /// Opens the database, making it and its key file where they are new and `new` says that they may be.
    pub async fn open(args: &DatabaseArgs, root: Option<&Path>, new: New) -> Result<Self, Failure> {
        let (path, folder) = match &args.database {
            Some(name) if name.as_os_str() == "memory" => {
                let folder = tempfile::tempdir().map_err(|error| Failure::io("make", "a folder", error))?;
                (folder.path().join("admit.db"), Some(folder))
            }
            Some(path) => (path.clone(), None),
            None => (root.unwrap_or(Path::new(".")).join("admit.db"), None),
        };
        let is_server = is_server(&path);
        if new == New::Refused && folder.is_none() && !is_server && !path.exists() {
            return Err(Failure::new(format!("there is no database `{}`", path.display()))
                .help("name the one that is meant with `--database FILE`"));
        }
        let key_path = match &args.key_file {
            Some(path) => path.clone(),
            None if is_server => root.unwrap_or(Path::new(".")).join("admit.key"),
            None => KeyFile::beside(&path),
        };
        let needs_key = new == New::Restored || new == New::Refused && is_server;
        if needs_key && !key_path.exists() {
            return Err(Failure::new(format!("there is no key file `{}`", key_path.display()))
                .help("name the one that the database is sealed under with `--key-file FILE`"));
        }
        let (keys, created) = KeyFile::open_or_create(&key_path).map_err(|error| Failure::new(error.to_string()))?;
        if created && folder.is_none() {
            let shown = key_path.display();
            note(&format!(
                "made the development key file `{shown}`: keep it with the database, and out of version control\n"
            ));
        }
        let store = SqlStore::open(&path, SealKey::new(keys.sealing())).await;
        let store = store.map_err(|error| Failure::new(error.to_string()))?;
        Ok(Self { store, keys, folder })
    }

    /// Imports users from a file: see [`import`].
    pub async fn import(&self, tenant: &TenantId, path: &Path) -> Result<usize, Failure> {
        import(&self.store, tenant, path).await
    }
}

/// Imports users from a file of one JSON object a line, all or none; answers how many.
pub async fn import(store: &SqlStore, tenant: &TenantId, path: &Path) -> Result<usize, Failure> {
    let bytes = if path.as_os_str() == "-" { files::read_stdin()? } else { files::read(path)? };
    let shown = path.display();
    let text = String::from_utf8(bytes).map_err(|_| Failure::new(format!("`{shown}` is not UTF-8")))?;
    let users: Vec<(usize, NewUser)> = parse_users(&text, &passwords()).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(|fault| format!("{shown}: {fault}")).collect();
        Failure::new(faults.join("\n")).help("nothing was imported")
    })?;
    let imported = store.import_users(tenant, &users, now()).await;
    imported.map_err(|fault| Failure::new(format!("{shown}: {fault}")).help("nothing was imported"))
}

/// What an import and `user add` know of passwords.
pub fn passwords() -> Passwords<'static> {
    Passwords { hash: &hash_password, fault: &password_hash_fault }
}

/// Who runs the Actions of a bundle: worker processes that are this program again. None where it has none.
pub fn actions(bundle: &Bundle) -> Result<Option<Arc<dyn Actions>>, Failure> {
    if !bundle.actions.iter().any(|action| action.enabled) {
        return Ok(None);
    }
    let pool = Pool::new(PoolOptions::alone());
    let pool = pool.map_err(|error| Failure::new(format!("cannot start workers for Actions: {error}")))?;
    Ok(Some(Arc::new(pool)))
}

/// How a project's tokens are signed.
pub fn signing(settings: &Settings) -> Result<Signing, Failure> {
    let mut signing =
        Signing { issuer: settings.tokens.issuer.as_ref().map(ToString::to_string), ..Signing::default() };
    if let Some(name) = &settings.tokens.algorithm {
        let unknown = || Failure::new(format!("tokens are not signed with `{name}`"));
        signing.algorithm = Algorithm::of(name).ok_or_else(unknown)?;
    }
    Ok(signing)
}

/// The OpenID providers of a project.
pub fn providers(settings: &Settings) -> Vec<Provider> {
    let text = |words: &[SmolStr]| words.iter().map(ToString::to_string).collect();
    let provider = |it: &project::Provider| Provider {
        name: it.name.to_string(),
        issuer: it.issuer.to_string(),
        client_id: it.client_id.to_string(),
        secret: it.secret.as_ref().map(ToString::to_string),
        authentication: ClientAuthentication::of(&it.authentication).unwrap_or(ClientAuthentication::None),
        scopes: text(&it.scopes),
        redirect_uri: it.redirect_uri.to_string(),
        algorithms: text(&it.algorithms),
    };
    settings.providers.iter().map(provider).collect()
}

/// The clients of a project.
pub fn clients(settings: &Settings) -> Vec<OAuthClient> {
    let client = |it: &project::Client| OAuthClient {
        id: it.id.to_string(),
        post_logout_redirect_uris: it.post_logout_redirect_uris.iter().map(ToString::to_string).collect(),
        backchannel_logout_uri: it.backchannel_logout_uri.as_ref().map(ToString::to_string),
        frontchannel_logout_uri: it.frontchannel_logout_uri.as_ref().map(ToString::to_string),
    };
    settings.clients.iter().map(client).collect()
}

/// The files of a project's feeds. Paths are relative to its folder.
pub fn feed_options(settings: &Settings, root: Option<&Path>) -> FeedOptions {
    let path = |text: &SmolStr| root.unwrap_or(Path::new(".")).join(text.as_str());
    let list = |feed: &project::Feed| {
        let kind = FeedKind::of(&feed.kind).unwrap_or(FeedKind::Blocklist);
        FeedSource { name: feed.name.clone(), kind, path: feed.path.as_ref().map(path) }
    };
    FeedOptions {
        lists: settings.feeds.iter().map(list).collect(),
        city: settings.geo.city.as_ref().map(path),
        asn: settings.geo.asn.as_ref().map(path),
        anonymous: settings.geo.anonymous.as_ref().map(path),
        breached: settings.breached.file.as_ref().map(path),
        breached_ranges: settings.breached.url.as_ref().map(ToString::to_string),
    }
}

/// Reads the files. A flow that decides on one that cannot be read would decide on nothing.
pub fn feeds(options: FeedOptions) -> Result<FeedFiles, Failure> {
    FeedFiles::open(options).map_err(|faults| {
        Failure::new(faults.join("\n"))
            .help("mend the file, or take its section out of `admit.toml`; `admit feeds check` looks again")
    })
}

/// The wall clock.
pub fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant { seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanos: since.subsec_nanos() }
}

/// Serves: as [`block_on`], with a thread for each core that this process may use.
pub fn block_on_cores<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?.block_on(future)
}

/// Runs a future of the database or the host to its end.
pub fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?.block_on(future)
}
