//! Conversions between types, and values as text.

use admit_plan::func::Func;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Called, invalid, length, range};
use crate::cx::Cx;
use crate::error::EvalError;
use crate::ops::no_overload;
use crate::time;
use crate::value::{Instant, Span, Value};

/// Standard alphabet; padding written, and read whether it is there or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn call<'a>(func: Func, args: &[Value<'a>], cx: &Cx<'a>) -> Called<'a> {
    let [value] = args else { return Err(no_overload(func.name(), args)) };
    let converted = match func {
        Func::Type => Some(Value::Type(value.kind())),
        Func::Dyn => Some(*value),
        Func::Bool => to_bool(*value)?,
        Func::Int => to_int(*value)?,
        Func::Uint => to_uint(*value)?,
        Func::Double => to_double(*value)?,
        Func::String => to_string(*value, cx)?,
        Func::Bytes => match value {
            Value::Str(text) => Some(Value::Bytes(text.as_bytes())),
            Value::Bytes(_) => Some(*value),
            _ => None,
        },
        Func::Timestamp => to_timestamp(*value)?,
        Func::Duration => to_duration(*value)?,
        _ => None,
    };
    converted.ok_or_else(|| no_overload(func.name(), args))
}

/// `base64.encode(bytes)`, `base64.decode(text)`
pub(super) fn base64<'a>(func: Func, args: &[Value<'a>], cx: &Cx<'a>) -> Called<'a> {
    match (func, args) {
        (Func::Base64Encode, [Value::Bytes(bytes)]) => {
            cx.charge(bytes.len() / 3 * 4 + 4)?;
            cx.str(BASE64.encode(bytes)).map(Value::Str)
        }
        (Func::Base64Decode, [Value::Str(text)]) => {
            let bytes = BASE64.decode(text).map_err(|error| invalid(format!("bad base64: {error}").to_lowercase()))?;
            cx.bytes(&bytes).map(Value::Bytes)
        }
        _ => Err(no_overload(func.name(), args)),
    }
}

/// A scalar as `string(x)` writes it; none for what has no such text.
pub fn to_text(value: Value<'_>) -> Option<String> {
    Some(match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => double_text(value),
        Value::Str(value) => value.to_owned(),
        Value::Bytes(value) => std::str::from_utf8(value).ok()?.to_owned(),
        Value::Timestamp(at) => timestamp_text(at),
        Value::Duration(span) => duration_text(span),
        Value::Ip(address) => address.to_string(),
        Value::Cidr(block) => block.to_string(),
        Value::Type(name) => name.to_owned(),
        Value::Absent | Value::Null | Value::List(_) | Value::Map(_) | Value::Optional(_) => return None,
    })
}

/// A double as cel-go writes it (Go's `%g`, shortest): an exponent below 1e-4 and from 1e6 on.
pub fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        let text = format!("{value:e}");
        return match text.split_once('e') {
            Some((digits, exponent)) => match exponent.strip_prefix('-') {
                Some(exponent) => format!("{digits}e-{exponent:0>2}"),
                None => format!("{digits}e+{exponent:0>2}"),
            },
            None => text,
        };
    }
    format!("{value}")
}

/// RFC 3339, in UTC, with as many digits of the second as it needs.
fn timestamp_text(at: crate::value::Instant) -> String {
    let civil = time::civil(at.seconds);
    let fraction = match at.nanos {
        0 => String::new(),
        nanos => format!(".{}", format!("{nanos:09}").trim_end_matches('0')),
    };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}Z",
        civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second
    )
}

/// Seconds with as many decimals as they need, and `s`.
fn duration_text(span: Span) -> String {
    let nanos = time::nanos(span);
    let sign = if nanos < 0 { "-" } else { "" };
    let (seconds, fraction) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    if fraction == 0 {
        return format!("{sign}{seconds}s");
    }
    let digits = format!("{fraction:09}");
    format!("{sign}{seconds}.{}s", digits.trim_end_matches('0'))
}

fn to_bool(value: Value<'_>) -> Result<Option<Value<'_>>, EvalError> {
    match value {
        Value::Bool(_) => Ok(Some(value)),
        Value::Str("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(Some(Value::Bool(true))),
        Value::Str("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(Some(Value::Bool(false))),
        Value::Str(text) => Err(invalid(format!("`{}` is no bool", shown(text)))),
        _ => Ok(None),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the double lies within the range of int")]
fn to_int(value: Value<'_>) -> Result<Option<Value<'_>>, EvalError> {
    match value {
        Value::Int(_) => Ok(Some(value)),
        Value::Uint(number) => {
            i64::try_from(number).map(|int| Some(Value::Int(int))).map_err(|_| range("the uint does not fit an int"))
        }
        Value::Double(number) if number > -9_223_372_036_854_775_808.0 && number < 9_223_372_036_854_775_808.0 => {
            Ok(Some(Value::Int(number as i64)))
        }
        Value::Double(_) => Err(range("the double does not fit an int")),
        Value::Str(text) => {
            text.parse().map(|int| Some(Value::Int(int))).map_err(|_| invalid(format!("`{}` is no int", shown(text))))
        }
        Value::Timestamp(at) => Ok(Some(Value::Int(at.seconds))),
        _ => Ok(None),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the double lies within the range of uint")]
fn to_uint(value: Value<'_>) -> Result<Option<Value<'_>>, EvalError> {
    match value {
        Value::Uint(_) => Ok(Some(value)),
        Value::Int(number) => {
            u64::try_from(number).map(|uint| Some(Value::Uint(uint))).map_err(|_| range("the int does not fit a uint"))
        }
        Value::Double(number) if (0.0..18_446_744_073_709_551_616.0).contains(&number) => {
            Ok(Some(Value::Uint(number as u64)))
        }
        Value::Double(_) => Err(range("the double does not fit a uint")),
        Value::Str(text) => text
            .parse()
            .map(|uint| Some(Value::Uint(uint)))
            .map_err(|_| invalid(format!("`{}` is no uint", shown(text)))),
        _ => Ok(None),
    }
}

#[expect(clippy::cast_precision_loss, reason = "CEL rounds to the nearest double here")]
fn to_double(value: Value<'_>) -> Result<Option<Value<'_>>, EvalError> {
    match value {
        Value::Double(_) => Ok(Some(value)),
        Value::Int(number) => Ok(Some(Value::Double(number as f64))),
        Value::Uint(number) => Ok(Some(Value::Double(number as f64))),
        Value::Str(text) => match text.parse::<f64>() {
            Ok(double) if double.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit()) => {
                Err(range(format!("`{}` does not fit a double", shown(text))))
            }
            Ok(double) => Ok(Some(Value::Double(double))),
            Err(_) => Err(invalid(format!("`{}` is no double", shown(text)))),
        },
        _ => Ok(None),
    }
}

fn to_string<'a>(value: Value<'a>, cx: &Cx<'a>) -> Result<Option<Value<'a>>, EvalError> {
    match value {
        Value::Str(_) => Ok(Some(value)),
        Value::Bytes(bytes) => std::str::from_utf8(bytes)
            .map(|text| Some(Value::Str(text)))
            .map_err(|_| invalid("the bytes are not UTF-8")),
        other => to_text(other).map(|text| cx.str(text).map(Value::Str)).transpose(),
    }
}

fn to_timestamp(value: Value<'_>) -> Result<Option<Value<'_>>, EvalError> {
    match value {
        Value::Timestamp(_) => Ok(Some(value)),
        Value::Int(seconds) => time::instant(i128::from(seconds) * 1_000_000_000).map(|at| Some(Value::Timestamp(at))),
        Value::Str(text) => {
            let nanos = timestamp_nanos(text).ok_or_else(|| {
                range(format!("`{}` is no RFC 3339 timestamp between the years 1 and 9999", shown(text)))
            })?;
            time::instant(nanos).map(|at| Some(Value::Timestamp(at)))
        }
        _ => Ok(None),
    }
}

/// The instant that a text of RFC 3339 names, in the years 1 to 9999.
pub fn instant(text: &str) -> Option<Instant> {
    time::instant(timestamp_nanos(text)?).ok()
}

/// `2009-02-13T23:31:30Z` and the like: what RFC 3339 section 5.6 allows, and nothing looser. Nanoseconds since the epoch.
fn timestamp_nanos(text: &str) -> Option<i128> {
    let bytes = text.as_bytes();
    let number = |at: usize, digits: usize| -> Option<i64> {
        let part = text.get(at..at + digits)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let mark =
        |at: usize, wanted: u8| bytes.get(at).is_some_and(|byte| byte.eq_ignore_ascii_case(&wanted)).then_some(());
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    for (at, wanted) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
        mark(at, wanted)?;
    }
    if !(1..=12).contains(&month) || day < 1 || day > time::days_in_month(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut end = 19;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        let digits = bytes.iter().skip(end + 1).take_while(|byte| byte.is_ascii_digit()).count();
        fraction = number(end + 1, digits.min(9)).filter(|_| (1..=9).contains(&digits))?;
        fraction *= 10_i64.pow(9 - u32::try_from(digits).ok()?);
        end += 1 + digits;
    }
    let offset = match bytes.get(end)? {
        b'Z' | b'z' if bytes.len() == end + 1 => 0,
        sign @ (b'+' | b'-') if bytes.len() == end + 6 => {
            mark(end + 3, b':')?;
            let (hours, minutes) = (number(end + 1, 2)?, number(end + 4, 2)?);
            let size = (hours <= 23 && minutes <= 59).then_some(hours * 3_600 + minutes * 60)?;
            if *sign == b'-' { -size } else { size }
        }
        _ => return None,
    };
    let seconds = time::days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    Some(i128::from(seconds) * 1_000_000_000 + i128::from(fraction))
}

fn to_duration(value: Value<'_>) -> Result<Option<Value<'_>>, EvalError> {
    match value {
        Value::Duration(_) => Ok(Some(value)),
        Value::Int(seconds) => time::span(i128::from(seconds) * 1_000_000_000).map(|span| Some(Value::Duration(span))),
        Value::Str(text) => {
            let nanos = duration_nanos(text).ok_or_else(|| range(format!("`{}` is no duration", shown(text))))?;
            time::span(nanos).map(|span| Some(Value::Duration(span)))
        }
        _ => Ok(None),
    }
}

/// Go's form: an optional sign, then numbers with a unit each (`h m s ms us µs ns`), decimals allowed; or `0`.
fn duration_nanos(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let scale: i128 = match unit {
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" | "µs" | "μs" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        total = total.checked_add(scaled(number, scale)?)?;
        rest = next;
    }
    Some(if negative { -total } else { total })
}

fn scaled(number: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.into() };
    let mut total = whole.checked_mul(scale)?;
    let mut unit = scale;
    for digit in fraction.bytes() {
        unit /= 10;
        total += unit * i128::from(digit - b'0');
    }
    Some(total)
}

/// At most 40 characters of a text, for a message.
fn shown(text: &str) -> String {
    if length(text.chars().count()) <= 40 {
        return text.to_owned();
    }
    let start: String = text.chars().take(40).collect();
    format!("{start}...")
}
