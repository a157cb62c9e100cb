//! Many rows in one statement.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use admit_runtime::host::StoreError;
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use super::value::{Bind, Value};
use super::{Connection, Query};

/// How many rows a statement has, so that each table has few statements to prepare.
const SIZES: [usize; 4] = [64, 16, 4, 1];

/// Rows to be inserted into a table.
pub(crate) struct Rows<'q> {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    values: Vec<Value<'q>>,
}

/// Rows to be inserted by `head`, which ends before `VALUES`, each of so many columns; `tail` follows them.
pub(crate) fn rows<'q>(head: &'static str, columns: usize, tail: &'static str) -> Rows<'q> {
    Rows { head, columns, tail, values: Vec::new() }
}

impl<'q> Rows<'q> {
    /// The next column's value, row after row.
    pub(crate) fn bind(&mut self, value: impl Bind<'q>) -> &mut Self {
        self.values.push(value.value());
        self
    }

    /// Inserts them; answers how many rows were.
    pub(crate) async fn insert(self, connection: &mut Connection) -> Result<u64, StoreError> {
        let mut left = self.values.len() / self.columns.max(1);
        let (mut values, mut inserted) = (self.values.into_iter(), 0);
        for size in SIZES {
            while left >= size {
                let text = text(self.head, self.columns, self.tail, size, connection.is_sqlite());
                let values = values.by_ref().take(size * self.columns).collect();
                inserted += Query { text, values }.execute(&mut *connection).await?;
                left -= size;
            }
        }
        Ok(inserted)
    }
}

/// Statements by how they begin, how many rows they have and for which database they are.
type Texts = HashMap<(&'static str, usize, bool), Arc<str>>;

/// The statement for so many rows: made of static text and numbers alone, once. On SQLite the places have no numbers: a number is a
/// name there, and names are looked for one after another, which for hundreds of them takes longer than to insert the rows.
fn text(head: &'static str, columns: usize, tail: &'static str, size: usize, is_sqlite: bool) -> SqlStr {
    static TEXTS: Mutex<Option<Texts>> = Mutex::new(None);
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let text = texts.get_or_insert_default().entry((head, size, is_sqlite)).or_insert_with(|| {
        let row = |row: usize| {
            let place = |column| if is_sqlite { "?".to_owned() } else { format!("${}", row * columns + column) };
            let places: Vec<String> = (1..=columns).map(place).collect();
            format!("({})", places.join(", "))
        };
        let rows: Vec<String> = (0..size).map(row).collect();
        format!("{head} VALUES {} {tail}", rows.join(", ")).into()
    });
    AssertSqlSafe(Arc::clone(text)).into_sql_str()
}
