//! A tenant that attacks beside one that does not: hostile scripts with all the concurrency that a tenant has, and a victim
//! with 200 invocations a second, whose latency is compared with that of an idle machine. And: how late every hostile
//! script of the conformance data ends.
//!
//! `cargo bench -p admit-actions --bench fairness -- hostile` is the scripts alone, `-- beside 2` two runs of the rest.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark that cannot run says why and stops"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use admit_actions::{Options, Rate};
use admit_runtime::tenant::TenantId;
use support::{Bench, options};

#[path = "../tests/it/support.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod support;

const RUNS: usize = 5;
const RATE: u64 = 200;
const VICTIMS: usize = 2_000;
const WALL: u64 = 200;
const VICTIM: &str = "export function execute(input) {
  return input.user?.email?.endsWith('@cymmetri.com') ? { kind: 'continue' } : { kind: 'block' }
}";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let scripts = scripts();
    // What Cargo says to every benchmark is not for this one.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wants = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    let runs = words.iter().find_map(|word| word.parse().ok()).unwrap_or(RUNS);
    runtime.block_on(async {
        if wants("hostile") {
            hostile(&scripts).await;
        }
        if wants("beside") {
            fairness(&scripts, runs).await;
        }
    });
}

/// When each hostile script has ended, on a machine that does nothing else.
async fn hostile(scripts: &[(String, String)]) {
    // Nothing but their own limits shall end them.
    let cpu = Rate { share: 100.0, burst: Duration::from_secs(1_000) };
    let bench = Bench { wall: WALL, ..Bench::new(Options { cpu, patience: Duration::from_secs(10), ..options() }) };
    let before = support::resident("self");
    let mut latest = (Duration::ZERO, "");
    for (name, code) in scripts {
        bench.pool.ready().await.unwrap();
        let start = Instant::now();
        let _ = bench.run(code).await;
        latest = latest.max((start.elapsed(), name));
    }
    let late = latest.0.as_secs_f64() * 1e3 - WALL as f64;
    println!(
        "{} hostile scripts: the latest, {}, {late:+.1} ms after its soft deadline (limit 60)",
        scripts.len(),
        latest.1
    );
    let grown = support::resident("self").saturating_sub(before);
    println!("the server grew by {:.1} MiB", grown as f64 / f64::from(1 << 20));
}

async fn fairness(scripts: &[(String, String)], runs: usize) {
    let bench = Arc::new(Bench::on_event(options()).unwrap());
    victims(&bench, 400).await;
    let mut p99s = Vec::new();
    for _ in 0..runs {
        let idle = p99(victims(&bench, VICTIMS).await);
        let stop = Arc::new(AtomicBool::new(false));
        let (ended, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let attackers: Vec<_> = (0..8)
            .map(|number| {
                let (bench, stop, scripts) = (Arc::clone(&bench), Arc::clone(&stop), scripts.to_vec());
                let (ended, refused) = (Arc::clone(&ended), Arc::clone(&refused));
                let tenant: TenantId = "attacker".parse().unwrap();
                tokio::spawn(async move {
                    for (_, code) in scripts.iter().cycle().skip(number * 7) {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let report = bench.report_for(&tenant, code).await;
                        let refusal =
                            matches!(report.result, Some(Err(admit_runtime::action::ActionError::Unavailable(_))));
                        (if refusal { &refused } else { &ended }).fetch_add(1, Ordering::Relaxed);
                        if refusal {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    }
                })
            })
            .collect();
        let attacked = p99(victims(&bench, VICTIMS).await);
        stop.store(true, Ordering::Relaxed);
        for attacker in attackers {
            attacker.await.unwrap();
        }
        let (ended, refused) = (ended.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
        println!("p99 idle {idle:.2} ms, attacked {attacked:.2} ms; {ended} attacks ran, {refused} were refused");
        p99s.push((attacked - (1.5 * idle).max(idle + 3.0), idle, attacked));
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    p99s.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (over, idle, attacked) = p99s[runs / 2];
    let limit = attacked - over;
    println!("victim's p99 under attack: {attacked:.2} ms, idle {idle:.2} ms (limit {limit:.2}), median of {runs}");
}

/// Latencies in milliseconds, open loop.
async fn victims(bench: &Arc<Bench>, count: usize) -> Vec<f64> {
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / RATE));
    let mut running = Vec::with_capacity(count);
    for _ in 0..count {
        let due = ticks.tick().await;
        let bench = Arc::clone(bench);
        running.push(tokio::spawn(async move {
            bench.run(VICTIM).await.unwrap();
            due.elapsed().as_secs_f64() * 1e3
        }));
    }
    let mut times = Vec::with_capacity(count);
    for invocation in running {
        times.push(invocation.await.unwrap());
    }
    times
}

fn p99(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() * 99 / 100]
}

/// Names of the conformance scripts, and each as an Action.
fn scripts() -> Vec<(String, String)> {
    let shared = std::env::var_os("ADMIT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let mut files: Vec<_> = std::fs::read_dir(shared.join("conformance/hostile-actions")).unwrap().collect();
    files.sort_by_key(|file| file.as_ref().unwrap().file_name());
    let read = |file: Result<std::fs::DirEntry, std::io::Error>| {
        let path = file.unwrap().path();
        let body = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().display().to_string();
        (name, format!("export async function execute(input, api) {{\n{body}\n}}"))
    };
    files.into_iter().map(read).collect()
}
