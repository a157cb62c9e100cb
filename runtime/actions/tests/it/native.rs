//! Hostile Actions that loop within one built-in, `tests/hostile/native/*.js`, where the engine does not look at the clock:
//! whether or not the supervisor has to kill the worker, each ends in time and the next Action is unharmed.

use std::path::Path;
use std::time::{Duration, Instant};

use admit_actions::{Options, Rate};

use crate::support::{Bench, NOTHING, options};

const WALL: u64 = 150;
/// For a busy machine; an idle one takes 60 ms.
const MARGIN: Duration = Duration::from_millis(1_000);

#[tokio::test]
async fn t3_loops_within_a_built_in_end_in_time() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/native");
    let mut scripts: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    let cpu = Rate { share: 100.0, burst: Duration::from_secs(1_000) };
    let bench = Bench { wall: WALL, ..Bench::new(Options { cpu, patience: Duration::from_secs(10), ..options() }) };
    println!("| script | feature | ended by | ms |\n| --- | --- | --- | --- |");
    for script in &scripts {
        let name = script.file_stem().unwrap().display();
        let code = std::fs::read_to_string(script).unwrap();
        let feature = code.lines().next().and_then(|line| line.strip_prefix("// feature: ")).unwrap();
        bench.pool.ready().await.unwrap();
        let start = Instant::now();
        let result = bench.run(&code).await;
        let took = start.elapsed();
        let ended = result.map_or_else(|error| error.to_string(), |_| "well".to_owned());
        println!("| {name} | {feature} | {ended} | {} |", took.as_millis());
        assert!(took < Duration::from_millis(WALL) + MARGIN, "{name}: {took:?}, {ended}");
        assert_ne!(ended, "well", "{name}");
        assert_eq!(bench.run(NOTHING).await, Ok(Default::default()), "after {name}");
    }
    assert!(scripts.len() >= 20);
}
