//! The migrations, one file per dialect and version, applied through sqlx.

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Version, title, and the text in each dialect.
type Step = (i64, &'static str, &'static str, &'static str);

macro_rules! step {
    ($version:literal, $title:literal, $file:literal) => {
        (
            $version,
            $title,
            include_str!(concat!("../migrations/sqlite/", $file)),
            include_str!(concat!("../migrations/postgres/", $file)),
        )
    };
}

/// The migrations in order.
const STEPS: &[Step] = &[
    step!(1, "initial", "0001_initial.sql"),
    step!(2, "jobs", "0002_jobs.sql"),
    step!(3, "people", "0003_people.sql"),
    step!(4, "sessions", "0004_sessions.sql"),
    step!(5, "inbox", "0005_inbox.sql"),
    step!(6, "failures", "0006_failures.sql"),
    step!(10, "serving", "0010_serving.sql"),
    step!(11, "api", "0011_api.sql"),
    step!(12, "tenants", "0012_tenants.sql"),
    step!(16, "operation", "0016_operation.sql"),
];

/// The newest version that this program knows.
pub const SCHEMA_VERSION: i64 = match STEPS.last() {
    Some((version, _, _, _)) => *version,
    None => 0,
};

/// Marks a SQLite file as ours (`ADMT`): `PRAGMA application_id`.
pub(crate) const APPLICATION_ID: i32 = 0x4144_4D54;

/// The migrations of the SQLite dialect.
pub(crate) fn sqlite() -> Migrator {
    migrator(|(version, title, sqlite, _)| (*version, title, sqlite))
}

/// The migrations of the PostgreSQL dialect.
pub(crate) fn postgres() -> Migrator {
    migrator(|(version, title, _, postgres)| (*version, title, postgres))
}

/// The tables, each after those that it refers to: in the order in which they are made.
pub(crate) fn tables() -> Vec<&'static str> {
    let lines = STEPS.iter().flat_map(|(_, _, sqlite, _)| sqlite.lines());
    lines.filter_map(|line| line.strip_prefix("CREATE TABLE ")?.strip_suffix(" (")).collect()
}

fn migrator(choose: impl Fn(&Step) -> (i64, &'static str, &'static str)) -> Migrator {
    let migration = |step: &Step| {
        let (version, title, text) = choose(step);
        Migration::new(version, title.into(), MigrationType::Simple, SqlStr::from_static(text), false)
    };
    Migrator::with_migrations(STEPS.iter().map(migration).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn whole() -> String {
        STEPS.iter().map(|(_, _, sqlite, _)| *sqlite).collect()
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
        for (version, _, sqlite, postgres) in STEPS {
            assert_eq!(tables(sqlite), tables(postgres), "version {version}");
            assert_eq!(indexes(sqlite), indexes(postgres), "version {version}");
            assert_eq!(alterations(sqlite), alterations(postgres), "version {version}");
            assert!(tables(sqlite).len() + alterations(sqlite).len() > 0, "version {version} was not read");
        }
        assert!(tables(&whole()).len() >= 16);
    }

    #[test]
    fn versions_rise_and_files_are_all_listed() {
        assert!(STEPS.is_sorted_by(|(one, ..), (next, ..)| one < next));
        for dialect in ["sqlite", "postgres"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(dialect);
            assert_eq!(std::fs::read_dir(folder).unwrap().count(), STEPS.len(), "{dialect}");
        }
    }

    #[test]
    fn only_portable_types_are_used() {
        for (table, columns) in tables(&whole()) {
            for column in columns.iter().filter(|column| column.starts_with(|first: char| first.is_lowercase())) {
                let ty = column.split(' ').nth(1).unwrap();
                assert!(["TEXT", "BIGINT", "BLOB", "BOOLEAN"].contains(&ty), "{table}: {column}");
            }
        }
    }

    #[test]
    fn every_table_is_keyed_by_tenant_first() {
        for (table, columns) in tables(&whole()) {
            let keyed = columns.iter().any(|line| {
                line.starts_with("PRIMARY KEY (tenant, ") || line.starts_with("tenant TEXT NOT NULL PRIMARY KEY")
            });
            assert!(keyed, "{table}");
        }
    }
}
