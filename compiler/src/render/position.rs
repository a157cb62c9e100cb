//! Positions as people count them: lines and columns from 1, columns in characters.

use crate::source::{Source, Sources, Span};

/// A span as file name, lines and columns. The end column is that of the character after the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The file's name, sanitised.
    pub path: String,
    /// First line.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// Line of the end.
    pub end_line: usize,
    /// Column after the last character.
    pub end_column: usize,
}

/// Where a span stands. A span of an unknown file, or past its end, is clamped.
pub fn position(span: Span, sources: &Sources) -> Position {
    let source = sources.get(span.file);
    let name = source.map_or("<unknown>", |source| source.name.as_str());
    let (line, column) = source.map_or((1, 1), |source| line_column(source, span.start));
    let (end_line, end_column) = source.map_or((1, 1), |source| line_column(source, span.end.max(span.start)));
    Position { path: super::sanitize::line(name), line, column, end_line, end_column }
}

fn line_column(source: &Source, offset: u32) -> (usize, usize) {
    let text = &*source.text;
    let mut end = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = text.get(..end).unwrap_or_default();
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count() + 1)
}
