//! What Actions cost: latency on the request path, CPU time in all, memory after many invocations and of many Actions.
//!
//! The Action is the domain allowlist of the product's page, on `conformance/event.json` of the folder that `ADMIT_SHARED`
//! names (`../shared` without it).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark that cannot run says why and stops"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use support::{Bench, options, resident};

#[path = "../tests/it/support.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod support;

/// As the page prints it.
const ALLOWLIST: &str = "export async function execute(input) {
  const email = input.user?.email
  if (email?.endsWith('@cymmetri.com')) {
    return { kind: 'continue' }
  }
  return {
    kind: 'block',
    reason: 'Sign-in is restricted to Cymmetri employees.',
    code: 'domain_not_allowed',
  }
}
";
const RATE: u64 = 500;
const RUNS: usize = 11;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        latency().await;
        many_invocations().await;
        many_actions().await;
    });
}

/// Open loop: one invocation every 2 ms, whether or not the one before has ended.
async fn latency() {
    let bench = Arc::new(Bench::on_event(options()).unwrap());
    open_loop(&bench, 500).await;
    let (mut medians, mut scripts, mut cpus) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let before = cpu(&bench);
        let (mut times, mut inside) = open_loop(&bench, 1_000).await;
        let used = cpu(&bench).saturating_sub(before);
        medians.push(median(&mut times));
        scripts.push(median(&mut inside));
        cpus.push(used as f64 / 1e3 / times.len() as f64);
    }
    println!("request path at {RATE}/s: median {:.1} us (limit 60)", median(&mut medians));
    println!("  of which CPU of the script itself: {:.1} us", median(&mut scripts));
    println!("cpu in all, a new runtime each: {:.1} us an invocation (limit 180)", median(&mut cpus));
}

/// Times on the request path and of the script itself, in microseconds.
async fn open_loop(bench: &Arc<Bench>, count: usize) -> (Vec<f64>, Vec<f64>) {
    // Paced by a thread: timers of the runtime are good to a millisecond, which would send invocations in pairs.
    let (sender, mut ticks) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let start = Instant::now();
        for number in 0..count {
            let due = start + Duration::from_micros(1_000_000 / RATE) * u32::try_from(number).unwrap();
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    let mut running = Vec::with_capacity(count);
    while ticks.recv().await.is_some() {
        let bench = Arc::clone(bench);
        running.push(tokio::spawn(async move {
            let start = Instant::now();
            let report = bench.report(ALLOWLIST).await;
            let took = start.elapsed();
            assert!(matches!(report.result, Some(Ok(_))), "{:?}", report.result);
            (took.as_secs_f64() * 1e6, report.cpu as f64 / 1e3)
        }));
    }
    let (mut times, mut inside) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for invocation in running {
        let (time, script) = invocation.await.unwrap();
        times.push(time);
        inside.push(script);
    }
    (times, inside)
}

async fn many_invocations() {
    let bench = Bench::on_event(options()).unwrap();
    let mut after_first = (0, 0);
    for count in 1..=100_000 {
        bench.run(ALLOWLIST).await.unwrap();
        if count == 1_000 {
            after_first = sizes(&bench);
        }
    }
    let (server, workers) = sizes(&bench);
    let grown = |now: u64, before: u64| (now as f64 - before as f64) / f64::from(1 << 20);
    println!(
        "100,000 invocations in a row: server {:+.2} MiB, workers {:+.2} MiB after the first 1,000 (limit 2); now {:.1} and {:.1}",
        grown(server, after_first.0),
        grown(workers, after_first.1),
        grown(server, 0),
        grown(workers, 0),
    );
}

async fn many_actions() {
    let bench = Bench::on_event(options()).unwrap();
    bench.run(ALLOWLIST).await.unwrap();
    let before = sizes(&bench);
    for number in 0..1_000 {
        let mut code = ALLOWLIST.replace("cymmetri.com", &format!("cymmetri.com', '{number}"));
        while code.len() < 2_048 {
            code.push_str(
                "export const text = () => 'of no use';\n".replace("text", &format!("t{}", code.len())).as_str(),
            );
        }
        let _ = bench.run(&code).await;
    }
    let after = sizes(&bench);
    let grown = (after.0 + after.1) as f64 - (before.0 + before.1) as f64;
    println!("1,000 actions of 2 kB, each run once: {:+.1} MB (limit 100)", grown / 1e6);
}

/// The one in the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// CPU time of the server and its workers, in nanoseconds.
fn cpu(bench: &Bench) -> u64 {
    let of = |process: &str| {
        let text = std::fs::read_to_string(format!("/proc/{process}/schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0)
    };
    // Of the server every thread.
    let own = std::fs::read_dir("/proc/self/task").unwrap();
    let own: u64 = own.map(|task| of(&format!("self/task/{}", task.unwrap().file_name().display()))).sum();
    own + bench.workers().iter().map(|id| of(&id.to_string())).sum::<u64>()
}

/// Resident memory of the server, and of its workers together, in bytes.
fn sizes(bench: &Bench) -> (u64, u64) {
    (resident("self"), bench.workers().iter().map(|id| resident(&id.to_string())).sum())
}
