//! Expressions, and what stands between brackets.

use super::Printer;
use super::comments::blank_before;
use super::doc::{Doc, text};
use crate::ast::expr::{BinaryOp, Element, Expr, ExprKind, MapEntry, MapKey, UnaryOp};
use crate::source::Span;

/// How parts stand between brackets.
pub(super) struct Brackets {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    /// Spaces inside, on one line.
    pub(super) spaced: bool,
    /// Commas at line ends too.
    pub(super) commas: bool,
}

/// An expression.
pub(super) fn expr(printer: &mut Printer<'_>, it: &Expr) -> Doc {
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
        | ExprKind::Broken => text(written(printer, it.span)),
        ExprKind::Ident(name) => text(name.text.as_str()),
        ExprKind::RootIdent(name) => text(format!(".{}", name.text)),
        ExprKind::Select { operand, field, optional } => {
            let operand = expr(printer, operand);
            let mark = if *optional { ".?" } else { "." };
            Doc::Concat(vec![operand, text(format!("{mark}{}", written(printer, field.span)))])
        }
        ExprKind::Index { operand, index, optional } => {
            let operand = expr(printer, operand);
            let mark = if *optional { "[?" } else { "[" };
            Doc::Concat(vec![operand, text(mark), expr(printer, index), text("]")])
        }
        ExprKind::Call { target, function, args } => {
            let mut docs = Vec::new();
            if let Some(target) = target {
                docs.push(expr(printer, target));
                docs.push(text("."));
            }
            docs.push(text(written(printer, function.span)));
            let brackets = Brackets { open: "(", close: ")", spaced: false, commas: true };
            let range = |arg: &Expr| (start(arg.span), end(arg.span));
            docs.push(bracketed(printer, &brackets, end(function.span), end(it.span), args, range, expr));
            Doc::Concat(docs)
        }
        ExprKind::Unary(op, operand) => {
            let mark = match op {
                UnaryOp::Not => "!",
                UnaryOp::Neg => "-",
            };
            Doc::Concat(vec![text(mark), expr(printer, operand)])
        }
        ExprKind::Binary { op, left, right, .. } => {
            let left = chain(printer, *op, left);
            let right = expr(printer, right);
            let tail = Doc::Nest(vec![Doc::Line, text(format!("{} ", op.symbol())), right]);
            Doc::Group(vec![left, tail])
        }
        ExprKind::Cond(condition, yes, no) => Doc::Group(vec![
            expr(printer, condition),
            Doc::Nest(vec![Doc::Line, text("? "), expr(printer, yes), Doc::Line, text(": "), expr(printer, no)]),
        ]),
        ExprKind::List(elements) => {
            let brackets = Brackets { open: "[", close: "]", spaced: false, commas: true };
            let text_before = printer.text;
            let range = |element: &Element| {
                let (from, to) = (start(element.value.span), end(element.value.span));
                (marked_start(text_before, from, element.optional), to)
            };
            bracketed(printer, &brackets, start(it.span), end(it.span), elements, range, |printer, element| {
                let mark = text(if element.optional { "?" } else { "" });
                Doc::Concat(vec![mark, expr(printer, &element.value)])
            })
        }
        ExprKind::Map(entries) => {
            let spaced = entries.iter().any(|entry| matches!(entry.key, MapKey::Bare(_)));
            let brackets = Brackets { open: "{", close: "}", spaced, commas: true };
            let text_before = printer.text;
            let range = |entry: &MapEntry| {
                (marked_start(text_before, key_start(&entry.key), entry.optional), end(entry.value.span))
            };
            bracketed(printer, &brackets, start(it.span), end(it.span), entries, range, |printer, entry| {
                let mark = text(if entry.optional { "?" } else { "" });
                let key = match &entry.key {
                    MapKey::Bare(name) => text(name.text.as_str()),
                    MapKey::Expr(key) => expr(printer, key),
                };
                Doc::Concat(vec![mark, key, text(": "), expr(printer, &entry.value)])
            })
        }
        ExprKind::Paren(inner) => Doc::Concat(vec![text("("), expr(printer, inner), text(")")]),
    }
}

/// The left side of an operator: a run of one operator breaks as a whole.
fn chain(printer: &mut Printer<'_>, above: BinaryOp, it: &Expr) -> Doc {
    match &it.kind {
        ExprKind::Binary { op, left, right, .. } if *op == above && matches!(op, BinaryOp::And | BinaryOp::Or) => {
            let left = chain(printer, *op, left);
            let right = expr(printer, right);
            Doc::Concat(vec![left, Doc::Nest(vec![Doc::Line, text(format!("{} ", op.symbol())), right])])
        }
        _ => expr(printer, it),
    }
}

/// Parts between brackets; `open` is at the bracket or before it, `close` right after its partner.
///
/// On one line if the author had none between the bracket and the first part, if no comment stands between them, and
/// if it fits; else each on a line.
pub(super) fn bracketed<T>(
    printer: &mut Printer<'_>,
    brackets: &Brackets,
    open: usize,
    close: usize,
    parts: &[T],
    range: impl Fn(&T) -> (usize, usize),
    mut print: impl FnMut(&mut Printer<'_>, &T) -> Doc,
) -> Doc {
    let mut at = open;
    let mut broken = false;
    for part in parts {
        let (start, end) = range(part);
        broken |= printer.comments.between(at, start);
        at = end;
    }
    broken |= printer.comments.between(at, close);
    let Some((first, _)) = parts.first().map(&range) else {
        let (comments, _) = printer.comments.before(if broken { close } else { 0 });
        if comments.is_empty() {
            return text(format!("{}{}", brackets.open, brackets.close));
        }
        let mut inner = vec![Doc::Hard];
        inner.extend(without_last(comments));
        return Doc::Concat(vec![text(brackets.open), Doc::Nest(inner), Doc::Hard, text(brackets.close)]);
    };
    broken |= printer.breaks(open, first);
    let space = || if brackets.spaced { Doc::Line } else { Doc::Soft };
    if !broken {
        let mut inner = vec![space()];
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                let separator = if brackets.commas { text(",") } else { Doc::IfFlat(",") };
                inner.extend([separator, Doc::Line]);
            }
            inner.push(print(printer, part));
        }
        let tail = if brackets.commas { Doc::IfBroken(",") } else { text("") };
        return Doc::Group(vec![text(brackets.open), Doc::Nest(inner), tail, space(), text(brackets.close)]);
    }
    let opened = printer.slice(open, first).find(brackets.open).map_or(open, |at| open + at + 1);
    let mut inner = Vec::new();
    inner.extend(printer.comments.trailing(opened));
    for (index, part) in parts.iter().enumerate() {
        let (start, end) = range(part);
        inner.push(Doc::Hard);
        let (comments, place) = printer.comments.before(start);
        if index > 0 && blank_before(printer.text, place.unwrap_or(start)) {
            inner.push(Doc::Blank);
        }
        inner.extend(comments);
        inner.push(print(printer, part));
        if brackets.commas {
            inner.push(text(","));
        }
        inner.extend(printer.comments.trailing(end));
    }
    let (comments, _) = printer.comments.before(close);
    if !comments.is_empty() {
        inner.push(Doc::Hard);
        inner.extend(without_last(comments));
    }
    Doc::Concat(vec![text(brackets.open), Doc::Nest(inner), Doc::Hard, text(brackets.close)])
}

/// Where a part begins that has a `?` before it.
fn marked_start(text: &str, start: usize, marked: bool) -> usize {
    let before = text.get(..start).unwrap_or_default().trim_end();
    if marked && before.ends_with('?') { before.len() - 1 } else { start }
}

fn key_start(key: &MapKey) -> usize {
    match key {
        MapKey::Bare(name) => start(name.span),
        MapKey::Expr(key) => start(key.span),
    }
}

/// Comment lines without the last line end, which stands further out.
pub(super) fn without_last(mut comments: Vec<Doc>) -> Vec<Doc> {
    while matches!(comments.last(), Some(Doc::Hard | Doc::Blank)) {
        comments.pop();
    }
    comments
}

/// The source of a span.
pub(super) fn written(printer: &Printer<'_>, span: Span) -> String {
    printer.slice(start(span), end(span)).to_owned()
}

/// The first byte.
pub(super) fn start(span: Span) -> usize {
    span.start as usize
}

/// The byte after the last.
pub(super) fn end(span: Span) -> usize {
    span.end as usize
}
