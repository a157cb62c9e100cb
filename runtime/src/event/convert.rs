//! Values that JSON writes as text.

use admit_eval::coerce::coerce;
use admit_eval::datum::Datum;
use admit_eval::value::Value;
use admit_plan::types::Kind;
use bumpalo::Bump;

use crate::event::shape::Want;

/// A value of a type that JSON writes as a string; none where the text is not of the type's form.
pub(super) fn from_text<'a>(want: &Want, text: &str, arena: &'a Bump) -> Option<Value<'a>> {
    let kind = match want {
        Want::Bytes => Kind::Bytes,
        Want::Timestamp => Kind::Timestamp,
        Want::Duration => Kind::Duration,
        Want::Ip => Kind::Ip,
        Want::Cidr => Kind::Cidr,
        _ => return None,
    };
    // These few types are read by the one function that says what their text is, though it allocates.
    match coerce(&kind.into(), Datum::Str(text.into())).ok()? {
        Datum::Bytes(bytes) => Some(Value::Bytes(arena.alloc_slice_copy(&bytes))),
        Datum::Timestamp(at) => Some(Value::Timestamp(at)),
        Datum::Duration(span) => Some(Value::Duration(span)),
        Datum::Ip(ip) => Some(Value::Ip(arena.alloc(ip))),
        Datum::Cidr(net) => Some(Value::Cidr(arena.alloc(net))),
        _ => None,
    }
}

/// A map's key from the text of JSON's; numbers only in their one shortest form, so that no two texts are one key.
pub(super) fn map_key<'a>(want: &Want, text: &'a str) -> Option<Value<'a>> {
    let shortest = |number: &str| number == text;
    match want {
        Want::Str | Want::Dyn => Some(Value::Str(text)),
        Want::Enum(words) => words.iter().any(|word| word == text).then_some(Value::Str(text)),
        Want::Bool => text.parse().ok().map(Value::Bool),
        Want::Int(range) => {
            let int = text.parse::<i64>().ok().filter(|int| shortest(&int.to_string()))?;
            (range.min.is_none_or(|min| int >= min) && range.max.is_none_or(|max| int <= max))
                .then_some(Value::Int(int))
        }
        Want::Uint(range) => {
            let uint = text.parse::<u64>().ok().filter(|uint| shortest(&uint.to_string()))?;
            (range.min.is_none_or(|min| uint >= min) && range.max.is_none_or(|max| uint <= max))
                .then_some(Value::Uint(uint))
        }
        _ => None,
    }
}
