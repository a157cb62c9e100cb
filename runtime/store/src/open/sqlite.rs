//! Opening a database file: what it is, whether it is whole, which schema it has; a precise refusal where it does
//! not fit. Nothing is ever repaired silently.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use super::OpenError;
use crate::migrations::{APPLICATION_ID, sqlite};

/// Up to this size a file is checked page by page when it is opened.
const CHECKED_SIZE: u64 = 64 * 1024 * 1024;
const BUSY: Duration = Duration::from_secs(5);
const CONNECTIONS: u32 = 8;

/// A pool over the file, made and migrated where needed.
pub(super) async fn open(path: &Path) -> Result<SqlitePool, OpenError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .statement_cache_capacity(super::STATEMENTS)
        .disable_statement_logging();
    restrict_new_file(path)?;
    inspect(path, &options).await?;
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(BUSY)
        // Where the disk is full SQLite itself rolls back, and the driver still counts a transaction that is not there: such a
        // connection would refuse each further one.
        .after_release(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .connect_with(options)
        .await
        .map_err(|error| refusal(path, &error))?;
    migrate(&pool).await.map_err(|detail| OpenError::Migration { place: path.display().to_string(), detail })?;
    Ok(pool)
}

/// In one transaction that has the file to itself: processes that open a new file at once would each make the schema.
async fn migrate(pool: &SqlitePool) -> Result<(), String> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(|error| error.to_string())?;
    // `run` cannot be awaited in a task that moves between threads.
    sqlite().run_direct(None, &mut *transaction, false).await.map_err(|error| error.to_string())?;
    transaction.commit().await.map_err(|error| error.to_string())
}

/// Creates the file readable by its owner only; one that is there keeps its permissions.
fn restrict_new_file(path: &Path) -> Result<(), OpenError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::Unreadable { path: path.to_owned(), detail: error.to_string() }),
    }
}

/// Looks before anything is written: application id, damage, schema version.
async fn inspect(path: &Path, options: &SqliteConnectOptions) -> Result<(), OpenError> {
    let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
    check_header(path)?;
    let mut connection = options.clone().connect().await.map_err(|error| refusal(path, &error))?;
    let result = inspect_open(path, size, &mut connection).await;
    // Closed whatever was found; the finding matters more than a failure to close.
    let _ = connection.close().await;
    result
}

async fn inspect_open(path: &Path, size: u64, connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| refusal(path, &error);
    let id: i32 = sqlx::query("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(failed)?;
    let tables: i64 = sqlx::query("SELECT count(*) FROM sqlite_master")
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(failed)?;
    if id != APPLICATION_ID && (id != 0 || tables > 0) {
        return Err(OpenError::Foreign(path.display().to_string()));
    }
    if id != APPLICATION_ID {
        // 0x4144_4D54, which a pragma takes only as a literal.
        sqlx::query("PRAGMA application_id = 1094995284").execute(&mut *connection).await.map_err(failed)?;
        return Ok(());
    }
    if size <= CHECKED_SIZE {
        let verdict: String = sqlx::query("PRAGMA quick_check(1)")
            .fetch_one(&mut *connection)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(failed)?;
        if verdict != "ok" {
            return Err(OpenError::Corrupt { path: path.to_owned(), detail: verdict.replace('\n', " ") });
        }
    }
    if tables == 0 {
        return Ok(());
    }
    let newest: Option<i64> = sqlx::query("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(failed)?;
    OpenError::unless_known(newest, &path.display().to_string())
}

/// A file that is not empty begins as SQLite files do; looked at first, because a database that is opened may be
/// written to.
fn check_header(path: &Path) -> Result<(), OpenError> {
    use std::io::Read as _;
    let unreadable = |error: std::io::Error| OpenError::Unreadable { path: path.to_owned(), detail: error.to_string() };
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    if !meta.is_file() {
        return Err(OpenError::Unreadable { path: path.to_owned(), detail: "it is not a regular file".to_owned() });
    }
    let mut header = Vec::new();
    std::fs::File::open(path).map_err(unreadable)?.take(16).read_to_end(&mut header).map_err(unreadable)?;
    if header.is_empty() || header == b"SQLite format 3\0" {
        Ok(())
    } else {
        Err(OpenError::NotADatabase(path.to_owned()))
    }
}

fn refusal(path: &Path, error: &sqlx::Error) -> OpenError {
    let code = error.as_database_error().and_then(|database| database.code()).unwrap_or_default();
    // SQLite result codes: 11 SQLITE_CORRUPT, 26 SQLITE_NOTADB, and their extended forms.
    match code.parse::<i64>().map(|code| code & 0xff) {
        Ok(11) => OpenError::Corrupt { path: path.to_owned(), detail: error.to_string() },
        Ok(26) => OpenError::NotADatabase(path.to_owned()),
        Ok(_) | Err(_) => OpenError::Unreadable { path: path.to_owned(), detail: error.to_string() },
    }
}
