//! The words of diagnostics, and those of the parser in the words of the house.

use admit_compiler::diagnostic::Diagnostic;
use admit_compiler::source::{FileId, Span};
use oxc::diagnostics::{OxcDiagnostic, Severity};

/// The span of bytes in the file; kept inside its text.
pub(crate) fn span(file: FileId, of: oxc::span::Span) -> Span {
    Span { file, start: of.start, end: of.end.max(of.start) }
}

/// What the parser, its checks or the transformation found wrong.
pub(crate) fn syntax(file: FileId, found: &OxcDiagnostic) -> Option<Diagnostic> {
    if found.severity != Severity::Error {
        return None;
    }
    let mut labels = found.labels.iter();
    let first = labels.next();
    let at = first.map_or(Span { file, start: 0, end: 0 }, |label| span(file, label.span()));
    let mut said = Diagnostic::error("A0950", at, lower(&found.message));
    if let Some(text) = first.and_then(|label| label.label()) {
        said = said.here(lower(text));
    }
    for label in labels {
        said = said.label(span(file, label.span()), label.label().map(lower).unwrap_or_default());
    }
    if let Some(help) = &found.help {
        said = said.help(lower(help));
    }
    Some(said)
}

/// The compiler of scripts failed where it must not.
pub(crate) fn fault(file: FileId) -> Diagnostic {
    Diagnostic::error("A0959", Span { file, start: 0, end: 0 }, "the compiler of scripts failed on this file")
        .help("this is a fault of the compiler, not of the script: please report it with the file")
}

/// A sentence in lower case without its full stop. A word that is not merely capitalised is left as it is.
fn lower(text: &str) -> String {
    let text = text.trim().strip_suffix('.').unwrap_or(text.trim());
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && (second.is_lowercase() || second == ' ') => {
            if text.starts_with("TypeScript") || text.starts_with("JavaScript") {
                return text.to_owned();
            }
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}
