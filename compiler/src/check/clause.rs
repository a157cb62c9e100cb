//! The clauses of a block's declaration as code: names are its outputs and config, `Local(0)` and `Local(1)`.

use admit_plan::code::{self, SlotId};
use smol_str::SmolStr;

use super::code::for_each_mut;
use crate::ast::Name;
use crate::ast::expr::Expr;
use crate::diagnostic::Diagnostic;
use crate::schema::Block;
use crate::typed::Expect;
use crate::typed::facts::Facts;
use crate::typed::flow;
use crate::typed::infer::infer;
use crate::typed::scope::{Access, Mode, Read, Resolved, Root, Scope};
use crate::typed::tables::{Interner, SlotInfo, Slots};

/// The clauses of a block as code.
#[derive(Clone)]
pub(super) struct Clauses {
    /// `sets`
    pub sets: Vec<flow::Sets>,
    /// `provides`
    pub provides: Vec<(Vec<SmolStr>, Option<code::Expr>)>,
    /// `ensures`
    pub ensures: Vec<(code::Expr, Option<code::Expr>)>,
}

/// Compiles the clauses of a block. The library has been checked: what does not type is left out, and was said there.
pub(super) fn clauses(block: &Block, pool: &mut Interner) -> Clauses {
    let facts = Facts::nothing();
    let mut scope = ClauseScope { block, pool, slots: Slots::default(), facts };
    let sets = block.sets.iter().map(|sets| flow::Sets {
        path: sets.path.clone(),
        to: sets.to.as_ref().map(|to| compile(to, &mut scope)),
        when: sets.when.as_ref().map(|when| compile(when, &mut scope)),
    });
    let sets = sets.collect();
    let mut provides = Vec::with_capacity(block.provides.len());
    for one in &block.provides {
        provides.push((one.path.clone(), one.when.as_ref().map(|when| compile(when, &mut scope))));
    }
    let mut ensures = Vec::with_capacity(block.ensures.len());
    for one in &block.ensures {
        let what = compile(&one.what, &mut scope);
        ensures.push((what, one.when.as_ref().map(|when| compile(when, &mut scope))));
    }
    Clauses { sets, provides, ensures }
}

/// A name of the declaration, and where below it: the local, then fields.
type Below = (u32, Vec<SmolStr>);

struct ClauseScope<'b> {
    block: &'b Block,
    pool: &'b mut Interner,
    slots: Slots<Below>,
    facts: Facts,
}

fn compile(expr: &Expr, scope: &mut ClauseScope<'_>) -> code::Expr {
    let mut ignored = Vec::new();
    let mut typed = infer(expr, Expect::default(), scope, &mut ignored);
    for_each_mut(&mut typed.code, &mut |node| {
        let (slot, has) = match node {
            code::Expr::Slot(slot) => (*slot, false),
            code::Expr::Has(slot) => (*slot, true),
            _ => return,
        };
        let Some(entry) = scope.slots.all().get(slot as usize) else { return };
        let (local, path) = entry.source.clone();
        let mut inner = code::Expr::Local(local);
        for (position, name) in path.iter().enumerate() {
            let name = scope.pool.string(name);
            inner = if has && position + 1 == path.len() {
                code::Expr::HasField(Box::new(inner), name)
            } else {
                code::Expr::Select(Box::new(inner), name)
            };
        }
        *node = inner;
    });
    typed.code
}

impl Scope for ClauseScope<'_> {
    fn resolve(&mut self, chain: &[Name], _root: bool, _out: &mut Vec<Diagnostic>) -> Resolved {
        let Some(name) = chain.first() else { return Resolved::Refused };
        let output = self.block.output_field(&name.text).map(|field| (0, &field.ty));
        let config = self.block.config_field(&name.text).map(|field| (1, &field.ty));
        match output.or(config) {
            Some((id, ty)) => Resolved::Root(Root { used: 1, place: name.text.clone(), ty: ty.clone(), id }),
            None => Resolved::Refused,
        }
    }

    fn read(&mut self, read: &Read<'_>, _out: &mut Vec<Diagnostic>) -> Access {
        let mut path = vec![read.root.place.clone()];
        path.extend(read.path.iter().cloned());
        let slot = self.slots.slot((read.root.id, path), read.place, read.ty, read.optional);
        Access::Slot { slot, absent: None }
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn pool(&mut self) -> &mut Interner {
        self.pool
    }

    fn constants(&self) -> &code::Pool {
        self.pool.pool()
    }

    fn slot(&self, id: SlotId) -> Option<SlotInfo<'_>> {
        self.slots.info(id)
    }

    fn mode(&self) -> Mode {
        Mode::Declared
    }
}
