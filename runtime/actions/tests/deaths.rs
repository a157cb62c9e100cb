//! Row T5 of the threat table: workers die by the thousand, each in one of several ways, beside a tenant that is served all the
//! while, and the server is as it was. No process, open file, memory or temporary file is left of them.
//!
//! 200 die in the test run. `ADMIT_DEATHS` says how many otherwise; ten thousand, with what was left of them printed:
//! `ADMIT_DEATHS=10000 cargo test --release -p admit-actions --test deaths -- --nocapture`
#![cfg(test)]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use admit_actions::{Options, Rate};
use admit_runtime::action::ActionError;
use rustix::process::{Pid, Signal, kill_process};
use support::{Bench, NOTHING, eventually, options, resident};

#[path = "it/support.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod support;

const NAME: &str = "t5_workers_that_die_leave_nothing_behind";
const LOOP: &str = "export function execute() { for (;;); }";
/// What the server's allocator may keep more than after the first tenth, in bytes.
const GROWTH: u64 = 4 << 20;
const INSIDE: &str = "ADMIT_DEATHS_INSIDE";

/// The test runs in a process of its own, whose folder of temporary files and working folder are empty before and after.
#[test]
fn t5_workers_that_die_leave_nothing_behind() {
    if std::env::var_os(INSIDE).is_some() {
        tokio::runtime::Runtime::new().unwrap().block_on(deaths());
        return;
    }
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let ended = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .env("TMPDIR", folders[0].path())
        .current_dir(folders[1].path())
        .status()
        .unwrap();
    assert!(ended.success());
    for folder in folders {
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// What the server holds, besides memory.
#[derive(Debug, PartialEq)]
struct Held {
    /// Processes that it started and that are not buried.
    children: usize,
    files: usize,
    threads: usize,
}

async fn deaths() {
    let deaths: u64 = std::env::var("ADMIT_DEATHS").map_or(200, |count| count.parse().unwrap());
    let cpu = Rate { share: 1_000.0, burst: Duration::from_secs(1_000) };
    let bench = Bench::new(Options { cpu, patience: Duration::from_secs(20), ..options() });
    let bench = Arc::new(Bench { wall: 100, ..bench });
    let stop = Arc::new(AtomicBool::new(false));
    let served = tokio::spawn(serve(Arc::clone(&bench), Arc::clone(&stop)));
    let start = Instant::now();
    let mut warm = None;
    for number in 0.. {
        let dead = dead(&bench);
        if warm.is_none() && dead >= deaths / 10 {
            warm = Some(settled(&bench).await);
        }
        if dead >= deaths {
            break;
        }
        die(&bench, number).await;
    }
    let ((before, was), (after, is)) = (warm.unwrap(), settled(&bench).await);
    let grown = is.saturating_sub(was);
    let (took, stats) = (start.elapsed(), bench.pool.stats());
    stop.store(true, Ordering::Relaxed);
    let served = served.await.unwrap();
    println!(
        "{} workers died in {took:.0?}, {served} invocations of another tenant went well: {stats:?}",
        dead(&bench)
    );
    println!("after the first tenth {before:?}, at the end {after:?}; memory +{} KiB", grown >> 10);
    assert_eq!(after, before);
    assert!(grown < GROWTH, "{grown} bytes");
    assert!(served > 0);
    assert_eq!(bench.run(NOTHING).await, Ok(Default::default()));
    drop(bench);
    let end = Instant::now() + Duration::from_secs(10);
    while children() > 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(children(), 0, "no worker outlives its pool");
}

/// Workers that were started and do not live any more.
fn dead(bench: &Bench) -> u64 {
    let stats = bench.pool.stats();
    stats.started.saturating_sub(stats.workers)
}

/// Runs a tenant's Actions until it is told to stop; gives how many. Every one goes well.
async fn serve(bench: Arc<Bench>, stop: Arc<AtomicBool>) -> u64 {
    let tenant = "victim".parse().unwrap();
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let report = bench.report_for(&tenant, NOTHING).await;
        assert_eq!(report.result, Some(Ok(Default::default())), "{count} went well before");
        count += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    count
}

/// One worker dies.
async fn die(bench: &Arc<Bench>, number: u64) {
    match number % 20 {
        // Nobody waits for its invocation any more.
        3 => {
            bench.run(NOTHING).await.unwrap();
            let gone = tokio::time::timeout(Duration::from_millis(2), bench.run(LOOP)).await;
            assert!(gone.is_err());
        }
        // In the middle of an invocation, or, where it is quicker, before it.
        7 => {
            bench.run(NOTHING).await.unwrap();
            let ids = idle(bench);
            let running = tokio::spawn({
                let bench = Arc::clone(bench);
                async move { bench.run(LOOP).await }
            });
            tokio::time::sleep(Duration::from_millis(1)).await;
            ids.into_iter().for_each(|id| kill(id, Signal::KILL));
            assert!(running.await.unwrap().is_err());
        }
        // While it waits for its tenant, at once or by a fault.
        way => {
            bench.run(NOTHING).await.unwrap();
            let signal = if way % 2 == 0 { Signal::KILL } else { Signal::SEGV };
            idle(bench).into_iter().for_each(|id| kill(id, signal));
            match bench.run(NOTHING).await {
                Ok(_) | Err(ActionError::Crashed(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
}

/// Process ids of the tenant's workers that do nothing now.
fn idle(bench: &Bench) -> Vec<u32> {
    let idle = bench.pool.status().idle.into_iter();
    idle.filter(|(tenant, _)| tenant == bench.tenant.as_str()).flat_map(|(_, ids)| ids).collect()
}

/// It may be gone by itself meanwhile.
fn kill(id: u32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(id.cast_signed()).unwrap(), signal);
}

/// What is held, and resident memory in bytes, once there are a worker of each tenant and a spare one, and the dead are
/// buried.
async fn settled(bench: &Bench) -> (Held, u64) {
    while bench.run(NOTHING).await.is_err() {}
    eventually(|| {
        let stats = bench.pool.stats();
        (stats.workers, stats.spare_worlds) == (3, 1) && children() == 3
    })
    .await;
    let count = |folder| std::fs::read_dir(folder).unwrap().count();
    // The one that counts is open itself.
    let held = Held { children: children(), files: count("/proc/self/fd") - 1, threads: count("/proc/self/task") };
    (held, resident("self"))
}

/// Processes whose parent is this one, dead ones that nobody has waited for included.
fn children() -> usize {
    let own = std::process::id().to_string();
    let parent = |process: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
        // What stands before the last `)` is the name.
        let rest = stat.rsplit_once(") ")?.1;
        rest.split(' ').nth(1).map(str::to_owned)
    };
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| parent(entry.unwrap())).filter(|id| *id == own).count()
}
