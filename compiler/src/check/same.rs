//! Whether two expressions say the same: equal but for where they stand, and for parentheses.

use crate::ast::Name;
use crate::ast::expr::{Expr, ExprKind, MapKey, TemplatePart};

/// Both say the same.
pub(super) fn same(left: &Expr, right: &Expr) -> bool {
    let (left, right) = (bare(left), bare(right));
    match (&left.kind, &right.kind) {
        (ExprKind::Null, ExprKind::Null) => true,
        (ExprKind::Bool(a), ExprKind::Bool(b)) => a == b,
        (ExprKind::Int(a), ExprKind::Int(b))
        | (ExprKind::Uint(a), ExprKind::Uint(b))
        | (ExprKind::Duration(a), ExprKind::Duration(b)) => a == b,
        (ExprKind::Double(a), ExprKind::Double(b)) => a.to_bits() == b.to_bits(),
        (ExprKind::Str(a), ExprKind::Str(b)) => a == b,
        (ExprKind::Bytes(a), ExprKind::Bytes(b)) => a == b,
        (ExprKind::Template(a), ExprKind::Template(b)) => all(a, b, |a, b| match (a, b) {
            (TemplatePart::Text(a), TemplatePart::Text(b)) => a == b,
            (TemplatePart::Hole(a), TemplatePart::Hole(b)) => same(a, b),
            (TemplatePart::Text(_) | TemplatePart::Hole(_), _) => false,
        }),
        (ExprKind::Ident(a), ExprKind::Ident(b)) | (ExprKind::RootIdent(a), ExprKind::RootIdent(b)) => named(a, b),
        (
            ExprKind::Select { operand: a, field: field_a, optional: optional_a },
            ExprKind::Select { operand: b, field: field_b, optional: optional_b },
        ) => optional_a == optional_b && named(field_a, field_b) && same(a, b),
        (
            ExprKind::Index { operand: a, index: index_a, optional: optional_a },
            ExprKind::Index { operand: b, index: index_b, optional: optional_b },
        ) => optional_a == optional_b && same(a, b) && same(index_a, index_b),
        (
            ExprKind::Call { target: a, function: function_a, args: args_a },
            ExprKind::Call { target: b, function: function_b, args: args_b },
        ) => {
            let targets = match (a, b) {
                (Some(a), Some(b)) => same(a, b),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            targets && named(function_a, function_b) && all(args_a, args_b, same)
        }
        (ExprKind::Unary(op_a, a), ExprKind::Unary(op_b, b)) => op_a == op_b && same(a, b),
        (
            ExprKind::Binary { op: op_a, left: left_a, right: right_a, .. },
            ExprKind::Binary { op: op_b, left: left_b, right: right_b, .. },
        ) => op_a == op_b && same(left_a, left_b) && same(right_a, right_b),
        (ExprKind::Cond(c_a, t_a, e_a), ExprKind::Cond(c_b, t_b, e_b)) => {
            same(c_a, c_b) && same(t_a, t_b) && same(e_a, e_b)
        }
        (ExprKind::List(a), ExprKind::List(b)) => {
            all(a, b, |a, b| a.optional == b.optional && same(&a.value, &b.value))
        }
        (ExprKind::Map(a), ExprKind::Map(b)) => all(a, b, |a, b| {
            let keys = match (&a.key, &b.key) {
                (MapKey::Bare(a), MapKey::Bare(b)) => named(a, b),
                (MapKey::Expr(a), MapKey::Expr(b)) => same(a, b),
                (MapKey::Bare(_) | MapKey::Expr(_), _) => false,
            };
            a.optional == b.optional && keys && same(&a.value, &b.value)
        }),
        // What did not parse is the same as nothing, and parentheses are gone here.
        _ => false,
    }
}

/// The expression inside parentheses.
pub(super) fn bare(expr: &Expr) -> &Expr {
    let mut inner = expr;
    while let ExprKind::Paren(next) = &inner.kind {
        inner = next;
    }
    inner
}

fn named(left: &Name, right: &Name) -> bool {
    left.text == right.text
}

fn all<T>(left: &[T], right: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
}
