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

/// Runs `target` until `time` is over, or a promise is broken, or `most` inputs have run.
pub fn drive(target: &Target, time: Duration, seed: u64, most: u64) -> Report {
    let mut random = Random::new(seed);
    let begin = Instant::now();
    let mut report = Report { inputs: 0, counts: BTreeMap::new(), missing: Vec::new(), crash: None };
    histogram::take();
    while report.inputs < most && begin.elapsed() < time {
        let longest = match random.next_u64() % 8 {
            0 => LONGEST,
            1..4 => LONGEST / 4,
            _ => LONGEST / 16,
        };
        let length = usize::try_from(random.next_u64() % longest).unwrap_or(0);
        let input = random.bytes(length);
        report.inputs += 1;
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
            report.crash = Some(input);
            break;
        }
    }
    report.counts = histogram::take();
    report.missing = histogram::missing(&report.counts, &(target.kinds)());
    report
}
