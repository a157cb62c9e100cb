//! Actions: code of which each byte is named by its hash, grants that are well-formed, and places that fit them.

use semver::Version;

use super::{Check, MAX_GRANTS, MAX_MODULES, MAX_SCRIPT, distinct, expr, string, text, types};
use crate::bundle::{
    ACTION_EFFECTS, Action, BlockNode, BlockType, Bundle, ConfigValue, FACTOR, FlowPlan, Module, NodeId, NodeKind,
    OnError, RUN_ACTION,
};
use crate::code::{Expr, StrId};
use crate::func::Func;
use crate::names::{is_claim, is_host, is_slug};
use crate::types::{Kind, Range, Type};

/// Checks every Action by itself, and their order.
pub(super) fn check(bundle: &Bundle) -> Result<(), (Option<usize>, String)> {
    match &bundle.event {
        Some(_) if bundle.actions.is_empty() => return Err((None, "an event that no Action reads".to_owned())),
        None if !bundle.actions.is_empty() => return Err((None, "Actions without an event".to_owned())),
        Some(event) => {
            types::check(event).map_err(|what| (None, what))?;
            if !matches!(event.kind, Kind::Record(_)) {
                return Err((None, "an event that is not a record".to_owned()));
            }
        }
        None => {}
    }
    let mut last: Option<(&str, Version)> = None;
    for (id, action) in bundle.actions.iter().enumerate() {
        let at = |what: String| (Some(id), what);
        let version = self::action(bundle, action).map_err(at)?;
        let here = (text(bundle, action.slug), version);
        if last.is_some_and(|last| last >= here) {
            return Err(at("it is not in the order of slugs and versions".to_owned()));
        }
        last = Some(here);
    }
    Ok(())
}

/// Whether a block runs an Action as its place says: nothing else does, and outputs are there as the block type says.
pub(super) fn place(bundle: &Bundle, block: &BlockType, node: &BlockNode) -> Check {
    let runs = text(bundle, block.name) == RUN_ACTION;
    let Some(place) = &node.action else {
        return if runs { Err("a block that runs an Action, and no Action".to_owned()) } else { Ok(()) };
    };
    if !runs || block.effects != ACTION_EFFECTS || !block.takes.is_empty() {
        return Err("an Action in a block that runs none".to_owned());
    }
    string(bundle, place.trigger)?;
    grants(bundle, &place.fetch, "a host that is none", is_host)?;
    grants(bundle, &place.claims, "a claim that is no Action's to set", is_claim)?;
    let Some(action) = bundle.actions.get(place.action as usize) else {
        return Err(format!("Action {} does not exist", place.action));
    };
    if !node.sets.is_empty() || !node.provides.is_empty() || !node.ensures.is_empty() {
        return Err("an Action that sets, provides or ensures".to_owned());
    }
    if place.demand.is_some() != action.prompts {
        return Err("a demand that the Action may not make, or none that it may".to_owned());
    }
    if action.prompts && (node.is_async || node.on_error == OnError::Continue || node.retry.is_some()) {
        return Err(
            "an Action that may ask the user may not be async, go on after an error or be tried again".to_owned()
        );
    }
    let Kind::Record(fields) = &block.output.kind else { return Err("outputs that are no record".to_owned()) };
    for (name, default) in &action.defaults {
        let name = text(bundle, *name);
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            return Err(format!("a default of `{name}`, which is no output"));
        };
        if !fits(bundle, default, &field.ty, 0) {
            return Err(format!("a default of `{name}` that does not fit its type"));
        }
    }
    let given = |name: &str| action.defaults.iter().any(|(known, _)| text(bundle, *known) == name);
    match fields.iter().find(|field| !matches!(field.ty.kind, Kind::Optional(_)) && !given(&field.name)) {
        Some(field) => Err(format!("`{}` may be absent, but says that it is not", field.name)),
        None => Ok(()),
    }
}

/// What an Action demands is a second factor that must be shown, that nothing else leads to, and that goes on where the
/// Action does.
pub(super) fn demands(bundle: &Bundle, flow: &FlowPlan) -> Result<(), (NodeId, String)> {
    let mut demanded: Vec<(NodeId, NodeId)> = Vec::new();
    for (id, node) in (0..).zip(&flow.nodes) {
        let NodeKind::Block(block) = &node.kind else { continue };
        let Some(to) = block.action.as_ref().and_then(|place| place.demand) else { continue };
        let wrong = |what: &str| Err((id, what.to_owned()));
        let Some(target) = flow.nodes.get(to as usize).filter(|_| to > id) else {
            return Err((id, format!("an edge to node {to}")));
        };
        let NodeKind::Block(factor) = &target.kind else { return wrong("it demands what is no block") };
        let Some(ty) = bundle.blocks.get(factor.block as usize) else { return wrong("it demands no block") };
        if text(bundle, ty.name) != FACTOR || !ty.effects.prompts {
            return wrong("it demands what is no second factor");
        }
        let must = |(name, value): &(StrId, ConfigValue)| {
            text(bundle, *name) == "must_verify" && *value == ConfigValue::Expr(Expr::Bool(true))
        };
        if !factor.config.iter().any(must) {
            return wrong("it demands a second factor that need not be shown");
        }
        if target.next != node.next {
            return wrong("it goes on elsewhere than what it demands");
        }
        demanded.push((to, id));
    }
    if demanded.is_empty() {
        return Ok(());
    }
    demanded.sort_unstable();
    let is_demanded = |to: NodeId| demanded.binary_search_by_key(&to, |(to, _)| *to).is_ok();
    if let Some([_, (_, second)]) = demanded.windows(2).find(|pair| matches!(pair, [(one, _), (two, _)] if one == two))
    {
        return Err((*second, "it demands what another Action demands".to_owned()));
    }
    for (id, node) in (0..).zip(&flow.nodes) {
        let mut edges: Vec<NodeId> = node.next.into_iter().collect();
        match &node.kind {
            NodeKind::Stage { otherwise, .. } => edges.extend(otherwise),
            NodeKind::Decision { cases, default } => {
                edges.extend(cases.iter().map(|case| &case.branch).chain(default).filter_map(|branch| branch.target));
            }
            NodeKind::EnterFlow { entry, .. } => edges.push(*entry),
            NodeKind::Block(_) | NodeKind::Condition { .. } | NodeKind::LeaveFlow { .. } => {}
        }
        if let Some(to) = edges.into_iter().find(|to| is_demanded(*to)) {
            return Err((id, format!("an edge to node {to}, which only an Action's demand leads to")));
        }
    }
    Ok(())
}

fn action(bundle: &Bundle, action: &Action) -> Check<Version> {
    string(bundle, action.slug)?;
    string(bundle, action.version)?;
    if !is_slug(text(bundle, action.slug)) {
        return Err("a name that is no slug".to_owned());
    }
    let version = Version::parse(text(bundle, action.version)).map_err(|_| "a version that is none".to_owned())?;
    modules(&action.modules)?;
    if action.hash != Action::hash_of(&action.modules) {
        return Err("a hash of other modules".to_owned());
    }
    distinct(action.defaults.iter().map(|(name, _)| name))?;
    let none = expr::Scope { bundle, slots: &[], locals: 0 };
    for (name, default) in &action.defaults {
        string(bundle, *name)?;
        expr::check(default, none)?;
    }
    grants(bundle, &action.fetch, "a host that is none", is_host)?;
    grants(bundle, &action.claims, "a claim that is no Action's to set", is_claim)?;
    distinct(action.secrets.iter())?;
    match action.secrets.iter().find(|id| **id as usize >= bundle.secrets.len()) {
        Some(id) => Err(format!("secret {id} does not exist")),
        None => Ok(version),
    }
}

fn modules(modules: &[Module]) -> Check {
    if modules.is_empty() || modules.len() > MAX_MODULES {
        return Err("no modules, or too many".to_owned());
    }
    let bytes = modules.iter().map(|module| module.path.len().saturating_add(module.code.len()));
    if bytes.fold(0_usize, usize::saturating_add) > MAX_SCRIPT {
        return Err(format!("modules of more than {MAX_SCRIPT} bytes"));
    }
    if let Some(module) = modules.iter().find(|module| !is_path(&module.path)) {
        return Err(format!("`{}` is no path of a module", module.path.escape_debug()));
    }
    distinct(modules.iter().map(|module| &module.path))?;
    let imported = modules.get(1..).unwrap_or(&[]);
    if !imported.is_sorted_by(|left, right| left.path < right.path) {
        return Err("modules that are not in the order of their paths".to_owned());
    }
    Ok(())
}

/// Below the Action's folder, with no way out of it.
fn is_path(path: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|letter| !letter.is_control() && !matches!(letter, '\\' | ':'))
    };
    path.len() <= 256 && path.ends_with(".js") && path.split('/').all(part)
}

fn grants(bundle: &Bundle, names: &[StrId], what: &str, fits: fn(&str) -> bool) -> Check {
    if names.len() > MAX_GRANTS {
        return Err(format!("more than {MAX_GRANTS} names of one kind"));
    }
    distinct(names.iter())?;
    names.iter().try_for_each(|name| {
        string(bundle, *name)?;
        if fits(text(bundle, *name)) { Ok(()) } else { Err(what.to_owned()) }
    })
}

/// Whether a constant is a literal of the type: what a default may be. The depth of the code was checked.
fn fits(bundle: &Bundle, code: &Expr, ty: &Type, depth: usize) -> bool {
    if depth > 64 {
        return false;
    }
    match (code, &ty.kind) {
        (code, Kind::Optional(held)) => fits(bundle, code, held, depth + 1),
        (Expr::Null, Kind::Null | Kind::Dyn) | (Expr::Bool(_), Kind::Bool | Kind::Dyn) => true,
        (Expr::Int(value), Kind::Int(range)) => within(range, value),
        (Expr::Uint(value), Kind::Uint(range)) => within(range, value),
        (Expr::Double(value), Kind::Double(range)) => {
            range.min.is_none_or(|min| min.0 <= *value) && range.max.is_none_or(|max| *value <= max.0)
        }
        (
            Expr::Int(_) | Expr::Uint(_) | Expr::Double(_) | Expr::Str(_) | Expr::Bytes(_) | Expr::Duration(_),
            Kind::Dyn,
        ) => true,
        (Expr::Str(_), Kind::String) | (Expr::Bytes(_), Kind::Bytes) | (Expr::Duration(_), Kind::Duration) => true,
        (Expr::Str(word), Kind::Enum(words)) => words.iter().any(|known| known == text(bundle, *word)),
        (Expr::Call(Func::Timestamp, args), Kind::Timestamp) => matches!(args.as_slice(), [Expr::Str(_)]),
        (Expr::List(items), Kind::List(item)) => {
            items.iter().all(|one| !one.optional && fits(bundle, &one.value, item, depth + 1))
        }
        (Expr::List(items), Kind::Dyn) => {
            items.iter().all(|one| !one.optional && fits(bundle, &one.value, ty, depth + 1))
        }
        (Expr::Map(entries), Kind::Map(key, value)) => entries.iter().all(|entry| {
            !entry.optional && fits(bundle, &entry.key, key, depth + 1) && fits(bundle, &entry.value, value, depth + 1)
        }),
        (Expr::Map(entries), Kind::Dyn) => entries.iter().all(|entry| {
            !entry.optional && matches!(entry.key, Expr::Str(_)) && fits(bundle, &entry.value, ty, depth + 1)
        }),
        (Expr::Map(entries), Kind::Record(fields)) => {
            let name = |key: &Expr| match key {
                Expr::Str(name) => Some(text(bundle, *name)),
                _ => None,
            };
            entries.iter().all(|entry| {
                let field = name(&entry.key).and_then(|name| fields.iter().find(|field| field.name == name));
                !entry.optional && field.is_some_and(|field| fits(bundle, &entry.value, &field.ty, depth + 1))
            }) && fields.iter().all(|field| {
                matches!(field.ty.kind, Kind::Optional(_))
                    || entries.iter().any(|entry| name(&entry.key) == Some(field.name.as_str()))
            })
        }
        _ => false,
    }
}

fn within<T: PartialOrd>(range: &Range<T>, value: &T) -> bool {
    range.min.as_ref().is_none_or(|min| min <= value) && range.max.as_ref().is_none_or(|max| value <= max)
}
