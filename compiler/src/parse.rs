//! Text to AST. What does not parse is a diagnostic, and is left out of the AST, whose node is then marked broken.
//!
//! The grammar recovers (see `grammar/src/recover.pest`): every text has pairs, and the walk over them here says what
//! each `broken_*` pair should have been. Bounds are checked before anything recurses.

mod bounds;
mod cursor;
mod declare;
mod diagnose;
mod expr;
mod flow;
mod items;
mod literal;
mod report;
mod template;
mod test;
mod token;
mod types;

use admit_grammar::{Rule, pairs};

use crate::ast;
use crate::ast::expr::{Expr, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::source::FileId;
use cursor::Cx;

pub use bounds::{MAX_DEPTH, MAX_ENTRIES, MAX_NESTING, MAX_NODES, MAX_SOURCE};
pub use literal::source_text;

/// A parsed file and what is wrong with its syntax.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// What was written, as far as it parsed.
    pub file: ast::File,
    /// In order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses a file. Total: every text has an AST, perhaps an empty one.
pub fn parse(id: FileId, text: &str) -> Parsed {
    parse_with_comments(id, text).0
}

/// Parses a file and hands its comments over too, as byte ranges in order.
pub(crate) fn parse_with_comments(id: FileId, text: &str) -> (Parsed, Vec<(usize, usize)>) {
    let mut cx = Cx::new(id, text);
    let items = match bounds::check(&mut cx) {
        Some(bounded) => match pairs(Rule::file, &bounded) {
            Ok(pairs) => {
                let mut cx = Cx { text: &bounded, ..cx };
                let items = items::file(&mut cx, pairs);
                return finish(cx, items);
            }
            Err(mismatch) => {
                // The rule matches every text; only pest's own limit on stack or calls can end up here.
                report::too_complex(&mut cx, mismatch.at);
                Vec::new()
            }
        },
        None => Vec::new(),
    };
    finish(cx, items)
}

/// Parses a text that is one expression, as `admit eval` takes it: no template literals.
///
/// Bounds and spans as in [`parse`]. With diagnostics that are errors, the expression may be or hold
/// [`ExprKind::Broken`].
pub fn parse_expr(id: FileId, text: &str) -> (Expr, Vec<Diagnostic>) {
    let mut cx = Cx::new(id, text);
    let expr = if bounds::check_expr(&mut cx, text, 0) { expr::whole(&mut cx, text, 0) } else { None };
    let expr = expr.unwrap_or_else(|| Expr { kind: ExprKind::Broken, span: cx.span(0, text.len()) });
    (expr, cx.into_diagnostics())
}

/// The first place at or after `at` that is neither white space nor in a comment.
pub(crate) fn token_after(text: &str, at: usize) -> usize {
    token::skip_trivia(text, at)
}

fn finish(cx: Cx<'_>, items: Vec<ast::Item>) -> (Parsed, Vec<(usize, usize)>) {
    let id = cx.id;
    let (diagnostics, comments) = cx.finish();
    (Parsed { file: ast::File { id, items }, diagnostics }, comments)
}
