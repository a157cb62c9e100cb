//! How long checking a generated project takes: reading, parsing and checking, on all cores, and one flow alone.
//!
//! `cargo bench -p admit-compiler --bench check` prints medians of 11 runs and the ratio of 4,000 flows to 1,000; with
//! `-- alone` only what one flow takes. The processor's time says what a run costs where others use the machine too.

#![expect(clippy::unwrap_used, reason = "a benchmark stops on what it does not expect")]

use std::time::{Duration, Instant};

use admit_compiler::check::{check, check_flow};
use admit_compiler::diagnostic::Level;
use admit_compiler::library::Library;
use admit_compiler::project::Project;
use admit_compiler::resolve::index;

#[path = "../../fuzz/src/project.rs"]
mod project;
#[expect(dead_code, reason = "the benchmark needs only the library")]
#[path = "../tests/support/project.rs"]
mod support;

const RUNS: usize = 11;

fn main() {
    let library = support::library();
    if !std::env::args().any(|arg| arg == "alone") {
        let small = whole(&library, 1_000);
        println!("peak memory so far: {}", peak_memory());
        let large = whole(&library, 4_000);
        println!("4,000 flows take {:.2} times 1,000 flows", large.as_secs_f64() / small.as_secs_f64());
    }
    alone(&library);
    println!("peak memory: {}", peak_memory());
}

/// Reads and checks a project of `flows` flows.
fn whole(library: &Library, flows: usize) -> Duration {
    let files = project::project(flows, 42);
    let mut reading = Duration::ZERO;
    let before = processor_time();
    let time = median(|| {
        let start = Instant::now();
        let (project, found) = Project::read(library, &files);
        reading = start.elapsed();
        assert!(found.is_empty(), "{found:?}");
        let checked = check(&project, library);
        let errors = checked.diagnostics.iter().filter(|found| found.level == Level::Error).count();
        assert_eq!((errors, checked.flows.len()), (0, flows), "{:?}", checked.diagnostics.first());
    });
    let lines = project::lines(&files);
    let processor = processor_time().saturating_sub(before) / u32::try_from(RUNS).unwrap_or(1);
    println!(
        "admit check, {flows} flows, {lines} lines: {time:.1?}, of which reading and parsing {reading:.1?}; \
         {processor:.1?} of processor time"
    );
    time
}

/// Checks one flow of a thousand again: a new index, then the flow.
fn alone(library: &Library) {
    let files = project::project(1_000, 42);
    let (project, _) = Project::read(library, &files);
    let lists = project.list_sets();
    let built = median(|| drop(index(&project.files, &lists, library, &mut Vec::new())));
    let index = index(&project.files, &lists, library, &mut Vec::new());
    for name in ["custom-500", "login"] {
        let item = index.flows.get(name).unwrap().item;
        let time = median(|| drop(check_flow(item, &index)));
        println!("one flow of 1,000 alone, `{name}`: {time:.1?}, and {built:.1?} for a new index");
    }
}

/// Processor time of all threads of the process so far, as the kernel counts it in ticks of a hundredth of a second.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = |at: usize| {
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        after_name.split_whitespace().nth(at).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or(0)
    };
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// The most memory that the process has held, as the kernel counts it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or("not known", str::trim).to_owned()
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(RUNS / 2).copied().unwrap_or_default()
}
