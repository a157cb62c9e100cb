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

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Level::Error, span, message.into())
    }

    /// A warning at `span`.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(code, Level::Warning, span, message.into())
    }

    /// Says something at the primary place itself.
    #[must_use]
    pub fn here(mut self, message: impl Into<String>) -> Self {
        self.primary.message = message.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.secondary.push(Label { span, message: message.into() });
        self
    }

    /// Adds a line of help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    fn new(code: &'static str, level: Level, span: Span, message: String) -> Self {
        let primary = Label { span, message: String::new() };
        Self { code, level, message, primary, secondary: Vec::new(), help: Vec::new() }
    }
}
