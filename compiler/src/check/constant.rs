//! Constants: expressions that name nothing, evaluated at check time where they must be.

use admit_plan::code::{Expr as Code, Pool, SlotId};
use admit_plan::types::Type;

use crate::ast::Name;
use crate::ast::expr::Expr;
use crate::diagnostic::{Diagnostic, Level};
use crate::typed::Expect;
use crate::typed::facts::Facts;
use crate::typed::infer::infer;
use crate::typed::scope::{Access, Mode, Read, Resolved, Scope};
use crate::typed::tables::{Interner, SlotInfo};

/// A constant, with the pool that its code indexes.
pub(super) struct Constant {
    /// Its code.
    pub code: Code,
    /// What the code indexes.
    pub pool: Pool,
}

/// Types an expression that may name nothing. None if there is an error in it, which is said.
pub(super) fn constant(expr: &Expr, ty: Option<&Type>, what: &str, out: &mut Vec<Diagnostic>) -> Option<Constant> {
    let mut pool = Interner::default();
    let code = constant_in(expr, ty, what, &mut pool, out)?;
    Some(Constant { code, pool: pool.into_pool() })
}

/// The same, with constants put into a pool that is there.
pub(super) fn constant_in(
    expr: &Expr,
    ty: Option<&Type>,
    what: &str,
    pool: &mut Interner,
    out: &mut Vec<Diagnostic>,
) -> Option<Code> {
    let mut scope = Nothing { pool, facts: Facts::nothing(), what };
    let mut found = Vec::new();
    let typed = infer(expr, Expect { ty, rules: None, what }, &mut scope, &mut found);
    let sound = !found.iter().any(|found| found.level == Level::Error);
    out.append(&mut found);
    sound.then_some(typed.code)
}

/// A scope in which no name stands.
struct Nothing<'p, 'w> {
    pool: &'p mut Interner,
    facts: Facts,
    what: &'w str,
}

impl Scope for Nothing<'_, '_> {
    fn resolve(&mut self, chain: &[Name], _root: bool, out: &mut Vec<Diagnostic>) -> Resolved {
        if let Some(name) = chain.first() {
            out.push(
                Diagnostic::error("A0218", name.span, format!("{} must be a constant", self.what))
                    .help("write the value itself; no name stands here"),
            );
        }
        Resolved::Refused
    }

    fn read(&mut self, _read: &Read<'_>, _out: &mut Vec<Diagnostic>) -> Access {
        Access::Refused
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn pool(&mut self) -> &mut Interner {
        self.pool
    }

    fn constants(&self) -> &Pool {
        self.pool.pool()
    }

    fn slot(&self, _id: SlotId) -> Option<SlotInfo<'_>> {
        None
    }

    fn mode(&self) -> Mode {
        Mode::Declared
    }
}
