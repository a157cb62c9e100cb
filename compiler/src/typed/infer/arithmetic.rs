//! `+ - * / %` and the unary minus.

use admit_plan::code::{BinOp, Expr as Code};
use admit_plan::types::{Kind, Type};

use super::{Cx, Node, leaf};
use crate::ast::expr::{BinaryOp, Expr, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::typed::{Typed, fit};

impl Cx<'_> {
    /// `a + b` and the like.
    pub(super) fn arithmetic(&mut self, expr: &Expr, op: BinaryOp, op_span: Span) -> Typed {
        let ExprKind::Binary { left, right, .. } = &expr.kind else { return Typed::error(expr.span) };
        let left_typed = self.value(left);
        let right_typed = self.value(right);
        let ty = match result(op, &left_typed.ty, &right_typed.ty) {
            Some(ty) => ty,
            None => {
                self.wrong_operands(op, op_span, (left, &left_typed), (right, &right_typed));
                Kind::Error.into()
            }
        };
        let mut node = Node::new(expr.span);
        let (_, left) = node.child(left_typed);
        let (_, right) = node.child(right_typed);
        node.done(ty, Code::Binary(code(op), Box::new((left, right))))
    }

    /// `-a`
    pub(super) fn neg(&mut self, span: Span, operand: &Expr) -> Typed {
        match &operand.kind {
            // The magnitude of the smallest int has no positive counterpart.
            ExprKind::Int(value) if *value == 1 << 63 => return leaf(Kind::INT, Code::Int(i64::MIN), span),
            ExprKind::Int(value) => {
                if let Ok(value) = i64::try_from(*value) {
                    return leaf(Kind::INT, Code::Int(-value), span);
                }
            }
            ExprKind::Double(value) => return leaf(Kind::DOUBLE, Code::Double(-value), span),
            _ => {}
        }
        let typed = self.value(operand);
        let ty: Type = match &typed.ty.kind {
            Kind::Int(_) => Kind::INT.into(),
            Kind::Double(_) => Kind::DOUBLE.into(),
            Kind::Dyn | Kind::Error => typed.ty.clone(),
            other => {
                let message = format!("`-` takes an `int` or a `double`, this is `{other}`");
                self.report(Diagnostic::error("A0103", operand.span, message));
                Kind::Error.into()
            }
        };
        let mut node = Node::new(span);
        let (_, code) = node.child(typed);
        node.done(ty, Code::Neg(Box::new(code)))
    }

    fn wrong_operands(&mut self, op: BinaryOp, op_span: Span, left: (&Expr, &Typed), right: (&Expr, &Typed)) {
        let (left, left_typed) = left;
        let (right, right_typed) = right;
        let sign = op.symbol();
        let message = format!("`{sign}` does not take `{}` and `{}`", left_typed.ty, right_typed.ty);
        let mut diagnostic = Diagnostic::error("A0103", op_span, message)
            .label(left.span, format!("`{}`", left_typed.ty))
            .label(right.span, format!("`{}`", right_typed.ty));
        let kinds = (&left_typed.ty.kind, &right_typed.ty.kind);
        if let (Kind::Optional(_), _) | (_, Kind::Optional(_)) = kinds {
            diagnostic = diagnostic.help("give the optional a default: `.orValue(...)`");
        } else if fit::is_number(kinds.0) && fit::is_number(kinds.1) {
            diagnostic = diagnostic.help("convert one side: `int(...)`, `uint(...)`, `double(...)`");
        } else if let (Kind::String, _) | (_, Kind::String) = kinds {
            diagnostic = diagnostic.help("convert the other side: `string(...)`");
        }
        self.report(diagnostic);
    }
}

/// The type of the result, if the operator takes such operands.
fn result(op: BinaryOp, left: &Type, right: &Type) -> Option<Type> {
    let kind = match (op, &left.kind, &right.kind) {
        (_, Kind::Error, _) | (_, _, Kind::Error) => Kind::Error,
        (_, Kind::Dyn, _) | (_, _, Kind::Dyn) => Kind::Dyn,
        (_, Kind::Int(_), Kind::Int(_)) => Kind::INT,
        (_, Kind::Uint(_), Kind::Uint(_)) => Kind::UINT,
        (BinaryOp::Rem, Kind::Double(_), Kind::Double(_)) => return None,
        (_, Kind::Double(_), Kind::Double(_)) => Kind::DOUBLE,
        (BinaryOp::Add, Kind::String | Kind::Enum(_), Kind::String | Kind::Enum(_)) => Kind::String,
        (BinaryOp::Add, Kind::Bytes, Kind::Bytes) => Kind::Bytes,
        (BinaryOp::Add, Kind::List(left), Kind::List(right)) => return Some(Type::list(fit::join_or_dyn(left, right))),
        (BinaryOp::Add, Kind::Timestamp, Kind::Duration) | (BinaryOp::Add, Kind::Duration, Kind::Timestamp) => {
            Kind::Timestamp
        }
        (BinaryOp::Sub, Kind::Timestamp, Kind::Duration) => Kind::Timestamp,
        (BinaryOp::Sub, Kind::Timestamp, Kind::Timestamp) => Kind::Duration,
        (BinaryOp::Add | BinaryOp::Sub, Kind::Duration, Kind::Duration) => Kind::Duration,
        _ => return None,
    };
    let mut ty = Type::from(kind);
    ty.labels.pii = left.labels.pii || right.labels.pii;
    Some(ty)
}

fn code(op: BinaryOp) -> BinOp {
    match op {
        BinaryOp::Sub => BinOp::Sub,
        BinaryOp::Mul => BinOp::Mul,
        BinaryOp::Div => BinOp::Div,
        BinaryOp::Rem => BinOp::Rem,
        BinaryOp::Add
        | BinaryOp::Or
        | BinaryOp::And
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::In => BinOp::Add,
    }
}
