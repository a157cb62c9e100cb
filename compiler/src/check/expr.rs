//! Expressions of a flow: typed in their scope, with what they teach.

use admit_plan::types::{Kind, Type};
use smol_str::SmolStr;

use super::scope::{FlowScope, Standing};
use super::state::State;
use super::walk::Walk;
use crate::ast::expr::Expr;
use crate::diagnostic::Level;
use crate::typed::facts::Facts;
use crate::typed::infer::infer;
use crate::typed::narrow::facts_if;
use crate::typed::{Expect, Typed, flow};

/// A condition, and what is known where it holds and where it does not.
pub(super) struct Condition {
    /// The condition.
    pub expr: flow::Expr,
    /// Known where it holds.
    pub yes: Facts,
    /// Known where it does not.
    pub no: Facts,
    /// It has no error.
    pub sound: bool,
}

impl Walk<'_, '_> {
    /// A `when`, or a field of a condition.
    pub(super) fn condition_expr(&mut self, expr: &Expr, what: &str, state: &State) -> Condition {
        let bool = Type::from(Kind::Bool);
        let expect = Expect { ty: Some(&bool), rules: None, what };
        let mut found = Vec::new();
        let mut scope = FlowScope { walk: self, state, standing: Standing::Condition };
        let typed = infer(expr, expect, &mut scope, &mut found);
        let sound = !found.iter().any(|diagnostic| diagnostic.level == Level::Error);
        let (yes, no) = if sound {
            (facts_if(&typed.code, true, &scope), facts_if(&typed.code, false, &scope))
        } else {
            (Facts::nothing(), Facts::nothing())
        };
        self.out.append(&mut found);
        Condition { expr: flow_expr(typed, expr), yes, no, sound }
    }

    /// A config value.
    pub(super) fn config_expr(&mut self, expr: &Expr, expect: Expect<'_>, state: &State) -> Typed {
        let mut found = Vec::new();
        let mut scope = FlowScope { walk: self, state, standing: Standing::Config };
        let typed = infer(expr, expect, &mut scope, &mut found);
        self.out.append(&mut found);
        typed
    }

    /// The number of a secret in this flow.
    pub(super) fn secret_id(&mut self, name: SmolStr) -> u32 {
        let position = self.secrets.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.secrets.push(name);
            self.secrets.len() - 1
        });
        u32::try_from(position).unwrap_or(u32::MAX)
    }
}

fn flow_expr(typed: Typed, expr: &Expr) -> flow::Expr {
    flow::Expr { code: typed.code, ty: typed.ty, span: expr.span, spans: typed.spans }
}
