//! The double of the store: everything in memory behind one lock, with the same compare-and-sets as the real one.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use admit_eval::datum::Datum;
use admit_eval::value::Instant;

use crate::expression::to_json;
use crate::host::{
    BoxFuture, ChallengeOf, Counted, Credential, FoundChallenge, RunCommit, Secret, SignIn, Store, StoreError,
    StoredRun, SuspendedRow, Tried, WaitingRun,
};
use crate::session::Sessions;
use crate::state::{field, text_field};
use crate::tenant::TenantId;
use crate::testing::sessions::Families;
use crate::unit::{
    AuditEntry, Challenge, CredentialInfo, InboxEntry, Material, NewCredential, Session, factors, has_identifier, put,
};

mod rows;

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    tenants: Mutex<BTreeMap<TenantId, Rows>>,
    /// Fails every call from now on, if set.
    broken: Mutex<Option<String>>,
    /// Calls so far.
    calls: AtomicU64,
}

#[derive(Clone, Default)]
pub(super) struct Rows {
    users: BTreeMap<String, Datum>,
    /// Users that nobody but the run that has made them sees, with that run.
    pending: BTreeMap<String, String>,
    credentials: Vec<Row>,
    challenges: BTreeMap<String, Asked>,
    sign_ins: BTreeMap<String, Vec<SignIn>>,
    /// When the window began, and its count.
    counters: BTreeMap<String, (Instant, u64)>,
    failures: BTreeMap<String, Vec<Instant>>,
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) revoked: BTreeSet<String>,
    pub(super) families: Families,
    commits: Vec<RunCommit>,
    suspended: BTreeMap<[u8; 32], Suspended>,
    taken: BTreeSet<[u8; 32]>,
    jobs: BTreeMap<String, (String, Vec<u8>)>,
    audit: Vec<AuditEntry>,
    inbox: Vec<InboxEntry>,
}

#[derive(Clone)]
struct Row {
    id: String,
    user_id: String,
    kind: String,
    material: Material,
    last_step: Option<i64>,
    counter: Option<i64>,
    external_id: Option<Vec<u8>>,
    data: Datum,
    created_at: Instant,
}

impl Row {
    fn of(new: &NewCredential, created_at: Instant) -> Self {
        Self {
            id: new.id.clone(),
            user_id: new.user_id.clone(),
            kind: new.kind.clone(),
            material: new.material.clone(),
            last_step: None,
            counter: new.counter,
            external_id: new.external_id.clone(),
            data: new.data.clone(),
            created_at,
        }
    }
}

#[derive(Clone)]
struct Asked {
    challenge: Challenge,
    attempts: u32,
    taken: bool,
}

#[derive(Clone)]
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
            material: Material::new(material),
            last_step: None,
            counter: None,
            external_id: None,
            data: Datum::Map(Vec::new()),
            created_at: Instant { seconds: 0, nanos: 0 },
        };
        self.rows(tenant, |rows| rows.credentials.push(row));
    }

    /// What holds for everybody, one line each: users, credentials, sessions, sign-ins, messages that wait. Not what is used up,
    /// nor what waits for a run to end.
    pub fn holdings(&self, tenant: &TenantId) -> Vec<String> {
        self.rows(tenant, |rows| {
            let users = rows.seen().map(|user| format!("user {}", to_json(user)));
            let credentials = rows
                .credentials
                .iter()
                .filter(|row| row.kind != "backup_code" && !rows.pending.contains_key(&row.user_id));
            let credentials = credentials.map(|row| {
                let material = blake3::hash(row.material.expose());
                format!("credential {} {} {material} {}", row.id, row.kind, to_json(&row.data))
            });
            let sessions =
                rows.sessions.keys().filter(|id| !rows.revoked.contains(*id)).map(|id| format!("session {id}"));
            let sign_ins = rows.sign_ins.iter().map(|(user, past)| format!("sign-ins {user} {}", past.len()));
            let messages = rows.jobs.iter().filter(|(_, (kind, _))| kind == crate::message::KIND);
            let messages = messages.map(|(key, _)| format!("message {key}"));
            let inbox = rows.inbox.iter().map(|entry| format!("inbox {}", entry.id));
            users.chain(credentials).chain(sessions).chain(sign_ins).chain(messages).chain(inbox).collect()
        })
    }

    /// Ids of users who wait for the run to end that has made them.
    pub fn pending(&self, tenant: &TenantId) -> Vec<String> {
        self.rows(tenant, |rows| rows.pending.keys().cloned().collect())
    }

    /// Gives a user a credential as a run would have stored it.
    pub fn put_new_credential(&self, tenant: &TenantId, new: &NewCredential) {
        let row = Row::of(new, Instant { seconds: 0, nanos: 0 });
        self.rows(tenant, |rows| rows.credentials.push(row));
    }

    /// Users that are not pending, in the order of their ids.
    pub fn users(&self, tenant: &TenantId) -> Vec<Datum> {
        self.rows(tenant, |rows| {
            rows.users.iter().filter(|(id, _)| !rows.pending.contains_key(*id)).map(|(_, user)| user.clone()).collect()
        })
    }

    /// Challenges that nobody has met, with what must be shown for them.
    pub fn challenges(&self, tenant: &TenantId) -> Vec<Challenge> {
        self.rows(tenant, |rows| {
            rows.challenges.values().filter(|asked| !asked.taken).map(|asked| asked.challenge.clone()).collect()
        })
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

    /// Sessions stored and not revoked.
    pub fn sessions(&self, tenant: &TenantId) -> Vec<Session> {
        self.rows(tenant, |rows| {
            rows.sessions.values().filter(|session| !rows.revoked.contains(&session.id)).cloned().collect()
        })
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

    /// Queued jobs: key, kind and payload.
    pub fn queued(&self, tenant: &TenantId) -> Vec<(String, String, Vec<u8>)> {
        self.rows(tenant, |rows| {
            let jobs = rows.jobs.iter();
            jobs.map(|(key, (kind, payload))| (key.clone(), kind.clone(), payload.clone())).collect()
        })
    }

    /// Changes the stored record of every suspended run: for tests of damage.
    pub fn damage(&self, tenant: &TenantId, change: impl Fn(&mut Vec<u8>)) {
        self.rows(tenant, |rows| rows.suspended.values_mut().for_each(|row| change(&mut row.row.record)));
    }

    pub(super) fn rows<T>(&self, tenant: &TenantId, act: impl FnOnce(&mut Rows) -> T) -> T {
        let mut tenants: MutexGuard<'_, _> = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        act(tenants.entry(tenant.clone()).or_default())
    }

    pub(super) fn try_rows<T: Send + 'static>(
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
    fn sessions(&self) -> &dyn Sessions {
        self
    }

    fn user_by_identifier<'a>(
        &'a self,
        tenant: &'a TenantId,
        identifier: &'a str,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        self.try_rows(tenant, |rows| {
            Ok(rows.seen().find(|user| has_identifier(user, identifier)).map(with_factors(rows)))
        })
    }

    fn user<'a>(&'a self, tenant: &'a TenantId, id: &'a str) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        self.try_rows(tenant, |rows| Ok(rows.seen().find(|user| is_user(user, id)).map(with_factors(rows))))
    }

    fn pending_user<'a>(
        &'a self,
        tenant: &'a TenantId,
        run_id: &'a str,
        id_or_identifier: &'a str,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let of_run = rows.users.values().filter(|user| rows.pending_run(user) == Some(run_id));
            let mut found =
                of_run.filter(|user| is_user(user, id_or_identifier) || has_identifier(user, id_or_identifier));
            Ok(found.next().map(with_factors(rows)))
        })
    }

    fn credentials<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        kind: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Credential>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let found = rows.credentials.iter().filter(|row| row.user_id == user_id && row.kind == kind);
            Ok(found.map(Row::unsealed).collect())
        })
    }

    fn credential_list<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
    ) -> BoxFuture<'a, Result<Vec<CredentialInfo>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let found = rows.credentials.iter().filter(|row| row.user_id == user_id);
            let mut found: Vec<_> = found
                .map(|row| CredentialInfo {
                    id: row.id.clone(),
                    kind: row.kind.clone(),
                    data: row.data.clone(),
                    created_at: row.created_at,
                })
                .collect();
            found.sort_by(|one, other| one.id.cmp(&other.id));
            Ok(found)
        })
    }

    fn credential_by_external_id<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        external_id: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Credential>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let found = rows.credentials.iter().find(|row| {
                row.kind == kind
                    && row.external_id.as_deref() == Some(external_id)
                    && rows.seen().any(|user| is_user(user, &row.user_id))
            });
            Ok(found.map(Row::unsealed))
        })
    }

    fn try_challenge<'a>(
        &'a self,
        tenant: &'a TenantId,
        of: ChallengeOf<'a>,
        shown: &'a [u8],
        now: Instant,
    ) -> BoxFuture<'a, Result<Tried, StoreError>> {
        self.try_rows(tenant, |rows| {
            let Some(asked) = rows.challenges.get_mut(of.id).filter(|asked| {
                asked.challenge.kind == of.kind
                    && asked.challenge.run_id.as_deref().is_none_or(|run| run == of.run_id)
                    && asked.challenge.user_id.as_deref() == of.user_id
            }) else {
                return Ok(Tried::Unknown);
            };
            if asked.challenge.expires_at <= now {
                return Ok(Tried::Expired);
            }
            if asked.taken || asked.attempts >= asked.challenge.max_attempts {
                return Ok(Tried::Spent);
            }
            asked.attempts += 1;
            let right = blake3::hash(asked.challenge.secret.expose()) == blake3::hash(shown);
            Ok(match right && asked.challenge.user_id.is_some() {
                true => Tried::Right { data: asked.challenge.data.clone() },
                false => Tried::Wrong { attempts_left: asked.challenge.max_attempts - asked.attempts },
            })
        })
    }

    fn open_challenge<'a>(
        &'a self,
        tenant: &'a TenantId,
        of: ChallengeOf<'a>,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let found = rows.challenges.get(of.id).filter(|asked| {
                asked.challenge.kind == of.kind
                    && asked.challenge.run_id.as_deref().is_none_or(|run| run == of.run_id)
                    && asked.challenge.user_id.as_deref() == of.user_id
                    && !asked.taken
                    && asked.attempts < asked.challenge.max_attempts
            });
            Ok(found.map(|asked| asked.challenge.data.clone()))
        })
    }

    fn challenge_by_secret<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        secret: &'a [u8],
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<FoundChallenge>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let found = rows.challenges.values().find(|asked| {
                let challenge = &asked.challenge;
                !asked.taken
                    && challenge.by_secret
                    && challenge.kind == kind
                    && challenge.expires_at > now
                    && challenge.secret.expose() == secret
            });
            Ok(found.map(|asked| FoundChallenge {
                id: asked.challenge.id.clone(),
                run_id: asked.challenge.run_id.clone(),
                user_id: asked.challenge.user_id.clone(),
                data: asked.challenge.data.clone(),
                expires_at: asked.challenge.expires_at,
            }))
        })
    }

    fn session<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let session = rows.sessions.get(id).filter(|session| {
                session.expires_at > now && !rows.revoked.contains(id) && rows.may_sign_in(&session.user_id)
            });
            Ok(session.cloned())
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

    fn count_in<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
        window_seconds: u64,
        now: Instant,
    ) -> BoxFuture<'a, Result<Counted, StoreError>> {
        self.try_rows(tenant, |rows| {
            let end = |began: Instant| Instant {
                seconds: began.seconds.saturating_add_unsigned(window_seconds),
                nanos: began.nanos,
            };
            let (began, count) = rows.counters.entry(key.to_owned()).or_insert((now, 0));
            if end(*began) <= now {
                (*began, *count) = (now, 0);
            }
            *count = count.saturating_add(1);
            Ok(Counted { count: *count, ends_at: end(*began) })
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

    fn note_failure<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.try_rows(tenant, |rows| {
            rows.failures.entry(key.to_owned()).or_default().push(now);
            Ok(())
        })
    }

    fn failures<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
        since: Instant,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Instant>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let known = rows.failures.get(key).into_iter().flatten();
            let mut found: Vec<Instant> = known.copied().filter(|at| *at >= since).collect();
            found.sort_unstable_by(|a, b| b.cmp(a));
            found.truncate(limit as usize);
            Ok(found)
        })
    }

    fn forget_failures<'a>(&'a self, tenant: &'a TenantId, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.try_rows(tenant, |rows| {
            rows.failures.remove(key);
            Ok(())
        })
    }

    fn commit<'a>(&'a self, tenant: &'a TenantId, commit: RunCommit) -> BoxFuture<'a, Result<(), StoreError>> {
        self.try_rows(tenant, |rows| {
            // All or nothing.
            let mut after = rows.clone();
            after.take_in(commit)?;
            *rows = after;
            Ok(())
        })
    }

    fn waiting_run<'a>(
        &'a self,
        tenant: &'a TenantId,
        token_hash: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<WaitingRun>, StoreError>> {
        self.try_rows(tenant, |rows| {
            let waits = !rows.taken.contains(&token_hash);
            let found = rows.suspended.get(&token_hash).filter(|_| waits);
            Ok(found.map(|found| WaitingRun { run_id: found.run_id.clone(), bundle: found.bundle }))
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

impl Row {
    fn unsealed(&self) -> Credential {
        Credential {
            id: self.id.clone(),
            user_id: self.user_id.clone(),
            material: Secret::new(self.material.expose()),
            last_step: self.last_step,
            counter: self.counter,
            data: self.data.clone(),
            created_at: self.created_at,
        }
    }
}

fn is_user(user: &Datum, id: &str) -> bool {
    text_field(user, "id") == Some(id)
}

/// As the store gives a user: with the factors that there are credentials of, besides those that it was put with.
fn with_factors(rows: &Rows) -> impl Fn(&Datum) -> Datum {
    |user| {
        let mut user = user.clone();
        let id = text_field(&user, "id").map(str::to_owned);
        let stated = match field(&user, "factors") {
            Some(Datum::List(stated)) => stated.clone(),
            Some(_) | None => Vec::new(),
        };
        let kinds =
            rows.credentials.iter().filter(|row| Some(&row.user_id) == id.as_ref()).map(|row| row.kind.as_str());
        let all = factors(kinds.chain(stated.iter().filter_map(Datum::as_str)));
        put(&mut user, "factors", Some(all));
        user
    }
}

fn applied(holds: bool) -> Result<(), StoreError> {
    if holds { Ok(()) } else { Err(StoreError::Conflict) }
}
