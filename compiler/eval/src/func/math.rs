//! The math extension.

use std::cmp::Ordering;

use admit_plan::func::Func;

use super::{Called, invalid};
use crate::ops::{no_overload, overflow};
use crate::order::compare;
use crate::value::Value;

pub(super) fn call<'a>(func: Func, args: &[Value<'a>]) -> Called<'a> {
    let wrong = || no_overload(func.name(), args);
    match (func, args) {
        (Func::Greatest, _) => extreme(func, args, Ordering::Greater),
        (Func::Least, _) => extreme(func, args, Ordering::Less),
        (Func::Ceil, [Value::Double(x)]) => Ok(Value::Double(x.ceil())),
        (Func::Floor, [Value::Double(x)]) => Ok(Value::Double(x.floor())),
        (Func::Round, [Value::Double(x)]) => Ok(Value::Double(x.round())),
        (Func::Trunc, [Value::Double(x)]) => Ok(Value::Double(x.trunc())),
        (Func::Abs, [Value::Int(x)]) => x.checked_abs().map(Value::Int).ok_or_else(overflow),
        (Func::Abs, [Value::Uint(x)]) => Ok(Value::Uint(*x)),
        (Func::Abs, [Value::Double(x)]) => Ok(Value::Double(x.abs())),
        (Func::Sign, [Value::Int(x)]) => Ok(Value::Int(x.signum())),
        (Func::Sign, [Value::Uint(x)]) => Ok(Value::Uint(u64::from(*x != 0))),
        (Func::Sign, [Value::Double(x)]) => Ok(Value::Double(if *x == 0.0 || x.is_nan() { *x } else { x.signum() })),
        (Func::Sqrt, [x]) => number(*x).map(|x| Value::Double(x.sqrt())).ok_or_else(wrong),
        (Func::IsNan, [Value::Double(x)]) => Ok(Value::Bool(x.is_nan())),
        (Func::IsInf, [Value::Double(x)]) => Ok(Value::Bool(x.is_infinite())),
        (Func::IsFinite, [Value::Double(x)]) => Ok(Value::Bool(x.is_finite())),
        (Func::BitAnd, [Value::Int(a), Value::Int(b)]) => Ok(Value::Int(a & b)),
        (Func::BitAnd, [Value::Uint(a), Value::Uint(b)]) => Ok(Value::Uint(a & b)),
        (Func::BitOr, [Value::Int(a), Value::Int(b)]) => Ok(Value::Int(a | b)),
        (Func::BitOr, [Value::Uint(a), Value::Uint(b)]) => Ok(Value::Uint(a | b)),
        (Func::BitXor, [Value::Int(a), Value::Int(b)]) => Ok(Value::Int(a ^ b)),
        (Func::BitXor, [Value::Uint(a), Value::Uint(b)]) => Ok(Value::Uint(a ^ b)),
        (Func::BitNot, [Value::Int(a)]) => Ok(Value::Int(!a)),
        (Func::BitNot, [Value::Uint(a)]) => Ok(Value::Uint(!a)),
        (Func::BitShiftLeft | Func::BitShiftRight, [value, Value::Int(by)]) => shift(func, *value, *by),
        _ => Err(wrong()),
    }
}

/// The greatest or least of the arguments, or of one list; the first of those that are equal.
fn extreme<'a>(func: Func, args: &[Value<'a>], wanted: Ordering) -> Called<'a> {
    let wrong = || no_overload(func.name(), args);
    let values = match args {
        [Value::List(items)] => items,
        _ => args,
    };
    let (first, rest) = values.split_first().ok_or_else(wrong)?;
    number(*first).ok_or_else(wrong)?;
    rest.iter().try_fold(*first, |best, value| {
        number(*value).ok_or_else(wrong)?;
        let order = compare(*value, best).ok_or_else(wrong)?;
        Ok(if order == Some(wanted) { *value } else { best })
    })
}

#[expect(clippy::cast_precision_loss, reason = "a square root is a double")]
fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Int(x) => Some(x as f64),
        Value::Uint(x) => Some(x as f64),
        Value::Double(x) => Some(x),
        _ => None,
    }
}

/// Shifts; zeros come in on either side, and 64 places or more leave nothing.
#[expect(clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "bits are shifted, not numbers")]
fn shift<'a>(func: Func, value: Value<'a>, by: i64) -> Called<'a> {
    if by < 0 {
        return Err(invalid(format!("{}: negative offset: {by}", func.name())));
    }
    let by = u32::try_from(by).unwrap_or(u32::MAX);
    let bits =
        |bits: u64| if func == Func::BitShiftLeft { bits.checked_shl(by) } else { bits.checked_shr(by) }.unwrap_or(0);
    match value {
        Value::Int(x) => Ok(Value::Int(bits(x as u64) as i64)),
        Value::Uint(x) => Ok(Value::Uint(bits(x))),
        other => Err(no_overload(func.name(), &[other, Value::Int(i64::from(by))])),
    }
}
