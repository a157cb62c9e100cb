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

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::{Bench, options, resident};
use tokio::io::AsyncReadExt as _;

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
    let (mut paces, mut workers) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let before = cpu_of_server();
        pace(1_000, || std::future::ready(())).await;
        paces.push(cpu_of_server().saturating_sub(before) as f64 / 1e6);
        let before = (cpu_of_server(), cpu_of_workers(&bench));
        let (mut times, mut inside) = open_loop(&bench, 1_000).await;
        let server = cpu_of_server().saturating_sub(before.0) as f64 / 1e6;
        let worker = cpu_of_workers(&bench).saturating_sub(before.1) as f64 / 1e6;
        medians.push(median(&mut times));
        scripts.push(median(&mut inside));
        workers.push(worker);
        cpus.push(server + worker - paces[paces.len() - 1]);
    }
    let (path, echo) = (median(&mut medians), echo());
    println!("request path at {RATE}/s: median {path:.1} us (limit 60)");
    println!("  a bare echo between two threads at this pace: {echo:.1} us; ratio {:.1}", path / echo);
    println!("  of which the worker's CPU from invocation to answer: {:.1} us", median(&mut scripts));
    println!("cpu in all, a world put back to its image each: {:.1} us an invocation (limit 180)", median(&mut cpus));
    println!(
        "  of which the worker {:.1} us; not in it, {:.1} us that the pacing of this benchmark takes without Actions",
        median(&mut workers),
        median(&mut paces)
    );
}

/// What the system takes for two wakes, in microseconds, median: a thread sends as much as an invocation is and waits for
/// another one to answer.
fn echo() -> f64 {
    let (mut ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let other = std::thread::spawn(move || {
        let mut bytes = [0; 2_048];
        while theirs.read(&mut bytes).unwrap() > 0 {
            theirs.write_all(&[0; 16]).unwrap();
        }
    });
    let mut times: Vec<_> = (0..1_000)
        .map(|_| {
            std::thread::sleep(Duration::from_micros(1_000_000 / RATE));
            let start = Instant::now();
            ours.write_all(&[0; 1_200]).unwrap();
            ours.read_exact(&mut [0; 16]).unwrap();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    drop(ours);
    other.join().unwrap();
    median(&mut times)
}

/// Times on the request path and of the script itself, in microseconds.
async fn open_loop(bench: &Arc<Bench>, count: usize) -> (Vec<f64>, Vec<f64>) {
    let (bench, action) = (Arc::clone(bench), Arc::new(support::action(ALLOWLIST)));
    let measured = pace(count, move || {
        let (bench, action) = (Arc::clone(&bench), Arc::clone(&action));
        async move {
            let start = Instant::now();
            let report = bench.report_of(&bench.tenant, &action).await;
            let took = start.elapsed();
            assert!(matches!(report.result, Some(Ok(_))), "{:?}", report.result);
            (took.as_secs_f64() * 1e6, report.cpu as f64 / 1e3)
        }
    });
    measured.await.into_iter().unzip()
}

/// Starts a task every 2 ms, and gives what they gave. It is asked to over a socket, as a server is.
async fn pace<F, T>(count: usize, task: impl Fn() -> F + Send + 'static) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    // Paced by a thread: timers of the runtime are good to a millisecond, which would send invocations in pairs.
    let (ticks, pacer) = std::os::unix::net::UnixStream::pair().unwrap();
    ticks.set_nonblocking(true).unwrap();
    let pacer = std::thread::spawn(move || {
        let mut pacer = pacer;
        let start = Instant::now();
        for number in 0..count {
            let due = start + Duration::from_micros(1_000_000 / RATE) * u32::try_from(number).unwrap();
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            pacer.write_all(&[0]).unwrap();
        }
    });
    let running = tokio::spawn(async move {
        let mut ticks = tokio::net::UnixStream::from_std(ticks).unwrap();
        let (mut running, mut tick) = (Vec::with_capacity(count), [0]);
        while ticks.read(&mut tick).await.unwrap() > 0 {
            running.push(tokio::spawn(task()));
        }
        running
    });
    let running = running.await.unwrap();
    pacer.join().unwrap();
    let mut given = Vec::with_capacity(count);
    for task in running {
        given.push(task.await.unwrap());
    }
    given
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

/// CPU time of all threads of this process, in nanoseconds.
fn cpu_of_server() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.map(|task| cpu(&format!("self/task/{}", task.unwrap().file_name().display()))).sum()
}

/// CPU time of the workers, in nanoseconds.
fn cpu_of_workers(bench: &Bench) -> u64 {
    bench.workers().iter().map(|id| cpu(&id.to_string())).sum()
}

fn cpu(process: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/schedstat")).unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0)
}

/// Resident memory of the server, and of its workers together, in bytes.
fn sizes(bench: &Bench) -> (u64, u64) {
    (resident("self"), bench.workers().iter().map(|id| resident(&id.to_string())).sum())
}
