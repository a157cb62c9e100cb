//! Tables as the database has them: their columns, their rows, and rows put back.

use admit_runtime::host::StoreError;

use super::{BackupError, Cell, Column, Kind};
use crate::sql::{Connection, Query, Row, made, query};

/// How many rows one statement inserts.
const AT_ONCE: usize = 32;

/// The columns of a table, by name.
pub(super) async fn columns(connection: &mut Connection, table: &'static str) -> Result<Vec<Column>, StoreError> {
    let text = connection.either(
        "SELECT name, upper(type) FROM pragma_table_info($1) ORDER BY name",
        "SELECT column_name::text, upper(data_type::text) FROM information_schema.columns \
         WHERE table_schema = current_schema() AND table_name = $1 ORDER BY column_name::text COLLATE \"C\"",
    );
    let rows = query(text).bind(table).fetch_all(connection).await?;
    let column = |row: &Row| {
        let (name, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let kind = match kind.as_str() {
            "TEXT" => Kind::Text,
            "BIGINT" => Kind::Int,
            "BLOB" | "BYTEA" => Kind::Bytes,
            other => return Err(StoreError::Failed(format!("`{table}.{name}` has the type {other}"))),
        };
        Ok(Column { name, kind })
    };
    rows.iter().map(column).collect()
}

/// Each row, as it is read.
pub(super) async fn each(
    connection: &mut Connection,
    table: &'static str,
    columns: &[Column],
    mut then: impl FnMut(Vec<Cell>) -> Result<(), StoreError> + Send,
) -> Result<(), StoreError> {
    let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
    let all = made(format!("SELECT {} FROM {}", names.join(", "), quoted(table)));
    all.for_each(connection, |row| {
        let cell = |(place, column): (usize, &Column)| match column.kind {
            Kind::Text => row.try_get::<Option<String>>(place).map(|value| value.map_or(Cell::Null, Cell::Text)),
            Kind::Int => row.try_get::<Option<i64>>(place).map(|value| value.map_or(Cell::Null, Cell::Int)),
            Kind::Bytes => row.try_get::<Option<Vec<u8>>>(place).map(|value| value.map_or(Cell::Null, Cell::Bytes)),
        };
        then(columns.iter().enumerate().map(cell).collect::<Result<_, _>>()?)
    })
    .await
}

/// Is there anything in it?
pub(super) async fn has_rows(connection: &mut Connection, table: &'static str) -> Result<bool, StoreError> {
    let row = made(format!("SELECT 1 FROM {} LIMIT 1", quoted(table))).fetch_optional(connection).await?;
    Ok(row.is_some())
}

/// A table that rows are put into.
pub(super) struct Into {
    head: String,
    columns: Vec<Column>,
    waiting: Vec<Vec<Cell>>,
}

impl Into {
    /// For rows with these columns, which must be those of the table.
    pub async fn table(
        connection: &mut Connection,
        table: &'static str,
        given: &[Column],
    ) -> Result<Self, BackupError> {
        let known = columns(connection, table).await?;
        if known != given {
            return Err(BackupError::Unfit(format!("`{table}` has other columns")));
        }
        let names: Vec<String> = known.iter().map(|column| quoted(&column.name)).collect();
        let head = format!("INSERT INTO {} ({}) VALUES ", quoted(table), names.join(", "));
        Ok(Self { head, columns: known, waiting: Vec::new() })
    }

    /// One more row.
    pub async fn row(&mut self, connection: &mut Connection, cells: Vec<Cell>) -> Result<(), BackupError> {
        if cells.len() != self.columns.len() {
            return Err(BackupError::Damaged("a row has more or fewer values than its table columns"));
        }
        self.waiting.push(cells);
        if self.waiting.len() >= AT_ONCE {
            self.insert(connection).await?;
        }
        Ok(())
    }

    /// What still waits.
    pub async fn end(mut self, connection: &mut Connection) -> Result<(), BackupError> {
        self.insert(connection).await
    }

    async fn insert(&mut self, connection: &mut Connection) -> Result<(), BackupError> {
        let rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return Ok(());
        }
        let width = self.columns.len();
        let row = |row: usize| {
            let places: Vec<String> = (1..=width).map(|column| format!("${}", row * width + column)).collect();
            format!("({})", places.join(", "))
        };
        let places: Vec<String> = (0..rows.len()).map(row).collect();
        let mut insert = made(format!("{}{}", self.head, places.join(", ")));
        for cells in rows {
            for (cell, column) in cells.into_iter().zip(&self.columns) {
                insert = bound(insert, cell, column.kind)?;
            }
        }
        insert.execute(connection).await?;
        Ok(())
    }
}

fn bound<'q>(insert: Query<'q>, cell: Cell, kind: Kind) -> Result<Query<'q>, BackupError> {
    Ok(match (cell, kind) {
        (Cell::Text(text), Kind::Text) => insert.bind(text),
        (Cell::Int(int), Kind::Int) => insert.bind(int),
        (Cell::Bytes(bytes), Kind::Bytes) => insert.bind(bytes),
        (Cell::Null, Kind::Text) => insert.bind(None::<String>),
        (Cell::Null, Kind::Int) => insert.bind(None::<i64>),
        (Cell::Null, Kind::Bytes) => insert.bind(None::<Vec<u8>>),
        (Cell::Text(_) | Cell::Int(_) | Cell::Bytes(_), _) => {
            return Err(BackupError::Damaged("a value has another type than its column"));
        }
    })
}

/// A name of our own schema as an identifier, whatever word it is.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
