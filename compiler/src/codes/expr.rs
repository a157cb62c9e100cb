//! Codes of expressions: A0100-A0199 (but `A0107`, which stands with the flow checks that raise it).

use super::{Code, code};

pub(super) const CODES: &[Code] = &[
    code!(Error, "A0100", "a name means nothing here"),
    code!(Error, "A0101", "a value has another type than is wanted here"),
    code!(Error, "A0102", "a record has no such field"),
    code!(Error, "A0103", "an operator does not take these values"),
    code!(Error, "A0104", "there is no function of this name"),
    code!(Error, "A0105", "a function does not take these arguments"),
    code!(Error, "A0106", "a value that may be absent is read without a guard"),
    code!(Error, "A0108", "an optional stands where a value is wanted"),
    code!(Error, "A0109", "an enum does not have this word"),
    code!(Error, "A0110", "a value cannot reach this number"),
    code!(Warning, "A0111", "a comparison is always true"),
    code!(Error, "A0112", "a constant always fails"),
    code!(Error, "A0113", "a regular expression does not compile"),
    code!(Error, "A0114", "a key is written twice"),
    code!(Error, "A0115", "a key is quoted where a name is wanted, or a name where a quoted key is wanted"),
    code!(Error, "A0116", "a record lacks a field"),
    code!(Error, "A0117", "a record literal gives a field that the record does not have"),
    code!(Error, "A0118", "a list stands elsewhere than right of `in`"),
    code!(Error, "A0119", "a secret is read where none may stand"),
    code!(Error, "A0120", "a template stands where none is taken"),
    code!(Error, "A0121", "a value cannot be put into text"),
    code!(Error, "A0122", "a macro is not written in its form"),
    code!(Error, "A0123", "an expression can cost too much"),
    code!(Error, "A0124", "two values can never be equal"),
    code!(Error, "A0125", "a constant number is outside its range"),
    code!(Error, "A0130", "an expression is too large once its macros are written out"),
];
