//! Types: no `Error`, no empty ranges or enums, no field twice, keys that maps may have.

use super::{Check, distinct};
use crate::types::{Kind, Range, Type};

/// The most fields of a record or words of an enum.
const MAX_FIELDS: usize = 4_096;

/// The deepest type. Reading has bounded the depth already; a bundle that was built here has not been read.
const MAX_DEPTH: usize = 64;

pub(super) fn check(ty: &Type) -> Check {
    at(ty, 0)
}

fn at(ty: &Type, depth: usize) -> Check {
    if depth > MAX_DEPTH {
        return Err("a type that is nested too deeply".to_owned());
    }
    match &ty.kind {
        Kind::Error => Err("a type that is an error".to_owned()),
        Kind::Dyn
        | Kind::Null
        | Kind::Bool
        | Kind::String
        | Kind::Bytes
        | Kind::Timestamp
        | Kind::Duration
        | Kind::Type
        | Kind::Ip
        | Kind::Cidr => Ok(()),
        Kind::Int(range) => ordered(range, |min, max| min <= max),
        Kind::Uint(range) => ordered(range, |min, max| min <= max),
        Kind::Double(range) => {
            if range.min.is_some_and(|min| min.0.is_nan()) || range.max.is_some_and(|max| max.0.is_nan()) {
                return Err("a range that ends at no number".to_owned());
            }
            ordered(range, |min, max| min.0 <= max.0)
        }
        Kind::Enum(words) => {
            if words.is_empty() || words.len() > MAX_FIELDS {
                return Err("an enum without words, or with too many".to_owned());
            }
            distinct(words.iter())
        }
        Kind::List(item) => at(item, depth + 1),
        Kind::Map(key, value) => {
            if !key.kind.is_key() && key.kind != Kind::Dyn {
                return Err("a map with keys that no map has".to_owned());
            }
            at(key, depth + 1)?;
            at(value, depth + 1)
        }
        Kind::Record(fields) => {
            if fields.len() > MAX_FIELDS {
                return Err("a record with too many fields".to_owned());
            }
            distinct(fields.iter().map(|field| &field.name))?;
            fields.iter().try_for_each(|field| at(&field.ty, depth + 1))
        }
        Kind::Optional(held) => match held.kind {
            Kind::Optional(_) => Err("an optional of an optional".to_owned()),
            _ => at(held, depth + 1),
        },
    }
}

fn ordered<T: Copy>(range: &Range<T>, fits: impl Fn(T, T) -> bool) -> Check {
    match (range.min, range.max) {
        (Some(min), Some(max)) if !fits(min, max) => Err("an empty range".to_owned()),
        _ => Ok(()),
    }
}
