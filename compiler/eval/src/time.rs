//! Arithmetic on points and lengths of time, within the ranges of CEL.

use crate::error::EvalError;
use crate::value::{Instant, Span};

const SECOND: i128 = 1_000_000_000;
/// 0001-01-01T00:00:00Z
const FIRST: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z
const LAST: i64 = 253_402_300_799;
/// Seconds of a duration at most, either way (`google.protobuf.Duration`).
const LONGEST: i64 = 315_576_000_000;

/// A length of time in nanoseconds.
pub fn nanos(span: Span) -> i128 {
    i128::from(span.seconds) * SECOND + i128::from(span.nanos)
}

/// A point in time in nanoseconds since the epoch.
pub fn instant_nanos(at: Instant) -> i128 {
    i128::from(at.seconds) * SECOND + i128::from(at.nanos)
}

/// A length of time from nanoseconds; an error beyond the range.
pub fn span(nanos: i128) -> Result<Span, EvalError> {
    let (seconds, nanos) = split(nanos)
        .filter(|(seconds, _)| (-LONGEST..=LONGEST).contains(seconds))
        .ok_or_else(|| EvalError::Range("a duration is at most 315,576,000,000 seconds long".into()))?;
    Ok(Span { seconds, nanos })
}

/// A point in time from nanoseconds since the epoch; an error beyond the range.
pub fn instant(nanos: i128) -> Result<Instant, EvalError> {
    let (seconds, nanos) = split(nanos)
        .filter(|(seconds, _)| (FIRST..=LAST).contains(seconds))
        .ok_or_else(|| EvalError::Range("a timestamp lies between the years 1 and 9999".into()))?;
    Ok(Instant { seconds, nanos })
}

/// A point in time moved by nanoseconds.
pub fn shift(at: Instant, by: i128) -> Result<Instant, EvalError> {
    instant(instant_nanos(at) + by)
}

fn split(nanos: i128) -> Option<(i64, u32)> {
    let seconds = i64::try_from(nanos.div_euclid(SECOND)).ok()?;
    Some((seconds, u32::try_from(nanos.rem_euclid(SECOND)).ok()?))
}
