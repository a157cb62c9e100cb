//! Fields and elements: `.name`, `.?name`, `has`, `[i]`, `[?i]`.

use crate::cx::Cx;
use crate::error::EvalError;
use crate::ops::no_overload;
use crate::value::Value;

/// `a.name`. On an optional: the field of its value, as an optional.
pub fn select<'a>(a: Value<'a>, name: &str, cx: &Cx<'a>) -> Result<Value<'a>, EvalError> {
    match a {
        Value::Map(map) => map.field(name).ok_or_else(|| EvalError::NoSuchKey(name.into())),
        Value::Optional(None) => Ok(a),
        Value::Optional(Some(inner)) => opt_select(*inner, name, cx),
        other => Err(no_field(other, name)),
    }
}

/// `has(a.name)`.
pub fn has_field(a: Value<'_>, name: &str) -> Result<bool, EvalError> {
    match a {
        Value::Map(map) => Ok(map.field(name).is_some()),
        Value::Optional(None) => Ok(false),
        Value::Optional(Some(inner)) => has_field(*inner, name),
        other => Err(no_field(other, name)),
    }
}

/// `a.?name`: an optional, none where the key is missing.
pub fn opt_select<'a>(a: Value<'a>, name: &str, cx: &Cx<'a>) -> Result<Value<'a>, EvalError> {
    match a {
        Value::Map(map) => map.field(name).map_or(Ok(Value::Optional(None)), |value| cx.some(value)),
        Value::Optional(None) => Ok(a),
        Value::Optional(Some(inner)) => opt_select(*inner, name, cx),
        other => Err(no_field(other, name)),
    }
}

/// `a[i]`. On an optional: the element of its value, as an optional.
pub fn index<'a>(a: Value<'a>, i: Value<'a>, cx: &Cx<'a>) -> Result<Value<'a>, EvalError> {
    match a {
        Value::List(items) => {
            let at = position(i).ok_or_else(|| no_overload("[]", &[a, i]))?;
            element(items, at).ok_or(EvalError::IndexOutOfBounds(at))
        }
        Value::Map(map) => {
            key(i).ok_or_else(|| no_overload("[]", &[a, i]))?;
            map.get(i).ok_or_else(|| EvalError::NoSuchKey(crate::json::text(i).into()))
        }
        Value::Optional(None) => Ok(a),
        Value::Optional(Some(inner)) => opt_index(*inner, i, cx),
        other => Err(no_overload("[]", &[other, i])),
    }
}

/// `a[?i]`: an optional, none where there is no such element.
pub fn opt_index<'a>(a: Value<'a>, i: Value<'a>, cx: &Cx<'a>) -> Result<Value<'a>, EvalError> {
    let found = match a {
        Value::List(items) => {
            let at = position(i).ok_or_else(|| no_overload("[?]", &[a, i]))?;
            element(items, at)
        }
        Value::Map(map) => {
            key(i).ok_or_else(|| no_overload("[?]", &[a, i]))?;
            map.get(i)
        }
        Value::Optional(None) => None,
        Value::Optional(Some(inner)) => return opt_index(*inner, i, cx),
        other => return Err(no_overload("[?]", &[other, i])),
    };
    found.map_or(Ok(Value::Optional(None)), |value| cx.some(value))
}

fn element<'a>(items: &[Value<'a>], at: i64) -> Option<Value<'a>> {
    items.get(usize::try_from(at).ok()?).copied()
}

/// An index of any number type that is whole.
#[expect(clippy::cast_possible_truncation, reason = "the double is whole and within the range of exact integers")]
fn position(i: Value<'_>) -> Option<i64> {
    match i {
        Value::Int(at) => Some(at),
        Value::Uint(at) => Some(i64::try_from(at).unwrap_or(i64::MAX)),
        Value::Double(at) if at.fract() == 0.0 && at.abs() < 9_007_199_254_740_992.0 => Some(at as i64),
        _ => None,
    }
}

/// Kinds that may be looked up in a map. A double is, where it is whole, an integer key.
fn key(i: Value<'_>) -> Option<()> {
    matches!(i, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Str(_)).then_some(())
}

fn no_field(a: Value<'_>, name: &str) -> EvalError {
    EvalError::NoSuchOverload(format!("{} has no field `{name}`", a.kind()).into())
}
