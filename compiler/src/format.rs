//! The formatter: AST, tokens and comments to canonical text. Idempotent; keeps every comment; never changes the AST but
//! for the order of modifiers (timeout, retry, on error, async).
//!
//! Lines are at most [`WIDTH`] wide where they can be. A brace that the author opened with a line end stays open; any
//! other is put on one line if it fits and holds at most one step or clause. One blank line is kept where there were
//! some. A comment stays with its token: at the end of its line, or on lines of its own before it (`format/tokens.rs`).
//!
//! Layout depends on nothing but the tree, the comments of each token, and where the author broke lines and left blank
//! ones between the parts of braces, all of which formatting keeps: so formatting twice is formatting once.

mod doc;
mod expr;
mod flow;
mod items;
mod tokens;
mod types;

use crate::diagnostic::{Diagnostic, Level};
use crate::parse;
use crate::source::FileId;
use tokens::Tokens;

/// Columns of a line.
pub const WIDTH: usize = 120;

/// The canonical form of a file. A file with syntax errors is refused with its diagnostics: it is not rewritten in part.
pub fn format(text: &str) -> Result<String, Vec<Diagnostic>> {
    let (parsed, ranges) = parse::parse_with_tokens(FileId(0), text);
    if parsed.diagnostics.iter().any(|found| found.level == Level::Error) {
        return Err(parsed.diagnostics);
    }
    let doc = items::file(&mut Tokens::new(text, &ranges), &parsed.file);
    Ok(doc::render(&doc, WIDTH))
}
