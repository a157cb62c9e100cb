//! Constants of the bundle, and code moved from a flow's pool and slots to those of the bundle.

use admit_plan::bundle::{ConfigValue, SecretPart};
use admit_plan::code::{Comprehension, Entry, Expr, Item, Part, Pool, RegexId, SetId, SlotId, StrId};
use admit_plan::func::Func;
use rustc_hash::FxHashMap;

use crate::typed::tables::Interner;

/// The bundle's pool under construction.
#[derive(Default)]
pub(super) struct Constants {
    interner: Interner,
}

/// Moves code of one pool into the bundle's. Each constant is moved when code first names it.
pub(super) struct Import<'a> {
    constants: &'a mut Constants,
    pool: &'a Pool,
}

/// What code names beside constants.
pub(super) trait Names {
    /// The slot in the plan.
    fn slot(&mut self, id: SlotId) -> SlotId;
    /// Whether the slot is absent on every path: it reads a step of a branch that is never taken, which no plan holds.
    fn is_never_there(&self, id: SlotId) -> bool;
    /// The secret in the plan.
    fn secret(&mut self, id: u32, constants: &mut Constants) -> u32;
}

/// Slots in the order in which code first names them.
#[derive(Default)]
pub(super) struct Used {
    by_old: FxHashMap<SlotId, SlotId>,
    /// The flow's numbers of the slots, in the order of the plan's.
    pub order: Vec<SlotId>,
}

/// Names nothing: constants, and code over locals only.
struct Nothing;

impl Constants {
    pub(super) fn string(&mut self, text: &str) -> StrId {
        self.interner.string(text)
    }

    pub(super) fn import<'a>(&'a mut self, pool: &'a Pool) -> Import<'a> {
        Import { constants: self, pool }
    }

    pub(super) fn into_pool(self) -> Pool {
        self.interner.into_pool()
    }
}

impl Used {
    pub(super) fn slot(&mut self, id: SlotId) -> SlotId {
        *self.by_old.entry(id).or_insert_with(|| {
            self.order.push(id);
            super::number(self.order.len() - 1)
        })
    }
}

impl Names for Nothing {
    fn slot(&mut self, id: SlotId) -> SlotId {
        id
    }

    fn is_never_there(&self, _: SlotId) -> bool {
        false
    }

    fn secret(&mut self, id: u32, _: &mut Constants) -> u32 {
        id
    }
}

impl Import<'_> {
    /// Code that names neither slots nor secrets.
    pub(super) fn constant(&mut self, expr: &Expr) -> Expr {
        self.expr(expr, &mut Nothing)
    }

    /// Code, its slots renumbered. Code is at most 250 deep.
    pub(super) fn expr(&mut self, expr: &Expr, names: &mut dyn Names) -> Expr {
        match expr {
            Expr::Null => Expr::Null,
            Expr::Bool(value) => Expr::Bool(*value),
            Expr::Int(value) => Expr::Int(*value),
            Expr::Uint(value) => Expr::Uint(*value),
            Expr::Double(value) => Expr::Double(*value),
            Expr::Bytes(value) => Expr::Bytes(value.clone()),
            Expr::Duration(value) => Expr::Duration(*value),
            Expr::Local(id) => Expr::Local(*id),
            Expr::Str(id) => Expr::Str(self.string(*id)),
            Expr::Type(id) => Expr::Type(self.string(*id)),
            Expr::Has(id) if names.is_never_there(*id) => Expr::Bool(false),
            Expr::OptSlot(id) if names.is_never_there(*id) => Expr::Call(Func::OptNone, Vec::new()),
            // Typing has proved that nobody gets here; it fails as an absent slot does.
            Expr::Slot(id) if names.is_never_there(*id) => {
                Expr::Call(Func::OptValue, vec![Expr::Call(Func::OptNone, Vec::new())])
            }
            Expr::Slot(id) => Expr::Slot(names.slot(*id)),
            Expr::Has(id) => Expr::Has(names.slot(*id)),
            Expr::OptSlot(id) => Expr::OptSlot(names.slot(*id)),
            Expr::Select(of, name) => Expr::Select(self.boxed(of, names), self.string(*name)),
            Expr::HasField(of, name) => Expr::HasField(self.boxed(of, names), self.string(*name)),
            Expr::OptSelect(of, name) => Expr::OptSelect(self.boxed(of, names), self.string(*name)),
            Expr::Index(pair) => Expr::Index(self.pair(pair, names)),
            Expr::OptIndex(pair) => Expr::OptIndex(self.pair(pair, names)),
            Expr::Not(of) => Expr::Not(self.boxed(of, names)),
            Expr::Neg(of) => Expr::Neg(self.boxed(of, names)),
            Expr::Binary(op, pair) => Expr::Binary(*op, self.pair(pair, names)),
            Expr::And(parts) => Expr::And(self.list(parts, names)),
            Expr::Or(parts) => Expr::Or(self.list(parts, names)),
            Expr::Cond(three) => {
                let (when, yes, no) = three.as_ref();
                Expr::Cond(Box::new((self.expr(when, names), self.expr(yes, names), self.expr(no, names))))
            }
            Expr::List(items) => {
                let item = |item: &Item| Item { value: self.expr(&item.value, names), optional: item.optional };
                Expr::List(items.iter().map(item).collect())
            }
            Expr::Map(entries) => {
                let entry = |entry: &Entry| Entry {
                    key: self.expr(&entry.key, names),
                    value: self.expr(&entry.value, names),
                    optional: entry.optional,
                };
                Expr::Map(entries.iter().map(entry).collect())
            }
            Expr::InSet(of, set) => Expr::InSet(self.boxed(of, names), self.set(*set)),
            Expr::Matches(of, regex) => Expr::Matches(self.boxed(of, names), self.regex(*regex)),
            Expr::Call(func, args) => Expr::Call(*func, self.list(args, names)),
            Expr::Comprehension(walk) => Expr::Comprehension(Box::new(Comprehension {
                kind: walk.kind,
                range: self.expr(&walk.range, names),
                two_vars: walk.two_vars,
                cond: walk.cond.as_ref().map(|cond| self.expr(cond, names)),
                value: walk.value.as_ref().map(|value| self.expr(value, names)),
            })),
            Expr::Bind(pair) => Expr::Bind(self.pair(pair, names)),
            Expr::Template(parts) => {
                let part = |part: &Part| match part {
                    Part::Text(text) => Part::Text(self.string(*text)),
                    Part::Hole(expr, escape) => Part::Hole(self.expr(expr, names), *escape),
                };
                Expr::Template(parts.iter().map(part).collect())
            }
        }
    }

    /// A config value.
    pub(super) fn config(&mut self, value: &ConfigValue, names: &mut dyn Names) -> ConfigValue {
        match value {
            ConfigValue::Expr(expr) => ConfigValue::Expr(self.expr(expr, names)),
            ConfigValue::Type(ty) => ConfigValue::Type(ty.clone()),
            ConfigValue::Secret(parts) => {
                let part = |part: &SecretPart| match part {
                    SecretPart::Text(text) => SecretPart::Text(self.string(*text)),
                    SecretPart::Expr(expr) => SecretPart::Expr(self.expr(expr, names)),
                    SecretPart::Secret(id, escape) => SecretPart::Secret(names.secret(*id, self.constants), *escape),
                };
                ConfigValue::Secret(parts.iter().map(part).collect())
            }
            ConfigValue::Record(fields) => {
                let field = |(name, value): &(StrId, ConfigValue)| (self.string(*name), self.config(value, names));
                ConfigValue::Record(fields.iter().map(field).collect())
            }
        }
    }

    fn boxed(&mut self, expr: &Expr, names: &mut dyn Names) -> Box<Expr> {
        Box::new(self.expr(expr, names))
    }

    fn pair(&mut self, pair: &(Expr, Expr), names: &mut dyn Names) -> Box<(Expr, Expr)> {
        Box::new((self.expr(&pair.0, names), self.expr(&pair.1, names)))
    }

    fn list(&mut self, list: &[Expr], names: &mut dyn Names) -> Vec<Expr> {
        list.iter().map(|expr| self.expr(expr, names)).collect()
    }

    // An index that the pool does not have cannot come from typing; it stays out of range, which the verifier refuses.
    fn string(&mut self, id: StrId) -> StrId {
        self.pool.strings.get(id as usize).map_or(u32::MAX, |text| self.constants.interner.string(text))
    }

    fn set(&mut self, id: SetId) -> SetId {
        let set = self.pool.sets.get(id as usize);
        set.map_or(u32::MAX, |set| self.constants.interner.set(set.entries.clone(), set.ignore_case))
    }

    fn regex(&mut self, id: RegexId) -> RegexId {
        self.pool.regexes.get(id as usize).map_or(u32::MAX, |text| self.constants.interner.regex(text))
    }
}
