//! For people: source excerpts through codespan-reporting.

use std::io;

use codespan_reporting::diagnostic::{Diagnostic as Report, Label as Mark, LabelStyle, Severity};
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::{self, Config, WriteStyle};

use crate::diagnostic::{Diagnostic, Label, Level};
use crate::render::{position, sanitize};
use crate::source::{Sources, Span};

/// Longer lines are not shown, in bytes: nobody finds a mark in them, and a file may be one line of megabytes.
const MAX_LINE: usize = 1_000;

/// Renders diagnostics with their excerpts, and a last line that counts them.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let files = shown_files(diagnostics, sources);
    let config = Config { tab_width: 4, ..Config::default() };
    let mut output = Styled { buffer: Vec::new(), color };
    for diagnostic in diagnostics {
        let report = if has_excerpt(diagnostic, sources) {
            report(diagnostic, &files)
        } else {
            without_excerpt(diagnostic, sources)
        };
        if term::emit_to_write_style(&mut output, &config, &files.files, &report).is_err() {
            let fallback =
                format!("{}[{}]: {}\n", super::level_word(diagnostic.level), diagnostic.code, diagnostic.message);
            output.buffer.extend_from_slice(fallback.as_bytes());
        }
    }
    let mut text = String::from_utf8_lossy(&output.buffer).into_owned();
    text.push_str(&summary(diagnostics));
    text.push('\n');
    text
}

/// `2 errors, 1 warning`
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |level| diagnostics.iter().filter(|diagnostic| diagnostic.level == level).count();
    let words = [(count(Level::Error), "error"), (count(Level::Warning), "warning")];
    let parts: Vec<String> = words
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}{}", if *number == 1 { "" } else { "s" }))
        .collect();
    parts.join(", ")
}

/// The files that some label names, by their index in `Sources`; the others are empty, so that a large project is not
/// copied to show one line of it.
struct Shown {
    files: SimpleFiles<String, String>,
    lengths: Vec<usize>,
}

fn shown_files(diagnostics: &[Diagnostic], sources: &Sources) -> Shown {
    let mut shown = Shown { files: SimpleFiles::new(), lengths: Vec::new() };
    let excerpts: Vec<&Diagnostic> = diagnostics.iter().filter(|diagnostic| has_excerpt(diagnostic, sources)).collect();
    for (id, source) in sources.iter() {
        let named = excerpts.iter().any(|&diagnostic| labels(diagnostic).any(|label| label.span.file == id));
        let text = if named { sanitize::same_length(&source.text) } else { String::new() };
        shown.lengths.push(text.len());
        shown.files.add(sanitize::line(&source.name), text);
    }
    shown
}

fn labels(diagnostic: &Diagnostic) -> impl Iterator<Item = &Label> {
    std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary)
}

/// Whether every line in which a label begins or ends is short enough to be shown.
fn has_excerpt(diagnostic: &Diagnostic, sources: &Sources) -> bool {
    labels(diagnostic).all(|label| {
        let text = sources.get(label.span.file).map_or("", |source| &*source.text).as_bytes();
        [label.span.start, label.span.end].iter().all(|at| {
            let (before, after) = text.split_at((*at as usize).min(text.len()));
            let left = before.len() < MAX_LINE || before.iter().rev().take(MAX_LINE).any(|byte| *byte == b'\n');
            let right = after.len() < MAX_LINE || after.iter().take(MAX_LINE).any(|byte| *byte == b'\n');
            left && right
        })
    })
}

/// The diagnostic with the place in words.
fn without_excerpt(diagnostic: &Diagnostic, sources: &Sources) -> Report<usize> {
    let place = |label: &Label| {
        let place = position::position(label.span, sources);
        let message = if label.message.is_empty() { "here" } else { label.message.as_str() };
        format!("{}:{}:{}: {}", sanitize::line(&place.path), place.line, place.column, sanitize::line(message))
    };
    let help = diagnostic.help.iter().map(|help| format!("help: {}", sanitize::lines(help)));
    heading(diagnostic).with_notes(labels(diagnostic).map(place).chain(help).collect())
}

fn heading(diagnostic: &Diagnostic) -> Report<usize> {
    let severity = match diagnostic.level {
        Level::Error => Severity::Error,
        Level::Warning => Severity::Warning,
    };
    Report::new(severity).with_code(diagnostic.code).with_message(sanitize::line(&diagnostic.message))
}

fn report(diagnostic: &Diagnostic, files: &Shown) -> Report<usize> {
    let mark = |style, label: &Label| {
        let (file, range) = range(label.span, files);
        Mark::new(style, file, range).with_message(sanitize::line(&label.message))
    };
    let primary = mark(LabelStyle::Primary, &diagnostic.primary);
    let secondary = diagnostic.secondary.iter().map(|label| mark(LabelStyle::Secondary, label));
    heading(diagnostic)
        .with_labels(std::iter::once(primary).chain(secondary).collect())
        .with_notes(diagnostic.help.iter().map(|help| format!("help: {}", sanitize::lines(help))).collect())
}

fn range(span: Span, files: &Shown) -> (usize, std::ops::Range<usize>) {
    let file = span.file.0 as usize;
    let length = files.lengths.get(file).copied().unwrap_or(0);
    let start = (span.start as usize).min(length);
    (file, start..(span.end as usize).clamp(start, length))
}

/// Bytes with ANSI colours, if so asked.
struct Styled {
    buffer: Vec<u8>,
    color: bool,
}

impl Styled {
    fn style(&mut self, codes: &str) -> io::Result<()> {
        if self.color {
            self.buffer.extend_from_slice(format!("\u{1b}[0;{codes}m").as_bytes());
        }
        Ok(())
    }
}

impl io::Write for Styled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn severity_codes(severity: Severity) -> &'static str {
    match severity {
        Severity::Bug | Severity::Error => "1;31",
        Severity::Warning => "1;33",
        Severity::Note => "1;32",
        Severity::Help => "1;36",
    }
}

impl WriteStyle for Styled {
    fn set_header(&mut self, severity: Severity) -> io::Result<()> {
        self.style(severity_codes(severity))
    }

    fn set_header_message(&mut self) -> io::Result<()> {
        self.style("1")
    }

    fn set_line_number(&mut self) -> io::Result<()> {
        self.style("34")
    }

    fn set_note_bullet(&mut self) -> io::Result<()> {
        self.style("34")
    }

    fn set_source_border(&mut self) -> io::Result<()> {
        self.style("34")
    }

    fn set_label(&mut self, severity: Severity, style: LabelStyle) -> io::Result<()> {
        match style {
            LabelStyle::Primary => self.style(severity_codes(severity)),
            LabelStyle::Secondary => self.style("34"),
        }
    }

    fn reset(&mut self) -> io::Result<()> {
        if self.color {
            self.buffer.extend_from_slice(b"\x1b[0m");
        }
        Ok(())
    }
}
