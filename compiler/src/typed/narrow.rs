//! What the outcome of a condition says of the places it names: facts from code.

use admit_plan::code::{BinOp, Expr as Code, SetId};
use admit_plan::func::Func;
use admit_plan::types::{Kind, Type};
use smol_str::SmolStr;

use super::facts::Facts;
use super::facts::values::{Numbers, Relation, Values};
use super::scope::Scope;

/// Sets larger than this teach nothing: the facts would cost more than they are worth.
const LEARNT_WORDS: usize = 64;

/// What is known where `code`, a bool, is `truth`. The code was typed under `scope`.
pub fn facts_if(code: &Code, truth: bool, scope: &dyn Scope) -> Facts {
    match code {
        Code::Bool(value) if *value == truth => Facts::nothing(),
        Code::Bool(_) => Facts::impossible(),
        Code::Not(inner) => facts_if(inner, !truth, scope),
        Code::And(parts) => all_or_any(parts, truth, truth, scope),
        Code::Or(parts) => all_or_any(parts, !truth, truth, scope),
        Code::Cond(parts) => {
            let (condition, yes, no) = &**parts;
            let if_yes = facts_if(condition, true, scope).and(&facts_if(yes, truth, scope));
            if_yes.or(&facts_if(condition, false, scope).and(&facts_if(no, truth, scope)))
        }
        Code::Slot(_) | Code::Select(..) => {
            place(code, scope).map_or_else(Facts::nothing, |place| Facts::is(&place, truth))
        }
        Code::Has(slot) => scope.slot(*slot).map_or_else(Facts::nothing, |slot| presence(slot.place, truth)),
        Code::HasField(operand, name) => match place(operand, scope) {
            Some(place) => presence(&format!("{place}.{}", scope_text(scope, *name)), truth),
            None => Facts::nothing(),
        },
        Code::Call(Func::OptHasValue, args) => match args.first() {
            Some(optional) => {
                optional_place(optional, scope).map_or_else(Facts::nothing, |place| presence(&place, truth))
            }
            None => Facts::nothing(),
        },
        Code::Binary(op, operands) => match relation(*op) {
            Some(relation) => comparison(relation, &operands.0, &operands.1, truth, scope),
            None => Facts::nothing(),
        },
        Code::InSet(operand, set) => in_set(operand, *set, truth, scope),
        Code::Null
        | Code::Int(_)
        | Code::Uint(_)
        | Code::Double(_)
        | Code::Str(_)
        | Code::Bytes(_)
        | Code::Duration(_)
        | Code::Type(_)
        | Code::OptSlot(_)
        | Code::Local(_)
        | Code::OptSelect(..)
        | Code::Index(_)
        | Code::OptIndex(_)
        | Code::Neg(_)
        | Code::List(_)
        | Code::Map(_)
        | Code::Matches(..)
        | Code::Call(..)
        | Code::Comprehension(_)
        | Code::Bind(_)
        | Code::Template(_) => Facts::nothing(),
    }
}

/// The dotted path of the value that the code reads, if it is one: the key of facts about it.
pub fn place(code: &Code, scope: &dyn Scope) -> Option<SmolStr> {
    match code {
        Code::Slot(slot) => Some(SmolStr::from(scope.slot(*slot)?.place)),
        Code::Local(local) => Some(local_place(*local as usize)),
        Code::Select(operand, name) => {
            let place = place(operand, scope)?;
            Some(SmolStr::from(format!("{place}.{}", scope_text(scope, *name))))
        }
        _ => None,
    }
}

/// The place of a variable of a macro, by its depth: no user's name starts so.
pub fn local_place(depth: usize) -> SmolStr {
    SmolStr::from(format!("${depth}"))
}

/// The values that can stand at the place of this code, if its declared type says: what comparisons are held against.
pub fn domain(code: &Code, scope: &dyn Scope) -> Values {
    match code {
        Code::Slot(slot) => scope.slot(*slot).map_or(Values::Any, |slot| Values::of(&slot.ty.kind)),
        _ => Values::Any,
    }
}

/// The values of a type that stand in the relation to a constant; none where that cannot be said.
pub fn that(ty: &Type, relation: Relation, bound: &Code, text: impl Fn(u32) -> SmolStr) -> Option<Values> {
    let number = match (&ty.kind, bound) {
        (Kind::Int(_) | Kind::Uint(_), Code::Int(bound)) => Numbers::ints_that(relation, i128::from(*bound)),
        (Kind::Int(_) | Kind::Uint(_), Code::Uint(bound)) => Numbers::ints_that(relation, i128::from(*bound)),
        (Kind::Int(_) | Kind::Uint(_), Code::Double(bound)) => Numbers::ints_that_double(relation, *bound),
        (Kind::Double(_), Code::Double(bound)) => Numbers::doubles_that(relation, *bound),
        (Kind::Double(_), Code::Int(bound)) => Numbers::doubles_that(relation, exact(i128::from(*bound))?),
        (Kind::Double(_), Code::Uint(bound)) => Numbers::doubles_that(relation, exact(i128::from(*bound))?),
        (Kind::String | Kind::Enum(_), Code::Str(word)) => {
            let word = [text(*word)];
            return match relation {
                Relation::Eq => Some(Values::words(word)),
                Relation::Ne => Some(Values::NotWords(word.into_iter().collect())),
                Relation::Lt | Relation::Le | Relation::Gt | Relation::Ge => None,
            };
        }
        (Kind::Bool, Code::Bool(value)) => {
            return match relation {
                Relation::Eq => Some(Values::bool(*value)),
                Relation::Ne => Some(Values::bool(!*value)),
                Relation::Lt | Relation::Le | Relation::Gt | Relation::Ge => None,
            };
        }
        _ => return None,
    };
    Some(Values::Numbers(number))
}

/// The relation of a comparison operator.
pub fn relation(op: BinOp) -> Option<Relation> {
    match op {
        BinOp::Eq => Some(Relation::Eq),
        BinOp::Ne => Some(Relation::Ne),
        BinOp::Lt => Some(Relation::Lt),
        BinOp::Le => Some(Relation::Le),
        BinOp::Gt => Some(Relation::Gt),
        BinOp::Ge => Some(Relation::Ge),
        BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::Div | BinOp::Rem | BinOp::In => None,
    }
}

/// The relation seen from the other side.
pub fn mirrored(relation: Relation) -> Relation {
    match relation {
        Relation::Eq | Relation::Ne => relation,
        Relation::Lt => Relation::Gt,
        Relation::Le => Relation::Ge,
        Relation::Gt => Relation::Lt,
        Relation::Ge => Relation::Le,
    }
}

/// All parts are `truth`, or one of them is.
fn all_or_any(parts: &[Code], all: bool, truth: bool, scope: &dyn Scope) -> Facts {
    let facts = parts.iter().map(|part| facts_if(part, truth, scope));
    if all {
        facts.fold(Facts::nothing(), |known, fact| known.and(&fact))
    } else {
        facts.fold(Facts::impossible(), |known, fact| known.or(&fact))
    }
}

fn presence(place: &str, there: bool) -> Facts {
    if there { Facts::present(place) } else { Facts::absent(place) }
}

fn comparison(relation: Relation, left: &Code, right: &Code, truth: bool, scope: &dyn Scope) -> Facts {
    one_side(relation, left, right, truth, scope)
        .or_else(|| one_side(mirrored(relation), right, left, truth, scope))
        .unwrap_or_else(Facts::nothing)
}

/// What a comparison with a constant on its right says of its left.
fn one_side(relation: Relation, left: &Code, right: &Code, truth: bool, scope: &dyn Scope) -> Option<Facts> {
    if let Code::Call(Func::OptOrValue, args) = left {
        return or_value(relation, args, right, truth, scope);
    }
    let ty = scope.slot(slot_of(left)?)?.ty;
    let place = place(left, scope)?;
    let holds = that(ty, relation, right, |id| SmolStr::from(scope_text(scope, id)))?;
    let all = domain(left, scope);
    let values = if truth { all.meet(&holds) } else { all.without(&holds) };
    Some(Facts::one_of(&place, values))
}

/// `a.?b.orValue(default) == bound`: where the default does not do, the value is there and does.
fn or_value(relation: Relation, args: &[Code], bound: &Code, truth: bool, scope: &dyn Scope) -> Option<Facts> {
    let [Code::OptSlot(slot), default] = args else { return None };
    let slot = scope.slot(*slot)?;
    let text = |id| SmolStr::from(scope_text(scope, id));
    let holds = that(slot.ty, relation, bound, text)?;
    let default = that(slot.ty, Relation::Eq, default, text)?;
    let default_holds = !default.meet(&holds).is_empty();
    let all = Values::of(&slot.ty.kind);
    let values = if truth { all.meet(&holds) } else { all.without(&holds) };
    let there = Facts::one_of(slot.place, values);
    Some(if default_holds == truth { there.or(&Facts::absent(slot.place)) } else { there })
}

fn in_set(operand: &Code, set: SetId, truth: bool, scope: &dyn Scope) -> Facts {
    let known = || {
        let slot = scope.slot(slot_of(operand)?)?;
        let set = scope.constants().sets.get(set as usize)?;
        // A list that is empty, or has no file, is to be filled: nothing is learnt from it.
        let learnt = 1..=LEARNT_WORDS;
        if set.ignore_case
            || !learnt.contains(&set.entries.len())
            || !matches!(slot.ty.kind, Kind::String | Kind::Enum(_))
        {
            return None;
        }
        let words = Values::words(set.entries.iter().cloned());
        let all = Values::of(&slot.ty.kind);
        Some(Facts::one_of(slot.place, if truth { all.meet(&words) } else { all.without(&words) }))
    };
    known().unwrap_or_else(Facts::nothing)
}

fn optional_place(code: &Code, scope: &dyn Scope) -> Option<SmolStr> {
    match code {
        Code::OptSlot(slot) => Some(SmolStr::from(scope.slot(*slot)?.place)),
        Code::OptSelect(operand, name) => {
            Some(SmolStr::from(format!("{}.{}", place(operand, scope)?, scope_text(scope, *name))))
        }
        _ => None,
    }
}

fn slot_of(code: &Code) -> Option<u32> {
    match code {
        Code::Slot(slot) => Some(*slot),
        _ => None,
    }
}

fn scope_text(scope: &dyn Scope, id: u32) -> &str {
    scope.constants().strings.get(id as usize).map_or("", SmolStr::as_str)
}

/// The integer as a double, where that is exact.
fn exact(value: i128) -> Option<f64> {
    const EXACT: i128 = 1 << 53;
    #[expect(clippy::cast_precision_loss, reason = "within 2^53, where every integer is a double")]
    (-EXACT..=EXACT).contains(&value).then_some(value as f64)
}
