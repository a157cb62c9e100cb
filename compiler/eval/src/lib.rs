//! What expressions mean: values, the functions of CEL, and the interpreter of typed code.
//!
//! The compiler uses it for constants and tests, the runtime for cold flows; machine code calls the same functions
//! (never the interpreter). Pure: no I/O, no clock, no randomness; what an expression may see is in its slots.

pub mod access;
pub mod coerce;
pub mod consts;
pub mod cx;
pub mod datum;
pub mod error;
pub mod func;
pub mod interpret;
pub mod json;
pub mod ops;
pub mod order;
pub mod template;
pub mod time;
pub mod value;
