//! Expressions, and what stands between brackets.

use super::doc::{Comma, Doc};
use super::tokens::Tokens;
use crate::ast::expr::{BinaryOp, Element, Expr, ExprKind, MapEntry, MapKey};
use crate::source::Span;

/// How parts stand between brackets.
pub(super) struct Brackets {
    /// Spaces inside, on one line.
    pub(super) spaced: bool,
    /// Commas at line ends too.
    pub(super) commas: bool,
}

/// An expression.
pub(super) fn expr<'a>(tokens: &mut Tokens<'a>, it: &Expr) -> Doc<'a> {
    match &it.kind {
        // Literals stay as written.
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Uint(_)
        | ExprKind::Double(_)
        | ExprKind::Str(_)
        | ExprKind::Bytes(_)
        | ExprKind::Duration(_)
        | ExprKind::Template(_)
        | ExprKind::Ident(_)
        | ExprKind::RootIdent(_)
        | ExprKind::Broken => tokens.glued_until(end(it.span)),
        ExprKind::Select { operand, .. } => Doc::Concat(vec![expr(tokens, operand), tokens.next(), tokens.next()]),
        ExprKind::Index { operand, index, optional } => {
            let mut docs = vec![expr(tokens, operand), tokens.next()];
            docs.extend(optional.then(|| tokens.next()));
            docs.extend([expr(tokens, index), tokens.next()]);
            Doc::Concat(docs)
        }
        ExprKind::Call { target, args, .. } => {
            let mut docs = Vec::new();
            docs.extend(target.as_ref().map(|target| expr(tokens, target)));
            if tokens.peek() == "." {
                docs.push(tokens.next());
            }
            docs.push(tokens.next());
            docs.push(bracketed(tokens, &Brackets { spaced: false, commas: true }, args, expr));
            Doc::Concat(docs)
        }
        ExprKind::Unary(_, operand) => Doc::Concat(vec![tokens.next(), expr(tokens, operand)]),
        ExprKind::Binary { op, left, right, .. } => {
            let left = chain(tokens, *op, left);
            Doc::Group(vec![left, operation(tokens, right)])
        }
        ExprKind::Cond(condition, yes, no) => {
            let condition = expr(tokens, condition);
            let yes = [Doc::Line, tokens.next(), Doc::Space, expr(tokens, yes)];
            let no = [Doc::Line, tokens.next(), Doc::Space, expr(tokens, no)];
            Doc::Group(vec![condition, Doc::Nest(yes.into_iter().chain(no).collect())])
        }
        ExprKind::List(elements) => bracketed(tokens, &Brackets { spaced: false, commas: true }, elements, element),
        ExprKind::Map(entries) => {
            let spaced = entries.iter().any(|entry| matches!(entry.key, MapKey::Bare(_)));
            bracketed(tokens, &Brackets { spaced, commas: true }, entries, entry)
        }
        ExprKind::Paren(inner) => Doc::Concat(vec![tokens.next(), expr(tokens, inner), tokens.next()]),
    }
}

/// Parts between brackets, the next token being the opening one. On one line if the author had none between the bracket
/// and the first part, if no comment stands between them, and if it fits; else each on a line.
pub(super) fn bracketed<'a, T>(
    tokens: &mut Tokens<'a>,
    brackets: &Brackets,
    parts: &[T],
    mut print: impl FnMut(&mut Tokens<'a>, &T) -> Doc<'a>,
) -> Doc<'a> {
    let open = tokens.next();
    if parts.is_empty() {
        return empty(tokens, open);
    }
    let space = if brackets.spaced { Doc::Line } else { Doc::Soft };
    let mut inner = vec![if tokens.breaks() { Doc::Hard } else { space.clone() }];
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            inner.extend([Doc::Comma(if brackets.commas { Comma::Always } else { Comma::Flat }), Doc::Line]);
            inner.extend(tokens.blank().then_some(Doc::Blank));
        }
        inner.push(print(tokens, part));
    }
    if brackets.commas {
        inner.push(Doc::Comma(Comma::Broken));
    }
    close(tokens, open, inner, space)
}

/// Brackets with nothing between them but comments.
pub(super) fn empty<'a>(tokens: &mut Tokens<'a>, open: Doc<'a>) -> Doc<'a> {
    if matches!(open, Doc::Text(_)) && !tokens.leads() {
        return Doc::Concat(vec![open, tokens.next()]);
    }
    let mut inner = Vec::new();
    if tokens.leads() {
        inner.push(Doc::Hard);
        inner.extend(tokens.closing_lead());
    }
    Doc::Concat(vec![open, Doc::Nest(inner), Doc::Hard, tokens.next()])
}

/// What stands between brackets, the comments before the closing one, and that; `space` before it.
pub(super) fn close<'a>(tokens: &mut Tokens<'a>, open: Doc<'a>, mut inner: Vec<Doc<'a>>, space: Doc<'a>) -> Doc<'a> {
    if tokens.leads() {
        inner.push(Doc::Hard);
        inner.extend(tokens.blank().then_some(Doc::Blank));
        inner.extend(tokens.closing_lead());
    }
    Doc::Group(vec![open, Doc::Nest(inner), space, tokens.next()])
}

/// The first byte.
pub(super) fn start(span: Span) -> usize {
    span.start as usize
}

/// The byte after the last.
pub(super) fn end(span: Span) -> usize {
    span.end as usize
}

/// The left side of an operator: a run of one operator breaks as a whole.
fn chain<'a>(tokens: &mut Tokens<'a>, above: BinaryOp, it: &Expr) -> Doc<'a> {
    match &it.kind {
        ExprKind::Binary { op, left, right, .. } if *op == above && matches!(op, BinaryOp::And | BinaryOp::Or) => {
            let left = chain(tokens, *op, left);
            Doc::Concat(vec![left, operation(tokens, right)])
        }
        _ => expr(tokens, it),
    }
}

/// An operator and its right side.
fn operation<'a>(tokens: &mut Tokens<'a>, right: &Expr) -> Doc<'a> {
    Doc::Nest(vec![Doc::Line, tokens.next(), Doc::Space, expr(tokens, right)])
}

fn element<'a>(tokens: &mut Tokens<'a>, it: &Element) -> Doc<'a> {
    marked(tokens, it.optional, |tokens| expr(tokens, &it.value))
}

fn entry<'a>(tokens: &mut Tokens<'a>, it: &MapEntry) -> Doc<'a> {
    marked(tokens, it.optional, |tokens| {
        let key = match &it.key {
            MapKey::Bare(_) => tokens.next(),
            MapKey::Expr(key) => expr(tokens, key),
        };
        Doc::Concat(vec![key, tokens.next(), Doc::Space, expr(tokens, &it.value)])
    })
}

/// A part with a `?` before it, if it has one.
fn marked<'a>(tokens: &mut Tokens<'a>, mark: bool, part: impl FnOnce(&mut Tokens<'a>) -> Doc<'a>) -> Doc<'a> {
    if !mark {
        return part(tokens);
    }
    Doc::Concat(vec![tokens.next(), part(tokens)])
}
