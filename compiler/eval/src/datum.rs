//! Owned values: what outlives an evaluation (block outputs, configs, run records), and JSON in and out.

use serde::{Deserialize, Serialize};

use crate::value::{Instant, Span};

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
