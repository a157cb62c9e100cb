//! `when-agree`: machine code gives what the interpreter gives, errors included, for any code over any values.

pub mod generate;
pub mod values;
