//! Types, fields of declarations, paths and lists of names.

use admit_grammar::{Pair, Rule};

use super::cursor::{Cx, Kids, doc_before, end_of, text};
use super::{diagnose, expr, literal, report};
use crate::ast::expr::{Expr, ExprKind, UnaryOp};
use crate::ast::{FieldDecl, Grant, Known, Name, Path, TypeExpr, TypeExprKind};

/// A pair of the `type` rule.
pub(super) fn ty(cx: &mut Cx<'_>, pair: Pair<'_>) -> TypeExpr {
    let (start, end) = (pair.as_span().start(), end_of(&pair));
    let span = cx.span(start, end);
    let mut kids = Kids::of(pair);
    let mut labels = Vec::new();
    while let Some(label) = kids.eat(Rule::label) {
        labels.push(cx.name(&label));
    }
    let kind = kids.next().and_then(|pair| kind(cx, pair));
    let kind = kind.unwrap_or_else(|| TypeExprKind::Words(Vec::new()));
    TypeExpr { kind, labels, span }
}

fn kind(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<TypeExprKind> {
    Some(match pair.as_rule() {
        Rule::word => TypeExprKind::Name(cx.name(&pair)),
        Rule::word_enum => {
            let strings = Kids::of(pair).filter(|pair| pair.as_rule() == Rule::string).collect::<Vec<_>>();
            TypeExprKind::Words(strings.iter().map(|pair| text(cx, pair)).collect())
        }
        Rule::range_type => {
            let mut kids = Kids::of(pair);
            let name = cx.name(&kids.next()?);
            let mut bounds = kids.filter(|pair| pair.as_rule() == Rule::bound).collect::<Vec<_>>().into_iter();
            let low = bound(cx, bounds.next()?)?;
            let high = bound(cx, bounds.next()?)?;
            TypeExprKind::Range(name, Box::new(low), Box::new(high))
        }
        Rule::applied_type => {
            let mut kids = Kids::of(pair);
            let name = cx.name(&kids.next()?);
            let types = kids.filter(|pair| pair.as_rule() == Rule::r#type).collect::<Vec<_>>();
            TypeExprKind::Apply(name, types.into_iter().map(|pair| ty(cx, pair)).collect())
        }
        Rule::record_type => TypeExprKind::Record(fields(cx, pair)),
        _ => return None,
    })
}

/// A bound of a range: a number, perhaps below a `-`.
fn bound(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Expr> {
    let span = cx.span(pair.as_span().start(), end_of(&pair));
    let mut kids = Kids::of(pair);
    let minus = kids.eat(Rule::minus).is_some();
    let number = kids.next()?;
    let number_span = cx.span_of(&number);
    let kind = match number.as_rule() {
        Rule::int => ExprKind::Int(literal::int(cx, &number)?),
        Rule::uint => ExprKind::Uint(literal::uint(cx, &number)?),
        Rule::float => ExprKind::Double(literal::float(cx, &number)?),
        Rule::duration => ExprKind::Duration(literal::duration(cx, &number).millis),
        Rule::hex_int => match literal::hex(cx, &number)? {
            (value, true) => ExprKind::Uint(value),
            (value, false) => ExprKind::Int(value),
        },
        _ => return None,
    };
    let number_expr = Expr { kind, span: number_span };
    if minus {
        return Some(Expr { kind: ExprKind::Unary(UnaryOp::Neg, Box::new(number_expr)), span });
    }
    if matches!(number_expr.kind, ExprKind::Int(value) if value > i64::MAX as u64) {
        report::int_too_large(cx, number.as_span().start(), number.as_span().end());
        return None;
    }
    Some(number_expr)
}

/// A pair of the `fields` or `record_type` rule.
pub(super) fn fields(cx: &mut Cx<'_>, pair: Pair<'_>) -> Vec<FieldDecl> {
    let mut fields = Vec::new();
    let mut last = None;
    let mut previous = None;
    let open = pair.as_span().start();
    for pair in Kids::of(pair) {
        let end = end_of(&pair);
        match pair.as_rule() {
            Rule::comma => last = None,
            Rule::field_decl => {
                report::field_separator(cx, &mut last, &pair);
                fields.extend(field(cx, pair));
            }
            Rule::broken_field => {
                last = None;
                if !diagnose::leftover(cx, &pair, previous, &[Rule::comma, Rule::binary_op]) {
                    diagnose::broken(cx, &pair, Rule::field_decl);
                }
            }
            Rule::missing_close => diagnose::unclosed(cx, open, &pair),
            _ => {}
        }
        previous = Some(end);
    }
    fields
}

fn field(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<FieldDecl> {
    let doc = doc_before(cx, pair.as_span().start());
    let mut kids = Kids::of(pair);
    let name = report::snake(cx, &kids.next()?, "a field");
    kids.pass(Rule::colon);
    let ty = ty(cx, kids.next()?);
    let mut default = None;
    if kids.pass(Rule::assign) {
        default = kids.next().map(|pair| expr::root(cx, pair));
    }
    let known = kids.eat(Rule::known).map(|pair| {
        let provided = pair.into_inner().any(|kid| kid.as_rule() == Rule::kw_provided);
        if provided { Known::Provided } else { Known::Set }
    });
    Some(FieldDecl { doc, name, ty, default, known })
}

/// A pair of the `path` rule.
pub(super) fn path(cx: &mut Cx<'_>, pair: Pair<'_>) -> Path {
    let span = cx.span(pair.as_span().start(), end_of(&pair));
    let parts = Kids::of(pair).filter(|pair| pair.as_rule() == Rule::slug).collect::<Vec<_>>();
    Path { parts: parts.iter().map(|pair| cx.name(pair)).collect(), span }
}

/// A pair of the `paths` rule.
pub(super) fn paths(cx: &mut Cx<'_>, pair: Pair<'_>) -> Vec<Path> {
    let paths = Kids::of(pair).filter(|pair| pair.as_rule() == Rule::path).collect::<Vec<_>>();
    paths.into_iter().map(|pair| path(cx, pair)).collect()
}

/// A pair of the `names` rule.
pub(super) fn names(cx: &mut Cx<'_>, pair: Pair<'_>) -> Vec<Name> {
    let names = Kids::of(pair).filter(|pair| pair.as_rule() == Rule::slug).collect::<Vec<_>>();
    names.iter().map(|pair| cx.name(pair)).collect()
}

/// A pair of the `grants` rule.
pub(super) fn grants(cx: &mut Cx<'_>, pair: Pair<'_>) -> Vec<Grant> {
    let grant = |pair: Pair<'_>| match pair.as_rule() {
        Rule::string => Some(Grant::Text(text(cx, &pair))),
        Rule::of_config => {
            let span = cx.span_of(&pair);
            let field = Kids::of(pair).find(|pair| pair.as_rule() == Rule::word)?;
            Some(Grant::Config(cx.name(&field), span))
        }
        _ => None,
    };
    Kids::of(pair).filter_map(grant).collect()
}
