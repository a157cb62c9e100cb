//! Strings: the standard functions and the strings extension. Positions count code points.

use admit_plan::func::Func;

use super::text::{at_position, char_count, out_of_range, position};
use super::{Called, length};
use crate::cx::Cx;
use crate::error::EvalError;
use crate::ops::no_overload;
use crate::value::Value;

pub(super) fn call<'a>(func: Func, args: &[Value<'a>], cx: &Cx<'a>) -> Called<'a> {
    match (func, args) {
        (Func::Contains, [Value::Str(text), Value::Str(part)]) => Ok(Value::Bool(text.contains(part))),
        (Func::StartsWith, [Value::Str(text), Value::Str(part)]) => Ok(Value::Bool(text.starts_with(part))),
        (Func::EndsWith, [Value::Str(text), Value::Str(part)]) => Ok(Value::Bool(text.ends_with(part))),
        (Func::Matches, [Value::Str(text), Value::Str(pattern)]) => Ok(Value::Bool(cx.regex(pattern)?.is_match(text))),
        (Func::CharAt, [Value::Str(text), Value::Int(at)]) => char_at(text, *at),
        (Func::IndexOf, [Value::Str(text), Value::Str(part)]) => index_of(text, part, 0),
        (Func::IndexOf, [Value::Str(text), Value::Str(part), Value::Int(from)]) => index_of(text, part, *from),
        (Func::LastIndexOf, [Value::Str(text), Value::Str(part)]) => {
            last_index_of(text, part, length(char_count(text)))
        }
        (Func::LastIndexOf, [Value::Str(text), Value::Str(part), Value::Int(until)]) => {
            last_index_of(text, part, *until)
        }
        (Func::Join, [Value::List(items)]) => join(items, "", cx),
        (Func::Join, [Value::List(items), Value::Str(separator)]) => join(items, separator, cx),
        (Func::LowerAscii, [Value::Str(text)]) => {
            cx.charge(text.len())?;
            cx.str(text.to_ascii_lowercase()).map(Value::Str)
        }
        (Func::UpperAscii, [Value::Str(text)]) => {
            cx.charge(text.len())?;
            cx.str(text.to_ascii_uppercase()).map(Value::Str)
        }
        (Func::Replace, [Value::Str(text), Value::Str(old), Value::Str(new)]) => replace(text, old, new, -1, cx),
        (Func::Replace, [Value::Str(text), Value::Str(old), Value::Str(new), Value::Int(limit)]) => {
            replace(text, old, new, *limit, cx)
        }
        (Func::Split, [Value::Str(text), Value::Str(separator)]) => split(text, separator, -1, cx),
        (Func::Split, [Value::Str(text), Value::Str(separator), Value::Int(limit)]) => {
            split(text, separator, *limit, cx)
        }
        (Func::Substring, [Value::Str(text), Value::Int(from)]) => substring(text, *from, None),
        (Func::Substring, [Value::Str(text), Value::Int(from), Value::Int(until)]) => {
            substring(text, *from, Some(*until))
        }
        (Func::Trim, [Value::Str(text)]) => Ok(Value::Str(text.trim())),
        (Func::Reverse, [Value::Str(text)]) => {
            cx.charge(text.len())?;
            cx.str(text.chars().rev().collect::<String>()).map(Value::Str)
        }
        (Func::Quote, [Value::Str(text)]) => {
            cx.charge(text.len() * 2 + 2)?;
            cx.str(quote(text)).map(Value::Str)
        }
        _ => Err(no_overload(func.name(), args)),
    }
}

fn char_at<'a>(text: &'a str, at: i64) -> Called<'a> {
    let rest = at_position(text, at).ok_or_else(|| out_of_range(at))?;
    let end = rest.char_indices().nth(1).map_or(rest.len(), |(index, _)| index);
    Ok(Value::Str(rest.get(..end).unwrap_or_default()))
}

fn index_of<'a>(text: &str, part: &str, from: i64) -> Called<'a> {
    let rest = at_position(text, from).ok_or_else(|| out_of_range(from))?;
    let found = rest.find(part).map(|byte| from + length(char_count(rest.get(..byte).unwrap_or_default())));
    Ok(Value::Int(found.unwrap_or(-1)))
}

/// The last place that begins at `until` or before it.
fn last_index_of<'a>(text: &str, part: &str, until: i64) -> Called<'a> {
    let limit = position(text, until).ok_or_else(|| out_of_range(until))?;
    let end = (limit + part.len()).min(text.len());
    let end = (end..=text.len()).find(|byte| text.is_char_boundary(*byte)).unwrap_or(text.len());
    let mut head = text.get(..end).unwrap_or_default();
    loop {
        match head.rfind(part) {
            None => return Ok(Value::Int(-1)),
            Some(byte) if byte <= limit => {
                return Ok(Value::Int(length(char_count(text.get(..byte).unwrap_or_default()))));
            }
            Some(byte) => {
                // It begins too late: look only at what ends before it would.
                let shorter = byte + part.len();
                let cut = (0..shorter).rev().find(|byte| text.is_char_boundary(*byte)).unwrap_or(0);
                head = text.get(..cut).unwrap_or_default();
            }
        }
    }
}

fn join<'a>(items: &[Value<'a>], separator: &str, cx: &Cx<'a>) -> Called<'a> {
    let mut parts = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::Str(text) => parts.push(*text),
            other => return Err(no_overload("join", &[*other])),
        }
    }
    let size: usize = parts.iter().map(|part| part.len() + separator.len()).sum();
    cx.charge(size)?;
    cx.str(parts.join(separator)).map(Value::Str)
}

fn replace<'a>(text: &'a str, old: &str, new: &str, limit: i64, cx: &Cx<'a>) -> Called<'a> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let places = text.matches(old).take(most).count();
    cx.charge((text.len() + places.saturating_mul(new.len())).saturating_sub(places * old.len().min(text.len())))?;
    if places == 0 {
        return Ok(Value::Str(text));
    }
    cx.str(text.replacen(old, new, places)).map(Value::Str)
}

fn split<'a>(text: &'a str, separator: &str, limit: i64, cx: &Cx<'a>) -> Called<'a> {
    let parts: Vec<&str> = match (usize::try_from(limit), separator.is_empty()) {
        (Ok(0), _) => Vec::new(),
        (Ok(most), false) => text.splitn(most, separator).collect(),
        (Err(_), false) => text.split(separator).collect(),
        (most, true) => characters(text, most.unwrap_or(usize::MAX)),
    };
    cx.charge(parts.len() * size_of::<Value<'_>>())?;
    let values: Vec<Value<'a>> = parts.into_iter().map(Value::Str).collect();
    cx.list(&values).map(Value::List)
}

/// Single characters, the last part holding the rest where there may be no more parts.
fn characters(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if parts.len() + 1 == most {
            parts.push(rest);
            break;
        }
        let (part, after) = rest.split_at(first.len_utf8());
        parts.push(part);
        rest = after;
    }
    parts
}

fn substring<'a>(text: &'a str, from: i64, until: Option<i64>) -> Called<'a> {
    let start = position(text, from).ok_or_else(|| out_of_range(from))?;
    let end = match until {
        None => text.len(),
        Some(until) => position(text, until).ok_or_else(|| out_of_range(until))?,
    };
    text.get(start..end).map(Value::Str).ok_or_else(|| {
        let until = until.unwrap_or_default();
        EvalError::Range(format!("invalid substring range. start: {from}, end: {until}").into())
    })
}

/// In double quotes, with CEL's escapes.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
