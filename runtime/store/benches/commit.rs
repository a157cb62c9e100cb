//! Commits of runs per second, each with its row, its trace and two audit entries on disk before it is acknowledged: one caller
//! alone, whose every commit waits for the disk, and 64 at once, whose commits go in groups:
//! `cargo bench -p admit-store --bench commit`. The ratio is what counts, and beside it what one write to the disk costs.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot run stops")]

#[path = "../tests/it/support/postgres.rs"]
mod postgres;

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use admit_eval::datum::Datum;
use admit_runtime::host::{RunCommit, Store as _};
use admit_runtime::tenant::TenantId;
use admit_runtime::trace::{Level, Trace, TraceEvent};
use admit_runtime::unit::{AuditEntry, Unit};
use admit_store::SqlStore;
use admit_store::seal::SealKey;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(1);
const CALLERS: usize = 64;

fn main() {
    // Without `--bench`, which `cargo bench` gives, it is only asked whether it runs at all.
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    println!("one write to the disk   {:>8.0} us", disk(folder.path()).as_secs_f64() * 1e6);
    let rounds = if is_test { 1 } else { ROUNDS };
    runtime.block_on(measure("SQLite", &folder.path().join("admit.db"), rounds));
    match postgres::start(true) {
        Some(server) => runtime.block_on(measure("PostgreSQL", Path::new(&format!("{server}/postgres")), rounds)),
        None => println!("1 benchmark did not run: there is no PostgreSQL here"),
    }
}

async fn measure(name: &str, address: &Path, rounds: usize) {
    let store = SqlStore::open(address, SealKey::new([7; 32])).await.unwrap();
    // Interleaved, so that whatever else the machine does meets both.
    let (mut alone, mut grouped) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        alone.push(commits(&store, 1).await);
        grouped.push(commits(&store, CALLERS).await);
    }
    let (alone, grouped) = (median(alone), median(grouped));
    let ratio = grouped / alone;
    println!(
        "{name:<12} 1 caller {alone:>8.0} commits/s   {CALLERS} callers {grouped:>8.0} commits/s   ratio {ratio:.1}"
    );
    let entries = store.verify_audit(&tenant()).await.unwrap().unwrap();
    assert_eq!(entries, 2 * RUNS.load(Ordering::Relaxed), "an acknowledged run has its entries");
    RUNS.store(0, Ordering::Relaxed);
}

static RUNS: AtomicU64 = AtomicU64::new(0);

/// How many commits per second so many callers get.
async fn commits(store: &SqlStore, callers: usize) -> f64 {
    let start = Instant::now();
    let callers: Vec<_> = (0..callers)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut done = 0_u32;
                while start.elapsed() < ROUND {
                    let number = RUNS.fetch_add(1, Ordering::Relaxed);
                    store.commit(&tenant(), run(number)).await.unwrap();
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for caller in callers {
        done += caller.await.unwrap();
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

fn run(number: u64) -> RunCommit {
    let line = TraceEvent::Log { label: "step".into(), level: Level::Info, text: "x".repeat(60) };
    let entry = AuditEntry {
        kind: "flow.run_completed".to_owned(),
        actor: "flow:login".to_owned(),
        target: "user:unknown".to_owned(),
        outcome: "denied".to_owned(),
        data: Datum::record([("ip", Datum::Str("203.0.113.7".into()))]),
    };
    RunCommit {
        run_id: format!("run_{number}"),
        flow: "login".to_owned(),
        bundle: [3; 32],
        seq: 0,
        user_id: None,
        outcome: "deny".to_owned(),
        detail: Some("wrong_password".to_owned()),
        suspended: None,
        context: None,
        kept: None,
        trace: Arc::new(Trace { events: vec![line; 20] }),
        unit: Arc::new(Unit { writes: Vec::new(), audit: vec![entry.clone(), entry] }),
        at: admit_eval::value::Instant { seconds: 1_000, nanos: 0 },
    }
}

fn tenant() -> TenantId {
    "local".parse().unwrap()
}

/// What it costs to append 4 kB and wait until they are on the disk.
fn disk(folder: &Path) -> Duration {
    let mut file = std::fs::File::create(folder.join("disk")).unwrap();
    let mut times: Vec<Duration> = (0..50)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[1; 4096]).unwrap();
            file.sync_data().unwrap();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
