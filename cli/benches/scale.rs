//! What a server costs before and besides its load: `cargo bench --workspace --bench scale`.
//!
//! - from the start of the process to `ready` with 1,000 flows of 20 tenants, from bundles in the store, and its memory for each;
//! - the time of a run and of the page of recent runs where a million runs are recorded, beside an empty store.
//!
//! The million is recorded through the store itself, in groups as under load, and takes a minute or two.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a benchmark that cannot run stops")]

#[path = "load/bare.rs"]
#[expect(dead_code, reason = "shared with the benchmark of load; nothing is compared with it here")]
mod bare;
#[path = "scale/prepare.rs"]
mod prepare;
#[path = "../../fuzz/src/project.rs"]
#[expect(dead_code, reason = "shared with other benchmarks; its lines are not counted here")]
mod project;
#[path = "load/served.rs"]
#[expect(dead_code, reason = "shared with the benchmark of load; nothing is held to a core here")]
mod served;

use std::path::Path;
use std::time::{Duration, Instant};

use served::Served;

const TENANTS: usize = 20;
const FLOWS: usize = 50;
const RUNS: u32 = 1_000_000;

fn main() {
    // Without `--bench`, which `cargo bench` gives, it is only asked whether it runs at all.
    let is_test = !std::env::args().any(|argument| argument == "--bench");
    let (tenants, runs) = if is_test { (2, 2_000) } else { (TENANTS, RUNS) };
    let folder = tempfile::tempdir().unwrap();
    start(folder.path(), tenants);
    recorded(folder.path(), runs);
}

fn start(folder: &Path, tenants: usize) {
    let (many, none) = (folder.join("many.db"), folder.join("none.db"));
    prepare::tenants(folder, &many, tenants, FLOWS);
    let flows = tenants * FLOWS;
    // The first start of each makes the tenant of its own project; it is not measured.
    let (memory_before, _) = started(folder, &none);
    started(folder, &many);
    let mut ends: Vec<(u64, Duration)> = (0..5).map(|_| started(folder, &many)).collect();
    ends.sort_by_key(|(_, time)| *time);
    let (memory, time) = ends[ends.len() / 2];
    let each = memory.saturating_sub(memory_before) as f64 / flows as f64;
    verdict(&format!("start to ready, {flows} flows of {tenants} tenants"), time.as_secs_f64(), 1.0, "s");
    verdict("memory of a loaded flow", each, 64.0, "kB");
}

/// Resident memory in kB once it is ready, and how long that took.
fn started(folder: &Path, database: &Path) -> (u64, Duration) {
    let start = Instant::now();
    let served = admit(folder, database);
    (served.memory(), start.elapsed())
}

fn recorded(folder: &Path, runs: u32) {
    let (full, empty) = (folder.join("full.db"), folder.join("empty.db"));
    let [full, empty] = [&full, &empty].map(|database| admit(folder, database));
    let began = Instant::now();
    prepare::runs(folder, &folder.join("full.db"), runs);
    println!("{runs} runs were recorded in {:.0} s", began.elapsed().as_secs_f64());
    let body = serde_json::to_vec(&prepare::sign_in()).unwrap();
    let time = |what: &dyn Fn()| {
        let start = Instant::now();
        what();
        start.elapsed().as_secs_f64() * 1e3
    };
    let run = |server: &Served| time(&|| assert_eq!(server.post(&body)["outcome"], "deny"));
    // They take turns, so that what else the machine and its disk do meets both.
    let both: Vec<(f64, f64)> = (0..400).map(|_| (run(&full), run(&empty))).collect();
    let (there, here) = both.into_iter().skip(20).unzip();
    let (there, here) = (median(there), median(here));
    println!("a run: {there:.2} ms with {runs} recorded, {here:.2} ms with none");
    verdict("a run with a million recorded, over an empty store", there / here, 1.2, "times");
    let newest = full.get("/v1/runs?limit=50");
    let cursor = newest["next_cursor"].as_str().unwrap();
    for (name, path) in [
        ("the page of recent runs", "/v1/runs?limit=50".to_owned()),
        ("its next page", format!("/v1/runs?limit=50&cursor={cursor}")),
        ("recent runs of a flow and an outcome", "/v1/runs?limit=50&flow=login&outcome=deny".to_owned()),
    ] {
        let times = (0..20).map(|_| time(&|| assert_eq!(full.get(&path)["runs"].as_array().unwrap().len(), 50)));
        verdict(name, median(times.collect()), 50.0, "ms");
    }
}

fn admit(folder: &Path, database: &Path) -> Served {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load/project");
    let key_file = folder.join("admit.key");
    let given = ["--key-file", key_file.to_str().unwrap(), "--database", database.to_str().unwrap()];
    Served::admit(None, &project, &given)
}

fn verdict(what: &str, found: f64, limit: f64, unit: &str) {
    let holds = if found <= limit { "holds" } else { "MISSED" };
    println!("{what}: {found:.2} {unit} (limit {limit:.2}): {holds}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
