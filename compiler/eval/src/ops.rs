//! The operators. Machine code calls these for what it does not do inline.

use admit_plan::code::BinOp;

use crate::cx::Cx;
use crate::error::EvalError;
use crate::order::{compare, equals};
use crate::time;
use crate::value::Value;

/// `a OP b`.
pub fn binary<'a>(op: BinOp, a: Value<'a>, b: Value<'a>, cx: &Cx<'a>) -> Result<Value<'a>, EvalError> {
    match op {
        BinOp::Eq => Ok(Value::Bool(equals(a, b))),
        BinOp::Ne => Ok(Value::Bool(!equals(a, b))),
        BinOp::Lt => ordered(op, a, b, |order| order.is_lt()),
        BinOp::Le => ordered(op, a, b, |order| order.is_le()),
        BinOp::Gt => ordered(op, a, b, |order| order.is_gt()),
        BinOp::Ge => ordered(op, a, b, |order| order.is_ge()),
        BinOp::In => is_in(a, b).map(Value::Bool),
        BinOp::Add => add(a, b, cx),
        BinOp::Sub => subtract(a, b),
        BinOp::Mul => multiply(a, b),
        BinOp::Div => divide(a, b),
        BinOp::Rem => remainder(a, b),
    }
}

/// `!a`
pub fn not(a: Value<'_>) -> Result<bool, EvalError> {
    match a {
        Value::Bool(value) => Ok(!value),
        other => Err(no_overload("!", &[other])),
    }
}

/// `-a`
pub fn negate(a: Value<'_>) -> Result<Value<'_>, EvalError> {
    match a {
        Value::Int(value) => value.checked_neg().map(Value::Int).ok_or_else(overflow),
        Value::Double(value) => Ok(Value::Double(-value)),
        other => Err(no_overload("-", &[other])),
    }
}

/// `a in b`: an element of a list, a key of a map.
pub fn is_in(a: Value<'_>, b: Value<'_>) -> Result<bool, EvalError> {
    match b {
        Value::List(items) => Ok(items.iter().any(|item| equals(*item, a))),
        Value::Map(map) => Ok(map.get(a).is_some()),
        other => Err(no_overload("in", &[a, other])),
    }
}

/// The error for values that no overload takes.
pub fn no_overload(function: &str, args: &[Value<'_>]) -> EvalError {
    let kinds: Vec<&str> = args.iter().map(|arg| arg.kind()).collect();
    EvalError::NoSuchOverload(format!("`{function}` of {}", kinds.join(", ")).into())
}

fn ordered<'a>(
    op: BinOp,
    a: Value<'a>,
    b: Value<'a>,
    holds: impl Fn(std::cmp::Ordering) -> bool,
) -> Result<Value<'a>, EvalError> {
    match compare(a, b) {
        Some(order) => Ok(Value::Bool(order.is_some_and(holds))),
        None => Err(no_overload(op.symbol(), &[a, b])),
    }
}

fn add<'a>(a: Value<'a>, b: Value<'a>, cx: &Cx<'a>) -> Result<Value<'a>, EvalError> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(b).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(a), Value::Uint(b)) => a.checked_add(b).map(Value::Uint).ok_or_else(overflow),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Value::Str(a), Value::Str(b)) => {
            cx.charge(a.len() + b.len())?;
            let mut text = bumpalo::collections::String::with_capacity_in(a.len() + b.len(), cx.arena());
            text.push_str(a);
            text.push_str(b);
            Ok(Value::Str(text.into_bump_str()))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            cx.charge(a.len() + b.len())?;
            let mut bytes = bumpalo::collections::Vec::with_capacity_in(a.len() + b.len(), cx.arena());
            bytes.extend_from_slice(a);
            bytes.extend_from_slice(b);
            Ok(Value::Bytes(bytes.into_bump_slice()))
        }
        (Value::List(a), Value::List(b)) => {
            cx.charge_whole(a.iter().chain(b).copied())?;
            let mut items = bumpalo::collections::Vec::with_capacity_in(a.len() + b.len(), cx.arena());
            items.extend_from_slice(a);
            items.extend_from_slice(b);
            Ok(Value::List(items.into_bump_slice()))
        }
        (Value::Timestamp(at), Value::Duration(by)) | (Value::Duration(by), Value::Timestamp(at)) => {
            time::shift(at, time::nanos(by)).map(Value::Timestamp)
        }
        (Value::Duration(a), Value::Duration(b)) => time::span(time::nanos(a) + time::nanos(b)).map(Value::Duration),
        (a, b) => Err(no_overload("+", &[a, b])),
    }
}

fn subtract<'a>(a: Value<'a>, b: Value<'a>) -> Result<Value<'a>, EvalError> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.checked_sub(b).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(a), Value::Uint(b)) => a.checked_sub(b).map(Value::Uint).ok_or_else(overflow),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a - b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => {
            time::span(time::instant_nanos(a) - time::instant_nanos(b)).map(Value::Duration)
        }
        (Value::Timestamp(at), Value::Duration(by)) => time::shift(at, -time::nanos(by)).map(Value::Timestamp),
        (Value::Duration(a), Value::Duration(b)) => time::span(time::nanos(a) - time::nanos(b)).map(Value::Duration),
        (a, b) => Err(no_overload("-", &[a, b])),
    }
}

fn multiply<'a>(a: Value<'a>, b: Value<'a>) -> Result<Value<'a>, EvalError> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.checked_mul(b).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(a), Value::Uint(b)) => a.checked_mul(b).map(Value::Uint).ok_or_else(overflow),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a * b)),
        (a, b) => Err(no_overload("*", &[a, b])),
    }
}

fn divide<'a>(a: Value<'a>, b: Value<'a>) -> Result<Value<'a>, EvalError> {
    match (a, b) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => Err(EvalError::DivisionByZero),
        (Value::Int(a), Value::Int(b)) => a.checked_div(b).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(a), Value::Uint(b)) => a.checked_div(b).map(Value::Uint).ok_or(EvalError::DivisionByZero),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a / b)),
        (a, b) => Err(no_overload("/", &[a, b])),
    }
}

fn remainder<'a>(a: Value<'a>, b: Value<'a>) -> Result<Value<'a>, EvalError> {
    match (a, b) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => Err(EvalError::DivisionByZero),
        (Value::Int(a), Value::Int(b)) => a.checked_rem(b).map(Value::Int).ok_or_else(overflow),
        (Value::Uint(a), Value::Uint(b)) => a.checked_rem(b).map(Value::Uint).ok_or(EvalError::DivisionByZero),
        (a, b) => Err(no_overload("%", &[a, b])),
    }
}

/// Integer overflow.
pub fn overflow() -> EvalError {
    EvalError::Range("integer overflow".into())
}
