//! Where expressions get their meaning: `admit-eval` over a bundle's constants, and values in and out of an arena.

use std::net::IpAddr;

use admit_eval::consts::Consts;
use admit_eval::cx::Cx;
use admit_eval::datum::Datum;
use admit_eval::error::EvalError;
use admit_eval::value::{Map, Value};
use admit_eval::{interpret, json, template};
use admit_plan::code::{Escape, Expr, Pool};
use bumpalo::Bump;
use thiserror::Error;

/// A bundle's constants, ready.
pub(crate) struct Meaning {
    consts: Consts,
}

/// Why an expression did not give what was asked of it.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// A condition gave something else.
    #[error("the expression gives no bool")]
    NotABool,
    /// It failed.
    #[error(transparent)]
    Eval(#[from] EvalError),
}

impl Meaning {
    /// Of the expressions over this pool.
    ///
    /// # Errors
    /// Which constant cannot be made ready.
    pub(crate) fn of(pool: &Pool) -> Result<Self, String> {
        Ok(Self { consts: Consts::new(pool)? })
    }

    /// What expressions are evaluated in, over this arena.
    pub(crate) fn cx<'a>(&'a self, arena: &'a Bump) -> Cx<'a> {
        Cx::new(arena, &self.consts)
    }

    /// The value of an expression that names no slot.
    ///
    /// # Errors
    /// If it fails.
    pub(crate) fn constant(&self, code: &Expr) -> Result<Datum, EvalError> {
        let arena = Bump::new();
        interpret::eval(code, &[], &self.cx(&arena)).map(Datum::from)
    }
}

/// The value of an expression.
///
/// # Errors
/// If it fails.
pub(crate) fn eval<'a>(code: &Expr, slots: &[Value<'a>], cx: &Cx<'a>) -> Result<Value<'a>, EvalError> {
    cx.refill();
    interpret::eval(code, slots, cx)
}

/// A value in the arena, with nothing borrowed from the datum: what it was copied from may change or go.
pub(crate) fn to_value<'a>(datum: &Datum, arena: &'a Bump) -> Value<'a> {
    match datum {
        Datum::Null => Value::Null,
        Datum::Bool(value) => Value::Bool(*value),
        Datum::Int(value) => Value::Int(*value),
        Datum::Uint(value) => Value::Uint(*value),
        Datum::Double(value) => Value::Double(*value),
        Datum::Str(value) => Value::Str(arena.alloc_str(value)),
        Datum::Bytes(value) => Value::Bytes(arena.alloc_slice_copy(value)),
        Datum::Timestamp(value) => Value::Timestamp(*value),
        Datum::Duration(value) => Value::Duration(*value),
        Datum::List(items) => Value::List(arena.alloc_slice_fill_iter(items.iter().map(|item| to_value(item, arena)))),
        Datum::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (to_value(key, arena), to_value(value, arena)));
            Value::Map(arena.alloc(Map { entries: arena.alloc_slice_fill_iter(entries) }))
        }
        Datum::Optional(None) => Value::Optional(None),
        Datum::Optional(Some(inner)) => Value::Optional(Some(arena.alloc(to_value(inner, arena)))),
        Datum::Type(name) => Value::Type(arena.alloc_str(name)),
        Datum::Ip(address) => Value::Ip(arena.alloc::<IpAddr>(*address)),
        Datum::Cidr(block) => Value::Cidr(arena.alloc(*block)),
    }
}

/// JSON as data; none where it is no JSON.
pub(crate) fn from_json(bytes: &[u8]) -> Option<Datum> {
    serde_json::from_slice::<serde_json::Value>(bytes).ok().map(|value| json::from_json(&value))
}

/// Data as JSON text.
pub(crate) fn to_json(datum: &Datum) -> String {
    let arena = Bump::new();
    let mut text = String::new();
    json::write(datum.borrow(&arena), &mut text);
    text
}

/// A value as text in a field of this kind.
///
/// # Errors
/// If it does not fit there.
pub(crate) fn escape(value: Value<'_>, how: Escape) -> Result<String, EvalError> {
    let mut text = String::new();
    template::escape_into(value, how, &mut text)?;
    Ok(text)
}
