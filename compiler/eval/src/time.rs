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

/// A point in time on the calendar, at some offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// 1 to 9999, or one beyond at the edges of the range.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// Sunday is 0.
    pub weekday: i64,
    /// 0 to 365.
    pub day_of_year: i64,
}

/// The calendar (proleptic Gregorian) at a number of seconds since the epoch. Written out, since the whole range of CEL
/// is needed, and libraries stop a day before the end of year 9999.
pub fn civil(seconds: i64) -> Civil {
    let days = seconds.div_euclid(86_400);
    let rest = seconds.rem_euclid(86_400);
    let (year, month, day) = date(days);
    Civil {
        year,
        month,
        day,
        hour: rest / 3_600,
        minute: rest / 60 % 60,
        second: rest % 60,
        weekday: (days + 4).rem_euclid(7),
        day_of_year: days - days_since_epoch(year, 1, 1),
    }
}

/// Days from 1970-01-01 to a date.
pub fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// How many days a month has.
pub fn days_in_month(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_since_epoch(next_year, next_month, 1) - days_since_epoch(year, month, 1)
}

/// The date that lies so many days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days_are_inverse_over_the_whole_range() {
        let mut last = None;
        for days in (FIRST / 86_400..=LAST / 86_400).step_by(13) {
            let (year, month, day) = date(days);
            assert_eq!(days_since_epoch(year, month, day), days);
            assert!(last < Some((year, month, day)));
            last = Some((year, month, day));
        }
    }

    #[test]
    fn the_calendar_agrees_with_a_library() {
        for seconds in [-62_135_500_000, -1, 0, 951_827_696, 1_234_567_890, 253_402_000_000] {
            let stamp = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
            let civil = civil(seconds);
            let date = (i64::from(stamp.year()), i64::from(stamp.month()), i64::from(stamp.day()));
            assert_eq!((civil.year, civil.month, civil.day), date);
            assert_eq!(civil.weekday, i64::from(stamp.weekday().to_sunday_zero_offset()));
            assert_eq!(civil.day_of_year + 1, i64::from(stamp.day_of_year()));
        }
    }
}
