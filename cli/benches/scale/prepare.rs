//! Databases as they are after much use, written through the store itself.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_host::KeyFile;
use admit_plan::encode::decode;
use admit_runtime::host::{RunCommit, Store as _};
use admit_runtime::tenant::TenantId;
use admit_runtime::trace::{Level, Trace, TraceEvent};
use admit_runtime::unit::{AuditEntry, Unit};
use admit_store::SqlStore;
use admit_store::seal::SealKey;

use crate::project;

/// As many at once as go in one group.
const WRITERS: usize = 64;
/// A thousandth of a second between runs.
const FIRST: i64 = 1_700_000_000;

/// Builds a project for each tenant and deploys it, without a server.
pub fn tenants(folder: &Path, database: &Path, tenants: usize, flows: usize) {
    block_on(async {
        let store = open(folder, database).await;
        for number in 0..tenants {
            let bytes = bundle(&folder.join(format!("project-{number}")), flows, number as u64 + 1);
            let hash = decode(&bytes).unwrap().1.0;
            let tenant: TenantId = format!("tenant-{number}").parse().unwrap();
            store.put_bundle(&tenant, hash, &bytes, at(0)).await.unwrap();
            store.deploy(&tenant, None, (hash, "bench"), &[], at(0)).await.unwrap();
        }
        store.close().await;
    });
}

/// The bundle of a generated project whose login runs every other flow of it.
fn bundle(folder: &Path, flows: usize, seed: u64) -> Vec<u8> {
    for (name, mut text) in project::project(flows, seed) {
        if name == "flows/login.admit" {
            let first = text.find("    run flow ").unwrap();
            let end = first + text[first..].find("  }\n").unwrap();
            let all: String = (1..flows).map(|number| format!("    run flow custom-{number}\n")).collect();
            text.replace_range(first..end, &all);
        }
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let out = folder.join("out.admitplan");
    let built = Command::new(env!("CARGO_BIN_EXE_admit")).args(["build", "-o"]).arg(&out).current_dir(folder).output();
    assert!(built.unwrap().status.success());
    std::fs::read(out).unwrap()
}

/// Records runs, with traces and audit entries like those of the load figures.
pub fn runs(folder: &Path, database: &Path, count: u32) {
    block_on(async {
        let store = open(folder, database).await;
        let next = Arc::new(AtomicU32::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (store, next) = (store.clone(), Arc::clone(&next));
                tokio::spawn(async move {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return;
                        }
                        store.commit(&local(), run(number)).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        store.close().await;
    });
}

/// What the flow of the load figures decides at once.
pub fn sign_in() -> serde_json::Value {
    serde_json::json!({
        "event": {
            "request": {
                "ip": "203.0.113.9", "method": "POST", "path": "/login", "user_agent": "x", "language": "fr-FR",
                "device": { "id": "dev_1", "type": "desktop" }, "geo": { "country": "FR" },
                "asn": {
                    "number": 3215, "is_tor": false, "is_vpn": false, "is_proxy": false, "is_hosting": false,
                    "is_bogon": false,
                },
            },
            "client": { "id": "app_1", "name": "x", "type": "spa", "first_party": true },
        },
        "input": { "identifier": "nobody@example.com" },
    })
}

fn run(number: u32) -> RunCommit {
    let line = TraceEvent::Log { label: "step".into(), level: Level::Info, text: "x".repeat(24) };
    let id = format!("run_{:032x}", u128::from(number) << 64);
    let entry = AuditEntry {
        kind: "flow.run_completed".to_owned(),
        actor: "anonymous".to_owned(),
        target: "flow:login".to_owned(),
        outcome: "denied".to_owned(),
        data: Datum::record([("run", Datum::Str(id.as_str().into())), ("outcome", Datum::Str("deny".into()))]),
    };
    RunCommit {
        run_id: id,
        flow: "login".to_owned(),
        bundle: [3; 32],
        seq: 0,
        user_id: None,
        outcome: "deny".to_owned(),
        detail: Some("step_up_needed".to_owned()),
        suspended: None,
        context: None,
        kept: None,
        trace: Arc::new(Trace { events: vec![line; 16] }),
        unit: Arc::new(Unit { writes: Vec::new(), audit: vec![entry] }),
        at: at(number),
    }
}

fn at(number: u32) -> Instant {
    Instant { seconds: FIRST + i64::from(number / 1_000), nanos: number % 1_000 * 1_000_000 }
}

fn local() -> TenantId {
    "local".parse().unwrap()
}

async fn open(folder: &Path, database: &Path) -> SqlStore {
    let (keys, _) = KeyFile::open_or_create(&folder.join("admit.key")).unwrap();
    SqlStore::open(database, SealKey::new(keys.sealing())).await.unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}
