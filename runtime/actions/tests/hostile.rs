//! Hostile Actions, `tests/hostile/*.js`: each says which feature of the engine it attacks with and what ends it, and
//! ends so, within the soft deadline; the next Action finds nothing of it. What only the supervisor's kill ends runs in
//! `tests/it`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

#[path = "support/worlds.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use admit_actions::wire::{Effects, Failure, Limits};
use support::{EVENT, Ran, invocation, run, run_invocation};

/// For Actions that only the deadline ends; others get time to end by their own limit.
const WALL: u64 = 150;
const LONG: u64 = 5_000;
/// So little that it is used up well within the deadline.
const MEMORY: u64 = 3 << 20;
/// For what a busy machine adds to the deadline.
const MARGIN: Duration = Duration::from_secs(2);

const CANARY: &str = "
export function execute(input, api) {
  const works = [3, 1, 2].sort().join('') === '123' && JSON.stringify({ a: [1] }) === '{\"a\":[1]}' && /a+/.test('aa')
  if (!works || Object.keys(Object.prototype).length > 0 || Object.prototype.then) api.deny('it is not as it was')
}";

#[test]
fn hostile_actions_end_by_the_limit_that_is_theirs_and_leave_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    let mut features = BTreeSet::new();
    let mut wrong = Vec::new();
    println!("| script | feature | ended by | ms |\n| --- | --- | --- | --- |");
    for path in &paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let script = std::fs::read_to_string(path).unwrap();
        let said = |what: &str| script.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
        let (feature, expected) = (said("// feature: "), said("// ends: "));
        features.insert(feature.to_owned());
        let mut invocation = invocation(EVENT);
        let wall = if expected.contains("timed out") { WALL } else { LONG };
        invocation.limits = Limits { wall, cpu: wall, memory: MEMORY, ..Limits::default() };
        let start = Instant::now();
        let ran = run_invocation(&[("action.js", &script)], &invocation);
        let took = start.elapsed();
        let ended = ended_by(&ran);
        println!("| {name} | {feature} | {} | {} |", ended.get(..60).unwrap_or(&ended), took.as_millis());
        if expected.is_empty()
            || !expected.split(" or ").any(|end| ended.starts_with(end))
            || took > Duration::from_millis(wall) + MARGIN
        {
            wrong.push(format!("{name}: {ended} after {took:?}, not {expected}"));
        }
        let lines = ran.log.len();
        let text: usize = ran.log.iter().map(|(_, text)| text.len()).sum();
        if lines > 101 || text > (16 << 10) + 100 {
            wrong.push(format!("{name}: {lines} lines of log, {text} bytes"));
        }
        assert_eq!(run(CANARY, EVENT).outcome, Ok(Effects::default()), "after {name}");
    }
    println!("{} scripts, {} features", paths.len(), features.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(paths.len() >= 60 && features.len() >= 25, "{} scripts, {} features", paths.len(), features.len());
}

fn ended_by(ran: &Ran) -> String {
    match &ran.outcome {
        Ok(effects) if effects.verdict == Effects::default().verdict => "well".to_owned(),
        Ok(effects) => format!("verdict {:?}", effects.verdict),
        Err(Failure::Threw(text, _)) => {
            assert!(text.len() < 20_000, "a text of {} bytes", text.len());
            format!("threw {text}")
        }
        Err(Failure::TimedOut) => "timed out".to_owned(),
        Err(Failure::OutOfMemory) => "out of memory".to_owned(),
        Err(Failure::TooMuch(text)) => format!("too much: {text}"),
        Err(Failure::Invalid(text)) => format!("invalid: {text}"),
    }
}
