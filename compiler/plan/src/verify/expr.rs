//! Expressions: within their bounds, and naming only what is there.

use super::{Check, MAX_ENTRIES, MAX_EXPR_DEPTH, MAX_EXPR_NODES, string};
use crate::bundle::Bundle;
use crate::code::{Comprehension, Expr, LocalId, Macro, Part, Slot, SlotId};
use crate::cost::{LIMIT, cost};
use crate::func::Func;
use crate::rep::{Rep, rep};

/// What an expression may name.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub bundle: &'a Bundle,
    /// The flow's slots; none for constants.
    pub slots: &'a [Slot],
    /// Locals bound around it.
    pub locals: LocalId,
}

/// Checks an expression: its parts, then what it can cost.
pub(super) fn check(expr: &Expr, scope: Scope<'_>) -> Check {
    Checker { scope, nodes: 0 }.at(expr, scope.locals, 1)?;
    let types = |id: SlotId| scope.slots.get(id as usize).map(|slot| &slot.ty);
    if cost(expr, &types, &scope.bundle.pool) > LIMIT {
        return Err("an expression that can cost more than any may".to_owned());
    }
    Ok(())
}

/// Checks a condition: an expression that may be a bool.
pub(super) fn condition(expr: &Expr, scope: Scope<'_>) -> Check {
    check(expr, scope)?;
    let types = |id: SlotId| scope.slots.get(id as usize).map(|slot| &slot.ty);
    let mut locals = vec![Rep::Dyn; scope.locals as usize];
    match rep(expr, &types, &mut locals) {
        Rep::Bool | Rep::Dyn => Ok(()),
        _ => Err("a condition that is not true or false".to_owned()),
    }
}

/// Adds the slots that the expression names, which was checked.
pub(super) fn slots_of(expr: &Expr, found: &mut Vec<SlotId>) {
    match expr {
        Expr::Slot(id) | Expr::Has(id) | Expr::OptSlot(id) => found.push(*id),
        _ => expr.for_each_child(&mut |child| slots_of(child, found)),
    }
}

struct Checker<'a> {
    scope: Scope<'a>,
    nodes: usize,
}

impl Checker<'_> {
    fn at(&mut self, expr: &Expr, locals: LocalId, depth: usize) -> Check {
        self.nodes += 1;
        if depth > MAX_EXPR_DEPTH || self.nodes > MAX_EXPR_NODES {
            return Err("an expression that is too deep or too large".to_owned());
        }
        let below = depth + 1;
        match expr {
            Expr::Null | Expr::Bool(_) | Expr::Int(_) | Expr::Uint(_) | Expr::Double(_) | Expr::Duration(_) => Ok(()),
            Expr::Bytes(bytes) if bytes.len() > 1 << 20 => Err("bytes that are too long".to_owned()),
            Expr::Bytes(_) => Ok(()),
            Expr::Str(id) | Expr::Type(id) => string(self.scope.bundle, *id),
            Expr::Slot(id) | Expr::Has(id) | Expr::OptSlot(id) => {
                let known = (*id as usize) < self.scope.slots.len();
                if known { Ok(()) } else { Err(format!("slot {id} does not exist")) }
            }
            Expr::Local(id) if *id < locals => Ok(()),
            Expr::Local(id) => Err(format!("local {id} is not bound")),
            Expr::Select(of, name) | Expr::HasField(of, name) | Expr::OptSelect(of, name) => {
                string(self.scope.bundle, *name)?;
                self.at(of, locals, below)
            }
            Expr::Not(of) | Expr::Neg(of) => self.at(of, locals, below),
            Expr::InSet(of, set) => {
                if *set as usize >= self.scope.bundle.pool.sets.len() {
                    return Err(format!("set {set} does not exist"));
                }
                self.at(of, locals, below)
            }
            Expr::Matches(of, regex) => {
                if *regex as usize >= self.scope.bundle.pool.regexes.len() {
                    return Err(format!("regular expression {regex} does not exist"));
                }
                self.at(of, locals, below)
            }
            Expr::Index(pair) | Expr::OptIndex(pair) | Expr::Binary(_, pair) => {
                self.at(&pair.0, locals, below)?;
                self.at(&pair.1, locals, below)
            }
            Expr::Bind(pair) => {
                self.at(&pair.0, locals, below)?;
                self.at(&pair.1, locals + 1, below)
            }
            Expr::And(parts) | Expr::Or(parts) => {
                if parts.len() < 2 {
                    return Err("`&&` or `||` of fewer than two".to_owned());
                }
                parts.iter().try_for_each(|part| self.at(part, locals, below))
            }
            Expr::Cond(three) => {
                let (when, yes, no) = three.as_ref();
                [when, yes, no].into_iter().try_for_each(|part| self.at(part, locals, below))
            }
            Expr::List(items) => {
                entries(items.len())?;
                items.iter().try_for_each(|item| self.at(&item.value, locals, below))
            }
            Expr::Map(list) => {
                entries(list.len())?;
                list.iter().try_for_each(|entry| {
                    self.at(&entry.key, locals, below)?;
                    self.at(&entry.value, locals, below)
                })
            }
            Expr::Call(Func::Unknown, _) => Err("a function that does not exist".to_owned()),
            Expr::Call(_, args) => {
                entries(args.len())?;
                args.iter().try_for_each(|arg| self.at(arg, locals, below))
            }
            Expr::Comprehension(walk) => self.comprehension(walk, locals, below),
            Expr::Template(parts) => {
                entries(parts.len())?;
                parts.iter().try_for_each(|part| match part {
                    Part::Text(text) => string(self.scope.bundle, *text),
                    Part::Hole(expr, _) => self.at(expr, locals, below),
                })
            }
        }
    }

    fn comprehension(&mut self, walk: &Comprehension, locals: LocalId, depth: usize) -> Check {
        let (cond, value) = (walk.cond.is_some(), walk.value.is_some());
        let fits = match walk.kind {
            Macro::All | Macro::Exists | Macro::ExistsOne | Macro::Filter => cond && !value,
            Macro::Map | Macro::TransformMap | Macro::TransformMapEntry => value,
        };
        if !fits {
            return Err("a macro without its parts".to_owned());
        }
        self.at(&walk.range, locals, depth)?;
        let inside = locals + if walk.two_vars { 2 } else { 1 };
        [&walk.cond, &walk.value].into_iter().flatten().try_for_each(|part| self.at(part, inside, depth))
    }
}

fn entries(count: usize) -> Check {
    if count > MAX_ENTRIES { Err(format!("a literal of more than {MAX_ENTRIES} entries")) } else { Ok(()) }
}
