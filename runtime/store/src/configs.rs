//! What a tenant is set up with: settings, params, lists, secrets, clients, switched-off Actions. Each entry is sealed under the
//! tenant's key and changed by compare-and-set with its audit entry; one number rises with every change.

use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;
use zeroize::Zeroizing;

use crate::audit::{AuditOf, append};
use crate::keys::unsealed;
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Connection, Row, query};
use crate::time::{from_micros, to_micros};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConfigKind {
    /// The sections of `admit.toml`, as one document under the empty name.
    Settings,
    /// The tenant's own value of a param.
    Param,
    /// The tenant's own entries of a list.
    List,
    /// A secret's value.
    Secret,
    /// An OAuth client.
    Client,
    /// An Action that is switched off.
    Disabled,
}

/// An entry. No `Debug`: its value may be a secret.
#[derive(Clone)]
pub struct ConfigEntry {
    /// What it is.
    pub kind: ConfigKind,
    /// Its name among its kind.
    pub name: String,
    /// Its value, opened.
    pub value: Zeroizing<Vec<u8>>,
    /// The tenant's number at its last change: no two entries share one.
    pub version: u64,
    /// When that was.
    pub updated_at: Instant,
}

/// What must stand before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Anything, or nothing.
    Any,
    /// Nothing.
    Absent,
    /// The entry at this version.
    Version(u64),
}

/// A change of an entry: its new value, or none to remove it.
pub struct ConfigChange<'a> {
    /// What it is.
    pub kind: ConfigKind,
    /// Its name among its kind.
    pub name: &'a str,
    /// Its value from now on.
    pub value: Option<&'a [u8]>,
    /// What must stand before.
    pub expected: Expected,
}

impl ConfigKind {
    const ALL: [Self; 6] = [Self::Settings, Self::Param, Self::List, Self::Secret, Self::Client, Self::Disabled];

    /// Its word in the database, and in audit entries.
    pub fn word(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Param => "param",
            Self::List => "list",
            Self::Secret => "secret",
            Self::Client => "client",
            Self::Disabled => "disabled",
        }
    }
}

impl SqlStore {
    /// Everything that a tenant is set up with, and its number: of one moment. A tenant that is not there has nothing, and 0.
    pub async fn config(&self, tenant: &TenantId) -> Result<(u64, Vec<ConfigEntry>), StoreError> {
        let mut transaction = self.pool.begin_read().await?;
        let version = head(&mut transaction, tenant).await?;
        let rows = query("SELECT kind, name, sealed_value, version, updated_at FROM config_entries WHERE tenant = $1 ORDER BY kind, name")
            .bind(tenant.as_str())
            .fetch_all(&mut *transaction)
            .await?;
        drop(transaction);
        if rows.is_empty() {
            // No key is made for who may not be there.
            return Ok((version, Vec::new()));
        }
        let key = self.tenant_key(tenant).await?;
        let entries: Vec<Option<ConfigEntry>> =
            rows.iter().map(|row| read(tenant, &key, row)).collect::<Result<_, _>>()?;
        Ok((version, entries.into_iter().flatten().collect()))
    }

    /// The entries of one kind, by name; those after a name, at most `limit`.
    pub async fn config_entries(
        &self,
        tenant: &TenantId,
        kind: ConfigKind,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ConfigEntry>, StoreError> {
        let rows = query(
            "SELECT kind, name, sealed_value, version, updated_at FROM config_entries \
             WHERE tenant = $1 AND kind = $2 AND name > $3 ORDER BY name LIMIT $4",
        )
        .bind(tenant.as_str())
        .bind(kind.word())
        .bind(after.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let key = self.tenant_key(tenant).await?;
        let entries: Vec<Option<ConfigEntry>> =
            rows.iter().map(|row| read(tenant, &key, row)).collect::<Result<_, _>>()?;
        Ok(entries.into_iter().flatten().collect())
    }

    /// One entry.
    pub async fn config_entry(
        &self,
        tenant: &TenantId,
        kind: ConfigKind,
        name: &str,
    ) -> Result<Option<ConfigEntry>, StoreError> {
        let row = query(
            "SELECT kind, name, sealed_value, version, updated_at FROM config_entries \
             WHERE tenant = $1 AND kind = $2 AND name = $3",
        )
        .bind(tenant.as_str())
        .bind(kind.word())
        .bind(name)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let key = self.tenant_key(tenant).await?;
        read(tenant, &key, &row)
    }

    /// Changes entries, all or none, with their audit entries; the tenant's number then.
    ///
    /// # Errors
    /// `Conflict` where something else stands than what is expected, `NotFound` where an entry is to go that is not there.
    pub async fn change_config(
        &self,
        tenant: &TenantId,
        changes: &[ConfigChange<'_>],
        entries: &[AuditEntry],
        now: Instant,
    ) -> Result<u64, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut transaction = self.pool.begin_write(tenant).await?;
        let mut version = head(&mut transaction, tenant).await?;
        for change in changes {
            version = version.saturating_add(1);
            apply(&mut transaction, tenant, &tenant_key, change, version, now).await?;
        }
        query(
            "INSERT INTO config_heads (tenant, version) VALUES ($1, $2) \
             ON CONFLICT (tenant) DO UPDATE SET version = excluded.version",
        )
        .bind(tenant.as_str())
        .bind(signed(version))
        .execute(&mut *transaction)
        .await?;
        append(&mut transaction, &AuditOf::no_run(tenant, now), &tenant_key, entries).await?;
        transaction.commit().await?;
        Ok(version)
    }
}

async fn apply(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    change: &ConfigChange<'_>,
    version: u64,
    now: Instant,
) -> Result<(), StoreError> {
    let (kind, name) = (change.kind.word(), change.name);
    let row = query("SELECT version FROM config_entries WHERE tenant = $1 AND kind = $2 AND name = $3")
        .bind(tenant.as_str())
        .bind(kind)
        .bind(name)
        .fetch_optional(&mut *connection)
        .await?;
    let stands: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
    let fits = match change.expected {
        Expected::Any => true,
        Expected::Absent => stands.is_none(),
        Expected::Version(version) => stands == Some(signed(version)),
    };
    let Some(value) = change.value else {
        if stands.is_none() {
            return Err(StoreError::NotFound);
        }
        if !fits {
            return Err(StoreError::Conflict);
        }
        return query("DELETE FROM config_entries WHERE tenant = $1 AND kind = $2 AND name = $3")
            .bind(tenant.as_str())
            .bind(kind)
            .bind(name)
            .execute(connection)
            .await
            .map(|_| ());
    };
    if !fits {
        return Err(StoreError::Conflict);
    }
    let sealed = tenant_key.seal(&place(tenant, kind, name), value).map_err(unsealed)?;
    query(
        "INSERT INTO config_entries (tenant, kind, name, sealed_value, version, updated_at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (tenant, kind, name) DO UPDATE \
         SET sealed_value = excluded.sealed_value, version = excluded.version, updated_at = excluded.updated_at",
    )
    .bind(tenant.as_str())
    .bind(kind)
    .bind(name)
    .bind(sealed)
    .bind(signed(version))
    .bind(to_micros(now))
    .execute(connection)
    .await
    .map(|_| ())
}

async fn head(connection: &mut Connection, tenant: &TenantId) -> Result<u64, StoreError> {
    let row = query("SELECT version FROM config_heads WHERE tenant = $1")
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await?;
    let version: Option<i64> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(version.map_or(0, i64::unsigned_abs))
}

/// An entry of a kind that this version knows.
fn read(tenant: &TenantId, key: &SealKey, row: &Row) -> Result<Option<ConfigEntry>, StoreError> {
    let (word, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let Some(kind) = ConfigKind::ALL.into_iter().find(|kind| kind.word() == word) else { return Ok(None) };
    let sealed: Vec<u8> = row.try_get(2)?;
    let value = key.open(&place(tenant, &word, &name), &sealed).map_err(unsealed)?;
    let version: i64 = row.try_get(3)?;
    let updated_at = from_micros(row.try_get(4)?);
    Ok(Some(ConfigEntry { kind, name, value, version: version.unsigned_abs(), updated_at }))
}

fn place<'a>(tenant: &'a TenantId, kind: &'a str, name: &'a str) -> [&'a str; 4] {
    ["config", tenant.as_str(), kind, name]
}

fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
