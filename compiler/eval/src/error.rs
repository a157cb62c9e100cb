//! How an expression fails.

use thiserror::Error;

/// Why an expression failed. The text is the user's: lower case, no Rust names.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EvalError {
    /// No overload of the operator or function takes values of these kinds.
    #[error("no such overload: {0}")]
    NoSuchOverload(Box<str>),
    /// A key that a map does not have, or a field that dyn data does not have.
    #[error("no such key: {0}")]
    NoSuchKey(Box<str>),
    /// An index outside a list.
    #[error("index out of bounds: {0}")]
    IndexOutOfBounds(i64),
    /// Integer, time or conversion overflow.
    #[error("range error: {0}")]
    Range(Box<str>),
    /// Division or modulus by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A conversion or parse that failed.
    #[error("{0}")]
    Invalid(Box<str>),
    /// A slot that is not there, by number; whoever knows the slots names it.
    #[error("slot {0} is absent")]
    Absent(u32),
    /// The result would be larger than expressions may make.
    #[error("the result is larger than the limit of {0} bytes")]
    TooLarge(u64),
    /// The macros of the expression walk over more elements than expressions may.
    #[error("the expression takes more than the limit of {0} steps")]
    TooManySteps(u64),
}
