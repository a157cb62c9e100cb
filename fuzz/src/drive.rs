//! Runs a target on generated inputs for a given time.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::choices::Random;
use crate::histogram;
use crate::targets::Target;

/// Longest input, in bytes; most are much shorter.
const LONGEST: u64 = 4096;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Inputs run.
    pub inputs: u64,
    /// Constructs produced, by kind.
    pub counts: BTreeMap<String, u64>,
    /// Kinds of which none was produced.
    pub missing: Vec<String>,
    /// The input that broke the promise, if one did.
    pub crash: Option<Vec<u8>>,
}

/// How many times as long a run may take on a busy machine before a kind that was not produced counts as missing.
const PATIENCE: u32 = 20;

/// Runs `target` until `time` is over and every kind was produced, or a promise is broken, or `most` inputs have run.
pub fn drive(target: &Target, time: Duration, seed: u64, most: u64) -> Report {
    let mut random = Random::new(seed);
    let begin = Instant::now();
    let mut report = Report { inputs: 0, counts: BTreeMap::new(), missing: Vec::new(), crash: None };
    histogram::take();
    loop {
        while report.inputs < most && begin.elapsed() < time {
            if !step(target, &mut random, &mut report) {
                break;
            }
        }
        gather(target, &mut report);
        let over = report.inputs >= most || report.crash.is_some() || begin.elapsed() >= time * PATIENCE;
        if over || report.missing.is_empty() || !step(target, &mut random, &mut report) {
            break;
        }
    }
    gather(target, &mut report);
    report
}

/// One input; false if it broke the promise.
fn step(target: &Target, random: &mut Random, report: &mut Report) -> bool {
    let longest = match random.next_u64() % 8 {
        0 => LONGEST,
        1..4 => LONGEST / 4,
        _ => LONGEST / 16,
    };
    let length = usize::try_from(random.next_u64() % longest).unwrap_or(0);
    let input = random.bytes(length);
    report.inputs += 1;
    let held = catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_ok();
    if !held {
        report.crash = Some(input);
    }
    held
}

/// Adds what was produced since the last time.
fn gather(target: &Target, report: &mut Report) {
    for (kind, count) in histogram::take() {
        *report.counts.entry(kind).or_default() += count;
    }
    report.missing = histogram::missing(&report.counts, &(target.kinds)());
}
