//! A flow: its header, its slots, each node by itself; then the walks over all of them (`walk`).

use super::{Check, MAX_MILLIS, MAX_NODES, actions, distinct, expr, slots, string, types, walk};
use crate::bundle::{
    BlockNode, Branch, Bundle, ConfigValue, FlowPlan, Node, NodeId, NodeKind, OnError, SecretPart, SetEffect,
};
use crate::types::Kind;

/// The deepest config value: literals around secrets.
const MAX_CONFIG_DEPTH: usize = 64;

/// A failed check with the node that it is about, if it is about one.
pub(super) type At = (Option<NodeId>, String);

/// Checks a flow.
pub(super) fn check(bundle: &Bundle, flow: &FlowPlan) -> Result<(), At> {
    header(bundle, flow).map_err(|what| (None, what))?;
    for (id, node) in (0..).zip(&flow.nodes) {
        self::node(bundle, flow, id, node).map_err(|what| (Some(id), what))?;
    }
    actions::demands(bundle, flow).map_err(|(node, what)| (Some(node), what))?;
    slots::check(bundle, flow).map_err(|what| (None, what))?;
    walk::check(bundle, flow)
}

fn header(bundle: &Bundle, flow: &FlowPlan) -> Check {
    types::check(&flow.input)?;
    if !matches!(flow.input.kind, Kind::Record(_)) {
        return Err("an input that is not a record".to_owned());
    }
    if flow.budget == 0 || flow.budget > MAX_MILLIS {
        return Err("a budget of no time, or of too much".to_owned());
    }
    if flow.nodes.is_empty() || flow.nodes.len() > MAX_NODES || flow.entry != 0 {
        return Err("no nodes, too many, or another entry than the first".to_owned());
    }
    distinct(flow.ends.iter())?;
    for id in &flow.ends {
        match bundle.blocks.get(*id as usize) {
            Some(block) if block.effects.ends => {}
            Some(_) => return Err(format!("block type {id} ends no flow")),
            None => return Err(format!("block type {id} does not exist")),
        }
    }
    Ok(())
}

fn node(bundle: &Bundle, flow: &FlowPlan, id: NodeId, node: &Node) -> Check {
    string(bundle, node.label)?;
    let forward = |to: Option<NodeId>| match to {
        Some(to) if to <= id || to as usize >= flow.nodes.len() => Err(format!("an edge to node {to}")),
        Some(_) | None => Ok(()),
    };
    forward(node.next)?;
    let scope = expr::Scope { bundle, slots: &flow.slots, locals: 0 };
    match &node.kind {
        NodeKind::Stage { when: None, otherwise: None } => Ok(()),
        NodeKind::Stage { when: None, otherwise: Some(_) } => {
            Err("a stage that always runs and may be skipped".to_owned())
        }
        NodeKind::Stage { when: Some(when), otherwise } => {
            forward(*otherwise)?;
            expr::condition(when, scope)
        }
        NodeKind::Block(block) => self::block(bundle, scope, block),
        NodeKind::Decision { cases, default } => {
            if cases.is_empty() && default.is_none() || cases.len() > super::MAX_ENTRIES {
                return Err("a decision of no cases, or of too many".to_owned());
            }
            let branches = || cases.iter().map(|case| &case.branch).chain(default);
            distinct(branches().map(|branch: &Branch| branch.name))?;
            for branch in branches() {
                string(bundle, branch.name)?;
                forward(branch.target)?;
            }
            cases.iter().try_for_each(|case| expr::condition(&case.when, scope))
        }
        NodeKind::Condition { fields } => {
            if fields.is_empty() || fields.len() > super::MAX_ENTRIES {
                return Err("a condition of no fields, or of too many".to_owned());
            }
            distinct(fields.iter().map(|(name, _)| name))?;
            fields.iter().try_for_each(|(name, when)| {
                string(bundle, *name)?;
                expr::condition(when, scope)
            })
        }
        NodeKind::EnterFlow { flow: name, entry, budget, on_error } => {
            string(bundle, *name)?;
            forward(Some(*entry))?;
            self::on_error(bundle, on_error)?;
            match budget {
                Some(budget) if *budget == 0 || *budget > MAX_MILLIS => {
                    Err("a budget of no time, or too much".to_owned())
                }
                Some(_) | None => Ok(()),
            }
        }
        NodeKind::LeaveFlow { enter } => match flow.nodes.get(*enter as usize) {
            Some(Node { kind: NodeKind::EnterFlow { .. }, next, .. }) if *enter < id && *next == node.next => Ok(()),
            _ => Err("it leaves no custom flow".to_owned()),
        },
    }
}

fn block(bundle: &Bundle, scope: expr::Scope<'_>, node: &BlockNode) -> Check {
    let Some(block) = bundle.blocks.get(node.block as usize) else {
        return Err(format!("block type {} does not exist", node.block));
    };
    let effects = block.effects;
    distinct(node.config.iter().map(|(name, _)| name))?;
    for (name, value) in &node.config {
        string(bundle, *name)?;
        config(bundle, scope, value, 0)?;
    }
    if node.timeout == 0 || node.timeout > MAX_MILLIS {
        return Err("a timeout of no time, or of too much".to_owned());
    }
    if let Some((times, backoff)) = node.retry
        && (times == 0 || times > 1_000 || backoff > MAX_MILLIS)
    {
        return Err("a retry of no tries, or of too many".to_owned());
    }
    on_error(bundle, &node.on_error)?;
    let critical = effects.prompts || effects.mints || effects.ends;
    if critical && (node.is_async || node.on_error == OnError::Continue) {
        return Err("a block that prompts, mints or ends may not be async or go on after an error".to_owned());
    }
    if node.is_async && !(node.sets.is_empty() && node.provides.is_empty()) {
        return Err("an async block that sets or provides".to_owned());
    }
    if node.retry.is_some() && (effects.prompts || effects.mints) {
        return Err("a block that prompts or mints may not be tried again".to_owned());
    }
    actions::place(bundle, block, node)?;
    clauses(bundle, node)
}

/// `sets`, `provides` and `ensures`, over the outputs and the config only.
fn clauses(bundle: &Bundle, node: &BlockNode) -> Check {
    let scope = expr::Scope { bundle, slots: &[], locals: 2 };
    for SetEffect { path, to, when } in &node.sets {
        self::path(bundle, path)?;
        to.as_ref().map_or(Ok(()), |to| expr::check(to, scope))?;
        when.as_ref().map_or(Ok(()), |when| expr::condition(when, scope))?;
    }
    for (path, when) in &node.provides {
        self::path(bundle, path)?;
        when.as_ref().map_or(Ok(()), |when| expr::condition(when, scope))?;
    }
    for (what, when) in &node.ensures {
        expr::condition(what, scope)?;
        when.as_ref().map_or(Ok(()), |when| expr::condition(when, scope))?;
    }
    Ok(())
}

fn path(bundle: &Bundle, path: &[crate::code::StrId]) -> Check {
    if path.is_empty() || path.len() > 32 {
        return Err("a path of no names, or of too many".to_owned());
    }
    path.iter().try_for_each(|part| string(bundle, *part))
}

fn config(bundle: &Bundle, scope: expr::Scope<'_>, value: &ConfigValue, depth: usize) -> Check {
    if depth > MAX_CONFIG_DEPTH {
        return Err("a config value that is nested too deeply".to_owned());
    }
    match value {
        ConfigValue::Expr(code) => expr::check(code, scope),
        ConfigValue::Type(ty) => types::check(ty),
        ConfigValue::Secret(parts) => {
            if parts.len() > super::MAX_ENTRIES {
                return Err("a template of too many parts".to_owned());
            }
            parts.iter().try_for_each(|part| match part {
                SecretPart::Text(text) => string(bundle, *text),
                SecretPart::Expr(code) => expr::check(code, scope),
                SecretPart::Secret(id, _) if (*id as usize) < bundle.secrets.len() => Ok(()),
                SecretPart::Secret(id, _) => Err(format!("secret {id} does not exist")),
            })
        }
        ConfigValue::Record(fields) => {
            if fields.len() > super::MAX_ENTRIES {
                return Err("a record of too many fields".to_owned());
            }
            distinct(fields.iter().map(|(name, _)| name))?;
            fields.iter().try_for_each(|(name, value)| {
                string(bundle, *name)?;
                config(bundle, scope, value, depth + 1)
            })
        }
    }
}

fn on_error(bundle: &Bundle, on_error: &OnError) -> Check {
    match on_error {
        OnError::Halt | OnError::Continue => Ok(()),
        OnError::Deny(reason) => string(bundle, *reason),
    }
}
