//! Constants that machine code reads from memory: a table of values beside the code.

use admit_eval::value::{Span, Value};
use admit_plan::code::{Expr, Pool};
use admit_plan::func::Func;

use crate::when::jit::{CompileError, Result};

/// Nanoseconds of a second.
const NANOS: i64 = 1_000_000_000;

/// Constants as they are collected.
#[derive(Default)]
pub(super) struct Constants {
    owned: Vec<Constant>,
    funcs: Vec<Func>,
}

/// A constant and its text.
#[derive(Debug, PartialEq)]
enum Constant {
    Null,
    Str(Box<str>),
    Bytes(Box<[u8]>),
    Duration(Span),
    Type(Box<str>),
}

/// Constants as machine code reads them.
pub(super) struct Table {
    /// Borrows from `_owned`.
    values: Box<[Value<'static>]>,
    _owned: Box<[Constant]>,
    /// Functions that the code calls by their place here.
    pub(super) funcs: Box<[Func]>,
}

impl Constants {
    /// The place of a constant expression in the table.
    pub(super) fn add(&mut self, expr: &Expr, pool: &Pool) -> Result<u32> {
        let text = |id: u32| pool.strings.get(id as usize).map(|text| Box::from(text.as_str()));
        let constant = match expr {
            Expr::Null => Constant::Null,
            Expr::Str(id) => Constant::Str(text(*id).ok_or(CompileError::BadCode("a string"))?),
            Expr::Type(id) => Constant::Type(text(*id).ok_or(CompileError::BadCode("a string"))?),
            Expr::Bytes(bytes) => Constant::Bytes(bytes.as_slice().into()),
            Expr::Duration(nanos) => Constant::Duration(Span {
                seconds: nanos.div_euclid(NANOS),
                nanos: nanos.rem_euclid(NANOS).try_into().unwrap_or_default(),
            }),
            _ => return Err(CompileError::Internal("not a constant".into())),
        };
        self.place(constant)
    }

    /// The place of bytes.
    pub(super) fn add_text(&mut self, bytes: &[u8]) -> Result<u32> {
        self.place(Constant::Bytes(bytes.into()))
    }

    /// The place of a function.
    pub(super) fn add_func(&mut self, func: Func) -> usize {
        let known = self.funcs.iter().position(|known| *known == func);
        known.unwrap_or_else(|| {
            self.funcs.push(func);
            self.funcs.len() - 1
        })
    }

    pub(super) fn finish(self) -> Table {
        let owned = self.owned.into_boxed_slice();
        let values = owned.iter().map(Constant::value).collect();
        Table { values, _owned: owned, funcs: self.funcs.into() }
    }

    fn place(&mut self, constant: Constant) -> Result<u32> {
        let known = self.owned.iter().position(|known| *known == constant);
        let place = known.unwrap_or_else(|| {
            self.owned.push(constant);
            self.owned.len() - 1
        });
        u32::try_from(place).map_err(|_| CompileError::BadCode("a constant"))
    }
}

impl Constant {
    fn value(&self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Str(text) => Value::Str(extended(text)),
            Self::Bytes(bytes) => Value::Bytes(extended(bytes)),
            Self::Duration(span) => Value::Duration(*span),
            Self::Type(name) => Value::Type(extended(name)),
        }
    }
}

impl Table {
    /// The first value; the others follow it. Good as long as the table is.
    pub(super) fn as_ptr(&self) -> *const Value<'static> {
        self.values.as_ptr()
    }
}

/// A reference into a box of the table, for as long as the table says.
fn extended<T: ?Sized>(text: &T) -> &'static T {
    // SAFETY: `text` lies in a box that the table owns beside its values and never changes or gives up, so it lives as
    // long as they do and does not move with the table. Only machine code reads the values, and whoever calls it
    // borrows the table for as long as results live (`Compiled::value`).
    unsafe { &*std::ptr::from_ref(text) }
}
