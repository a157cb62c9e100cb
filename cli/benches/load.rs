//! What a run costs over HTTP, against a bare axum handler that parses the same bytes and echoes them:
//! `cargo bench --workspace --bench load`.
//!
//! Four servers stand ready, each a process that is held to one core; this program is held to another, and PostgreSQL with it. They
//! take turns under 256 connections that are kept, so that what else the machine does meets all of them: server CPU (user and
//! system) per request, requests a second, and then the time of answers at 70 % of what each can do. Ratios are medians of rounds.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a benchmark that cannot run stops")]

#[path = "load/bare.rs"]
mod bare;
#[path = "load/generator.rs"]
mod generator;
#[path = "../../runtime/store/tests/it/support/postgres.rs"]
mod postgres;
#[path = "load/served.rs"]
#[expect(dead_code, reason = "shared with the benchmark of scale, which asks more")]
mod served;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use generator::{Generator, Measured};
use served::{Served, pinned_to};

const CONNECTIONS: usize = 256;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);
const STEADY: Duration = Duration::from_secs(4);
const SATURATION: f64 = 0.7;
/// CPU per request over the bare handler's: what is promised.
const LIMITS: [f64; 4] = [1.0, 1.11, 2.2, 3.0];
const NAMES: [&str; 4] = ["bare axum handler", "admit --records none", "admit on SQLite", "admit on PostgreSQL"];

/// What a server came to in one round.
struct Round {
    /// CPU per request, in seconds.
    cpu: f64,
    /// Requests a second.
    rate: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == bare::ARGUMENT) {
        return bare::serve();
    }
    let [for_servers, for_us] = served::two_cores();
    pinned_to(for_us);
    let Some(event) = event() else {
        println!("the benchmark did not run: there is no event (set ADMIT_SHARED)");
        return;
    };
    // Without `--bench`, which `cargo bench` gives, it is only asked whether it runs at all.
    let is_test = !arguments.iter().any(|argument| argument == "--bench");
    let (rounds, round) = if is_test { (1, Duration::from_millis(200)) } else { (ROUNDS, ROUND) };
    let steady = if is_test { round } else { STEADY };
    let body = body(&event);
    let folder = tempfile::tempdir().unwrap();
    let servers = servers(folder.path(), for_servers);
    for server in &servers {
        server.check(&body);
    }

    let mut done: Vec<Vec<Round>> = servers.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (server, done) in servers.iter().zip(&mut done) {
            done.push(one_round(server, &body, round));
        }
    }
    println!("{:<22} {:>12} {:>8} {:>8} {:>8}", "", "requests/s", "us CPU", "ratio", "limit");
    for (number, rounds) in done.iter().enumerate() {
        let ratios = rounds.iter().zip(&done[0]).map(|(round, bare)| round.cpu / bare.cpu).collect();
        let (ratio, limit) = (median(ratios), LIMITS[number]);
        let cpu = median(rounds.iter().map(|round| round.cpu * 1e6).collect());
        let verdict = if ratio <= limit { "holds" } else { "MISSED" };
        let rate = rate(rounds);
        println!("{:<22} {rate:>12.0} {cpu:>8.1} {ratio:>8.2} {limit:>8.2}  {verdict}", NAMES[number]);
    }

    let disk = disk(folder.path()) * 1e3;
    println!("\np99 at {:.0} % of saturation; one fdatasync takes {disk:.2} ms", 100.0 * SATURATION);
    let mut bare = 0.0;
    for (number, (server, rounds)) in servers.iter().zip(&done).enumerate() {
        let measured = Generator::connect(&server.address, CONNECTIONS, server.request(&body));
        let measured = measured.at_rate(rate(rounds) * SATURATION, steady);
        server.check(&body);
        let (p50, p99) = (measured.quantile(0.5) * 1e3, measured.quantile(0.99) * 1e3);
        let limit = match number {
            0 => p99,
            1 => 5.0 * bare,
            _ => 5.0 * bare + 4.0 * disk,
        };
        bare = if number == 0 { p99 } else { bare };
        let verdict = if p99 <= limit { "holds" } else { "MISSED" };
        println!("{:<22} p50 {p50:>7.2} ms  p99 {p99:>7.2} ms  limit {limit:>7.2} ms  {verdict}", NAMES[number]);
    }
}

/// The servers, in the order of [`NAMES`]; the last is left out where PostgreSQL is not installed.
fn servers(folder: &Path, core: usize) -> Vec<Served> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load/project");
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let admit = |database: &str, more: &[&str]| {
        let key_file = file("admit.key");
        let given = ["--key-file", &key_file, "--database", database, "--most-runs", "1024"];
        Served::admit(Some(core), &project, &[&given[..], more].concat())
    };
    let mut servers = vec![
        Served::bare(Some(core)),
        admit(&file("none.db"), &["--records", "none"]),
        admit(&file("durable.db"), &[]),
    ];
    match postgres::start(true) {
        Some(server) => servers.push(admit(&format!("{server}/postgres"), &[])),
        None => println!("one server is left out: there is no PostgreSQL here"),
    }
    servers
}

fn one_round(server: &Served, body: &[u8], round: Duration) -> Round {
    let generator = Generator::connect(&server.address, CONNECTIONS, server.request(body));
    let before = server.cpu();
    let measured: Measured = generator.saturated(round);
    let cpu = server.cpu() - before;
    let count = measured.count() as f64;
    Round { cpu: cpu / count, rate: count / measured.seconds }
}

fn rate(rounds: &[Round]) -> f64 {
    median(rounds.iter().map(|round| round.rate).collect())
}

fn event() -> Option<serde_json::Value> {
    let shared = std::env::var_os("ADMIT_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    serde_json::from_slice(&std::fs::read(shared.join("conformance/event.json")).ok()?).ok()
}

/// The event as a caller sends it: without what only the runtime sets.
fn body(event: &serde_json::Value) -> Vec<u8> {
    let mut event = event.clone();
    let groups = event.as_object_mut().unwrap();
    for group in ["identifier", "user", "authentication", "tenant"] {
        groups.remove(group);
    }
    serde_json::to_vec(&serde_json::json!({ "event": event, "input": { "identifier": "alice@cymmetri.com" } })).unwrap()
}

/// Median time of appending 4 kB and waiting until they are on the disk (fdatasync), in seconds.
fn disk(folder: &Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("disk")).unwrap();
    let times = (0..200).map(|_| {
        let start = std::time::Instant::now();
        file.write_all(&[1; 4096]).unwrap();
        file.sync_data().unwrap();
        start.elapsed().as_secs_f64()
    });
    median(times.collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
