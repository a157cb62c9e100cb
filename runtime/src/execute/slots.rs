//! Filling the flow's slots from what the run knows. Everything is copied into the arena, so that the run itself
//! stays free to change while values of it are in use.

use admit_eval::datum::Datum;
use admit_eval::value::Value;
use admit_plan::bundle::{NodeId, NodeKind};
use admit_plan::code::{SlotId, Source, StrId};
use admit_plan::types::Type;
use smol_str::SmolStr;

use crate::event::{RUNTIME_GROUPS, empty};
use crate::execute::walk::Walker;
use crate::expression::to_value;
use crate::state::{Groups, Kept, Run, at_names, at_path, str_datum};
use crate::typed::conform;

/// Puts a value into a slot; ids are verified when the plan is loaded.
pub(super) fn put<'a>(slots: &mut [Value<'a>], id: SlotId, value: Value<'a>) {
    if let Some(slot) = slots.get_mut(id as usize) {
        *slot = value;
    }
}

/// Slots of the input and of params.
pub(super) fn fill_given(walker: &mut Walker<'_, '_, '_>) {
    for id in &walker.table.given {
        let Some(slot) = walker.flow.slot(*id) else { continue };
        let found = match &slot.source {
            Source::Input(path) => path.split_first().and_then(|(first, rest)| {
                let name = walker.engine.text(*first);
                let (_, value) = walker.run.input.iter().find(|(known, _)| known == name)?;
                at_path(value, &names(walker, rest))
            }),
            Source::Param(index) => walker.work.params.values.get(*index as usize),
            Source::Event(_)
            | Source::Step(..)
            | Source::Session(_)
            | Source::Secret(_)
            | Source::Now
            | Source::Variable(_) => None,
        };
        let value = found.map_or(Value::Absent, |found| to_value(found, walker.arena));
        put(walker.slots, *id, value);
    }
}

/// Slots of `session.*`.
pub(super) fn fill_session(walker: &mut Walker<'_, '_, '_>) {
    for id in &walker.table.session {
        let Some(slot) = walker.flow.slot(*id) else { continue };
        let Source::Session(path) = &slot.source else { continue };
        let found = walker.run.session.as_ref().and_then(|session| at_path(session, &names(walker, path)));
        let value = found.map_or(Value::Absent, |found| typed(walker, found, &slot.ty));
        put(walker.slots, *id, value);
    }
}

/// Slots of the event that the runtime knows better than the caller. A path that only a block may set and none has
/// stays as the event has it.
pub(super) fn fill_runtime(walker: &mut Walker<'_, '_, '_>) {
    for id in &walker.table.runtime {
        let Some(slot) = walker.flow.slot(*id) else { continue };
        let Source::Event(path) = &slot.source else { continue };
        let path = names(walker, path);
        let Some(group) = path.first() else { continue };
        let value = match known(walker.run, &path) {
            Some(found) => typed(walker, &found, &slot.ty),
            // A known user's flags are false and lists empty where the store says nothing of them.
            None if group == "user" && path.len() > 1 && walker.run.groups.user.is_some() && !slot.maybe_absent => {
                empty(&slot.ty).unwrap_or(Value::Absent)
            }
            None if RUNTIME_GROUPS.contains(&group.as_str()) => Value::Absent,
            None => continue,
        };
        put(walker.slots, *id, value);
    }
}

/// Slots that read what a node gave.
pub(super) fn fill_node(walker: &mut Walker<'_, '_, '_>, id: NodeId) {
    let Some(readers) = walker.table.by_node.get(id as usize).filter(|readers| !readers.is_empty()) else { return };
    let Some(kept) = walker.run.kept(id) else { return };
    for reader in readers {
        let Some(slot) = walker.flow.slot(*reader) else { continue };
        let Source::Step(_, path) = &slot.source else { continue };
        let value = match kept {
            Kept::Branch(name) => Value::Str(walker.engine.text(*name)),
            Kept::Conditions(values) => condition(walker, id, path, values),
            Kept::Output(record) => {
                let names = path.iter().map(|id| walker.engine.text(*id).as_str());
                let found = at_names(&record.0, names);
                found.map_or(Value::Absent, |found| to_value(found, walker.arena))
            }
        };
        put(walker.slots, *reader, value);
    }
}

/// What the runtime knows at a path below `event`; none where it knows nothing.
pub(super) fn known(run: &Run, path: &[SmolStr]) -> Option<Datum> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "user" => at_path(run.groups.user.as_ref()?, rest).cloned(),
        "authentication" => authentication(&run.groups, rest),
        "tenant" => match &run.groups.tenant {
            Some(tenant) => at_path(tenant, rest).cloned(),
            None => at_path(&tenant_of(run), rest).cloned(),
        },
        "identifier" if rest.is_empty() => {
            let given = run.input.iter().find(|(name, _)| name == "identifier");
            given.map(|(_, value)| value.clone()).or_else(|| other(&run.groups, path))
        }
        _ => other(&run.groups, path),
    }
}

fn authentication(groups: &Groups, rest: &[SmolStr]) -> Option<Datum> {
    match rest.split_first() {
        Some((name, [])) if name == "aal" => Some(str_datum(groups.aal.word())),
        Some((name, [])) if name == "methods" => Some(Datum::List(groups.methods.clone())),
        Some((name, rest)) => {
            let (_, value) = groups.authentication.iter().find(|(known, _)| known == name)?;
            at_path(value, rest).cloned()
        }
        None => Some(groups.authentication_record()),
    }
}

fn other(groups: &Groups, path: &[SmolStr]) -> Option<Datum> {
    groups.others.iter().rev().find_map(|(set, value)| at_path(value, path.strip_prefix(set.as_slice())?).cloned())
}

/// What is known of a tenant that nobody has described: its slug.
fn tenant_of(run: &Run) -> Datum {
    let slug = run.tenant.as_str();
    Datum::Map(vec![(str_datum("id"), str_datum(slug)), (str_datum("slug"), str_datum(slug))])
}

fn condition<'a>(walker: &Walker<'_, '_, 'a>, id: NodeId, path: &[StrId], values: &[bool]) -> Value<'a> {
    let Some(NodeKind::Condition { fields }) = walker.node(id).map(|node| &node.kind) else { return Value::Absent };
    let Some(wanted) = path.first().map(|first| walker.engine.text(*first)) else { return Value::Absent };
    match wanted.as_str() {
        "all" => Value::Bool(values.iter().all(|value| *value)),
        "any" => Value::Bool(values.iter().any(|value| *value)),
        _ => {
            let index = fields.iter().position(|(name, _)| walker.engine.text(*name) == wanted);
            index.and_then(|index| values.get(index)).map_or(Value::Absent, |value| Value::Bool(*value))
        }
    }
}

/// A value of the store or of a block in the form that the slot's type says; one that does not fit is not there.
fn typed<'a>(walker: &Walker<'_, '_, 'a>, value: &Datum, ty: &Type) -> Value<'a> {
    conform(value.clone(), ty.present()).map_or(Value::Absent, |value| to_value(&value, walker.arena))
}

pub(super) fn names(walker: &Walker<'_, '_, '_>, path: &[StrId]) -> Vec<SmolStr> {
    path.iter().map(|id| walker.engine.text(*id).clone()).collect()
}
