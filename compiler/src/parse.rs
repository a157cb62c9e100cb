//! Text to AST. What does not parse is a diagnostic, and is left out of the AST, whose node is then marked broken.
//!
//! The grammar recovers (see `grammar/src/recover.pest`): every text has pairs, and the walk over them here says what
//! each `broken_*` pair should have been. Bounds are checked before anything recurses.

mod bounds;
mod clauses;
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

use admit_grammar::{Pairs, Rule, pairs, tokens};

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
    parse_and(id, text, |_| ()).0
}

/// Parses a file and hands its tokens and comments over too, as byte ranges in order.
pub(crate) fn parse_with_tokens(id: FileId, text: &str) -> (Parsed, Vec<(usize, usize)>) {
    parse_and(id, text, tokens)
}

fn parse_and<T: Default>(id: FileId, text: &str, look: impl FnOnce(&Pairs<'_>) -> T) -> (Parsed, T) {
    let mut cx = Cx::new(id, text);
    let Some(bounded) = bounds::check(&mut cx) else { return (finish(cx, Vec::new()), T::default()) };
    match pairs(Rule::file, &bounded) {
        Ok(pairs) => {
            let seen = look(&pairs);
            let mut cx = Cx { text: &bounded, ..cx };
            let items = items::file(&mut cx, pairs);
            (finish(cx, items), seen)
        }
        Err(mismatch) => {
            // The rule matches every text; only pest's own limit on stack or calls can end up here.
            report::too_complex(&mut cx, mismatch.at);
            (finish(cx, Vec::new()), T::default())
        }
    }
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

fn finish(cx: Cx<'_>, items: Vec<ast::Item>) -> Parsed {
    Parsed { file: ast::File { id: cx.id, items }, diagnostics: cx.into_diagnostics() }
}
