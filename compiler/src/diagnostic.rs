//! Diagnostics: what every stage says of the user's source. Rendering is in `render/`.

use crate::source::Span;

/// How bad it is. Only errors fail a check; warnings do with `--deny warnings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The project is wrong.
    Error,
    /// The project is probably not what its author meant.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its code, `A0107`; each is defined once in `codes.rs` and explained in `explain/A0107.md`.
    pub code: &'static str,
    /// Error or warning.
    pub level: Level,
    /// One sentence, lower case, the user's words in backticks; clear alone on one line.
    pub message: String,
    /// The smallest span that proves it, and what to say there (may be empty).
    pub primary: Label,
    /// Other places that matter.
    pub secondary: Vec<Label>,
    /// The fix.
    pub help: Vec<String>,
}

/// A place in the source with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What to say there; may be empty.
    pub message: String,
}
