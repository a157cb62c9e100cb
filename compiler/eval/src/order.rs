//! Equality and order of values, as CEL says: numbers compare across their types; other kinds are never equal.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;

use crate::value::{Map, Value};

/// `a == b`: heterogeneous equality, false where the kinds differ; NaN equals nothing.
pub fn equals(a: Value<'_>, b: Value<'_>) -> bool {
    match (a, b) {
        (Value::Absent, Value::Absent) | (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Str(a), Value::Str(b)) | (Value::Type(a), Value::Type(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
        (Value::Duration(a), Value::Duration(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(left, right)| equals(*left, *right))
        }
        (Value::Map(a), Value::Map(b)) => equal_maps(a, b),
        (Value::Optional(a), Value::Optional(b)) => match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => equals(*a, *b),
            (None, Some(_)) | (Some(_), None) => false,
        },
        (Value::Ip(a), Value::Ip(b)) => a.to_canonical() == b.to_canonical(),
        (Value::Cidr(a), Value::Cidr(b)) => a == b,
        (a, b) => numbers(a, b) == Some(Some(Ordering::Equal)),
    }
}

/// So many entries are looked up one by one before hashing them is worth its room.
const FEW: usize = 64;

fn equal_maps(a: &Map<'_>, b: &Map<'_>) -> bool {
    if a.entries.len() != b.entries.len() {
        return false;
    }
    if a.entries.len() > FEW {
        let known: FxHashMap<Key<'_>, Value<'_>> =
            b.entries.iter().map(|(key, value)| (Key::of(*key), *value)).collect();
        let same = |(key, value): &(Value<'_>, Value<'_>)| {
            known.get(&Key::of(*key)).is_some_and(|other| equals(*value, *other))
        };
        return a.entries.iter().all(same);
    }
    a.entries.iter().all(|(key, value)| b.get(*key).is_some_and(|other| equals(*value, other)))
}

/// A map's key, equal numbers of different types being one.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Bool(bool),
    Whole(i128),
    Text(&'a str),
    /// No map has such a key.
    Other,
}

impl<'a> Key<'a> {
    fn of(key: Value<'a>) -> Self {
        match key {
            Value::Bool(key) => Self::Bool(key),
            Value::Int(key) => Self::Whole(key.into()),
            Value::Uint(key) => Self::Whole(key.into()),
            Value::Str(key) => Self::Text(key),
            _ => Self::Other,
        }
    }
}

/// The order of two values of kinds that have one; the inner `None` for NaN, which every comparison answers false.
pub fn compare(a: Value<'_>, b: Value<'_>) -> Option<Option<Ordering>> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(Some(a.cmp(&b))),
        (Value::Str(a), Value::Str(b)) => Some(Some(a.cmp(b))),
        (Value::Bytes(a), Value::Bytes(b)) => Some(Some(a.cmp(b))),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(Some(a.cmp(&b))),
        (Value::Duration(a), Value::Duration(b)) => Some(Some(a.cmp(&b))),
        (a, b) => numbers(a, b),
    }
}

/// The order of two numbers of any types.
fn numbers(a: Value<'_>, b: Value<'_>) -> Option<Option<Ordering>> {
    Some(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(&b)),
        (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(&b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(&b),
        (Value::Int(a), Value::Uint(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Value::Uint(a), Value::Int(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Value::Int(a), Value::Double(b)) => integer_double(i128::from(a), b),
        (Value::Uint(a), Value::Double(b)) => integer_double(i128::from(a), b),
        (Value::Double(a), Value::Int(b)) => integer_double(i128::from(b), a).map(Ordering::reverse),
        (Value::Double(a), Value::Uint(b)) => integer_double(i128::from(b), a).map(Ordering::reverse),
        _ => return None,
    })
}

/// An integer and a double. Past 2^53 the integer is rounded to the nearest double, as cel-go does and the conformance
/// suite asks; so numbers there may be equal that differ by less than one part in 2^53.
#[expect(clippy::cast_precision_loss, reason = "the suite asks for a comparison of doubles")]
fn integer_double(integer: i128, double: f64) -> Option<Ordering> {
    (integer as f64).partial_cmp(&double)
}

impl<'a> Map<'a> {
    /// The value under a key, which may be a number of another type.
    pub fn get(&self, key: Value<'_>) -> Option<Value<'a>> {
        if let Value::Str(name) = key {
            return self.field(name);
        }
        self.entries.iter().find(|(known, _)| equals(*known, key)).map(|(_, value)| *value)
    }

    /// The value under a string key.
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        self.entries.iter().find(|(key, _)| matches!(key, Value::Str(text) if *text == name)).map(|(_, value)| *value)
    }
}
