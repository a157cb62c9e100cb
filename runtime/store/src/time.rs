//! Times in the database: microseconds since the epoch.

use admit_eval::value::Instant;

/// To microseconds; what an `Instant` can hold fits.
pub(crate) fn to_micros(at: Instant) -> i64 {
    at.seconds.saturating_mul(1_000_000).saturating_add(i64::from(at.nanos / 1_000))
}

/// From microseconds.
pub(crate) fn from_micros(micros: i64) -> Instant {
    let nanos = u32::try_from(micros.rem_euclid(1_000_000)).unwrap_or(0).saturating_mul(1_000);
    Instant { seconds: micros.div_euclid(1_000_000), nanos }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn micros_round_trip_before_and_after_the_epoch() {
        for (seconds, nanos) in [(0, 0), (-1, 999_999_000), (-62_135_596_800, 1_000), (253_402_300_799, 999_999_000)] {
            let at = Instant { seconds, nanos };
            assert_eq!(from_micros(to_micros(at)), at);
        }
    }
}
