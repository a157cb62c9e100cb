//! A type that was parsed as an expression: `{ score: double }`, `list(string)`, `"low"`.

use crate::ast::expr::{Expr, ExprKind, MapKey};
use crate::ast::{FieldDecl, Text, TypeExpr, TypeExprKind};

/// The type that the expression reads as, if it is one.
pub(super) fn as_type(expr: &Expr) -> Option<TypeExpr> {
    let kind = match &expr.kind {
        ExprKind::Ident(name) => TypeExprKind::Name(name.clone()),
        ExprKind::Null => TypeExprKind::Name(crate::ast::Name { text: "null".into(), span: expr.span }),
        ExprKind::Str(word) => TypeExprKind::Words(vec![Text { value: word.to_string(), span: expr.span }]),
        ExprKind::Call { target: None, function, args } => {
            TypeExprKind::Apply(function.clone(), args.iter().map(as_type).collect::<Option<_>>()?)
        }
        ExprKind::Map(entries) => {
            let fields = entries.iter().map(|entry| match &entry.key {
                MapKey::Bare(name) if !entry.optional => Some(FieldDecl {
                    doc: Vec::new(),
                    name: name.clone(),
                    ty: as_type(&entry.value)?,
                    default: None,
                    known: None,
                }),
                MapKey::Bare(_) | MapKey::Expr(_) => None,
            });
            TypeExprKind::Record(fields.collect::<Option<_>>()?)
        }
        ExprKind::Paren(inner) => return as_type(inner),
        _ => return None,
    };
    Some(TypeExpr { kind, labels: Vec::new(), span: expr.span })
}
