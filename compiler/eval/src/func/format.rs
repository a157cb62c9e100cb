//! `s.format(list)` of the strings extension: `%s %d %f %e %b %o %x %X %%`, with a precision for `%f` and `%e`.

use super::convert::to_text;
use super::{Called, invalid};
use crate::cx::Cx;
use crate::error::EvalError;
use crate::ops::no_overload;
use crate::value::Value;

/// Digits after the point at most.
const MOST_DIGITS: usize = 100;

pub(super) fn call<'a>(args: &[Value<'a>], cx: &Cx<'a>) -> Called<'a> {
    let [Value::Str(pattern), Value::List(values)] = args else { return Err(no_overload("format", args)) };
    let mut text = String::new();
    let mut next = 0;
    let mut rest = *pattern;
    while let Some(at) = rest.find('%') {
        let (before, clause) = rest.split_at(at);
        text.push_str(before);
        let clause = clause.get(1..).unwrap_or_default();
        if let Some(after) = clause.strip_prefix('%') {
            text.push('%');
            rest = after;
        } else {
            let value = values.get(next).ok_or_else(|| invalid(format!("index {next} out of range")))?;
            next += 1;
            let (verb, precision, after) = parse(clause)?;
            let piece = apply(verb, precision, *value)?;
            cx.charge(piece.len())?;
            text.push_str(&piece);
            rest = after;
        }
    }
    text.push_str(rest);
    cx.str(text).map(Value::Str)
}

/// The verb, its precision, and what follows.
fn parse(clause: &str) -> Result<(char, Option<usize>, &str), EvalError> {
    let (precision, clause) = match clause.strip_prefix('.') {
        None => (None, clause),
        Some(digits) => {
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let (number, after) = digits.split_at(end);
            let number = number.parse().ok().filter(|number| *number <= MOST_DIGITS);
            (Some(number.ok_or_else(|| bad_clause("the precision must be 0 to 100"))?), after)
        }
    };
    let verb = clause.chars().next().ok_or_else(|| bad_clause("unexpected end of string"))?;
    Ok((verb, precision, clause.get(verb.len_utf8()..).unwrap_or_default()))
}

fn bad_clause(why: &str) -> EvalError {
    invalid(format!("could not parse formatting clause: {why}"))
}

fn apply(verb: char, precision: Option<usize>, value: Value<'_>) -> Result<String, EvalError> {
    let unfit = |clause: &str| Err(invalid(format!("error during formatting: {clause}, was given {}", value.kind())));
    match (verb, value) {
        ('s', value) => shown(value).map_or_else(|| unfit("string clause can only be used on plain values"), Ok),
        ('d', Value::Int(number)) => Ok(number.to_string()),
        ('d', Value::Uint(number)) => Ok(number.to_string()),
        ('d', Value::Double(number)) if !number.is_finite() => Ok(not_finite(number)),
        ('d', Value::Double(number)) => Ok(number.to_string()),
        ('d', _) => unfit("decimal clause can only be used on numbers"),
        ('f', value) => match double(value) {
            Some(number) if !number.is_finite() => Ok(not_finite(number)),
            Some(number) => Ok(format!("{number:.*}", precision.unwrap_or(6))),
            None => unfit("fixed-point clause can only be used on doubles"),
        },
        ('e', value) => match double(value) {
            Some(number) if !number.is_finite() => Ok(not_finite(number)),
            Some(number) => Ok(scientific(number, precision.unwrap_or(6))),
            None => unfit("scientific clause can only be used on doubles"),
        },
        ('b', Value::Bool(value)) => Ok(u8::from(value).to_string()),
        ('b', Value::Int(number)) => Ok(signed(number, |size| format!("{size:b}"))),
        ('b', Value::Uint(number)) => Ok(format!("{number:b}")),
        ('b', _) => unfit("only integers and bools can be formatted as binary"),
        ('o', Value::Int(number)) => Ok(signed(number, |size| format!("{size:o}"))),
        ('o', Value::Uint(number)) => Ok(format!("{number:o}")),
        ('o', _) => unfit("octal clause can only be used on integers"),
        ('x', value) => {
            hex(value).map_or_else(|| unfit("only integers, byte buffers, and strings can be formatted as hex"), Ok)
        }
        ('X', value) => match hex(value) {
            Some(text) => Ok(text.to_ascii_uppercase()),
            None => unfit("only integers, byte buffers, and strings can be formatted as hex"),
        },
        (other, _) => Err(bad_clause(&format!("unrecognized formatting clause \"{other}\""))),
    }
}

fn signed(number: i64, digits: impl Fn(u64) -> String) -> String {
    let text = digits(number.unsigned_abs());
    if number < 0 { format!("-{text}") } else { text }
}

fn hex(value: Value<'_>) -> Option<String> {
    let bytes = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match value {
        Value::Int(number) => Some(signed(number, |size| format!("{size:x}"))),
        Value::Uint(number) => Some(format!("{number:x}")),
        Value::Str(text) => Some(bytes(text.as_bytes())),
        Value::Bytes(value) => Some(bytes(value)),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is formatted as a double")]
fn double(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Double(number) => Some(number),
        Value::Int(number) => Some(number as f64),
        Value::Uint(number) => Some(number as f64),
        _ => None,
    }
}

fn not_finite(number: f64) -> String {
    let text = if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    text.to_owned()
}

/// `2.718280e+00`: an exponent of two digits at least.
fn scientific(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    match text.split_once('e') {
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
        None => text,
    }
}

/// `%s`: scalars as `string(x)` has them, lists in brackets, maps in braces in the order of their keys' texts.
fn shown(value: Value<'_>) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Double(number) if !number.is_finite() => Some(not_finite(number)),
        Value::Double(number) => Some(number.to_string()),
        Value::List(items) => {
            let parts: Option<Vec<String>> = items.iter().map(|item| shown(*item)).collect();
            Some(format!("[{}]", parts?.join(", ")))
        }
        Value::Map(map) => {
            let parts = map.entries.iter().map(|(key, value)| Some((shown(*key)?, shown(*value)?)));
            let mut parts = parts.collect::<Option<Vec<_>>>()?;
            parts.sort();
            let parts: Vec<String> = parts.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
            Some(format!("{{{}}}", parts.join(", ")))
        }
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        other => to_text(other),
    }
}
