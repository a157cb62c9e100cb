//! Opening a store: a SQLite file, or a database on a PostgreSQL server.

mod postgres;
mod sqlite;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use thiserror::Error;

use crate::group::Committer;
use crate::migrations::SCHEMA_VERSION;
use crate::seal::SealKey;
use crate::sql::Pool;

/// How many prepared statements a connection keeps: more than there are.
const STATEMENTS: usize = 400;

/// The store over one SQLite file or one PostgreSQL database, shared by clones. Commits are durable when acknowledged (SQLite:
/// WAL with `synchronous = FULL`; PostgreSQL: `synchronous_commit = on`); several processes may use it.
#[derive(Clone)]
pub struct SqlStore {
    pub(crate) pool: Pool,
    pub(crate) committer: Arc<Committer>,
    pub(crate) master: SealKey,
    pub(crate) tenants: Arc<Mutex<HashMap<String, SealKey>>>,
}

/// Why a store could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file cannot be opened at all.
    #[error("cannot open `{path}`: {detail}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// It is no SQLite database.
    #[error("`{0}` is not a database")]
    NotADatabase(PathBuf),
    /// It is somebody else's database.
    #[error("`{0}` is a database of another program")]
    Foreign(String),
    /// It is damaged.
    #[error("`{path}` is damaged: {detail}; restore a backup")]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// The first fault.
        detail: String,
    },
    /// The address of a server cannot be read. It is not shown, because it may hold a password.
    #[error("the address of the PostgreSQL database is not understood: {0}")]
    Address(String),
    /// The server does not answer, or does not let us in.
    #[error("cannot connect to `{server}`: {detail}")]
    Unreachable {
        /// Which, without the password.
        server: String,
        /// What it says.
        detail: String,
    },
    /// The server's database cannot hold what must be held.
    #[error("`{server}` cannot be used: {detail}")]
    Unfit {
        /// Which, without the password.
        server: String,
        /// Why.
        detail: String,
    },
    /// A newer program wrote it.
    #[error("`{place}` has schema version {found}; this program knows versions up to {known}: use a newer one")]
    Newer {
        /// Which file or server.
        place: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Its migrations are not those of this program.
    #[error("`{place}` cannot be migrated: {detail}")]
    Migration {
        /// Which file or server.
        place: String,
        /// What happened.
        detail: String,
    },
}

impl OpenError {
    /// A newer program has written it, if the newest migration that it has is none of ours.
    fn unless_known(newest: Option<i64>, place: &str) -> Result<(), Self> {
        match newest {
            Some(found) if found > SCHEMA_VERSION => {
                Err(Self::Newer { place: place.to_owned(), found, known: SCHEMA_VERSION })
            }
            _ => Ok(()),
        }
    }
}

/// Is this the address of a PostgreSQL database, and no file's name?
pub fn is_server(place: &Path) -> bool {
    address(place).is_some()
}

impl SqlStore {
    /// Opens the file, or the database on a server (`postgres://user@host/name`), making and migrating it where needed (a
    /// server's database must be there). `master` is the sealing key; it must be the one that the database was written with (a
    /// wrong one shows when the first sealed value is read).
    ///
    /// # Errors
    /// What is wrong with the file or the database; nothing was changed then.
    pub async fn open(place: impl AsRef<Path>, master: SealKey) -> Result<Self, OpenError> {
        let place = place.as_ref();
        let pool = match address(place) {
            Some(address) => Pool::Postgres(postgres::open(address).await?),
            None => Pool::Sqlite(sqlite::open(place).await?),
        };
        // SQLite has one writer; on PostgreSQL tenants do not wait for each other.
        let lanes = match &pool {
            Pool::Sqlite(_) => 1,
            Pool::Postgres(_) => 4,
        };
        Ok(Self { pool, committer: Arc::new(Committer::new(lanes)), master, tenants: Arc::default() })
    }

    /// Closes every connection; on SQLite the log is checkpointed.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn address(place: &Path) -> Option<&str> {
    place.to_str().filter(|text| text.starts_with("postgres://") || text.starts_with("postgresql://"))
}
