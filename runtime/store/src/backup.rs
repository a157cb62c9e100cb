//! Backups: every row of every table as it stands at one moment, in a form that both databases read; and putting one into an empty
//! database. What is sealed stays sealed: the key file is kept apart, and nothing of a backup opens without it.

mod file;
mod schema;

use std::io::{Read, Seek, SeekFrom, Write};

use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::audit;
use crate::keys::unsealed;
use crate::migrations::{SCHEMA_VERSION, tables};
use crate::open::SqlStore;
use crate::sql::{Connection, query};
use crate::time::to_micros;

pub(crate) use file::{Cell, Column, Frame, Kind};
use file::{Reader, Writer};

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the program that made it.
    pub program: String,
    /// The version of its schema.
    pub schema: i64,
    /// The kind of database that it was made of: `sqlite` or `postgres`.
    pub database: String,
    /// When, in microseconds since 1970.
    pub made_at: i64,
    /// Tables with how many rows each has, in order.
    pub tables: Vec<(String, u64)>,
}

/// Why a backup could not be made, read or restored. Nothing was changed then.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The file.
    #[error("the file of the backup: {0}")]
    File(#[from] std::io::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is no backup.
    #[error("this is no backup of Admit")]
    NotABackup,
    /// It ends early, or bytes of it have changed.
    #[error("the backup is damaged: {0}")]
    Damaged(&'static str),
    /// Another schema.
    #[error(
        "the backup has schema version {found}, this program has {ours}: restore it with Admit {program}, then start this one on it"
    )]
    Schema {
        /// Its version.
        found: i64,
        /// Ours.
        ours: i64,
        /// Who made it.
        program: String,
    },
    /// There is something in the database already.
    #[error("the database is not empty: `{0}` has rows; a backup is restored into a new database only")]
    NotEmpty(String),
    /// A table or column that is not there.
    #[error("the backup does not fit the schema: {0}")]
    Unfit(String),
    /// The key file is another one.
    #[error("the key file is not the one that the backup was made with: the key of tenant `{0}` does not open")]
    OtherKey(TenantId),
    /// The audit log of the backup does not verify.
    #[error("the audit log of tenant `{0}` does not verify: {1}")]
    Audit(TenantId, audit::AuditFault),
}

impl SqlStore {
    /// Writes everything as it stands now, while others go on writing.
    ///
    /// # Errors
    /// The file or the database.
    pub async fn backup(&self, file: &mut (impl Write + Send), now: Instant) -> Result<Manifest, BackupError> {
        let mut out = Writer::new(file)?;
        let mut transaction = self.pool.begin_read().await?;
        let mut counts = Vec::new();
        for table in tables() {
            let columns = schema::columns(&mut transaction, table).await?;
            out.frame(&Frame::Table { name: table.to_owned(), columns: columns.clone() })?;
            let mut rows = 0;
            let mut failed = None;
            schema::each(&mut transaction, table, &columns, |cells| {
                rows += 1;
                out.frame(&Frame::Row(cells)).map_err(|error| {
                    let said = StoreError::Failed(error.to_string());
                    failed = Some(error);
                    said
                })
            })
            .await
            .map_err(|error| failed.take().map_or(BackupError::Store(error), BackupError::File))?;
            counts.push((table.to_owned(), rows));
        }
        let manifest = Manifest {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            schema: SCHEMA_VERSION,
            database: self.pool.either("sqlite", "postgres").to_owned(),
            made_at: to_micros(now),
            tables: counts,
        };
        out.end(&manifest)?;
        Ok(manifest)
    }

    /// Puts a backup into this database, which must be empty: all of it, or nothing. Before it is kept, the key of every tenant is
    /// opened and every audit chain verified.
    ///
    /// # Errors
    /// Why not.
    pub async fn restore(&self, file: &mut (impl Read + Seek + Send)) -> Result<Manifest, BackupError> {
        let manifest = check_backup(file)?;
        if manifest.schema != SCHEMA_VERSION {
            let program = manifest.program;
            return Err(BackupError::Schema { found: manifest.schema, ours: SCHEMA_VERSION, program });
        }
        file.seek(SeekFrom::Start(0))?;
        let mut reader = Reader::new(file)?;
        let mut transaction = self.pool.begin_write_all([]).await?;
        for table in tables() {
            if schema::has_rows(&mut transaction, table).await? {
                return Err(BackupError::NotEmpty(table.to_owned()));
            }
        }
        let mut into: Option<schema::Into> = None;
        loop {
            match reader.frame()? {
                Frame::Table { name, columns } => {
                    if let Some(done) = into.take() {
                        done.end(&mut transaction).await?;
                    }
                    let known = tables().into_iter().find(|known| *known == name);
                    let known = known.ok_or_else(|| BackupError::Unfit(format!("there is no table `{name}`")))?;
                    into = Some(schema::Into::table(&mut transaction, known, &columns).await?);
                }
                Frame::Row(cells) => {
                    let table = into.as_mut().ok_or(BackupError::Damaged("a row stands before its table"))?;
                    table.row(&mut transaction, cells).await?;
                }
                Frame::End(_) => break,
            }
        }
        if let Some(done) = into {
            done.end(&mut transaction).await?;
        }
        self.verify_restored(&mut transaction).await?;
        transaction.commit().await?;
        Ok(manifest)
    }

    async fn verify_restored(&self, connection: &mut Connection) -> Result<(), BackupError> {
        let rows = query("SELECT tenant, sealed_key FROM tenants ORDER BY tenant").fetch_all(&mut *connection).await?;
        for row in rows {
            let (slug, sealed): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            let tenant: TenantId = slug.parse().map_err(StoreError::Failed)?;
            let key = self.master.open_key(&["tenant key", tenant.as_str()], &sealed).map_err(unsealed);
            let key = key.map_err(|_| BackupError::OtherKey(tenant.clone()))?;
            if let Err(fault) = audit::verify(connection, &tenant, &key).await? {
                return Err(BackupError::Audit(tenant, fault));
            }
        }
        Ok(())
    }
}

/// Reads a whole backup without a database: is it one, is it whole, what is in it.
///
/// # Errors
/// What is wrong with it.
pub fn check_backup(file: &mut (impl Read + Seek)) -> Result<Manifest, BackupError> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = Reader::new(file)?;
    let mut counts: Vec<(String, u64)> = Vec::new();
    loop {
        match reader.frame()? {
            Frame::Table { name, .. } => counts.push((name, 0)),
            Frame::Row(_) => match counts.last_mut() {
                Some((_, count)) => *count += 1,
                None => return Err(BackupError::Damaged("a row stands before its table")),
            },
            Frame::End(manifest) => {
                reader.end()?;
                return match manifest.tables == counts {
                    true => Ok(manifest),
                    false => Err(BackupError::Damaged("it does not have the rows that it says it has")),
                };
            }
        }
    }
}
