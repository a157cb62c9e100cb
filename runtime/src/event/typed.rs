//! Reading the paths that a flow names into slots, each checked against its declared type.

use admit_eval::value::{Map, Value};
use admit_plan::types::Range;
use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use smol_str::SmolStr;

use crate::event::cursor::Cursor;
use crate::event::error::{EventError, Fault, Found, Read, Segment};
use crate::event::shape::{Keys, Node, RecordField, Required, Shape, Want};
use crate::event::{Limits, convert};

/// See [`Shape::read`].
pub(super) fn read<'a>(
    shape: &Shape,
    bytes: &'a [u8],
    limits: Limits,
    arena: &'a Bump,
    out: &mut [Value<'a>],
) -> Result<(), EventError> {
    if bytes.len() > limits.max_bytes {
        let fault = Fault::TooLong { len: bytes.len(), limit: limits.max_bytes };
        return Err(Found::at(limits.max_bytes, fault).into());
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(Found::at(error.valid_up_to(), Fault::NotUtf8).into()),
    };
    for slot in &shape.slots {
        if let Some(value) = out.get_mut(*slot) {
            *value = Value::Absent;
        }
    }
    let mut cursor = Cursor::new(text, arena);
    whole(&mut cursor, shape, limits, out)?;
    for need in &shape.required {
        if let Some(slot @ Value::Absent) = out.get_mut(need.slot) {
            match need.empty {
                Some(empty) => *slot = empty,
                None => return Err(missing(need, Cursor::new(text, arena))),
            }
        }
    }
    Ok(())
}

fn whole<'a>(cursor: &mut Cursor<'a>, shape: &Shape, limits: Limits, out: &mut [Value<'a>]) -> Read<()> {
    if cursor.peek() != b'{' {
        return cursor.syntax("an object");
    }
    node(cursor, &shape.root, limits, out)?;
    if cursor.peek() != 0 || cursor.pos < cursor.bytes.len() {
        return cursor.fault(Fault::Trailing);
    }
    Ok(())
}

/// Reads a value that is, or holds, named paths.
fn node<'a>(cursor: &mut Cursor<'a>, node: &Node, limits: Limits, out: &mut [Value<'a>]) -> Read<()> {
    let start = cursor.pos;
    if !node.children.is_empty() {
        match cursor.peek() {
            b'{' => fields(cursor, node, limits, out)?,
            b'n' => cursor.word("null")?,
            _ => return Err(wrong_type(cursor, "a record".into())),
        }
    } else if node.targets.is_empty() {
        return cursor.skip();
    }
    // A path that is named itself and through its fields is read once more as a whole.
    for target in &node.targets {
        cursor.pos = start;
        let value = match cursor.peek() {
            b'n' if !matches!(target.want, Want::Null | Want::Dyn) => {
                cursor.word("null")?;
                Value::Absent
            }
            _ => value(cursor, &target.want)?,
        };
        if let Some(slot) = out.get_mut(target.slot) {
            *slot = value;
        }
    }
    Ok(())
}

fn fields<'a>(cursor: &mut Cursor<'a>, parent: &Node, limits: Limits, out: &mut [Value<'a>]) -> Read<()> {
    cursor.object(|cursor, key, head, at| match parent.children.get(head, key) {
        Some((_, child)) if child.runtime_only && !limits.runtime_groups => {
            Err(Found::at(at, Fault::RuntimeOnly(key.into())))
        }
        Some((_, child)) => node(cursor, child, limits, out),
        None => cursor.skip(),
    })
}

/// Reads a value of a declared type.
fn value<'a>(cursor: &mut Cursor<'a>, want: &Want) -> Read<Value<'a>> {
    let start = cursor.pos;
    match (want, cursor.peek()) {
        (Want::Dyn, _) => any(cursor),
        (Want::Null, b'n') => cursor.word("null").map(|()| Value::Null),
        (Want::Bool, b't') => cursor.word("true").map(|()| Value::Bool(true)),
        (Want::Bool, b'f') => cursor.word("false").map(|()| Value::Bool(false)),
        (Want::Int(range), b'-' | b'0'..=b'9') => int(cursor, range),
        (Want::Uint(range), b'-' | b'0'..=b'9') => uint(cursor, range),
        (Want::Double(range), b'-' | b'0'..=b'9') => {
            let double = double(cursor)?;
            let range = Range { min: range.min.map(|bound| bound.0), max: range.max.map(|bound| bound.0) };
            in_range(start, double, &range).map(Value::Double)
        }
        (Want::Str, b'"') => cursor.string().map(Value::Str),
        (Want::Enum(words), b'"') => word_of(cursor, words),
        (Want::Bytes | Want::Timestamp | Want::Duration | Want::Ip | Want::Cidr, b'"') => {
            let text = cursor.string()?;
            convert::from_text(want, text, cursor.arena)
                .ok_or_else(|| Found::at(start, Fault::BadValue(format!("{text:?} is not {}", want.name()).into())))
        }
        (Want::List(item), b'[') => {
            let mut items = BumpVec::new_in(cursor.arena);
            cursor.array(|cursor| {
                items.push(value(cursor, item)?);
                Ok(())
            })?;
            Ok(Value::List(items.into_bump_slice()))
        }
        (Want::Map(types), b'{') => map(cursor, &types.0, &types.1),
        (Want::Record(fields), b'{') => record(cursor, fields),
        (_, _) => Err(wrong_type(cursor, want.name().into())),
    }
}

/// Reads a value of no declared type: numbers without fraction or exponent are ints, or uints beyond them; numbers
/// beyond both, and all others, are doubles.
fn any<'a>(cursor: &mut Cursor<'a>) -> Read<Value<'a>> {
    match cursor.peek() {
        b'"' => cursor.string().map(Value::Str),
        b'{' => {
            let mut entries = BumpVec::new_in(cursor.arena);
            cursor.object(|cursor, key, _, _| {
                entries.push((Value::Str(key), any(cursor)?));
                Ok(())
            })?;
            Ok(map_of(cursor.arena, entries))
        }
        b'[' => {
            let mut items = BumpVec::new_in(cursor.arena);
            cursor.array(|cursor| {
                items.push(any(cursor)?);
                Ok(())
            })?;
            Ok(Value::List(items.into_bump_slice()))
        }
        b't' => cursor.word("true").map(|()| Value::Bool(true)),
        b'f' => cursor.word("false").map(|()| Value::Bool(false)),
        b'n' => cursor.word("null").map(|()| Value::Null),
        b'-' | b'0'..=b'9' => {
            let start = cursor.pos;
            let number = cursor.number()?;
            if number.whole {
                if let Ok(int) = number.text.parse() {
                    return Ok(Value::Int(int));
                }
                if let Ok(uint) = number.text.parse() {
                    return Ok(Value::Uint(uint));
                }
            }
            finite(start, number.text).map(Value::Double)
        }
        _ => cursor.syntax("a value"),
    }
}

fn int<'a>(cursor: &mut Cursor<'a>, range: &Range<i64>) -> Read<Value<'a>> {
    let start = cursor.pos;
    let number = cursor.number()?;
    match number.text.parse() {
        Ok(int) if number.whole => in_range(start, int, range).map(Value::Int),
        _ => Err(bad_number(start, number.text, "an int")),
    }
}

fn uint<'a>(cursor: &mut Cursor<'a>, range: &Range<u64>) -> Read<Value<'a>> {
    let start = cursor.pos;
    let number = cursor.number()?;
    match number.text.parse() {
        Ok(uint) if number.whole => in_range(start, uint, range).map(Value::Uint),
        _ => Err(bad_number(start, number.text, "a uint")),
    }
}

fn double(cursor: &mut Cursor<'_>) -> Read<f64> {
    let start = cursor.pos;
    let number = cursor.number()?;
    finite(start, number.text)
}

fn finite(start: usize, text: &str) -> Read<f64> {
    match text.parse::<f64>() {
        Ok(double) if double.is_finite() => Ok(double),
        _ => Err(bad_number(start, text, "a double")),
    }
}

#[cold]
fn bad_number(start: usize, text: &str, what: &str) -> Box<Found> {
    let shown: String = text.chars().take(40).collect();
    Found::at(start, Fault::BadValue(format!("`{shown}` is not {what}").into()))
}

fn in_range<T: PartialOrd + Copy + std::fmt::Display>(start: usize, value: T, range: &Range<T>) -> Read<T> {
    if range.min.is_some_and(|min| value < min) {
        let bound = range.min.map_or_else(String::new, |bound| bound.to_string());
        return Err(Found::at(start, Fault::BadValue(format!("{value} is less than {bound}").into())));
    }
    if range.max.is_some_and(|max| value > max) {
        let bound = range.max.map_or_else(String::new, |bound| bound.to_string());
        return Err(Found::at(start, Fault::BadValue(format!("{value} is more than {bound}").into())));
    }
    Ok(value)
}

fn word_of<'a>(cursor: &mut Cursor<'a>, words: &[SmolStr]) -> Read<Value<'a>> {
    let start = cursor.pos;
    let text = cursor.string()?;
    if words.iter().any(|word| word == text) {
        return Ok(Value::Str(text));
    }
    let known = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    Err(Found::at(start, Fault::BadValue(format!("{text:?} is none of {known}").into())))
}

fn map<'a>(cursor: &mut Cursor<'a>, key_type: &Want, value_type: &Want) -> Read<Value<'a>> {
    let mut entries = BumpVec::new_in(cursor.arena);
    cursor.object(|cursor, key, _, at| {
        let key = convert::map_key(key_type, key).ok_or_else(|| {
            Found::at(at, Fault::BadValue(format!("the key {key:?} is not {}", key_type.name()).into()))
        })?;
        entries.push((key, value(cursor, value_type)?));
        Ok(())
    })?;
    Ok(map_of(cursor.arena, entries))
}

fn record<'a>(cursor: &mut Cursor<'a>, fields: &Keys<RecordField>) -> Read<Value<'a>> {
    let start = cursor.pos;
    let mut entries = BumpVec::with_capacity_in(fields.len(), cursor.arena);
    let mut needed = 0;
    cursor.object(|cursor, key, head, _| {
        let Some((_, field)) = fields.get(head, key) else { return cursor.skip() };
        if field.optional && cursor.peek() == b'n' && !matches!(field.want, Want::Null | Want::Dyn) {
            return cursor.word("null");
        }
        needed += usize::from(!field.optional);
        entries.push((Value::Str(key), value(cursor, &field.want)?));
        Ok(())
    })?;
    if needed < fields.iter().filter(|(_, field)| !field.optional).count() {
        let has = |name: &str| entries.iter().any(|(key, _)| matches!(key, Value::Str(key) if *key == name));
        if let Some((name, _)) = fields.iter().find(|(name, field)| !field.optional && !has(name)) {
            return Err(Found::at(start, Fault::Missing).under_key(name));
        }
    }
    Ok(map_of(cursor.arena, entries))
}

fn map_of<'a>(arena: &'a Bump, entries: BumpVec<'a, (Value<'a>, Value<'a>)>) -> Value<'a> {
    Value::Map(arena.alloc(Map { entries: entries.into_bump_slice() }))
}

#[cold]
fn wrong_type(cursor: &mut Cursor<'_>, expected: Box<str>) -> Box<Found> {
    let found = match cursor.peek() {
        b'"' => "a string",
        b'{' => "an object",
        b'[' => "an array",
        b't' | b'f' => "a bool",
        b'n' => "null",
        b'-' | b'0'..=b'9' => "a number",
        _ => return Found::at(cursor.pos, Fault::Syntax("a value")),
    };
    let start = cursor.pos;
    // What is no JSON at all is said to be so.
    match cursor.skip() {
        Ok(()) => Found::at(start, Fault::WrongType { expected, found }),
        Err(found) => found,
    }
}

/// The error for a field that is not there, at the innermost object that should hold it.
#[cold]
fn missing(need: &Required, mut cursor: Cursor<'_>) -> EventError {
    cursor.peek();
    let offset = innermost(&mut cursor, &need.path);
    let path = need.path.iter().map(|name| Segment::Key(name.as_str().into())).collect();
    EventError { path, offset, fault: Fault::Missing }
}

/// Offset of the innermost object on a path; the text has been read before without an error.
fn innermost(cursor: &mut Cursor<'_>, path: &[SmolStr]) -> usize {
    let mut offset = cursor.pos;
    let Some((name, below)) = path.split_first() else { return offset };
    // An error cannot happen, and would only make the offset less exact.
    let _ = cursor.object(|cursor, key, _, _| {
        if key == name && cursor.peek() == b'{' {
            offset = innermost(cursor, below);
            return Ok(());
        }
        cursor.skip()
    });
    offset
}
