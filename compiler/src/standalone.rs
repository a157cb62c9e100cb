//! Expressions that stand alone: `admit eval`, and the cases of the CEL conformance suite.

use admit_eval::consts::Consts;
use admit_eval::cx::Cx;
use admit_eval::datum::Datum;
use admit_eval::error::EvalError;
use admit_eval::interpret::eval;
use admit_eval::value::Value;
use admit_plan::code::{Expr, Pool, Slot, SlotId, Source};
use admit_plan::types::{Kind, Type};
use bumpalo::Bump;
use smol_str::SmolStr;

use crate::ast::Name;
use crate::diagnostic::{Diagnostic, Level};
use crate::parse::parse_expr;
use crate::source::{FileId, Span};
use crate::typed::facts::Facts;
use crate::typed::scope::{Access, Mode, Read, Resolved, Root, Scope};
use crate::typed::tables::{Interner, SlotInfo, Slots};
use crate::typed::{Expect, infer, qualified};

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its code.
    pub code: Expr,
    /// Its static type; `dyn` where nothing was checked.
    pub ty: Type,
    /// Constants that the code names.
    pub pool: Pool,
    /// The variables that it names, each a [`Source::Variable`].
    pub slots: Vec<Slot>,
    /// Where each node of the code stands, in preorder; none for nodes without text of their own.
    pub spans: Vec<Option<Span>>,
}

/// Compiles an expression over variables. `container` is cel-spec's: where unqualified names are looked for first.
/// Spans of diagnostics are in file 0. An expression that is not `checked` has no diagnostics but of syntax: what is
/// wrong with it fails when it is evaluated.
pub fn compile_expr(
    text: &str,
    variables: &[(SmolStr, Type)],
    container: &str,
    checked: bool,
) -> Result<Program, Vec<Diagnostic>> {
    let (expr, mut diagnostics) = parse_expr(FileId(0), text);
    if diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error) {
        return Err(diagnostics);
    }
    let mut scope = Variables {
        variables,
        container,
        mode: if checked { Mode::Standalone } else { Mode::Unchecked },
        facts: Facts::nothing(),
        pool: Interner::default(),
        slots: Slots::default(),
    };
    let typed = infer(&expr, Expect::default(), &mut scope, &mut diagnostics);
    if diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error) {
        return Err(diagnostics);
    }
    let slots = scope.slots.into_slots().into_iter();
    Ok(Program {
        code: typed.code,
        ty: if checked { typed.ty } else { Kind::Dyn.into() },
        pool: scope.pool.into_pool(),
        slots: slots.map(|slot| Slot { source: slot.source, ty: slot.ty, maybe_absent: slot.maybe_absent }).collect(),
        spans: typed.spans,
    })
}

impl Program {
    /// Evaluates it with the interpreter, over the values of its slots in their order; none: not bound.
    ///
    /// # Errors
    /// How it fails.
    pub fn interpret(&self, values: &[Option<Datum>]) -> Result<Datum, EvalError> {
        let consts = Consts::new(&self.pool).map_err(|why| EvalError::Invalid(why.into()))?;
        let arena = Bump::new();
        let slots: Vec<Value<'_>> =
            values.iter().map(|value| value.as_ref().map_or(Value::Absent, |value| value.borrow(&arena))).collect();
        Ok(Datum::from(eval(&self.code, &slots, &Cx::new(&arena, &consts))?))
    }

    /// The name of the variable in a slot.
    pub fn variable(&self, slot: SlotId) -> Option<&str> {
        match &self.slots.get(slot as usize)?.source {
            Source::Variable(name) => self.pool.strings.get(*name as usize).map(SmolStr::as_str),
            Source::Event(_)
            | Source::Input(_)
            | Source::Step(..)
            | Source::Session(_)
            | Source::Param(_)
            | Source::Secret(_)
            | Source::Now => None,
        }
    }
}

/// Names are variables, which may hold dots.
struct Variables<'a> {
    variables: &'a [(SmolStr, Type)],
    container: &'a str,
    mode: Mode,
    facts: Facts,
    pool: Interner,
    slots: Slots<Source>,
}

impl Scope for Variables<'_> {
    fn resolve(&mut self, chain: &[Name], root: bool, _out: &mut Vec<Diagnostic>) -> Resolved {
        let container = if root { "" } else { self.container };
        for used in (1..=chain.len()).rev() {
            let parts: Vec<&str> = chain.iter().take(used).map(|name| name.text.as_str()).collect();
            for name in qualified(container, &parts.join(".")) {
                let Some(index) = self.variables.iter().position(|(known, _)| *known == name) else { continue };
                let Some((_, ty)) = self.variables.get(index) else { continue };
                let ty = if self.mode == Mode::Unchecked { Kind::Dyn.into() } else { ty.clone() };
                let id = u32::try_from(index).unwrap_or(u32::MAX);
                return Resolved::Root(Root { used, place: SmolStr::from(name), ty, id });
            }
        }
        let candidates = self.variables.iter().map(|(name, _)| name.clone()).collect();
        Resolved::Unknown { used: 1, what: "variable", candidates }
    }

    fn read(&mut self, read: &Read<'_>, _out: &mut Vec<Diagnostic>) -> Access {
        let source = Source::Variable(self.pool.string(&read.root.place));
        let slot = self.slots.slot(source, &read.root.place, read.ty, true);
        Access::Slot { slot, absent: None }
    }

    fn walks_fields(&self) -> bool {
        false
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn pool(&mut self) -> &mut Interner {
        &mut self.pool
    }

    fn constants(&self) -> &Pool {
        self.pool.pool()
    }

    fn slot(&self, id: SlotId) -> Option<SlotInfo<'_>> {
        self.slots.info(id)
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn container(&self) -> &str {
        self.container
    }
}
