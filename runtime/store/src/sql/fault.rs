//! What errors of the databases mean, and trying again what another transaction was in the way of.

use std::time::Duration;

use admit_runtime::host::StoreError;
use sqlx::postgres::PgDatabaseError;

/// How often a transaction that lost to others is tried.
const MOST: u32 = 10;

/// The tries of a transaction, or of a statement that stands by itself.
#[derive(Default)]
pub(crate) struct Tries(u32);

impl Tries {
    /// Should it be tried again? Then this returns after a pause, longer each time and never the same for two.
    pub(crate) async fn again<T>(&mut self, result: &Result<T, StoreError>) -> bool {
        self.0 += 1;
        if !matches!(result, Err(StoreError::Contended)) || self.0 >= MOST {
            return false;
        }
        let mut noise = [0];
        // Without randomness the pauses are alike, which is slower and nothing worse.
        let _ = getrandom::fill(&mut noise);
        let pause = (2_u64 << self.0) * (128 + u64::from(noise[0])) / 256;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        true
    }
}

/// An error of the database as the runtime knows it.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(found) => match found.try_downcast_ref::<PgDatabaseError>() {
            Some(postgres) => postgres_fault(postgres.code(), &error),
            None => sqlite_fault(found.code().as_deref(), &error),
        },
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}

/// By SQLSTATE (PostgreSQL documentation, appendix A).
fn postgres_fault(code: &str, error: &sqlx::Error) -> StoreError {
    match code {
        // serialization_failure, deadlock_detected
        "40001" | "40P01" => StoreError::Contended,
        // lock_not_available, query_canceled, shut down by an operator, after a crash, while starting; a standby
        "55P03" | "57014" | "57P01" | "57P02" | "57P03" | "25006" | "25P03" => {
            StoreError::Unavailable(error.to_string())
        }
        // 08: the connection; 53: disk, memory or connections are used up
        _ if code.starts_with("08") || code.starts_with("53") => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}

/// By result code, extended ones by their low byte (sqlite.org/rescode.html).
fn sqlite_fault(code: Option<&str>, error: &sqlx::Error) -> StoreError {
    match code.and_then(|code| code.parse::<i64>().ok()).map(|code| code & 0xff) {
        // SQLITE_BUSY after the whole busy timeout, SQLITE_LOCKED, SQLITE_FULL
        Some(5 | 6 | 13) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}
