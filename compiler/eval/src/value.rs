//! Values while an expression runs: small, `Copy`, and borrowed from the event, the run's records or an arena.

use std::net::IpAddr;

use ipnet::IpNet;

/// A value. The layout (`repr(C, u8)`: the tag, then at offset 8 the payload) is what machine code reads.
#[derive(Clone, Copy, Debug)]
#[repr(C, u8)]
pub enum Value<'a> {
    /// Not there. Only in slots; never the result of an expression, nor inside a list or map.
    Absent,
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
    Str(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A point in time: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
    Timestamp(Instant),
    /// A length of time: at most about 10,000 years either way.
    Duration(Span),
    /// A list.
    List(&'a [Value<'a>]),
    /// A map or record.
    Map(&'a Map<'a>),
    /// An optional.
    Optional(Option<&'a Value<'a>>),
    /// A type, by its CEL name.
    Type(&'a str),
    /// An IP address.
    Ip(&'a IpAddr),
    /// A CIDR block.
    Cidr(&'a IpNet),
}

/// A point in time: seconds since 1970-01-01T00:00:00Z and nanoseconds (0 to 999,999,999) after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[repr(C)]
pub struct Instant {
    /// Whole seconds since the epoch.
    pub seconds: i64,
    /// Nanoseconds after `seconds`, 0 to 999,999,999.
    pub nanos: u32,
}

/// A length of time: seconds and nanoseconds of the same sign as seconds would have after normalising so that
/// nanoseconds are 0 to 999,999,999 (so -0.5 s is -1 s and 500,000,000 ns). Ordered as the time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[repr(C)]
pub struct Span {
    /// Whole seconds, rounded down.
    pub seconds: i64,
    /// Nanoseconds after `seconds`, 0 to 999,999,999.
    pub nanos: u32,
}

/// A map in the order its entries were written. Keys are bool, int, uint or string; no two keys are equal.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    /// The entries.
    pub entries: &'a [(Value<'a>, Value<'a>)],
}

impl Value<'_> {
    /// The CEL name of the value's kind, as `type(x)` gives it.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Absent => "absent",
            Value::Null => "null_type",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Double(_) => "double",
            Value::Str(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::Timestamp(_) => "google.protobuf.Timestamp",
            Value::Duration(_) => "google.protobuf.Duration",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Optional(_) => "optional_type",
            Value::Type(_) => "type",
            Value::Ip(_) => "net.IP",
            Value::Cidr(_) => "net.CIDR",
        }
    }
}
