//! Where a test's store lies: a SQLite file of its own, or a database of its own on a PostgreSQL server that all tests of this
//! binary share.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, OnceLock};

use admit_store::SqlStore;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Row as _};

use super::{key, postgres};

/// A store's place, with a folder that goes when this is dropped.
pub struct Place {
    /// What `SqlStore::open` is given.
    pub address: PathBuf,
    /// The file's folder; for whatever else a test keeps.
    pub folder: tempfile::TempDir,
}

/// Runs each named `async fn(Place)` on both databases.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        /// How many cases there are for each database.
        pub const CASES: usize = [$(stringify!($name)),*].len();

        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    super::$name(crate::support::Place::sqlite()).await;
                }
            )*
        }

        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    let Some(place) = crate::support::Place::postgres().await else { return };
                    super::$name(place).await;
                }
            )*
        }
    };
}

impl Place {
    /// A file that is not there yet.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { address: folder.path().join("admit.db"), folder }
    }

    /// An empty database; none, and this is said, where PostgreSQL is not installed.
    pub async fn postgres() -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        static SAID: Once = Once::new();
        static SERVER: OnceLock<Option<String>> = OnceLock::new();
        let Some(server) = SERVER.get_or_init(|| postgres::start(false)) else {
            assert!(std::env::var_os("ADMIT_TEST_POSTGRES").is_none(), "ADMIT_TEST_POSTGRES is set, and there is none");
            // Not captured, as what passing tests print is.
            let text = format!("{} cases did not run: there is no PostgreSQL here\n", crate::cases());
            SAID.call_once(|| std::io::stderr().write_all(text.as_bytes()).unwrap());
            return None;
        };
        let name = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        Some(Self { address: format!("{server}/{name}").into(), folder: tempfile::tempdir().unwrap() })
    }

    /// A new one on the same kind of database.
    pub async fn another(&self) -> Self {
        if self.is_postgres() { Self::postgres().await.unwrap() } else { Self::sqlite() }
    }

    pub fn is_postgres(&self) -> bool {
        admit_store::is_server(&self.address)
    }

    /// A store with connections of its own, as another process has.
    pub async fn open(&self) -> SqlStore {
        open(&self.address).await
    }

    /// Runs statements as somebody with the rights of the database's owner would.
    ///
    /// # Errors
    /// What the database says to the first that it refuses.
    pub async fn execute(&self, statements: &[&str]) -> Result<(), sqlx::Error> {
        for statement in statements {
            if self.is_postgres() {
                let mut intruder = PgConnection::connect(self.address.to_str().unwrap()).await?;
                sqlx::query(AssertSqlSafe(*statement)).execute(&mut intruder).await?;
                intruder.close().await?;
            } else {
                let mut intruder: SqliteConnection =
                    SqliteConnectOptions::new().filename(&self.address).create_if_missing(true).connect().await?;
                sqlx::query(AssertSqlSafe(*statement)).execute(&mut intruder).await?;
                intruder.close().await?;
            }
        }
        Ok(())
    }

    /// All that is stored: the bytes of the file, or the text of each row.
    pub async fn bytes(&self) -> Vec<u8> {
        if !self.is_postgres() {
            let files = std::fs::read_dir(self.folder.path()).unwrap();
            return files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
        }
        let mut bytes = Vec::new();
        let mut connection = PgConnection::connect(self.address.to_str().unwrap()).await.unwrap();
        let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
        for table in sqlx::query(tables).fetch_all(&mut connection).await.unwrap() {
            let rows = format!("SELECT it::text FROM {} AS it", table.get::<String, _>(0));
            for row in sqlx::query(AssertSqlSafe(rows)).fetch_all(&mut connection).await.unwrap() {
                bytes.extend(row.get::<String, _>(0).into_bytes());
            }
        }
        bytes
    }
}

/// As `Place::open`, in a process that is given the address.
pub async fn open(address: &Path) -> SqlStore {
    SqlStore::open(address, key()).await.unwrap()
}
