//! Expressions: the flat runs of the grammar into trees, by precedence.

use admit_grammar::{Pair, Rule, pairs};

use super::cursor::{Cx, Kids};
use super::{MAX_DEPTH, MAX_ENTRIES, MAX_NODES, diagnose, literal, report, template};
use crate::ast::Name;
use crate::ast::expr::{BinaryOp, Element, Expr, ExprKind, MapEntry, MapKey, UnaryOp};
use crate::source::Span;

/// An expression and the depth of its tree.
struct Deep {
    expr: Expr,
    depth: usize,
}

/// A pair of the `expr` rule that is no part of another expression.
pub(super) fn root(cx: &mut Cx<'_>, pair: Pair<'_>) -> Expr {
    sized(cx, pair, false)
}

/// A pair of the `slug_map` rule: a map all of whose keys are bare.
pub(super) fn slug_map(cx: &mut Cx<'_>, pair: Pair<'_>) -> Expr {
    (cx.nodes, cx.too_large) = (0, false);
    let span = cx.span_of(&pair);
    map(cx, pair, span, false).expr
}

/// As [`root`], in template position: whole config values.
pub(super) fn config_value(cx: &mut Cx<'_>, pair: Pair<'_>) -> Expr {
    sized(cx, pair, true)
}

/// A text that is one expression; `start` is where it stands in the text being walked. None after a finding.
pub(super) fn whole(cx: &mut Cx<'_>, text: &str, start: usize) -> Option<Expr> {
    let base = cx.base;
    cx.base += start;
    let expr = match pairs(Rule::whole_expr, text) {
        Ok(pairs) => Kids::over(pairs)
            .find_map(|pair| Kids::of(pair).find(|pair| pair.as_rule() == Rule::expr))
            .map(|pair| root(cx, pair)),
        Err(mismatch) => {
            diagnose::mismatch(cx, text, 0, &mismatch);
            None
        }
    };
    cx.base = base;
    expr
}

fn sized(cx: &mut Cx<'_>, pair: Pair<'_>, template: bool) -> Expr {
    (cx.nodes, cx.too_large) = (0, false);
    expr(cx, pair, template).expr
}

fn expr(cx: &mut Cx<'_>, pair: Pair<'_>, template: bool) -> Deep {
    let span = cx.span_of(&pair);
    let mut kids = Kids::of(pair);
    let first = chain(cx, &mut kids, 0, template).unwrap_or_else(|| broken(span));
    let mut conditions = vec![first];
    let mut results = Vec::new();
    while kids.pass(Rule::question) {
        results.push(chain(cx, &mut kids, 0, false).unwrap_or_else(|| broken(span)));
        kids.pass(Rule::colon);
        conditions.push(chain(cx, &mut kids, 0, false).unwrap_or_else(|| broken(span)));
    }
    // `a ? b : c ? d : e` groups to the right.
    let mut whole = conditions.pop().unwrap_or_else(|| broken(span));
    while let (Some(condition), Some(result)) = (conditions.pop(), results.pop()) {
        let span = condition.expr.span.to(whole.expr.span);
        let depth = condition.depth.max(result.depth).max(whole.depth);
        let kind = ExprKind::Cond(Box::new(condition.expr), Box::new(result.expr), Box::new(whole.expr));
        whole = node(cx, kind, span, depth);
    }
    whole
}

/// Terms and operators that bind at least as tight as `tightness`.
fn chain(cx: &mut Cx<'_>, kids: &mut Kids<'_>, tightness: u8, template: bool) -> Option<Deep> {
    let mut left = term(cx, kids, template)?;
    while kids.peek() == Some(Rule::binary_op) {
        let (op, binds) = kids.peek_str().map_or((BinaryOp::Eq, 2), binary_op);
        if binds < tightness {
            break;
        }
        let Some(pair) = kids.next() else { break };
        report::operator(cx, &pair);
        let op_span = cx.span_of(&pair);
        let right = chain(cx, kids, binds + 1, false)?;
        let span = left.expr.span.to(right.expr.span);
        let depth = left.depth.max(right.depth);
        let kind = ExprKind::Binary { op, op_span, left: Box::new(left.expr), right: Box::new(right.expr) };
        left = node(cx, kind, span, depth);
    }
    Some(left)
}

fn binary_op(written: &str) -> (BinaryOp, u8) {
    match written {
        "||" => (BinaryOp::Or, 0),
        "&&" | "&" => (BinaryOp::And, 1),
        "<" => (BinaryOp::Lt, 2),
        "<=" => (BinaryOp::Le, 2),
        ">" => (BinaryOp::Gt, 2),
        ">=" => (BinaryOp::Ge, 2),
        "!=" => (BinaryOp::Ne, 2),
        "in" => (BinaryOp::In, 2),
        "+" => (BinaryOp::Add, 3),
        "-" => (BinaryOp::Sub, 3),
        "*" => (BinaryOp::Mul, 4),
        "/" => (BinaryOp::Div, 4),
        "%" => (BinaryOp::Rem, 4),
        // `=`, `===` and the like are reported, and read as what they were meant to be.
        _ => (BinaryOp::Eq, 2),
    }
}

fn term(cx: &mut Cx<'_>, kids: &mut Kids<'_>, template: bool) -> Option<Deep> {
    let mut ops = Vec::new();
    while let Some(pair) = kids.eat(Rule::unary_op) {
        ops.push((if pair.as_str() == "!" { UnaryOp::Not } else { UnaryOp::Neg }, cx.span_of(&pair)));
    }
    let pair = kids.next()?;
    let (start, end) = (pair.as_span().start(), pair.as_span().end());
    let alone =
        ops.is_empty() && !matches!(kids.peek(), Some(Rule::select | Rule::index | Rule::binary_op | Rule::question));
    let mut whole = primary(cx, pair, kids, template && alone);
    while let Some(rule @ (Rule::select | Rule::index)) = kids.peek() {
        let pair = kids.next()?;
        whole = if rule == Rule::select { select(cx, whole, pair) } else { index(cx, whole, pair) };
    }
    // 2^63 is an int only below its `-`.
    if matches!(whole.expr.kind, ExprKind::Int(value) if value > i64::MAX as u64)
        && ops.last().is_none_or(|(op, _)| *op != UnaryOp::Neg)
    {
        report::int_too_large(cx, start, end);
    }
    for (op, span) in ops.into_iter().rev() {
        let span = span.to(whole.expr.span);
        whole = node(cx, ExprKind::Unary(op, Box::new(whole.expr)), span, whole.depth);
    }
    Some(whole)
}

fn primary(cx: &mut Cx<'_>, pair: Pair<'_>, kids: &mut Kids<'_>, template: bool) -> Deep {
    let span = cx.span_of(&pair);
    let kind = match pair.as_rule() {
        Rule::ident => {
            let name = cx.name(&pair);
            if let Some(args) = kids.eat(Rule::args) {
                return call(cx, None, name, args);
            }
            word(cx, name)
        }
        Rule::string if template => template::string(cx, &pair),
        Rule::string | Rule::raw_string => ExprKind::Str(literal::string(cx, &pair).into()),
        Rule::bytes | Rule::raw_bytes => ExprKind::Bytes(literal::bytes(cx, &pair)),
        Rule::int => literal::int(cx, &pair).map_or(ExprKind::Broken, ExprKind::Int),
        Rule::uint => literal::uint(cx, &pair).map_or(ExprKind::Broken, ExprKind::Uint),
        Rule::hex_int => match literal::hex(cx, &pair) {
            Some((value, true)) => ExprKind::Uint(value),
            Some((value, false)) => ExprKind::Int(value),
            None => ExprKind::Broken,
        },
        Rule::float => literal::float(cx, &pair).map_or(ExprKind::Broken, ExprKind::Double),
        Rule::duration => ExprKind::Duration(literal::duration(cx, &pair).millis),
        Rule::slug_ref => return slug_ref(cx, pair),
        Rule::root_ident => return root_ident(cx, pair),
        Rule::paren => {
            let inner = Kids::of(pair).find(|pair| pair.as_rule() == Rule::expr);
            let inner = inner.map_or_else(|| broken(span), |pair| expr(cx, pair, false));
            return node(cx, ExprKind::Paren(Box::new(inner.expr)), span, inner.depth);
        }
        Rule::list => return list(cx, pair, span, template),
        Rule::map => return map(cx, pair, span, template),
        // The grammar has no other primary.
        _ => ExprKind::Broken,
    };
    node(cx, kind, span, 0)
}

fn word(cx: &mut Cx<'_>, name: Name) -> ExprKind {
    match name.text.as_str() {
        "true" => ExprKind::Bool(true),
        "false" => ExprKind::Bool(false),
        "null" => ExprKind::Null,
        _ => {
            report::reserved_ident(cx, &name);
            ExprKind::Ident(name)
        }
    }
}

/// `step.risk-evaluate`, `parent.step.x`: selects on the written names.
fn slug_ref(cx: &mut Cx<'_>, pair: Pair<'_>) -> Deep {
    let span = cx.span_of(&pair);
    let mut optional = false;
    let mut whole: Option<Deep> = None;
    for pair in Kids::of(pair) {
        match pair.as_rule() {
            Rule::dot => optional = false,
            Rule::optional_dot => optional = true,
            _ => {
                let field = cx.name(&pair);
                whole = Some(match whole {
                    None => {
                        let span = field.span;
                        node(cx, ExprKind::Ident(field), span, 0)
                    }
                    Some(operand) => {
                        let span = operand.expr.span.to(field.span);
                        let kind = ExprKind::Select { operand: Box::new(operand.expr), field, optional };
                        node(cx, kind, span, operand.depth)
                    }
                });
            }
        }
    }
    whole.unwrap_or_else(|| broken(span))
}

fn root_ident(cx: &mut Cx<'_>, pair: Pair<'_>) -> Deep {
    let span = cx.span_of(&pair);
    let mut kids = Kids::of(pair);
    kids.pass(Rule::dot);
    let Some(name) = kids.next().map(|pair| cx.name(&pair)) else { return broken(span) };
    match kids.eat(Rule::args) {
        Some(args) => call(cx, None, name, args),
        None => {
            let span = Span { end: name.span.end, ..span };
            node(cx, ExprKind::RootIdent(name), span, 0)
        }
    }
}

fn select(cx: &mut Cx<'_>, operand: Deep, pair: Pair<'_>) -> Deep {
    let mut kids = Kids::of(pair);
    let optional = kids.next().is_some_and(|pair| pair.as_rule() == Rule::optional_dot);
    let Some(field) = kids.next() else { return operand };
    let mut name = cx.name(&field);
    if field.as_rule() == Rule::quoted_ident {
        name.text = name.text.trim_matches('`').into();
    }
    if let Some(args) = kids.eat(Rule::args) {
        if optional {
            report::optional_call(cx, &name);
        }
        return call(cx, Some(operand), name, args);
    }
    let span = operand.expr.span.to(name.span);
    let kind = ExprKind::Select { operand: Box::new(operand.expr), field: name, optional };
    node(cx, kind, span, operand.depth)
}

fn index(cx: &mut Cx<'_>, operand: Deep, pair: Pair<'_>) -> Deep {
    let span = operand.expr.span.to(cx.span_of(&pair));
    let mut optional = false;
    let mut inner = None;
    for pair in Kids::of(pair) {
        match pair.as_rule() {
            Rule::question => optional = true,
            Rule::expr => inner = Some(expr(cx, pair, false)),
            _ => {}
        }
    }
    let inner = inner.unwrap_or_else(|| broken(span));
    let depth = operand.depth.max(inner.depth);
    let kind = ExprKind::Index { operand: Box::new(operand.expr), index: Box::new(inner.expr), optional };
    node(cx, kind, span, depth)
}

fn call(cx: &mut Cx<'_>, target: Option<Deep>, function: Name, args: Pair<'_>) -> Deep {
    let whole = target.as_ref().map_or(function.span, |target| target.expr.span);
    let span = whole.to(cx.span_of(&args));
    let mut depth = target.as_ref().map_or(0, |target| target.depth);
    let mut values = Vec::new();
    let mut last = None;
    for pair in Kids::of(args) {
        match pair.as_rule() {
            Rule::comma => last = None,
            Rule::expr => {
                report::comma(cx, &mut last, &pair);
                let value = expr(cx, pair, false);
                depth = depth.max(value.depth);
                values.push(value.expr);
            }
            _ => {}
        }
    }
    let kind = ExprKind::Call { target: target.map(|target| Box::new(target.expr)), function, args: values };
    node(cx, kind, span, depth)
}

fn list(cx: &mut Cx<'_>, pair: Pair<'_>, span: Span, template: bool) -> Deep {
    let mut elements = Vec::new();
    let mut depth = 0;
    let mut last = None;
    for pair in Kids::of(pair) {
        match pair.as_rule() {
            Rule::comma => last = None,
            Rule::element => {
                report::comma(cx, &mut last, &pair);
                let mut kids = Kids::of(pair);
                let optional = kids.pass(Rule::question);
                let Some(pair) = kids.next() else { continue };
                let value = expr(cx, pair, template);
                depth = depth.max(value.depth);
                elements.push(Element { optional, value: value.expr });
            }
            _ => {}
        }
    }
    if elements.len() > MAX_ENTRIES {
        report::too_large(cx, span, format!("this list has {} elements, more than {MAX_ENTRIES}", elements.len()));
    }
    node(cx, ExprKind::List(elements), span, depth)
}

fn map(cx: &mut Cx<'_>, pair: Pair<'_>, span: Span, template: bool) -> Deep {
    let mut entries = Vec::new();
    let mut depth = 0;
    let mut last = None;
    for pair in Kids::of(pair) {
        match pair.as_rule() {
            Rule::comma => last = None,
            Rule::entry | Rule::slug_entry => {
                let bare = pair.clone().into_inner().any(|kid| is_bare(kid.as_rule()));
                report::comma_or_line(cx, &mut last, &pair, bare);
                if let Some((entry, deep)) = map_entry(cx, pair, template) {
                    depth = depth.max(deep);
                    entries.push(entry);
                }
            }
            _ => {}
        }
    }
    if entries.len() > MAX_ENTRIES {
        report::too_large(cx, span, format!("this map has {} entries, more than {MAX_ENTRIES}", entries.len()));
    }
    node(cx, ExprKind::Map(entries), span, depth)
}

fn map_entry(cx: &mut Cx<'_>, pair: Pair<'_>, template: bool) -> Option<(MapEntry, usize)> {
    let mut kids = Kids::of(pair);
    let optional = kids.pass(Rule::question);
    let key = kids.next()?;
    let mut depth = 0;
    let key = if is_bare(key.as_rule()) {
        MapKey::Bare(cx.name(&key))
    } else {
        let key = expr(cx, key, false);
        depth = key.depth;
        MapKey::Expr(key.expr)
    };
    kids.pass(Rule::colon);
    let value = expr(cx, kids.next()?, template);
    depth = depth.max(value.depth);
    Some((MapEntry { optional, key, value: value.expr }, depth))
}

fn is_bare(key: Rule) -> bool {
    matches!(key, Rule::bare_key | Rule::slug)
}

/// A node over children of that depth, unless the expression grows too large by it.
fn node(cx: &mut Cx<'_>, kind: ExprKind, span: Span, depth: usize) -> Deep {
    cx.nodes += 1;
    if cx.nodes > MAX_NODES {
        report::too_large(cx, span, format!("this expression has more than {MAX_NODES} parts"));
        return broken(span);
    }
    if depth >= MAX_DEPTH {
        report::too_large(cx, span, format!("this expression is more than {MAX_DEPTH} operations deep"));
        return broken(span);
    }
    Deep { expr: Expr { kind, span }, depth: depth + 1 }
}

fn broken(span: Span) -> Deep {
    Deep { expr: Expr { kind: ExprKind::Broken, span }, depth: 1 }
}
