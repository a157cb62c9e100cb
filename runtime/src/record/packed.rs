//! Values as bytes with a bound on nesting, so that no record, however hostile, can exhaust the stack.
//!
//! One tag byte, then the payload: integers and times as varints, floats as eight bytes, text and bytes with their
//! length before them. `serde` derives on the value type itself would recurse as deep as the bytes say.

use std::cell::Cell;
use std::fmt;
use std::net::IpAddr;

use admit_eval::datum::Datum;
use admit_eval::value::{Instant, Span};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// Values inside one another. Declared types are far below it; `dyn` data comes from JSON of at most 32 levels.
pub const MAX_DEPTH: u32 = 96;

/// The most room that a thread keeps for packing: one large value must not hold memory for ever.
const MAX_SCRATCH: usize = 4 * 1024;

thread_local! {
    /// Where values are packed before their length is known: a trace holds many small ones.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A value that is serialised with a bound on its nesting.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed(pub Datum);

/// Appends a value.
///
/// # Errors
/// If it nests deeper than [`MAX_DEPTH`].
pub fn pack(value: &Datum, out: &mut Vec<u8>) -> Result<(), TooDeep> {
    write(value, out, 0)
}

/// Reads one value that fills the bytes.
pub fn unpack(bytes: &[u8]) -> Option<Datum> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(0)?;
    reader.rest.is_empty().then_some(value)
}

/// The value nests deeper than [`MAX_DEPTH`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooDeep;

impl fmt::Display for TooDeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value nests deeper than {MAX_DEPTH} levels")
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = SCRATCH.try_with(Cell::take).unwrap_or_default();
        let packed = pack(&self.0, &mut bytes).map_err(ser::Error::custom);
        let written = packed.and_then(|()| serializer.serialize_bytes(&bytes));
        bytes.clear();
        if bytes.capacity() <= MAX_SCRATCH {
            let _ = SCRATCH.try_with(|scratch| scratch.set(bytes));
        }
        written
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Packed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a packed value")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Packed, E> {
                unpack(bytes).map(Packed).ok_or_else(|| E::custom("not a packed value"))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

mod tag {
    pub const NULL: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;
    pub const INT: u8 = 3;
    pub const UINT: u8 = 4;
    pub const DOUBLE: u8 = 5;
    pub const STR: u8 = 6;
    pub const BYTES: u8 = 7;
    pub const TIMESTAMP: u8 = 8;
    pub const DURATION: u8 = 9;
    pub const LIST: u8 = 10;
    pub const MAP: u8 = 11;
    pub const NONE: u8 = 12;
    pub const SOME: u8 = 13;
    pub const TYPE: u8 = 14;
    pub const IP: u8 = 15;
    pub const CIDR: u8 = 16;
}

fn write(value: &Datum, out: &mut Vec<u8>, depth: u32) -> Result<(), TooDeep> {
    if depth > MAX_DEPTH {
        return Err(TooDeep);
    }
    match value {
        Datum::Null => out.push(tag::NULL),
        Datum::Bool(false) => out.push(tag::FALSE),
        Datum::Bool(true) => out.push(tag::TRUE),
        Datum::Int(int) => {
            out.push(tag::INT);
            signed(*int, out);
        }
        Datum::Uint(uint) => {
            out.push(tag::UINT);
            varint(*uint, out);
        }
        Datum::Double(double) => {
            out.push(tag::DOUBLE);
            out.extend_from_slice(&double.to_bits().to_le_bytes());
        }
        Datum::Str(text) => text_of(tag::STR, text, out),
        Datum::Bytes(bytes) => {
            out.push(tag::BYTES);
            varint(bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        Datum::Timestamp(Instant { seconds, nanos }) => {
            out.push(tag::TIMESTAMP);
            signed(*seconds, out);
            varint(u64::from(*nanos), out);
        }
        Datum::Duration(Span { seconds, nanos }) => {
            out.push(tag::DURATION);
            signed(*seconds, out);
            varint(u64::from(*nanos), out);
        }
        Datum::List(items) => {
            out.push(tag::LIST);
            varint(items.len() as u64, out);
            for item in items {
                write(item, out, depth + 1)?;
            }
        }
        Datum::Map(entries) => {
            out.push(tag::MAP);
            varint(entries.len() as u64, out);
            for (key, value) in entries {
                write(key, out, depth + 1)?;
                write(value, out, depth + 1)?;
            }
        }
        Datum::Optional(None) => out.push(tag::NONE),
        Datum::Optional(Some(inner)) => {
            out.push(tag::SOME);
            write(inner, out, depth + 1)?;
        }
        Datum::Type(name) => text_of(tag::TYPE, name, out),
        Datum::Ip(ip) => text_of(tag::IP, &ip.to_string(), out),
        Datum::Cidr(net) => text_of(tag::CIDR, &net.to_string(), out),
    }
    Ok(())
}

fn text_of(tag: u8, text: &str, out: &mut Vec<u8>) {
    out.push(tag);
    varint(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Small numbers of either sign take one byte (zigzag).
fn signed(value: i64, out: &mut Vec<u8>) {
    varint(((value << 1) ^ (value >> 63)).cast_unsigned(), out);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: u32) -> Option<Datum> {
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match self.byte()? {
            tag::NULL => Datum::Null,
            tag::FALSE => Datum::Bool(false),
            tag::TRUE => Datum::Bool(true),
            tag::INT => Datum::Int(self.signed()?),
            tag::UINT => Datum::Uint(self.varint()?),
            tag::DOUBLE => {
                let (bits, rest) = self.rest.split_first_chunk::<8>()?;
                self.rest = rest;
                Datum::Double(f64::from_bits(u64::from_le_bytes(*bits)))
            }
            tag::STR => Datum::Str(self.text()?.into()),
            tag::BYTES => Datum::Bytes(self.bytes()?.into()),
            tag::TIMESTAMP => Datum::Timestamp(Instant { seconds: self.signed()?, nanos: self.nanos()? }),
            tag::DURATION => Datum::Duration(Span { seconds: self.signed()?, nanos: self.nanos()? }),
            tag::LIST => {
                let len = self.len()?;
                let mut items = Vec::with_capacity(len.min(64));
                for _ in 0..len {
                    items.push(self.value(depth + 1)?);
                }
                Datum::List(items)
            }
            tag::MAP => {
                let len = self.len()?;
                let mut entries = Vec::with_capacity(len.min(64));
                for _ in 0..len {
                    entries.push((self.value(depth + 1)?, self.value(depth + 1)?));
                }
                Datum::Map(entries)
            }
            tag::NONE => Datum::Optional(None),
            tag::SOME => Datum::Optional(Some(Box::new(self.value(depth + 1)?))),
            tag::TYPE => Datum::Type(self.text()?.into()),
            tag::IP => Datum::Ip(self.text()?.parse::<IpAddr>().ok()?),
            tag::CIDR => Datum::Cidr(self.text()?.parse().ok()?),
            _ => return None,
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn nanos(&mut self) -> Option<u32> {
        u32::try_from(self.varint()?).ok().filter(|nanos| *nanos < 1_000_000_000)
    }

    /// A count of values, each at least one byte long.
    fn len(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok().filter(|len| *len <= self.rest.len())
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.len()?;
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}
