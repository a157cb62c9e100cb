//! Values as JSON (RFC 8259), as cel-spec maps them, and JSON as data.

mod read;

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::datum::Datum;
use crate::func::convert;
use crate::value::Value;

pub use read::read;

/// Adds the value's JSON text. Bytes are base64, times are strings, NaN and the infinities are strings, an optional is
/// its value or null, a map's keys are strings.
pub fn write(value: Value<'_>, text: &mut String) {
    match value {
        Value::Absent | Value::Null | Value::Optional(None) => text.push_str("null"),
        Value::Bool(value) => text.push_str(if value { "true" } else { "false" }),
        Value::Int(value) => append(text, format_args!("{value}")),
        Value::Uint(value) => append(text, format_args!("{value}")),
        Value::Double(value) if value.is_finite() => append(text, format_args!("{value:?}")),
        Value::Double(value) => string(&convert::double_text(value), text),
        Value::Str(value) | Value::Type(value) => string(value, text),
        Value::Bytes(value) => string(&STANDARD.encode(value), text),
        Value::Timestamp(_) | Value::Duration(_) | Value::Ip(_) | Value::Cidr(_) => {
            string(&convert::to_text(value).unwrap_or_default(), text);
        }
        Value::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(*item, text);
            }
            text.push(']');
        }
        Value::Map(map) => {
            text.push('{');
            for (index, (key, value)) in map.entries.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                string(&self::text(*key), text);
                text.push(':');
                write(*value, text);
            }
            text.push('}');
        }
        Value::Optional(Some(inner)) => write(*inner, text),
    }
}

/// A scalar's plain text, or the JSON text of what is not one.
pub fn text(value: Value<'_>) -> String {
    if let Some(text) = convert::to_text(value) {
        return text;
    }
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// Adds a JSON string.
pub fn string(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            control if u32::from(control) < 0x20 => append(text, format_args!("\\u{:04x}", u32::from(control))),
            other => text.push(other),
        }
    }
    text.push('"');
}

/// A datum as a JSON value.
pub fn to_json(datum: &Datum) -> serde_json::Value {
    match datum {
        Datum::Null | Datum::Optional(None) => serde_json::Value::Null,
        Datum::Bool(value) => (*value).into(),
        Datum::Int(value) => (*value).into(),
        Datum::Uint(value) => (*value).into(),
        // Not through text: reading a double back may change its last digit.
        Datum::Double(value) => serde_json::Number::from_f64(*value)
            .map_or_else(|| convert::double_text(*value).into(), serde_json::Value::Number),
        Datum::Str(value) | Datum::Type(value) => value.as_ref().into(),
        Datum::Bytes(value) => STANDARD.encode(value).into(),
        Datum::Timestamp(_) | Datum::Duration(_) | Datum::Ip(_) | Datum::Cidr(_) => plain(datum).into(),
        Datum::List(items) => items.iter().map(to_json).collect(),
        Datum::Map(entries) => {
            entries.iter().map(|(key, value)| (plain(key), to_json(value))).collect::<serde_json::Map<_, _>>().into()
        }
        Datum::Optional(Some(inner)) => to_json(inner),
    }
}

/// A scalar's plain text.
fn plain(datum: &Datum) -> String {
    let arena = bumpalo::Bump::new();
    text(datum.borrow(&arena))
}

/// JSON as data: a number is an int where it is written as one and fits, a uint where only that fits, else a double.
pub fn from_json(value: &serde_json::Value) -> Datum {
    match value {
        serde_json::Value::Null => Datum::Null,
        serde_json::Value::Bool(value) => Datum::Bool(*value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => Datum::Int(int),
            (None, Some(uint)) => Datum::Uint(uint),
            (None, None) => Datum::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Datum::Str(text.as_str().into()),
        serde_json::Value::Array(items) => Datum::List(items.iter().map(from_json).collect()),
        serde_json::Value::Object(fields) => {
            Datum::Map(fields.iter().map(|(key, value)| (Datum::Str(key.as_str().into()), from_json(value))).collect())
        }
    }
}

fn append(text: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _written = text.write_fmt(args);
}
