//! The audit log: append-only, one hash chain per tenant, checked row by row.
//!
//! `hash` of a row is SHA-256 over a canonical encoding of every column and the hash before it; the data stays sealed
//! in it, so erasing a user leaves the chain whole. The head (last sequence number and hash) carries a keyed seal: rows
//! cut off at the end, or a chain written anew without the key, are noticed.

mod prune;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::keys::{Owners, opening_key, unsealed};
use crate::open::SqlStore;
use crate::seal::SealKey;
use crate::sql::{Connection, Row, query, rows, without_nul};
use crate::time::{from_micros, to_micros};
use crate::users::new_id;

/// The field of an entry's data that says where its request came from. No flow can name it.
pub const CONTEXT: &str = "@context";

const BATCH: i64 = 1_000;
const COLUMNS: &str = "SELECT seq, id, at, kind, actor, target, outcome, run_id, user_id, sealed_data, prev_hash, hash \
                       FROM audit WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3";
const FILTERED: &str = "SELECT seq, id, at, kind, actor, target, outcome, run_id, user_id, sealed_data, prev_hash, hash \
                        FROM audit WHERE tenant = $1 AND seq < $2 AND ($3 IS NULL OR kind = $3) \
                        AND ($4 IS NULL OR substr(kind, 1, length($4)) = $4) AND ($5 IS NULL OR at >= $5) \
                        AND ($6 IS NULL OR at < $6) AND ($7 IS NULL OR actor = $7) AND ($8 IS NULL OR target = $8) \
                        AND ($9 IS NULL OR outcome = $9) ORDER BY seq DESC LIMIT $10";
const INSERT: &str = "INSERT INTO audit (tenant, seq, id, at, kind, actor, target, outcome, run_id, user_id, \
                      sealed_data, prev_hash, hash)";

/// An entry as read.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// Its number in the tenant, 1 first.
    pub seq: u64,
    /// `aud_...`
    pub id: String,
    /// When.
    pub at: Instant,
    /// In which run.
    pub run_id: String,
    /// Where the request came from: a record; `null` where that is not known, or the user was erased.
    pub context: Datum,
    /// The entry; its data is `null` where the user was erased.
    pub entry: AuditEntry,
}

/// Which entries a listing shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this type; or of all of a family, `flow.*`.
    pub kind: Option<String>,
    /// That happened then or later.
    pub since: Option<Instant>,
    /// That happened before then.
    pub until: Option<Instant>,
    /// Of this actor.
    pub actor: Option<String>,
    /// About this target.
    pub target: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// With a number below this one.
    pub before: Option<u64>,
}

/// The first fault of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("audit entry {seq}: {problem}")]
pub struct AuditFault {
    /// The first bad row's number.
    pub seq: u64,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// A row as stored.
pub(crate) struct Stored {
    seq: i64,
    id: String,
    at: i64,
    kind: String,
    actor: String,
    target: String,
    outcome: String,
    run_id: String,
    user_id: Option<String>,
    sealed_data: Vec<u8>,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
}

/// The end of a chain.
struct Head {
    seq: i64,
    hash: Vec<u8>,
    mac: Vec<u8>,
}

/// What the entries of one commit have in common.
pub(crate) struct AuditOf<'a> {
    pub tenant: &'a TenantId,
    pub run_id: &'a str,
    pub user_id: Option<&'a str>,
    pub context: Option<&'a Datum>,
    pub at: Instant,
}

impl<'a> AuditOf<'a> {
    /// Of what no run has done. Where the request came from, its entries say themselves ([`CONTEXT`]).
    pub(crate) fn no_run(tenant: &'a TenantId, at: Instant) -> Self {
        Self { tenant, run_id: "", user_id: None, context: None, at }
    }
}

impl SqlStore {
    /// Entries after `after`, in order, at most `limit`.
    pub async fn audit(&self, tenant: &TenantId, after: u64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let mut connection = self.pool.acquire().await?;
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let rows = read_rows(&mut connection, tenant, after, i64::from(limit)).await?;
        readable_all(&mut connection, tenant, &tenant_key, rows).await
    }

    /// Entries that a filter lets through, newest first, at most `limit`.
    pub async fn audit_where(
        &self,
        tenant: &TenantId,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let (kind, family) = kind_or_family(filter.kind.as_deref());
        let mut connection = self.pool.acquire().await?;
        let rows = query(FILTERED)
            .bind(tenant.as_str())
            .bind(filter.before.map_or(i64::MAX, |seq| i64::try_from(seq).unwrap_or(i64::MAX)))
            .bind(kind)
            .bind(family)
            .bind(filter.since.map(to_micros))
            .bind(filter.until.map(to_micros))
            .bind(&filter.actor)
            .bind(&filter.target)
            .bind(&filter.outcome)
            .bind(i64::from(limit))
            .fetch_all(&mut *connection)
            .await?;
        let rows: Vec<Stored> = rows.iter().map(stored).collect::<Result<_, _>>()?;
        readable_all(&mut connection, tenant, &tenant_key, rows).await
    }

    /// Entries of a type or family after a number, in order, at most `limit`.
    pub async fn audit_after(
        &self,
        tenant: &TenantId,
        kind: Option<&str>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        let (kind, family) = kind_or_family(kind);
        let mut connection = self.pool.acquire().await?;
        let rows = query(
            "SELECT seq, id, at, kind, actor, target, outcome, run_id, user_id, sealed_data, prev_hash, hash \
             FROM audit WHERE tenant = $1 AND seq > $2 AND ($3 IS NULL OR kind = $3) \
             AND ($4 IS NULL OR substr(kind, 1, length($4)) = $4) ORDER BY seq LIMIT $5",
        )
        .bind(tenant.as_str())
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(kind)
        .bind(family)
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?;
        let rows: Vec<Stored> = rows.iter().map(stored).collect::<Result<_, _>>()?;
        readable_all(&mut connection, tenant, &tenant_key, rows).await
    }

    /// The number of the last entry; 0 where there is none.
    pub async fn audit_head(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let row = query("SELECT seq FROM audit_heads WHERE tenant = $1")
            .bind(tenant.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.map_or(Ok(0), |row| row.try_get(0).map(number))
    }

    /// Checks the whole chain: how many entries it has, or its first fault.
    pub async fn verify_audit(&self, tenant: &TenantId) -> Result<Result<u64, AuditFault>, StoreError> {
        let tenant_key = self.tenant_key(tenant).await?;
        // One read transaction: entries that are added meanwhile are not seen.
        let mut transaction = self.pool.begin_read().await?;
        verify(&mut transaction, tenant, &tenant_key).await
    }
}

/// Checks the whole chain as the transaction sees it, from its checkpoint where it has one.
pub(crate) async fn verify(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
) -> Result<Result<u64, AuditFault>, StoreError> {
    let fault = |problem, seq| Ok(Err(AuditFault { seq: number(seq), problem }));
    let head = read_head(connection, tenant).await?;
    let (mut seq, mut hash) = match prune::start(connection, tenant, tenant_key).await? {
        Ok(start) => start,
        Err(fault) => return Ok(Err(fault)),
    };
    loop {
        let rows = read_rows(connection, tenant, seq, BATCH).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if let Some(problem) = row_fault(tenant, &row, seq, &hash) {
                return fault(problem, seq.saturating_add(1));
            }
            (seq, hash) = (row.seq, row.hash);
        }
    }
    match head {
        None if seq == 0 => Ok(Ok(0)),
        None => fault("the head of the chain is missing", seq),
        Some(head) if head.mac != head_mac(tenant_key, tenant, head.seq, &head.hash) => {
            fault("the head of the chain was not written by this store", head.seq)
        }
        Some(head) if head.seq > seq => fault("missing: the chain ends before its head", seq.saturating_add(1)),
        Some(head) if head.seq < seq => fault("it is beyond the head of the chain", head.seq.saturating_add(1)),
        Some(head) if head.hash != hash => fault("its hash is not that of the head", seq),
        Some(_) => Ok(Ok(number(seq))),
    }
}

/// Appends entries in the transaction that they tell of.
pub(crate) async fn append(
    connection: &mut Connection,
    of: &AuditOf<'_>,
    tenant_key: &SealKey,
    entries: &[AuditEntry],
) -> Result<(), StoreError> {
    let mut owners = Owners::new(of.tenant, tenant_key);
    let entries = sealed(connection, of, &mut owners, entries).await?;
    chain(connection, of.tenant, tenant_key, entries).await
}

/// Entries as they will be stored, but for their places in the chain.
pub(crate) async fn sealed(
    connection: &mut Connection,
    of: &AuditOf<'_>,
    owners: &mut Owners<'_>,
    entries: &[AuditEntry],
) -> Result<Vec<Stored>, StoreError> {
    let mut rows = Vec::with_capacity(entries.len());
    // As every database can hold it: the hash must be of what is stored.
    let text = |text: &str| without_nul(text).into_owned();
    for entry in entries {
        let owner = of.user_id.or_else(|| entry.target.starts_with("usr_").then_some(entry.target.as_str()));
        let (key, user_id) = owners.key(connection, owner).await?;
        let id = new_id("aud");
        let data = postcard::to_stdvec(&with_context(&entry.data, of.context))
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        let sealed_data = key.seal(&["audit", of.tenant.as_str(), &id], &data).map_err(unsealed)?;
        rows.push(Stored {
            seq: 0,
            id,
            at: to_micros(of.at),
            kind: text(&entry.kind),
            actor: text(&entry.actor),
            target: text(&entry.target),
            outcome: text(&entry.outcome),
            run_id: text(of.run_id),
            user_id,
            sealed_data,
            prev_hash: Vec::new(),
            hash: Vec::new(),
        });
    }
    Ok(rows)
}

/// Puts entries at the end of their tenant's chain. The transaction is alone with the tenant.
pub(crate) async fn chain(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    entries: Vec<Stored>,
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let (mut seq, mut prev) = match read_head(connection, tenant).await? {
        Some(head) => (head.seq, head.hash),
        None => (0, first_prev().to_vec()),
    };
    let mut inserted = rows(INSERT, 13, "");
    for mut row in entries {
        seq = seq.checked_add(1).ok_or_else(|| StoreError::Failed("the audit log is full".to_owned()))?;
        (row.seq, row.prev_hash) = (seq, prev);
        row.hash = row_hash(tenant, &row).to_vec();
        prev = row.hash.clone();
        inserted.bind(tenant.as_str()).bind(row.seq).bind(row.id).bind(row.at).bind(row.kind).bind(row.actor);
        inserted.bind(row.target).bind(row.outcome).bind(row.run_id).bind(row.user_id).bind(row.sealed_data);
        inserted.bind(row.prev_hash).bind(row.hash);
    }
    inserted.insert(connection).await?;
    let mac = head_mac(tenant_key, tenant, seq, &prev);
    query(
        "INSERT INTO audit_heads (tenant, seq, hash, mac) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, mac = excluded.mac",
    )
    .bind(tenant.as_str())
    .bind(seq)
    .bind(prev)
    .bind(mac)
    .execute(connection)
    .await
    .map(|_| ())
}

async fn read_head(connection: &mut Connection, tenant: &TenantId) -> Result<Option<Head>, StoreError> {
    let row = query("SELECT seq, hash, mac FROM audit_heads WHERE tenant = $1")
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        let (seq, hash, mac) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        Ok(Head { seq, hash, mac })
    })
    .transpose()
}

async fn read_rows(
    connection: &mut Connection,
    tenant: &TenantId,
    after: i64,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    let rows = query(COLUMNS).bind(tenant.as_str()).bind(after).bind(limit).fetch_all(connection).await?;
    rows.iter().map(stored).collect()
}

fn stored(row: &Row) -> Result<Stored, StoreError> {
    Ok(Stored {
        seq: row.try_get(0)?,
        id: row.try_get(1)?,
        at: row.try_get(2)?,
        kind: row.try_get(3)?,
        actor: row.try_get(4)?,
        target: row.try_get(5)?,
        outcome: row.try_get(6)?,
        run_id: row.try_get(7)?,
        user_id: row.try_get(8)?,
        sealed_data: row.try_get(9)?,
        prev_hash: row.try_get(10)?,
        hash: row.try_get(11)?,
    })
}

/// `flow.deployed` is a type, `flow.*` all that begin so.
fn kind_or_family(kind: Option<&str>) -> (Option<&str>, Option<&str>) {
    match kind.and_then(|kind| kind.strip_suffix('*')) {
        Some(family) => (None, Some(family)),
        None => (kind, None),
    }
}

fn with_context(data: &Datum, context: Option<&Datum>) -> Datum {
    let Some(context) = context else { return data.clone() };
    let field = (Datum::Str(CONTEXT.into()), context.clone());
    match data {
        Datum::Map(fields) => Datum::Map(fields.iter().cloned().chain([field]).collect()),
        Datum::Null => Datum::Map(vec![field]),
        other => other.clone(),
    }
}

/// The data as its block left it, and where the request came from.
fn without_context(data: Datum) -> (Datum, Datum) {
    let Datum::Map(mut fields) = data else { return (data, Datum::Null) };
    let is_context = |(name, _): &(Datum, Datum)| matches!(name, Datum::Str(name) if &**name == CONTEXT);
    match fields.iter().position(is_context) {
        Some(at) => {
            let (_, context) = fields.remove(at);
            let data = if fields.is_empty() { Datum::Null } else { Datum::Map(fields) };
            (data, context)
        }
        None => (Datum::Map(fields), Datum::Null),
    }
}

async fn readable_all(
    connection: &mut Connection,
    tenant: &TenantId,
    tenant_key: &SealKey,
    rows: Vec<Stored>,
) -> Result<Vec<AuditRow>, StoreError> {
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let key = opening_key(connection, tenant, tenant_key, row.user_id.as_deref()).await?;
        entries.push(readable(tenant, key, row)?);
    }
    Ok(entries)
}

fn readable(tenant: &TenantId, key: Option<SealKey>, row: Stored) -> Result<AuditRow, StoreError> {
    let data = match key {
        Some(key) => {
            let plain = key.open(&["audit", tenant.as_str(), &row.id], &row.sealed_data).map_err(unsealed)?;
            postcard::from_bytes(&plain).map_err(|error| StoreError::Failed(error.to_string()))?
        }
        None => Datum::Null,
    };
    let (data, context) = without_context(data);
    Ok(AuditRow {
        seq: number(row.seq),
        id: row.id,
        at: from_micros(row.at),
        run_id: row.run_id,
        context,
        entry: AuditEntry { kind: row.kind, actor: row.actor, target: row.target, outcome: row.outcome, data },
    })
}

/// What is wrong with the row that should come after `seq`.
fn row_fault(tenant: &TenantId, row: &Stored, seq: i64, prev: &[u8]) -> Option<&'static str> {
    if row.seq != seq.saturating_add(1) {
        Some("missing")
    } else if row.prev_hash != prev {
        Some("it does not follow the entry before it")
    } else if row.hash != row_hash(tenant, row) {
        Some("it was changed")
    } else {
        None
    }
}

/// SHA-256 over the columns in order, each with its length before it.
fn row_hash(tenant: &TenantId, row: &Stored) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"admit audit 1");
    let user = row.user_id.as_deref();
    let parts: [&[u8]; 13] = [
        tenant.as_str().as_bytes(),
        &row.seq.to_be_bytes(),
        row.id.as_bytes(),
        &row.at.to_be_bytes(),
        row.kind.as_bytes(),
        row.actor.as_bytes(),
        row.target.as_bytes(),
        row.outcome.as_bytes(),
        row.run_id.as_bytes(),
        if user.is_some() { b"1" } else { b"0" },
        user.unwrap_or("").as_bytes(),
        &row.sealed_data,
        &row.prev_hash,
    ];
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn head_mac(tenant_key: &SealKey, tenant: &TenantId, seq: i64, hash: &[u8]) -> Vec<u8> {
    let mut data = seq.to_be_bytes().to_vec();
    data.extend_from_slice(hash);
    tenant_key.hash(&["audit head", tenant.as_str()], &data).to_vec()
}

fn first_prev() -> [u8; 32] {
    [0; 32]
}

fn number(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}
