//! Owned values: what outlives an evaluation (block outputs, configs, run records), and JSON in and out.

use bumpalo::Bump;
use serde::{Deserialize, Serialize};

use crate::value::{Instant, Map, Span, Value};

/// An owned value, as [`crate::value::Value`]. In a map, keys are in the order written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Datum {
    /// `null`
    Null,
    /// A bool.
    Bool(bool),
    /// An int.
    Int(i64),
    /// A uint.
    Uint(u64),
    /// A double.
    Double(f64),
    /// A string.
    Str(Box<str>),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// A point in time.
    Timestamp(Instant),
    /// A length of time.
    Duration(Span),
    /// A list.
    List(Vec<Datum>),
    /// A map or record.
    Map(Vec<(Datum, Datum)>),
    /// An optional.
    Optional(Option<Box<Datum>>),
    /// A type, by its CEL name.
    Type(Box<str>),
    /// An IP address.
    Ip(std::net::IpAddr),
    /// A CIDR block.
    Cidr(ipnet::IpNet),
}

impl Datum {
    /// The value, borrowed where it can be; lists and maps are laid out in the arena.
    pub fn borrow<'a>(&'a self, arena: &'a Bump) -> Value<'a> {
        match self {
            Datum::Null => Value::Null,
            Datum::Bool(value) => Value::Bool(*value),
            Datum::Int(value) => Value::Int(*value),
            Datum::Uint(value) => Value::Uint(*value),
            Datum::Double(value) => Value::Double(*value),
            Datum::Str(value) => Value::Str(value),
            Datum::Bytes(value) => Value::Bytes(value),
            Datum::Timestamp(value) => Value::Timestamp(*value),
            Datum::Duration(value) => Value::Duration(*value),
            Datum::List(items) => Value::List(arena.alloc_slice_fill_iter(items.iter().map(|item| item.borrow(arena)))),
            Datum::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.borrow(arena), value.borrow(arena)));
                let entries = arena.alloc_slice_fill_iter(entries.collect::<Vec<_>>());
                Value::Map(arena.alloc(Map { entries }))
            }
            Datum::Optional(None) => Value::Optional(None),
            Datum::Optional(Some(inner)) => Value::Optional(Some(arena.alloc(inner.borrow(arena)))),
            Datum::Type(name) => Value::Type(name),
            Datum::Ip(address) => Value::Ip(address),
            Datum::Cidr(block) => Value::Cidr(block),
        }
    }

    /// A map with string keys.
    pub fn record(fields: impl IntoIterator<Item = (impl Into<Box<str>>, Datum)>) -> Datum {
        Datum::Map(fields.into_iter().map(|(name, value)| (Datum::Str(name.into()), value)).collect())
    }

    /// The field of a record.
    pub fn get(&self, name: &str) -> Option<&Datum> {
        match self {
            Datum::Map(entries) => entries
                .iter()
                .find(|(key, _)| matches!(key, Datum::Str(text) if &**text == name))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Datum::Str(text) => Some(text),
            _ => None,
        }
    }
}

impl From<Value<'_>> for Datum {
    /// A copy. An absent value, which no expression gives, becomes an optional without a value.
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Absent | Value::Optional(None) => Datum::Optional(None),
            Value::Null => Datum::Null,
            Value::Bool(value) => Datum::Bool(value),
            Value::Int(value) => Datum::Int(value),
            Value::Uint(value) => Datum::Uint(value),
            Value::Double(value) => Datum::Double(value),
            Value::Str(value) => Datum::Str(value.into()),
            Value::Bytes(value) => Datum::Bytes(value.into()),
            Value::Timestamp(value) => Datum::Timestamp(value),
            Value::Duration(value) => Datum::Duration(value),
            Value::List(items) => Datum::List(items.iter().map(|item| Datum::from(*item)).collect()),
            Value::Map(map) => {
                Datum::Map(map.entries.iter().map(|(key, value)| (Datum::from(*key), Datum::from(*value))).collect())
            }
            Value::Optional(Some(inner)) => Datum::Optional(Some(Box::new(Datum::from(*inner)))),
            Value::Type(name) => Datum::Type(name.into()),
            Value::Ip(address) => Datum::Ip(*address),
            Value::Cidr(block) => Datum::Cidr(*block),
        }
    }
}
