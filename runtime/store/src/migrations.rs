//! The migrations, one file per dialect and version, applied through sqlx.

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// The newest version that this program knows.
pub const SCHEMA_VERSION: i64 = 5;

/// Marks a SQLite file as ours (`ADMT`): `PRAGMA application_id`.
pub(crate) const APPLICATION_ID: i32 = 0x4144_4D54;

const SQLITE_0001: &str = include_str!("../migrations/sqlite/0001_initial.sql");
const SQLITE_0002: &str = include_str!("../migrations/sqlite/0002_jobs.sql");
const SQLITE_0005: &str = include_str!("../migrations/sqlite/0005_inbox.sql");

/// The migrations of the SQLite dialect.
pub(crate) fn sqlite() -> Migrator {
    let migration = |version, title: &'static str, sql| {
        Migration::new(version, title.into(), MigrationType::Simple, SqlStr::from_static(sql), false)
    };
    Migrator::with_migrations(vec![
        migration(1, "initial", SQLITE_0001),
        migration(2, "jobs", SQLITE_0002),
        migration(5, "inbox", SQLITE_0005),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const POSTGRES_0001: &str = include_str!("../migrations/postgres/0001_initial.sql");
    const POSTGRES_0002: &str = include_str!("../migrations/postgres/0002_jobs.sql");
    const POSTGRES_0005: &str = include_str!("../migrations/postgres/0005_inbox.sql");

    const SQLITE: &[&str] = &[SQLITE_0001, SQLITE_0002, SQLITE_0005];
    const POSTGRES: &[&str] = &[POSTGRES_0001, POSTGRES_0002, POSTGRES_0005];

    fn whole(parts: &[&str]) -> String {
        parts.concat()
    }

    fn alterations(sql: &str) -> Vec<String> {
        sql.lines().filter(|line| line.starts_with("ALTER")).map(|line| line.replace("BYTEA", "BLOB")).collect()
    }

    /// Tables with their columns and constraints, one per line as the files are written; types made equal.
    fn tables(sql: &str) -> BTreeMap<String, Vec<String>> {
        let mut tables = BTreeMap::new();
        let mut current: Option<(String, Vec<String>)> = None;
        for line in sql.lines() {
            if let Some(name) = line.strip_prefix("CREATE TABLE ") {
                current = Some((name.trim_end_matches(" (").to_owned(), Vec::new()));
            } else if line.starts_with(");") {
                let (name, columns) = current.take().expect("a table ends that did not begin");
                tables.insert(name, columns);
            } else if let Some((_, columns)) = &mut current {
                columns.push(line.trim().trim_end_matches(',').replace("BYTEA", "BLOB"));
            }
        }
        tables
    }

    fn indexes(sql: &str) -> Vec<&str> {
        sql.lines().filter(|line| line.starts_with("CREATE INDEX") || line.starts_with("CREATE UNIQUE")).collect()
    }

    #[test]
    fn both_dialects_have_the_same_tables_and_columns() {
        let (sqlite, postgres) = (whole(SQLITE), whole(POSTGRES));
        assert_eq!(tables(&sqlite), tables(&postgres));
        assert_eq!(indexes(&sqlite), indexes(&postgres));
        assert_eq!(alterations(&sqlite), alterations(&postgres));
        assert_eq!((tables(&sqlite).len(), alterations(&sqlite).len()), (16, 2));
    }

    #[test]
    fn only_portable_types_are_used() {
        for (table, columns) in tables(&whole(SQLITE)) {
            for column in columns.iter().filter(|column| column.starts_with(|first: char| first.is_lowercase())) {
                let ty = column.split(' ').nth(1).unwrap();
                assert!(["TEXT", "BIGINT", "BLOB", "BOOLEAN"].contains(&ty), "{table}: {column}");
            }
        }
    }

    #[test]
    fn every_table_is_keyed_by_tenant_first() {
        for (table, columns) in tables(&whole(SQLITE)) {
            let keyed = columns.iter().any(|line| {
                line.starts_with("PRIMARY KEY (tenant, ") || line.starts_with("tenant TEXT NOT NULL PRIMARY KEY")
            });
            assert!(keyed, "{table}");
        }
    }
}
