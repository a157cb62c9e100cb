//! The types of the language (language.md section 6), shared by declarations, checker, plan and runtime.

mod show;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::depth::bounded;

/// A type with its labels. Two types that differ only in labels hold the same values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Which values the type holds.
    pub kind: Kind,
    /// What may be done with them.
    pub labels: Labels,
}

/// Labels written before a type: `pii string`, `secret string`. One byte in a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub struct Labels {
    /// Personal data: masked in views, listed in the egress report when it leaves through a `sends` block.
    pub pii: bool,
    /// A secret: never in traces, audit, logs or conditions.
    pub secret: bool,
}

/// Which values a type holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub enum Kind {
    /// The type of an expression that has a diagnostic already; fits everything. Never in a plan.
    Error,
    /// Any value, checked when it is used.
    Dyn,
    /// `null` alone.
    Null,
    /// `true` or `false`.
    Bool,
    /// 64-bit signed integers within the range.
    Int(Range<i64>),
    /// 64-bit unsigned integers within the range.
    Uint(Range<u64>),
    /// IEEE 754 doubles within the range.
    Double(Range<Double>),
    /// UTF-8 text.
    String,
    /// One of a closed set of words: `"low" | "medium" | "high"`, in the order written.
    #[serde(with = "crate::words::many")]
    Enum(Arc<[SmolStr]>),
    /// Bytes.
    Bytes,
    /// A point in time (CEL `google.protobuf.Timestamp`).
    Timestamp,
    /// A length of time (CEL `google.protobuf.Duration`).
    Duration,
    /// A list.
    List(Arc<Type>),
    /// A map: key and value.
    Map(Arc<Type>, Arc<Type>),
    /// A record with known fields, in the order declared.
    Record(Arc<[Field]>),
    /// A value that may be absent.
    Optional(Arc<Type>),
    /// A type as a value (CEL `type`).
    Type,
    /// An IP address (CEL network library).
    Ip,
    /// A CIDR block (CEL network library).
    Cidr,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// Its name, snake_case.
    #[serde(with = "crate::words::one")]
    pub name: SmolStr,
    /// Its type; `Kind::Optional` where it may be absent.
    pub ty: Type,
}

/// An inclusive range; `None` is unbounded on that side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range<T> {
    /// Smallest value.
    pub min: Option<T>,
    /// Largest value.
    pub max: Option<T>,
}

impl<T> Range<T> {
    /// Every value of `T`.
    pub const FULL: Self = Self { min: None, max: None };
}

/// A double that is compared and hashed by its bits, so that types are `Eq`. Never NaN in a type.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Double(pub f64);

impl PartialEq for Double {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}
impl Eq for Double {}
impl std::hash::Hash for Double {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl From<Kind> for Type {
    fn from(kind: Kind) -> Self {
        Self { kind, labels: Labels::default() }
    }
}

impl Kind {
    /// `int` without a range.
    pub const INT: Self = Self::Int(Range::FULL);
    /// `uint` without a range.
    pub const UINT: Self = Self::Uint(Range::FULL);
    /// `double` without a range.
    pub const DOUBLE: Self = Self::Double(Range::FULL);

    /// Values of this kind may be the keys of a map. Those of a `dyn` are tested when the map is made.
    pub fn is_key(&self) -> bool {
        match self {
            Self::Bool | Self::Int(_) | Self::Uint(_) | Self::String | Self::Enum(_) => true,
            Self::Error
            | Self::Dyn
            | Self::Null
            | Self::Double(_)
            | Self::Bytes
            | Self::Timestamp
            | Self::Duration
            | Self::List(_)
            | Self::Map(..)
            | Self::Record(_)
            | Self::Optional(_)
            | Self::Type
            | Self::Ip
            | Self::Cidr => false,
        }
    }
}

impl Type {
    /// `list(item)`.
    pub fn list(item: Type) -> Self {
        Kind::List(Arc::new(item)).into()
    }

    /// `map(key, value)`.
    pub fn map(key: Type, value: Type) -> Self {
        Kind::Map(Arc::new(key), Arc::new(value)).into()
    }

    /// `optional(inner)`; an optional of an optional is kept as written.
    pub fn optional(inner: Type) -> Self {
        Kind::Optional(Arc::new(inner)).into()
    }

    /// The type of the value when it is there: the inner type of an optional, else the type itself.
    pub fn present(&self) -> &Type {
        match &self.kind {
            Kind::Optional(inner) => inner,
            _ => self,
        }
    }
}

impl From<Labels> for u8 {
    fn from(labels: Labels) -> u8 {
        u8::from(labels.pii) | u8::from(labels.secret) << 1
    }
}

impl TryFrom<u8> for Labels {
    type Error = &'static str;

    fn try_from(bits: u8) -> Result<Self, Self::Error> {
        if bits > 0b11 { Err("unknown labels") } else { Ok(Self { pii: bits & 1 != 0, secret: bits & 2 != 0 }) }
    }
}

// Types nest: reading them counts the depth, so that hostile bytes cannot overflow the stack.
bounded!(Kind);
