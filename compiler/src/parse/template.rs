//! Templates: string literals with holes `{{ EXPR }}` (language.md section 4).

use admit_grammar::Pair;

use super::cursor::Cx;
use super::literal::{self, Parts};
use super::{bounds, expr, token};
use crate::ast::expr::{Expr, ExprKind, TemplatePart};

/// A pair of the `string` rule in template position: a template if it holds a hole, else a string.
pub(super) fn string(cx: &mut Cx<'_>, pair: &Pair<'_>) -> ExprKind {
    let Parts { body, start, .. } = Parts::of(pair);
    if !body.contains("{{") {
        return ExprKind::Str(literal::unescape(cx, body, start).into());
    }
    let mut parts = Vec::new();
    let mut from = 0;
    while let Some(open) = next_hole(body, from) {
        push_text(cx, &mut parts, body, start, from, open);
        let Some(close) = hole_end(body, open + 2) else {
            cx.broken += 1;
            cx.error("A0015", start + open, start + open + 2, "this `{{` is not closed")
                .help
                .push("close it with `}}`; write `\\{{` for a literal `{{`".to_owned());
            return ExprKind::Broken;
        };
        parts.push(TemplatePart::Hole(hole(cx, body.get(open + 2..close).unwrap_or_default(), start + open + 2)));
        from = close + 2;
    }
    push_text(cx, &mut parts, body, start, from, body.len());
    match parts.as_slice() {
        [] => ExprKind::Str("".into()),
        [TemplatePart::Text(text)] => ExprKind::Str(text.clone()),
        _ => ExprKind::Template(parts),
    }
}

fn push_text(cx: &mut Cx<'_>, parts: &mut Vec<TemplatePart>, body: &str, start: usize, from: usize, to: usize) {
    let text = body.get(from..to).unwrap_or_default();
    if !text.is_empty() {
        parts.push(TemplatePart::Text(literal::unescape(cx, text, start + from).into()));
    }
}

/// The next `{{` that no backslash stands before.
fn next_hole(body: &str, from: usize) -> Option<usize> {
    let bytes = body.as_bytes();
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if body.get(at..).is_some_and(|rest| rest.starts_with("\\{{")) => at += 3,
            b'\\' => at += 2,
            b'{' if bytes.get(at + 1) == Some(&b'{') => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// The `}}` that closes a hole whose expression begins at `from`: not one of the expression's own brackets.
fn hole_end(body: &str, from: usize) -> Option<usize> {
    let bytes = body.as_bytes();
    let mut depth = 0_usize;
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => at = token::string_end(body, at).unwrap_or(at + 1),
            b'{' | b'(' | b'[' => (at, depth) = (at + 1, depth + 1),
            b'}' if depth == 0 && bytes.get(at + 1) == Some(&b'}') => return Some(at),
            b'}' | b')' | b']' => (at, depth) = (at + 1, depth.saturating_sub(1)),
            _ => at += 1,
        }
    }
    None
}

fn hole(cx: &mut Cx<'_>, text: &str, start: usize) -> Expr {
    let broken = Expr { kind: ExprKind::Broken, span: cx.span(start, start + text.len()) };
    if text.trim().is_empty() {
        cx.broken += 1;
        cx.error("A0015", start.saturating_sub(2), start + text.len() + 2, "this hole is empty")
            .help
            .push("write an expression in it, or `\\{{` for a literal `{{`".to_owned());
        return broken;
    }
    if !bounds::check_expr(cx, text, start) {
        cx.broken += 1;
        return broken;
    }
    // The hole is a part of the config value and of its bounds.
    let used = (cx.nodes, cx.too_large);
    let parsed = expr::whole(cx, text, start);
    (cx.nodes, cx.too_large) = (cx.nodes + used.0, cx.too_large || used.1);
    parsed.unwrap_or(broken)
}
