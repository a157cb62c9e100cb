//! Prints expressions and types as written.

use super::tree::{Tree, leaf, node, quoted};
use crate::ast::expr::{Expr, ExprKind, MapKey, TemplatePart, UnaryOp};
use crate::ast::{FieldDecl, Known, TypeExpr, TypeExprKind};

/// An expression.
pub fn expr(expr: &Expr) -> Tree {
    match &expr.kind {
        ExprKind::Null => leaf("null"),
        ExprKind::Bool(value) => leaf(value.to_string()),
        ExprKind::Int(value) => leaf(value.to_string()),
        ExprKind::Uint(value) => leaf(format!("{value}u")),
        ExprKind::Double(value) => leaf(format!("{value:?}")),
        ExprKind::Str(value) => quoted(value),
        ExprKind::Bytes(value) => leaf(format!("b\"{}\"", value.escape_ascii())),
        ExprKind::Duration(millis) => leaf(format!("{millis}ms")),
        ExprKind::Template(parts) => node("template", parts.iter().map(part)),
        ExprKind::Ident(name) => leaf(name.text.as_str()),
        ExprKind::RootIdent(name) => leaf(format!(".{}", name.text)),
        ExprKind::Select { operand, field, optional } => {
            node(if *optional { "select?" } else { "select" }, [self::expr(operand), leaf(field.text.as_str())])
        }
        ExprKind::Index { operand, index, optional } => {
            node(if *optional { "index?" } else { "index" }, [self::expr(operand), self::expr(index)])
        }
        ExprKind::Call { target, function, args } => {
            let call = node("call", [leaf(function.text.as_str())]);
            let call = match target {
                Some(target) => call.with(node("on", [self::expr(target)])),
                None => call,
            };
            call.with_all(args.iter().map(self::expr))
        }
        ExprKind::Unary(UnaryOp::Not, operand) => node("!", [self::expr(operand)]),
        ExprKind::Unary(UnaryOp::Neg, operand) => node("-", [self::expr(operand)]),
        ExprKind::Binary { op, left, right, .. } => node(op.symbol(), [self::expr(left), self::expr(right)]),
        ExprKind::Cond(condition, yes, no) => node("?:", [self::expr(condition), self::expr(yes), self::expr(no)]),
        ExprKind::List(elements) => {
            node("list", elements.iter().map(|element| optional(element.optional, self::expr(&element.value))))
        }
        ExprKind::Map(entries) => node(
            "map",
            entries.iter().map(|entry| {
                let key = match &entry.key {
                    MapKey::Bare(name) => leaf(name.text.as_str()),
                    MapKey::Expr(key) => self::expr(key),
                };
                optional(entry.optional, node(":", [key, self::expr(&entry.value)]))
            }),
        ),
        ExprKind::Paren(inner) => node("paren", [self::expr(inner)]),
        ExprKind::Broken => leaf("<broken>"),
    }
}

/// A type.
pub fn ty(ty: &TypeExpr) -> Tree {
    let kind = match &ty.kind {
        TypeExprKind::Name(name) => leaf(name.text.as_str()),
        TypeExprKind::Apply(name, args) => node(name.text.as_str(), args.iter().map(self::ty)),
        TypeExprKind::Range(name, low, high) => node(format!("{} ..", name.text), [expr(low), expr(high)]),
        TypeExprKind::Words(words) => node("|", words.iter().map(|word| quoted(&word.value))),
        TypeExprKind::Record(declared) => node("record", fields(declared)),
    };
    ty.labels.iter().rev().fold(kind, |kind, label| node(label.text.as_str(), [kind]))
}

/// Declared fields.
pub fn fields(fields: &[FieldDecl]) -> impl Iterator<Item = Tree> + '_ {
    fields.iter().map(|field| {
        let mut tree = node(field.name.text.as_str(), [ty(&field.ty)]);
        if let Some(default) = &field.default {
            tree = tree.with(node("=", [expr(default)]));
        }
        match field.known {
            Some(Known::Provided) => tree.with(leaf("known-when-provided")),
            Some(Known::Set) => tree.with(leaf("known-when-set")),
            None => tree,
        }
    })
}

fn part(part: &TemplatePart) -> Tree {
    match part {
        TemplatePart::Text(text) => quoted(text),
        TemplatePart::Hole(hole) => node("hole", [expr(hole)]),
    }
}

fn optional(is_optional: bool, tree: Tree) -> Tree {
    if is_optional { node("?", [tree]) } else { tree }
}
