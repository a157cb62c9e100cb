//! Positions in text, counted in code points.

use crate::error::EvalError;

/// How many code points the text has.
pub(super) fn char_count(text: &str) -> usize {
    text.chars().count()
}

/// The byte of a position from 0 to the number of code points, which is the end.
pub(super) fn position(text: &str, at: i64) -> Option<usize> {
    let at = usize::try_from(at).ok()?;
    text.char_indices().map(|(byte, _)| byte).chain(std::iter::once(text.len())).nth(at)
}

/// The text from a position on.
pub(super) fn at_position(text: &str, at: i64) -> Option<&str> {
    text.get(position(text, at)?..)
}

/// The error for a position outside a text.
pub(super) fn out_of_range(at: i64) -> EvalError {
    EvalError::Range(format!("index out of range: {at}").into())
}
