//! Parts of timestamps, in UTC or in a zone, and of durations.

use std::sync::LazyLock;

use admit_plan::func::Func;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use super::{Called, invalid};
use crate::error::EvalError;
use crate::ops::no_overload;
use crate::time;
use crate::value::{Instant, Span, Value};

/// The bundled zone data: the same on every machine, whatever its own says.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

pub(super) fn call<'a>(func: Func, args: &[Value<'a>]) -> Called<'a> {
    match args {
        [Value::Timestamp(at)] => timestamp_part(func, *at, "UTC"),
        [Value::Timestamp(at), Value::Str(zone)] => timestamp_part(func, *at, zone),
        [Value::Duration(span)] => duration_part(func, *span).ok_or_else(|| no_overload(func.name(), args)),
        _ => Err(no_overload(func.name(), args)),
    }
}

fn timestamp_part<'a>(func: Func, at: Instant, zone: &str) -> Called<'a> {
    let local = time::civil(at.seconds + offset(zone, at)?);
    let part = match func {
        Func::GetFullYear => local.year,
        Func::GetMonth => local.month - 1,
        Func::GetDate => local.day,
        Func::GetDayOfMonth => local.day - 1,
        Func::GetDayOfWeek => local.weekday,
        Func::GetDayOfYear => local.day_of_year,
        Func::GetHours => local.hour,
        Func::GetMinutes => local.minute,
        Func::GetSeconds => local.second,
        Func::GetMilliseconds => i64::from(at.nanos / 1_000_000),
        other => return Err(no_overload(other.name(), &[Value::Timestamp(at)])),
    };
    Ok(Value::Int(part))
}

/// Seconds that the zone is ahead of UTC at a time. Past the range of the zone data, its last offset holds.
fn offset(zone: &str, at: Instant) -> Result<i64, EvalError> {
    let zone = time_zone(zone)?;
    let (first, last) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
    let stamp = jiff::Timestamp::from_second(at.seconds.clamp(first, last))
        .map_err(|_| EvalError::Range("the timestamp is out of range".into()))?;
    Ok(i64::from(zone.to_offset(stamp).seconds()))
}

/// A zone by IANA name, or a fixed offset `[+-]HH:MM`.
fn time_zone(name: &str) -> Result<TimeZone, EvalError> {
    let unknown = || invalid(format!("there is no time zone `{}`", name.chars().take(60).collect::<String>()));
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    if let Some((hours, minutes)) = name.split_once(':') {
        let (negative, hours) = match hours.as_bytes().first() {
            Some(b'-') => (true, hours.get(1..).unwrap_or_default()),
            Some(b'+') => (false, hours.get(1..).unwrap_or_default()),
            _ => (false, hours),
        };
        let number = |text: &str, most: i32| -> Result<i32, EvalError> {
            let fits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|number| fits && *number <= most).ok_or_else(unknown)
        };
        if minutes.len() != 2 {
            return Err(unknown());
        }
        let seconds = number(hours, 23)? * 3600 + number(minutes, 59)? * 60;
        let offset = Offset::from_seconds(if negative { -seconds } else { seconds }).map_err(|_| unknown())?;
        return Ok(TimeZone::fixed(offset));
    }
    ZONES.get(name).map_err(|_| unknown())
}

fn duration_part<'a>(func: Func, span: Span) -> Option<Value<'a>> {
    let nanos = time::nanos(span);
    let whole = |unit: i128| i64::try_from(nanos / unit).ok().map(Value::Int);
    match func {
        Func::GetHours => whole(3_600_000_000_000),
        Func::GetMinutes => whole(60_000_000_000),
        Func::GetSeconds => whole(1_000_000_000),
        Func::GetMilliseconds => i64::try_from(nanos / 1_000_000 % 1_000).ok().map(Value::Int),
        _ => None,
    }
}
