//! Optionals.

use admit_plan::func::Func;

use super::{Called, invalid};
use crate::cx::Cx;
use crate::ops::no_overload;
use crate::value::Value;

pub(super) fn call<'a>(func: Func, args: &[Value<'a>], cx: &Cx<'a>) -> Called<'a> {
    match (func, args) {
        (Func::OptOf, [value]) => cx.some(*value),
        (Func::OptOfNonZero, [value]) if is_zero(*value) => Ok(Value::Optional(None)),
        (Func::OptOfNonZero, [value]) => cx.some(*value),
        (Func::OptNone, []) => Ok(Value::Optional(None)),
        (Func::OptHasValue, [Value::Optional(inner)]) => Ok(Value::Bool(inner.is_some())),
        (Func::OptValue, [Value::Optional(inner)]) => {
            inner.copied().ok_or_else(|| invalid("the optional has no value"))
        }
        (Func::OptOr, [first @ Value::Optional(Some(_)), _]) => Ok(*first),
        (Func::OptOr, [Value::Optional(None), second @ Value::Optional(_)]) => Ok(*second),
        (Func::OptOrValue, [Value::Optional(inner), value]) => Ok(inner.copied().unwrap_or(*value)),
        (Func::OptUnwrap, [Value::List(items)]) => {
            let mut values = Vec::new();
            for item in *items {
                match item {
                    Value::Optional(Some(value)) => values.push(**value),
                    Value::Optional(None) => {}
                    _ => return Err(no_overload(func.name(), args)),
                }
            }
            cx.list(&values).map(Value::List)
        }
        (Func::First, [Value::List(items)]) => items.first().map_or(Ok(Value::Optional(None)), |item| cx.some(*item)),
        (Func::Last, [Value::List(items)]) => items.last().map_or(Ok(Value::Optional(None)), |item| cx.some(*item)),
        _ => Err(no_overload(func.name(), args)),
    }
}

/// The zero values of cel-spec: null, false, 0, empty text, bytes, list, map, an optional without a value, a duration of
/// nothing, the epoch.
fn is_zero(value: Value<'_>) -> bool {
    match value {
        Value::Absent | Value::Null | Value::Optional(None) => true,
        Value::Bool(value) => !value,
        Value::Int(value) => value == 0,
        Value::Uint(value) => value == 0,
        Value::Double(value) => value == 0.0,
        Value::Str(value) => value.is_empty(),
        Value::Bytes(value) => value.is_empty(),
        Value::List(value) => value.is_empty(),
        Value::Map(map) => map.entries.is_empty(),
        Value::Duration(span) => span.seconds == 0 && span.nanos == 0,
        Value::Timestamp(at) => at.seconds == 0 && at.nanos == 0,
        Value::Optional(Some(_)) | Value::Type(_) | Value::Ip(_) | Value::Cidr(_) => false,
    }
}
