//! Values that JSON writes as text.

use std::net::IpAddr;

use admit_eval::value::Value;
use bumpalo::Bump;

use crate::event::shape::Want;

/// A value of a type that JSON writes as a string; none where the text is not of the type's form.
pub(super) fn from_text<'a>(want: &Want, text: &'a str, arena: &'a Bump) -> Option<Value<'a>> {
    match want {
        Want::Ip => text.parse::<IpAddr>().ok().map(|ip| Value::Ip(arena.alloc(ip))),
        Want::Cidr => text.parse().ok().map(|net| Value::Cidr(arena.alloc(net))),
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
