//! Renders diagnostics: one output format, one file. Each is a pure function of diagnostics and sources.

pub mod github;
pub mod human;
pub mod json;
pub mod junit;
pub mod position;
pub mod sanitize;
pub mod sarif;

use crate::diagnostic::{Diagnostic, Level};
use crate::source::Sources;

/// The output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, with source excerpts; coloured if so asked.
    Human,
    /// One JSON object: `{"diagnostics": [...]}`.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands that a GitHub runner turns into annotations.
    Github,
    /// `JUnit` XML.
    Junit,
}

/// Renders the diagnostics in their order. The result ends in a line end, unless it is empty.
pub fn render(format: Format, diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    match format {
        Format::Human => human::render(diagnostics, sources, color),
        Format::Json => json::render(diagnostics, sources),
        Format::Sarif => sarif::render(diagnostics, sources),
        Format::Github => github::render(diagnostics, sources),
        Format::Junit => junit::render(diagnostics, sources),
    }
}

/// The word for a level, as every format spells it.
pub fn level_word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}
