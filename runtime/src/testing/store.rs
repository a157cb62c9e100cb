//! The double of the store: everything in memory behind one lock, with the same compare-and-sets as the real one.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use admit_eval::datum::Datum;
use admit_eval::value::Instant;

use crate::execute::patch_metadata;
use crate::host::{BoxFuture, Credential, RunCommit, Secret, SignIn, Store, StoreError, StoredRun, SuspendedRow};
use crate::state::text_field;
use crate::tenant::TenantId;
use crate::unit::{AuditEntry, InboxEntry, Session, Write};

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    tenants: Mutex<BTreeMap<TenantId, Rows>>,
    /// Fails every call from now on, if set.
    broken: Mutex<Option<String>>,
    /// Calls so far.
    calls: AtomicU64,
}

#[derive(Default)]
struct Rows {
    users: BTreeMap<String, Datum>,
    credentials: Vec<Row>,
    sign_ins: BTreeMap<String, Vec<SignIn>>,
    counters: BTreeMap<String, Vec<Instant>>,
    sessions: BTreeMap<String, Session>,
    commits: Vec<RunCommit>,
    suspended: BTreeMap<[u8; 32], Suspended>,
    taken: BTreeSet<[u8; 32]>,
    jobs: BTreeMap<String, (String, Vec<u8>)>,
    audit: Vec<AuditEntry>,
    inbox: Vec<InboxEntry>,
}

struct Row {
    id: String,
    user_id: String,
    kind: String,
    material: Vec<u8>,
    last_step: Option<i64>,
}

struct Suspended {
    run_id: String,
    bundle: [u8; 32],
    seq: u32,
    row: SuspendedRow,
}

impl MemoryStore {
    /// Adds or replaces a user: the record `event.user` of blocks.md.
    pub fn put_user(&self, tenant: &TenantId, user: Datum) {
        if let Some(id) = text_field(&user, "id") {
            let id = id.to_owned();
            self.rows(tenant, |rows| rows.users.insert(id, user));
        }
    }

    /// Adds a credential.
    pub fn put_credential(&self, tenant: &TenantId, user_id: &str, kind: &str, id: &str, material: &[u8]) {
        let row = Row {
            id: id.to_owned(),
            user_id: user_id.to_owned(),
            kind: kind.to_owned(),
            material: material.to_vec(),
            last_step: None,
        };
        self.rows(tenant, |rows| rows.credentials.push(row));
    }

    /// Fails every later call with this text.
    pub fn break_down(&self, why: &str) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }

    /// Ends what [`MemoryStore::break_down`] began.
    pub fn mend(&self) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Calls of the store so far, whatever they asked.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Sessions stored.
    pub fn sessions(&self, tenant: &TenantId) -> Vec<Session> {
        self.rows(tenant, |rows| rows.sessions.values().cloned().collect())
    }

    /// Requests committed, in order.
    pub fn commits(&self, tenant: &TenantId) -> Vec<RunCommit> {
        self.rows(tenant, |rows| rows.commits.clone())
    }

    /// Audit entries, in order.
    pub fn audit(&self, tenant: &TenantId) -> Vec<AuditEntry> {
        self.rows(tenant, |rows| rows.audit.clone())
    }

    /// Queued jobs: kind and payload, by key.
    pub fn jobs(&self, tenant: &TenantId) -> Vec<(String, Vec<u8>)> {
        self.rows(tenant, |rows| rows.jobs.values().cloned().collect())
    }

    /// Changes the stored record of every suspended run: for tests of damage.
    pub fn damage(&self, tenant: &TenantId, change: impl Fn(&mut Vec<u8>)) {
        self.rows(tenant, |rows| rows.suspended.values_mut().for_each(|row| change(&mut row.row.record)));
    }

    fn rows<T>(&self, tenant: &TenantId, act: impl FnOnce(&mut Rows) -> T) -> T {
        let mut tenants: MutexGuard<'_, _> = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        act(tenants.entry(tenant.clone()).or_default())
    }

    fn try_rows<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        act: impl FnOnce(&mut Rows) -> Result<T, StoreError>,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let result = match broken {
            Some(why) => Err(StoreError::Failed(why)),
            None => self.rows(tenant, act),
        };
        Box::pin(ready(result))
    }
}

impl Store for MemoryStore {
    fn user_by_identifier<'a>(
        &'a self,
        tenant: &'a TenantId,
        identifier: &'a str,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        let wanted = identifier.trim().to_lowercase();
        self.try_rows(tenant, |rows| {
            let is_it = |user: &&Datum| {
                ["email", "phone", "username"]
                    .iter()
                    .any(|name| text_field(user, name).is_some_and(|known| known.to_lowercase() == wanted))
            };
            Ok(rows.users.values().find(is_it).cloned())
        })
    }

    fn user<'a>(&'a self, tenant: &'a TenantId, id: &'a str) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        self.try_rows(tenant, |rows| Ok(rows.users.get(id).cloned()))
    }

    fn credentials<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        kind: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Credential>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let found = rows.credentials.iter().filter(|row| row.user_id == user_id && row.kind == kind);
            Ok(found
                .map(|row| Credential {
                    id: row.id.clone(),
                    material: Secret::new(row.material.as_slice()),
                    last_step: row.last_step,
                })
                .collect())
        })
    }

    fn sign_ins<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<SignIn>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let found = rows.sign_ins.get(user_id).into_iter().flatten();
            Ok(found.rev().take(limit as usize).cloned().collect())
        })
    }

    fn count<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
        window_seconds: u64,
        now: Instant,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.try_rows(tenant, |rows| {
            let counted = rows.counters.entry(key.to_owned()).or_default();
            counted.retain(|at| at.seconds.saturating_add_unsigned(window_seconds) > now.seconds);
            counted.push(now);
            Ok(counted.len() as u64)
        })
    }

    fn reset_count<'a>(&'a self, tenant: &'a TenantId, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.try_rows(tenant, |rows| {
            rows.counters.remove(key);
            Ok(())
        })
    }

    fn inbox<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        before: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<InboxEntry>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let mut found: Vec<InboxEntry> =
                rows.inbox.iter().filter(|entry| entry.user_id == user_id).cloned().collect();
            found.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
            let skipped = before.map_or(0, |id| {
                found.iter().position(|entry| entry.id == id).map_or(found.len(), |position| position + 1)
            });
            Ok(found.into_iter().skip(skipped).take(limit as usize).collect())
        })
    }

    fn mark_read<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.try_rows(tenant, |rows| {
            let mut entries = rows.inbox.iter_mut();
            let entry = entries.find(|entry| entry.user_id == user_id && entry.id == id).ok_or(StoreError::NotFound)?;
            entry.read_at.get_or_insert(now);
            Ok(())
        })
    }

    fn commit<'a>(&'a self, tenant: &'a TenantId, commit: RunCommit) -> BoxFuture<'a, Result<(), StoreError>> {
        self.try_rows(tenant, |rows| {
            rows.check(&commit)?;
            rows.apply(commit);
            Ok(())
        })
    }

    fn waiting_bundle<'a>(
        &'a self,
        tenant: &'a TenantId,
        token_hash: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<[u8; 32]>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let waits = !rows.taken.contains(&token_hash);
            Ok(rows.suspended.get(&token_hash).filter(|_| waits).map(|found| found.bundle))
        })
    }

    fn take_run<'a>(
        &'a self,
        tenant: &'a TenantId,
        token_hash: [u8; 32],
        now: Instant,
    ) -> BoxFuture<'a, Result<StoredRun, StoreError>> {
        self.try_rows(tenant, |rows| {
            if rows.taken.contains(&token_hash) {
                return Err(StoreError::Conflict);
            }
            let found = rows.suspended.get(&token_hash).ok_or(StoreError::NotFound)?;
            if found.row.expires_at <= now {
                return Err(StoreError::Expired);
            }
            let run = StoredRun {
                run_id: found.run_id.clone(),
                bundle: found.bundle,
                record: found.row.record.clone(),
                seq: found.seq.saturating_add(1),
            };
            rows.taken.insert(token_hash);
            Ok(run)
        })
    }
}

impl Rows {
    /// All or nothing: what cannot be applied is found before anything is.
    fn check(&self, commit: &RunCommit) -> Result<(), StoreError> {
        let last = self.commits.iter().rev().find(|known| known.run_id == commit.run_id);
        let follows = match last {
            None => commit.seq == 0,
            Some(last) => {
                let token = last.suspended.as_ref().map(|row| row.token_hash);
                commit.seq == last.seq + 1 && token.is_some_and(|token| self.taken.contains(&token))
            }
        };
        let applies = |write: &Write| match write {
            Write::TakeTotpStep { credential_id, step } => self
                .credentials
                .iter()
                .any(|row| row.id == *credential_id && row.last_step.is_none_or(|last| last < *step)),
            Write::InsertSession(session) => {
                self.users.contains_key(&session.user_id) && !self.sessions.contains_key(&session.id)
            }
            Write::RecordSignIn { user_id, .. } => self.users.contains_key(user_id),
            Write::RehashPassword { .. }
            | Write::PatchAppMetadata { .. }
            | Write::Enqueue { .. }
            | Write::InsertInbox(_) => true,
        };
        if follows && commit.unit.writes.iter().all(applies) { Ok(()) } else { Err(StoreError::Conflict) }
    }

    fn apply(&mut self, commit: RunCommit) {
        for write in &commit.unit.writes {
            match write {
                Write::InsertSession(session) => {
                    self.sessions.insert(session.id.clone(), session.clone());
                }
                Write::RehashPassword { user_id, old, new } => {
                    let rows = self.credentials.iter_mut();
                    for row in rows.filter(|row| row.user_id == *user_id && row.material == old.as_bytes()) {
                        row.material = new.clone().into_bytes();
                    }
                }
                Write::TakeTotpStep { credential_id, step } => {
                    for row in self.credentials.iter_mut().filter(|row| row.id == *credential_id) {
                        row.last_step = Some(*step);
                    }
                }
                Write::RecordSignIn { user_id, at, device, country, position, ip } => {
                    let (device, country) = (device.clone(), country.clone());
                    let sign_in = SignIn { at: *at, device, country, position: *position, ip: ip.clone() };
                    self.sign_ins.entry(user_id.clone()).or_default().push(sign_in);
                }
                Write::PatchAppMetadata { user_id, patches } => {
                    let patched = self.users.get(user_id).and_then(|user| patch_metadata(user, patches).ok());
                    if let Some(user) = patched {
                        self.users.insert(user_id.clone(), user);
                    }
                }
                Write::InsertInbox(entry) => {
                    if !self.inbox.iter().any(|known| known.id == entry.id) {
                        self.inbox.push(entry.clone());
                    }
                }
                Write::Enqueue { key, kind, payload } => {
                    self.jobs.entry(key.clone()).or_insert_with(|| (kind.clone(), payload.clone()));
                }
            }
        }
        self.audit.extend(commit.unit.audit.iter().cloned());
        if let Some(row) = &commit.suspended {
            let suspended =
                Suspended { run_id: commit.run_id.clone(), bundle: commit.bundle, seq: commit.seq, row: row.clone() };
            self.suspended.insert(row.token_hash, suspended);
        }
        self.commits.push(commit);
    }
}
