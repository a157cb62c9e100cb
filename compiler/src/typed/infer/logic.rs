//! `&&`, `||`, `!` and `?:`: facts flow from the left and from the condition.

use admit_plan::code::Expr as Code;
use admit_plan::types::{Kind, Type};

use super::{Cx, Node};
use crate::ast::expr::{BinaryOp, Expr, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::typed::{Typed, fit, narrow};

impl Cx<'_> {
    /// A chain of `&&` or of `||`, as one node.
    pub(super) fn logic(&mut self, expr: &Expr, op: BinaryOp) -> Typed {
        let facts = self.facts.clone();
        let mut node = Node::new(expr.span);
        let mut codes = Vec::new();
        for operand in operands(expr, op) {
            let typed = self.bool(operand, if op == BinaryOp::And { "&&" } else { "||" });
            let learnt = narrow::facts_if(&typed.code, op == BinaryOp::And, self.scope);
            self.learn(&learnt);
            codes.push(node.child(typed).1);
        }
        self.facts = facts;
        node.done(Kind::Bool, if op == BinaryOp::And { Code::And(codes) } else { Code::Or(codes) })
    }

    /// `!a`
    pub(super) fn not(&mut self, span: Span, operand: &Expr) -> Typed {
        let typed = self.bool(operand, "!");
        if self.declared() && !matches!(typed.ty.kind, Kind::Bool | Kind::Dyn | Kind::Error) {
            // Said already: what is made of it would be a second message.
            return Typed::error(span);
        }
        let mut node = Node::new(span);
        let (_, code) = node.child(typed);
        node.done(Kind::Bool, Code::Not(Box::new(code)))
    }

    /// `c ? a : b`
    pub(super) fn cond(&mut self, expr: &Expr, want: Option<&Type>) -> Typed {
        let ExprKind::Cond(condition, yes, no) = &expr.kind else { return Typed::error(expr.span) };
        let facts = self.facts.clone();
        let condition = self.bool(condition, "?:");
        let if_true = narrow::facts_if(&condition.code, true, self.scope);
        let if_false = narrow::facts_if(&condition.code, false, self.scope);
        self.learn(&if_true);
        let yes_typed = self.arm(yes, want);
        self.facts = facts.clone();
        self.learn(&if_false);
        let no_typed = self.arm(no, want);
        self.facts = facts;
        let ty = fit::join(&yes_typed.ty, &no_typed.ty).unwrap_or_else(|| {
            let message = format!("one side is `{}`, the other `{}`", yes_typed.ty, no_typed.ty);
            self.report(
                Diagnostic::error("A0101", no.span, message)
                    .label(yes.span, format!("`{}`", yes_typed.ty))
                    .help("both sides of `?:` have one type; `dyn(...)` around one leaves the type open"),
            );
            Kind::Error.into()
        });
        let mut node = Node::new(expr.span);
        let (_, condition) = node.child(condition);
        let (_, yes) = node.child(yes_typed);
        let (_, no) = node.child(no_typed);
        node.done(ty, Code::Cond(Box::new((condition, yes, no))))
    }

    /// A side of `?:`. A secret must be the whole value of its field, so it cannot stand here.
    fn arm(&mut self, expr: &Expr, want: Option<&Type>) -> Typed {
        match want {
            Some(want) => {
                let mut plain = want.clone();
                plain.labels.secret = false;
                self.fitted(expr, &plain)
            }
            None => self.value(expr),
        }
    }

    /// An operand that must be a bool.
    pub(super) fn bool(&mut self, expr: &Expr, of: &str) -> Typed {
        let typed = self.value(expr);
        if !matches!(typed.ty.kind, Kind::Bool | Kind::Dyn | Kind::Error) {
            let message = format!("`{of}` takes a `bool`, this is `{}`", typed.ty);
            let mut diagnostic = Diagnostic::error("A0101", expr.span, message);
            if let Kind::Optional(_) = typed.ty.kind {
                diagnostic = diagnostic.help("say what holds without it: `.orValue(false)`");
            }
            self.report(diagnostic);
        }
        typed
    }
}

/// The operands of a chain of one operator, from the left; parentheses around a part of the chain mean nothing.
fn operands(expr: &Expr, op: BinaryOp) -> Vec<&Expr> {
    let mut todo = vec![expr];
    let mut operands = Vec::new();
    while let Some(expr) = todo.pop() {
        match &expr.kind {
            ExprKind::Binary { op: this, left, right, .. } if *this == op => {
                todo.push(right);
                todo.push(left);
            }
            ExprKind::Paren(inner) if matches!(&inner.kind, ExprKind::Binary { op: this, .. } if *this == op) => {
                todo.push(inner);
            }
            _ => operands.push(expr),
        }
    }
    operands
}
