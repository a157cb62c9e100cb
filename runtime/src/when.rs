//! Conditions and config values while a flow runs: typed code over the flow's slots.
//!
//! The interpreter of `admit-eval` is the meaning; machine code is the speed. Both give the same values and the same
//! errors, which tests and fuzzing hold them to.

use admit_eval::cx::Cx;
use admit_eval::error::EvalError;
use admit_eval::interpret;
use admit_eval::ops::no_overload;
use admit_eval::value::Value;
use admit_plan::code::Expr;
use thiserror::Error;

pub mod hot;
pub mod jit;

/// What code runs over.
#[derive(Clone, Copy)]
pub struct Frame<'r, 'a> {
    /// One value per slot of the flow, of the slot's type, or absent.
    pub slots: &'r [Value<'a>],
    /// Locals that are bound outside of the code: a block's outputs and config in `sets`, `provides` and `ensures`.
    pub locals: &'r [Value<'a>],
    /// Where new values live, the bundle's constants, and the bound on memory.
    pub cx: &'r Cx<'a>,
}

/// A case that failed, and how.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{error}")]
pub struct CaseError {
    /// Its number in the decision; 0 for a value.
    pub case: usize,
    /// How it failed.
    pub error: EvalError,
}

/// The first case that holds, if any does, by the interpreter. What [`jit::Compiled::decide`] gives.
///
/// # Errors
/// The case that failed, and how: no later case is looked at.
pub fn decide<'e>(
    cases: impl IntoIterator<Item = &'e Expr>,
    frame: &Frame<'_, '_>,
) -> Result<Option<usize>, Box<CaseError>> {
    for (case, when) in cases.into_iter().enumerate() {
        match value(when, frame) {
            Ok(Value::Bool(true)) => return Ok(Some(case)),
            Ok(Value::Bool(false)) => {}
            Ok(other) => return Err(Box::new(CaseError { case, error: no_overload("when", &[other]) })),
            Err(error) => return Err(Box::new(CaseError { case, error })),
        }
    }
    Ok(None)
}

/// The value of an expression, by the interpreter. What [`jit::Compiled::value`] gives.
///
/// # Errors
/// How it failed.
pub fn value<'a>(expr: &Expr, frame: &Frame<'_, 'a>) -> Result<Value<'a>, EvalError> {
    interpret::eval_with_locals(expr, frame.slots, frame.locals, frame.cx)
}
