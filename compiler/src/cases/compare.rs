//! Whether a value is the expected one: types exact, NaN equal to NaN, maps in any order.

use admit_eval::datum::Datum;

/// The value (left) is the expected one (right).
pub fn same(left: &Datum, right: &Datum) -> bool {
    match (left, right) {
        (Datum::Bytes(value), Datum::Bytes(expected)) => value == expected || **value == unescaped(expected),
        // A sign is part of a zero; the bits of a NaN mean nothing.
        (Datum::Double(a), Datum::Double(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (Datum::List(a), Datum::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Datum::Map(a), Datum::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.iter().any(|(other, expected)| same(key, other) && same(value, expected)))
        }
        (Datum::Optional(a), Datum::Optional(b)) => match (a, b) {
            (Some(a), Some(b)) => same(a, b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        },
        (
            Datum::Null
            | Datum::Bool(_)
            | Datum::Int(_)
            | Datum::Uint(_)
            | Datum::Double(_)
            | Datum::Str(_)
            | Datum::Bytes(_)
            | Datum::Timestamp(_)
            | Datum::Duration(_)
            | Datum::List(_)
            | Datum::Map(_)
            | Datum::Optional(_)
            | Datum::Type(_)
            | Datum::Ip(_)
            | Datum::Cidr(_),
            other,
        ) => left == other,
    }
}

/// Expected bytes as the suite means them. Its text format may write `?` as `\?`; the conversion to JSON resolved that in
/// strings but kept the backslash in bytes, so that `b''' ? '''` is said to give ` \? `. Upstream it gives ` ? `.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    for (index, byte) in bytes.iter().enumerate() {
        if *byte != b'\\' || bytes.get(index + 1) != Some(&b'?') {
            plain.push(*byte);
        }
    }
    plain
}

/// The value, with its type, on one line.
pub fn show(value: &Datum) -> String {
    match value {
        Datum::Null => "null".to_owned(),
        Datum::Bool(value) => value.to_string(),
        Datum::Int(value) => value.to_string(),
        Datum::Uint(value) => format!("{value}u"),
        Datum::Double(value) => format!("{value:?}"),
        Datum::Str(value) => format!("{value:?}"),
        Datum::Bytes(value) => format!("bytes {value:02x?}"),
        Datum::Timestamp(value) => format!("timestamp {}.{:09}", value.seconds, value.nanos),
        Datum::Duration(value) => format!("duration {}.{:09}", value.seconds, value.nanos),
        Datum::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Datum::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", show(key), show(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Datum::Optional(Some(value)) => format!("optional({})", show(value)),
        Datum::Optional(None) => "optional()".to_owned(),
        Datum::Type(name) => format!("type {name}"),
        Datum::Ip(address) => format!("ip {address}"),
        Datum::Cidr(block) => format!("cidr {block}"),
    }
}
