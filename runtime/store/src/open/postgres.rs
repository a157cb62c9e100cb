//! Opening a database on a PostgreSQL server: whether it is ours, and which schema it has.

use std::net::IpAddr;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, Executor as _, PgConnection, Row};

use super::OpenError;
use crate::migrations::postgres;

const CONNECTIONS: u32 = 16;
/// How long a request waits for a connection, and for another's lock.
const BUSY: Duration = Duration::from_secs(5);
/// A statement or an idle transaction that takes longer is ended by the server: it holds locks. Commits are on disk before they
/// are acknowledged, whatever the server's default.
const SETTINGS: &str = "SET lock_timeout = '5s'; SET statement_timeout = '30s'; \
                        SET idle_in_transaction_session_timeout = '30s'; SET synchronous_commit = 'on'; \
                        SET default_transaction_isolation = 'read committed'";

/// A pool over the database, migrated where needed.
pub(super) async fn open(address: &str) -> Result<PgPool, OpenError> {
    let options = PgConnectOptions::from_str(address).map_err(|error| OpenError::Address(error.to_string()))?;
    let options = options.statement_cache_capacity(super::STATEMENTS).disable_statement_logging();
    // What the server's log and its list of connections call us, unless `PGAPPNAME` or the address says otherwise.
    let options = if options.get_application_name().is_some() { options } else { options.application_name("admit") };
    let options = protected(options);
    let server = shown(&options);
    let unreachable = |error: sqlx::Error| {
        let help = match error {
            sqlx::Error::Tls(_) => " (`?sslmode=disable` in the address goes without)",
            _ => "",
        };
        OpenError::Unreachable { server: server.clone(), detail: format!("{error}{help}") }
    };
    let connected = tokio::time::timeout(BUSY, options.clone().connect()).await;
    let late = |_| OpenError::Unreachable { server: server.clone(), detail: "it does not answer".to_owned() };
    let mut connection = connected.map_err(late)?.map_err(unreachable)?;
    let inspected = inspect(&server, &mut connection).await;
    // Closed whatever was found: the pool makes its own.
    let _ = connection.close().await;
    inspected?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(BUSY)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(SETTINGS).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await
        .map_err(unreachable)?;
    // One process at a time: the migrator holds a lock of the server's meanwhile.
    let done = postgres().run(&pool).await;
    done.map_err(|error| OpenError::Migration { place: server.clone(), detail: error.to_string() })?;
    Ok(pool)
}

/// To another host only by TLS, and only to whom the certificate names, unless the address says so: what sqlx and libpq do by
/// default goes on without where the server, or whoever answers for it, has none.
fn protected(options: PgConnectOptions) -> PgConnectOptions {
    let host = options.get_host();
    let is_here = options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    match options.get_ssl_mode() {
        PgSslMode::Allow | PgSslMode::Prefer if !is_here => options.ssl_mode(PgSslMode::VerifyFull),
        PgSslMode::Allow
        | PgSslMode::Prefer
        | PgSslMode::Disable
        | PgSslMode::Require
        | PgSslMode::VerifyCa
        | PgSslMode::VerifyFull => options,
    }
}

/// The server as messages name it: no password, no parameters.
fn shown(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    match options.get_socket() {
        Some(socket) => format!("postgres://{}@/{database} at {}", options.get_username(), socket.display()),
        None => {
            format!("postgres://{}@{}:{}/{database}", options.get_username(), options.get_host(), options.get_port())
        }
    }
}

/// Looks before anything is written: encoding, whose tables there are, schema version.
async fn inspect(server: &str, connection: &mut PgConnection) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| OpenError::Unreachable { server: server.to_owned(), detail: error.to_string() };
    let encoding: String = sqlx::query("SHOW server_encoding")
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(failed)?;
    if encoding != "UTF8" {
        let detail = format!("its encoding is {encoding}; make the database with `ENCODING 'UTF8'`");
        return Err(OpenError::Unfit { server: server.to_owned(), detail });
    }
    let tables: i64 =
        sqlx::query("SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()")
            .fetch_one(&mut *connection)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(failed)?;
    if tables == 0 {
        return Ok(());
    }
    // The first table that is made, by the migrator; another node may be making the others right now. Where they are those of
    // another program that has a migrator like ours, it finds that, and changes nothing.
    let ours: i64 = sqlx::query(
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() \
         AND table_name = '_sqlx_migrations'",
    )
    .fetch_one(&mut *connection)
    .await
    .and_then(|row| row.try_get(0))
    .map_err(failed)?;
    if ours == 0 {
        return Err(OpenError::Foreign(server.to_owned()));
    }
    let newest: Option<i64> = sqlx::query("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(failed)?;
    OpenError::unless_known(newest, server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_host_is_reached_by_tls_unless_the_address_says_otherwise() {
        for (address, expected) in [
            ("postgres://a@db.example.com/x", "VerifyFull"),
            ("postgres://a@db.example.com/x?sslmode=prefer", "VerifyFull"),
            ("postgres://a@10.0.0.7/x?sslmode=allow", "VerifyFull"),
            ("postgres://a@db.example.com/x?sslmode=require", "Require"),
            ("postgres://a@db.example.com/x?sslmode=verify-ca", "VerifyCa"),
            ("postgres://a@db.example.com/x?sslmode=disable", "Disable"),
            ("postgres://a@localhost.example.com/x", "VerifyFull"),
            ("postgres://a@127.0.0.1/x", "Prefer"),
            ("postgres://a@localhost/x", "Prefer"),
            ("postgres://a@%2Frun%2Fpostgresql/x", "Prefer"),
        ] {
            let options = protected(PgConnectOptions::from_str(address).unwrap());
            assert_eq!(format!("{:?}", options.get_ssl_mode()), expected, "{address}");
        }
    }

    #[test]
    fn a_server_is_shown_without_its_password() {
        let options = PgConnectOptions::from_str("postgres://a:canary@db.example.com:5433/x?sslmode=require").unwrap();
        assert_eq!(shown(&options), "postgres://a@db.example.com:5433/x");
    }
}
