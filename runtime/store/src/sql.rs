//! One body of SQL for two databases: SQLite and PostgreSQL.
//!
//! Every statement is static text that both understand (`$1` placeholders, `ON CONFLICT`, `RETURNING`), bound to four types:
//! TEXT, BIGINT, BYTEA or BLOB, BOOLEAN. What differs is here: how a transaction begins, and what an error means. A
//! transaction that writes is alone with its tenant, so what holds on SQLite, which has one writer, holds on PostgreSQL.

mod fault;
mod rows;
mod value;

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use futures_util::StreamExt as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, Decode, PgConnection, Postgres, Row as _, SqlSafeStr as _, SqlStr, Sqlite,
    SqliteConnection, Transaction, Type,
};

pub(crate) use fault::{Tries, failed};
pub(crate) use rows::{Rows, rows};
use value::Value;
pub(crate) use value::{Bind, without_nul};

/// The connections of a store, shared by clones.
#[derive(Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A connection, in a transaction or not.
pub(crate) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTransaction(Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTransaction(Transaction<'static, Postgres>),
}

/// A connection outside of transactions, given back when it is dropped.
pub(crate) struct Acquired(Connection);

/// A transaction, rolled back when it is dropped.
pub(crate) struct Tx(Connection);

/// A row of an answer.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a statement runs on.
pub(crate) enum On<'a> {
    Pool(&'a Pool),
    Connection(&'a mut Connection),
}

/// A statement with its values.
#[derive(Clone)]
pub(crate) struct Query<'q> {
    text: SqlStr,
    values: Vec<Value<'q>>,
}

/// A connection as its driver has it.
enum Driver<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// A statement, to be bound to values.
pub(crate) fn query<'q>(text: &'static str) -> Query<'q> {
    Query { text: SqlStr::from_static(text), values: Vec::new() }
}

/// A statement made of names of our own tables and columns: never of what somebody gave.
pub(crate) fn made<'q>(text: String) -> Query<'q> {
    Query { text: AssertSqlSafe(text).into_sql_str(), values: Vec::new() }
}

impl Pool {
    /// A connection for statements each of which stands by itself.
    pub(crate) async fn acquire(&self) -> Result<Acquired, StoreError> {
        let connection = match self {
            Self::Sqlite(pool) => Connection::Sqlite(pool.acquire().await.map_err(failed)?),
            Self::Postgres(pool) => Connection::Postgres(pool.acquire().await.map_err(failed)?),
        };
        Ok(Acquired(connection))
    }

    /// A transaction that only reads, and sees the store as it was at its first statement.
    pub(crate) async fn begin_read(&self) -> Result<Tx, StoreError> {
        let connection = match self {
            Self::Sqlite(pool) => Connection::SqliteTransaction(pool.begin().await.map_err(failed)?),
            Self::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
                Connection::PostgresTransaction(pool.begin_with(begin).await.map_err(failed)?)
            }
        };
        Ok(Tx(connection))
    }

    /// A transaction that writes. Until it ends no other one writes to this tenant: on SQLite to none at all.
    pub(crate) async fn begin_write(&self, tenant: &TenantId) -> Result<Tx, StoreError> {
        self.begin_write_all([tenant]).await
    }

    /// As [`Self::begin_write`], for several tenants, which must be in order: two that wait for each other would wait for good.
    pub(crate) async fn begin_write_all(&self, tenants: impl IntoIterator<Item = &TenantId>) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite(pool) => {
                let transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
                Ok(Tx(Connection::SqliteTransaction(transaction)))
            }
            Self::Postgres(pool) => {
                // What each statement after the lock sees is what the one before has committed: not so in a snapshot.
                let transaction = pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await.map_err(failed)?;
                let mut transaction = Tx(Connection::PostgresTransaction(transaction));
                // Rows that refer to the tenant may still be added meanwhile by statements that stand by themselves.
                for tenant in tenants {
                    query("SELECT 1 FROM tenants WHERE tenant = $1 FOR NO KEY UPDATE")
                        .bind(tenant.as_str())
                        .fetch_optional(&mut *transaction)
                        .await?;
                }
                Ok(transaction)
            }
        }
    }

    /// The text for this database, where the two differ.
    pub(crate) fn either(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Durable when this returns without an error.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.0 {
            Connection::SqliteTransaction(transaction) => transaction.commit().await.map_err(failed),
            Connection::PostgresTransaction(transaction) => transaction.commit().await.map_err(failed),
            Connection::Sqlite(_) | Connection::Postgres(_) => Ok(()),
        }
    }
}

impl Deref for Tx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

impl Deref for Acquired {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Acquired {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

impl Connection {
    fn is_sqlite(&self) -> bool {
        match self {
            Self::Sqlite(_) | Self::SqliteTransaction(_) => true,
            Self::Postgres(_) | Self::PostgresTransaction(_) => false,
        }
    }

    /// As [`Pool::either`].
    pub(crate) fn either(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite(_) | Self::SqliteTransaction(_) => sqlite,
            Self::Postgres(_) | Self::PostgresTransaction(_) => postgres,
        }
    }

    fn driver(&mut self) -> Driver<'_> {
        match self {
            Self::Sqlite(connection) => Driver::Sqlite(connection),
            Self::SqliteTransaction(transaction) => Driver::Sqlite(transaction),
            Self::Postgres(connection) => Driver::Postgres(connection),
            Self::PostgresTransaction(transaction) => Driver::Postgres(transaction),
        }
    }
}

impl<'a> From<&'a Pool> for On<'a> {
    fn from(pool: &'a Pool) -> Self {
        On::Pool(pool)
    }
}

impl<'a> From<&'a mut Connection> for On<'a> {
    fn from(connection: &'a mut Connection) -> Self {
        On::Connection(connection)
    }
}

impl<'q> Query<'q> {
    /// Binds the next value.
    pub(crate) fn bind(mut self, value: impl Bind<'q>) -> Self {
        self.values.push(value.value());
        self
    }

    /// Runs it; answers how many rows it has changed.
    pub(crate) async fn execute(self, on: impl Into<On<'_>>) -> Result<u64, StoreError> {
        match on.into() {
            On::Connection(connection) => self.execute_once(connection).await.map_err(failed),
            On::Pool(pool) => {
                let mut tries = Tries::default();
                loop {
                    let done = self.clone().execute_once(&mut *pool.acquire().await?).await.map_err(failed);
                    if !tries.again(&done).await {
                        return done;
                    }
                }
            }
        }
    }

    /// All rows.
    pub(crate) async fn fetch_all(self, on: impl Into<On<'_>>) -> Result<Vec<Row>, StoreError> {
        match on.into() {
            On::Connection(connection) => self.fetch_once(connection).await.map_err(failed),
            On::Pool(pool) => {
                let mut tries = Tries::default();
                loop {
                    let rows = self.clone().fetch_once(&mut *pool.acquire().await?).await.map_err(failed);
                    if !tries.again(&rows).await {
                        return rows;
                    }
                }
            }
        }
    }

    /// Each row as it comes, so that not all are in memory.
    pub(crate) async fn for_each(
        self,
        connection: &mut Connection,
        mut then: impl FnMut(Row) -> Result<(), StoreError> + Send,
    ) -> Result<(), StoreError> {
        match connection.driver() {
            Driver::Sqlite(connection) => {
                let mut rows = sqlx::query_with(self.text, sqlite(self.values).map_err(failed)?).fetch(connection);
                while let Some(row) = rows.next().await {
                    then(Row::Sqlite(row.map_err(failed)?))?;
                }
            }
            Driver::Postgres(connection) => {
                let mut rows = sqlx::query_with(self.text, postgres(&self.values).map_err(failed)?).fetch(connection);
                while let Some(row) = rows.next().await {
                    then(Row::Postgres(row.map_err(failed)?))?;
                }
            }
        }
        Ok(())
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional(self, on: impl Into<On<'_>>) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    /// The first row, which must be there.
    pub(crate) async fn fetch_one(self, on: impl Into<On<'_>>) -> Result<Row, StoreError> {
        self.fetch_optional(on).await?.ok_or_else(|| failed(sqlx::Error::RowNotFound))
    }

    async fn execute_once(self, connection: &mut Connection) -> Result<u64, sqlx::Error> {
        match connection.driver() {
            Driver::Sqlite(connection) => sqlx::query_with(self.text, sqlite(self.values)?)
                .execute(connection)
                .await
                .map(|done| done.rows_affected()),
            Driver::Postgres(connection) => sqlx::query_with(self.text, postgres(&self.values)?)
                .execute(connection)
                .await
                .map(|done| done.rows_affected()),
        }
    }

    async fn fetch_once(self, connection: &mut Connection) -> Result<Vec<Row>, sqlx::Error> {
        match connection.driver() {
            Driver::Sqlite(connection) => {
                let rows = sqlx::query_with(self.text, sqlite(self.values)?).fetch_all(connection).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Driver::Postgres(connection) => {
                let rows = sqlx::query_with(self.text, postgres(&self.values)?).fetch_all(connection).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}

/// The driver keeps the values until the statement has run: what is ours already is given to it and not copied.
fn sqlite(values: Vec<Value<'_>>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Text(Some(Cow::Owned(text))) => arguments.add(text),
            Value::Text(text) => arguments.add(text.as_deref()),
            Value::Bytes(Some(Cow::Owned(bytes))) => arguments.add(bytes),
            Value::Bytes(bytes) => arguments.add(bytes.as_deref()),
            Value::Int(int) => arguments.add(int),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn postgres(values: &[Value<'_>]) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Text(text) => arguments.add(text.as_deref().map(value::without_nul)),
            Value::Bytes(bytes) => arguments.add(bytes.as_deref()),
            Value::Int(int) => arguments.add(*int),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

impl Row {
    /// A column by its place, 0 first.
    pub(crate) fn try_get<T>(&self, index: usize) -> Result<T, StoreError>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get(index),
        }
        .map_err(failed)
    }
}
