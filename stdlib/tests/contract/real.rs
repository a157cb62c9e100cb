//! A real store, SQLite in a file, for the cells of `undone`: what the double was given is put into it, and what holds is read by what
//! everybody reads it with.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use admit_eval::json;
use admit_eval::value::Instant;
use admit_host::KeyFile;
use admit_runtime::host::{RunCommit, Store as _};
use admit_runtime::message::KIND;
use admit_runtime::tenant::TenantId;
use admit_runtime::testing::TestHost;
use admit_runtime::unit::{NewCredential, Unit, Write};
use admit_store::seal::SealKey;
use admit_store::{NewUser, SqlStore, Status};
use serde_json::Value;

/// Where the database of all cells lies.
pub struct Place {
    folder: tempfile::TempDir,
    keys: KeyFile,
}

/// The database, opened for one cell, which has a tenant of its own.
pub struct Real {
    /// The store.
    pub store: SqlStore,
    /// The cell's tenant.
    pub tenant: TenantId,
    /// Sessions and families that were taken over.
    known: Mutex<BTreeSet<String>>,
    /// Jobs that were read.
    read: Mutex<Vec<Vec<u8>>>,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (keys, _) = KeyFile::open_or_create(&folder.path().join("cells.key")).unwrap();
        Self { folder, keys }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cells.db")
    }

    /// Opens it for this tenant.
    pub async fn open(&self, tenant: TenantId) -> Arc<Real> {
        let store = SqlStore::open(self.path(), SealKey::new(self.keys.sealing())).await.unwrap();
        Arc::new(Real { store, tenant, known: Mutex::default(), read: Mutex::default() })
    }
}

impl Real {
    /// Takes over what the double has been given and this store lacks.
    ///
    /// # Errors
    /// What it does not take.
    pub async fn take_over(&self, host: &TestHost, credentials: &[NewCredential]) -> Result<(), String> {
        let now = host.clock.now();
        for user in host.store.users(&self.tenant) {
            let mut user = json::to_json(&user);
            let id = user["id"].as_str().unwrap().to_owned();
            if self.store.find_user(&self.tenant, &id).await.map_err(|error| error.to_string())?.is_some() {
                continue;
            }
            let kept = [
                "id",
                "email",
                "email_verified",
                "phone",
                "phone_verified",
                "username",
                "name",
                "groups",
                "roles",
                "app_metadata",
                "user_metadata",
                "blocked",
            ];
            user.as_object_mut().unwrap().retain(|name, value| kept.contains(&name.as_str()) && !value.is_null());
            let new: NewUser = serde_json::from_value(user).map_err(|error| error.to_string())?;
            self.store.add_user(&self.tenant, &new, now).await.map_err(|error| error.to_string())?;
        }
        let mut writes = Vec::new();
        {
            let mut known = self.known.lock().unwrap();
            let mut fresh = |id: &str| known.insert(id.to_owned());
            writes.extend(
                credentials
                    .iter()
                    .filter(|new| fresh(&new.id))
                    .map(|new| Write::InsertCredential(Box::new(new.clone()))),
            );
            let sessions = host.store.sessions(&self.tenant).into_iter().filter(|session| fresh(&session.id));
            writes.extend(sessions.map(Write::InsertSession));
        }
        let mut known = self.known.lock().unwrap().clone();
        for (family, first) in host.store.families(&self.tenant) {
            if known.insert(family.id.clone()) {
                writes.push(Write::InsertFamily(family, first));
            }
        }
        *self.known.lock().unwrap() = known.clone();
        if writes.is_empty() {
            return Ok(());
        }
        let commit = RunCommit {
            run_id: format!("run_seed_{}", known.len()),
            flow: "login".to_owned(),
            bundle: [0; 32],
            seq: 0,
            user_id: None,
            outcome: "finalized".to_owned(),
            detail: None,
            suspended: None,
            context: None,
            kept: None,
            trace: Arc::default(),
            unit: Arc::new(Unit { writes, audit: Vec::new() }),
            at: now,
        };
        self.store.commit(&self.tenant, commit).await.map_err(|error| format!("the seed: {error}"))
    }

    /// What jobs hold, those that were read before too.
    pub async fn payloads(&self, now: Instant) -> Vec<Vec<u8>> {
        while let Some(job) = self.store.take_job(&self.tenant, now, 3_600).await.unwrap() {
            self.read.lock().unwrap().push(job.payload);
        }
        self.read.lock().unwrap().clone()
    }

    /// As `MemoryStore::holdings`.
    pub async fn holdings(&self, now: Instant) -> Vec<String> {
        let mut holds = Vec::new();
        for user in self.store.users(&self.tenant, None, 1_000).await.unwrap() {
            if user.status == Status::Pending {
                continue;
            }
            let (tenant, id) = (&self.tenant, user.id.as_str());
            let record = self.store.user(tenant, id).await.unwrap();
            holds.push(format!("user {}", record.map_or(Value::Null, |record| json::to_json(&record))));
            for info in self.store.credential_list(tenant, id).await.unwrap() {
                if info.kind == "backup_code" {
                    continue;
                }
                for credential in self.store.credentials(tenant, id, &info.kind).await.unwrap() {
                    let material = ring::digest::digest(&ring::digest::SHA256, credential.material.expose());
                    let data = json::to_json(&credential.data);
                    holds.push(format!("credential {} {} {material:?} {data}", credential.id, info.kind));
                }
            }
            let sessions = self.store.sessions().live_sessions(tenant, id, now).await.unwrap();
            holds.extend(sessions.iter().map(|session| format!("session {}", session.id)));
            holds.push(format!("sign-ins {id} {}", self.store.sign_ins(tenant, id, 100).await.unwrap().len()));
            let inbox = self.store.inbox(tenant, id, None, 100).await.unwrap();
            holds.extend(inbox.iter().map(|entry| format!("inbox {}", entry.id)));
        }
        let jobs = self.store.list_open_jobs(&self.tenant, 1_000).await.unwrap();
        holds.extend(jobs.iter().filter(|job| job.kind == KIND).map(|job| format!("message {}", job.key)));
        holds
    }

    /// Ids of users that wait for their run to end.
    pub async fn pending(&self) -> Vec<String> {
        let users = self.store.users(&self.tenant, None, 1_000).await.unwrap();
        users.into_iter().filter(|user| user.status == Status::Pending).map(|user| user.id).collect()
    }
}
