//! The formatter: AST and comments to canonical text. Idempotent; keeps every comment; never changes the AST but for
//! the order of modifiers (timeout, retry, on error, async).
//!
//! Lines are at most [`WIDTH`] wide where they can be. A brace that the author opened with a line end stays open; any
//! other is put on one line if it fits and holds at most one step or clause. One blank line is kept where there were
//! some. A comment stands before the step, field, case or element it stood before, or at the end of the same line; one
//! inside a smaller thing goes to the next such place.

mod comments;
mod doc;
mod expr;
mod flow;
mod items;
mod types;

use crate::ast::File;
use crate::diagnostic::{Diagnostic, Level};
use crate::parse;
use crate::source::FileId;
use comments::Comments;

/// Columns of a line.
pub const WIDTH: usize = 120;

/// The canonical form of a file. A file with syntax errors is refused with its diagnostics: it is not rewritten in part.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let (parsed, comments) = parse::parse_with_comments(FileId(0), text);
    if parsed.diagnostics.iter().any(|found| found.level == Level::Error) {
        return Err(parsed.diagnostics);
    }
    let mut printer = Printer { text, comments: Comments::new(text, comments) };
    let doc = printer.file(&parsed.file);
    Ok(doc::render(&doc, WIDTH))
}

/// What printing needs: the source, for literals as written and for where lines ended, and the comments still to print.
struct Printer<'a> {
    text: &'a str,
    comments: Comments<'a>,
}

impl Printer<'_> {
    fn file(&mut self, file: &File) -> doc::Doc {
        items::file(self, file)
    }

    /// The source between two offsets.
    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// Whether the source has a line end between two offsets.
    fn breaks(&self, start: usize, end: usize) -> bool {
        self.slice(start, end).contains('\n')
    }

    /// The first place at or after `at` that is neither white space, comment nor comma.
    fn next_token(&self, at: usize) -> usize {
        let at = parse::token_after(self.text, at);
        if self.text.get(at..).is_some_and(|rest| rest.starts_with(',')) {
            parse::token_after(self.text, at + 1)
        } else {
            at
        }
    }
}
