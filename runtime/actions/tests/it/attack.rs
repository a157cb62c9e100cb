//! The conformance scripts, each as the body of an Action: it ends in time, and the next Action of its tenant is unharmed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use admit_actions::{Options, Rate};

use crate::support::{Bench, MARGIN, options, resident};

const WALL: u64 = 150;
/// Sees whether anything of another invocation is left, and whether the built-ins still work.
const CANARY: &str = "
const clean = globalThis.k === undefined && Object.prototype.x === undefined && [].polluted === undefined;
export function execute(input, api) {
  const works = [3, 1, 2].sort().join('') === '123' && JSON.stringify({ a: [1] }) === '{\"a\":[1]}' && /a+/.test('aa');
  if (!clean || !works) api.deny('it is not as it was');
}";

#[tokio::test]
async fn t2_t3_t4_conformance_scripts_end_in_time_and_harm_nobody() {
    let folder = shared().join("conformance/hostile-actions");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("{} is not there, 56 cases did not run", folder.display());
        return;
    };
    let mut scripts: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    let cpu = Rate { share: 100.0, burst: Duration::from_secs(1_000) };
    let bench = Bench::new(Options { cpu, patience: Duration::from_secs(10), ..options() });
    let bench = Bench { wall: WALL, ..bench };
    let before = resident("self");
    for script in &scripts {
        let name = script.file_name().unwrap().display();
        let body = std::fs::read_to_string(script).unwrap();
        bench.pool.ready().await.unwrap();
        let start = Instant::now();
        let result = bench.run(&format!("export async function execute(input, api) {{\n{body}\n}}")).await;
        let took = start.elapsed();
        assert!(took < Duration::from_millis(WALL) + MARGIN, "{name}: {took:?}, {result:?}");
        println!("{name}: {took:?}, {}", result.map_or_else(|error| error.to_string(), |_| "ended".to_owned()));
        assert_eq!(bench.run(CANARY).await, Ok(Default::default()), "after {name}");
    }
    let grown = resident("self").saturating_sub(before);
    assert!(grown < 32 << 20, "the server grew by {grown} bytes");
    println!("{} scripts", scripts.len());
    assert!(scripts.len() >= 50);
}

fn shared() -> PathBuf {
    std::env::var_os("ADMIT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from)
}
