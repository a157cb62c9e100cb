//! Slots: sources that exist, with the type that the source gives.

use super::{Check, distinct, string, types};
use crate::bundle::{Bundle, FlowPlan, NodeKind};
use crate::code::{Slot, Source, StrId};
use crate::types::{Kind, Type};

pub(super) fn check(bundle: &Bundle, flow: &FlowPlan) -> Check {
    if flow.slots.len() > super::MAX_SLOTS {
        return Err(format!("more than {} slots", super::MAX_SLOTS));
    }
    distinct(flow.slots.iter().map(|slot| &slot.source)).map_err(|_| "two slots of one source".to_owned())?;
    for (id, slot) in flow.slots.iter().enumerate() {
        types::check(&slot.ty)
            .and_then(|()| source(bundle, flow, slot))
            .map_err(|what| format!("slot {id}: {what}"))?;
    }
    Ok(())
}

fn source(bundle: &Bundle, flow: &FlowPlan, slot: &Slot) -> Check {
    if matches!(slot.ty.kind, Kind::Optional(_)) {
        return Err("its type is an optional".to_owned());
    }
    if slot.ty.labels.secret {
        return Err("it holds a secret".to_owned());
    }
    match &slot.source {
        Source::Event(path) | Source::Session(path) => {
            if path.is_empty() || path.len() > 32 {
                return Err("a path of no names, or of too many".to_owned());
            }
            path.iter().try_for_each(|part| string(bundle, *part))
        }
        Source::Input(path) => given(bundle, &flow.input, path, slot),
        Source::Step(node, path) => match flow.nodes.get(*node as usize).map(|node| &node.kind) {
            Some(NodeKind::Block(block)) => {
                let ty = bundle.blocks.get(block.block as usize).map(|block| &block.output);
                given(bundle, ty.ok_or("no such block type")?, path, slot)
            }
            Some(NodeKind::Decision { cases, default }) => {
                let names = cases.iter().map(|case| case.branch.name).chain(default.as_ref().map(|one| one.name));
                let names: Vec<&str> = names.filter_map(|name| text(bundle, name)).collect();
                let is_branch = matches!(path.as_slice(), [one] if text(bundle, *one) == Some("branch"));
                let fits = match &slot.ty.kind {
                    Kind::Enum(words) => words.iter().map(|word| word.as_str()).eq(names),
                    _ => false,
                };
                if is_branch && fits { Ok(()) } else { Err("not the branch of its decision".to_owned()) }
            }
            Some(NodeKind::Condition { fields }) => {
                let known = match path.as_slice() {
                    [one] => {
                        fields.iter().any(|(name, _)| name == one) || matches!(text(bundle, *one), Some("all" | "any"))
                    }
                    _ => false,
                };
                if known && slot.ty.kind == Kind::Bool {
                    Ok(())
                } else {
                    Err("not a field of its condition".to_owned())
                }
            }
            Some(NodeKind::Stage { .. } | NodeKind::EnterFlow { .. } | NodeKind::LeaveFlow { .. }) => {
                Err(format!("node {node} has no outputs"))
            }
            None => Err(format!("node {node} does not exist")),
        },
        Source::Param(id) => match bundle.params.get(*id as usize) {
            Some(param)
                if same(param.ty.present(), &slot.ty) && (slot.maybe_absent || param.ty.present() == &param.ty) =>
            {
                Ok(())
            }
            Some(_) => Err("not of its param's type".to_owned()),
            None => Err(format!("param {id} does not exist")),
        },
        Source::Now if slot.ty.kind == Kind::Timestamp => Ok(()),
        Source::Now => Err("`now` that is not a timestamp".to_owned()),
        Source::Secret(_) => Err("a secret in a slot".to_owned()),
        Source::Variable(_) => Err("a variable in a flow".to_owned()),
    }
}

/// The path leads through the type to the slot's type; what is optional on the way makes it `maybe_absent`.
fn given(bundle: &Bundle, ty: &Type, path: &[StrId], slot: &Slot) -> Check {
    let mut here = ty;
    let mut optional = false;
    if path.is_empty() {
        return Err("a path of no names".to_owned());
    }
    for part in path {
        string(bundle, *part)?;
        let name = text(bundle, *part).unwrap_or("");
        let Kind::Record(fields) = &here.present().kind else { return Err(format!("`{name}` of what is no record")) };
        let field = fields.iter().find(|field| field.name == name);
        here = &field.ok_or_else(|| format!("there is no `{name}`"))?.ty;
        optional |= matches!(here.kind, Kind::Optional(_));
        if here.labels.secret || here.present().labels.secret {
            return Err("it holds a secret".to_owned());
        }
    }
    if !same(here.present(), &slot.ty) {
        return Err("not of the type of its source".to_owned());
    }
    if optional && !slot.maybe_absent {
        return Err("it may be absent, but says that it is not".to_owned());
    }
    Ok(())
}

/// One type, labels at the top apart: an optional and what it holds may each have theirs.
fn same(source: &Type, slot: &Type) -> bool {
    source.kind == slot.kind
}

fn text(bundle: &Bundle, id: StrId) -> Option<&str> {
    bundle.pool.strings.get(id as usize).map(|text| text.as_str())
}
