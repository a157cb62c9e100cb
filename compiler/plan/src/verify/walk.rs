//! Every walk through a flow at once: edges go forward, so one pass in the order of the nodes sees each node after all
//! that lead to it.
//!
//! Proved: outputs are read only where their node has run on every way (else the slot says that it may be absent), a
//! run settles at most once and only by what may end the flow, nothing but what may follow comes after, no way falls
//! off the end unsettled, and custom flows are entered and left as a whole.

use super::expr::slots_of;
use super::flow::At;
use crate::bundle::{BlockNode, Bundle, ConfigValue, FlowPlan, Node, NodeId, NodeKind, OnError, SecretPart};
use crate::code::{Expr, Slot, SlotId, Source};

/// What is known where a node begins, over all ways that lead there.
#[derive(Clone)]
struct State {
    /// Some way leads here on which the run has not settled.
    open: bool,
    /// Some way leads here on which it has.
    settled: bool,
    /// The custom flow that the walk is in.
    inside: Option<NodeId>,
    /// Nodes that have run on every way: one bit each.
    ran: Vec<u64>,
}

/// Walks the flow, whose nodes were checked one by one.
pub(super) fn check(bundle: &Bundle, flow: &FlowPlan) -> Result<(), At> {
    match walk(bundle, flow)?.first() {
        None => Ok(()),
        Some((node, slot)) => {
            Err((Some(*node), format!("slot {slot} is read where it may be absent, but says that it is not")))
        }
    }
}

/// Slots that say that they are always there, and nodes that read them where the walks do not prove it.
pub(super) fn walk(bundle: &Bundle, flow: &FlowPlan) -> Result<Vec<(NodeId, SlotId)>, At> {
    let mut walk = Walk { bundle, flow, states: vec![None; flow.nodes.len()], absent: Vec::new() };
    let start = State { open: true, settled: false, inside: None, ran: vec![0; flow.nodes.len().div_ceil(64)] };
    walk.lead(flow.entry, start).map_err(|what| (Some(flow.entry), what))?;
    for (id, node) in (0..).zip(&flow.nodes) {
        // A node that nothing leads to is never run.
        let Some(state) = walk.states.get_mut(id as usize).and_then(Option::take) else { continue };
        walk.node(id, node, state).map_err(|what| (Some(id), what))?;
    }
    Ok(walk.absent)
}

struct Walk<'a> {
    bundle: &'a Bundle,
    flow: &'a FlowPlan,
    states: Vec<Option<State>>,
    absent: Vec<(NodeId, SlotId)>,
}

impl Walk<'_> {
    fn node(&mut self, id: NodeId, node: &Node, mut state: State) -> Result<(), String> {
        self.reads(id, node, &state);
        match &node.kind {
            NodeKind::Stage { when, otherwise } => {
                if when.is_some() {
                    self.go(*otherwise, state.clone())?;
                }
                self.go(node.next, state)
            }
            NodeKind::Block(block) => self.block(id, node, block, state),
            NodeKind::Condition { .. } => {
                state.run(id);
                self.go(node.next, state)
            }
            NodeKind::Decision { cases, default } => {
                state.run(id);
                for branch in cases.iter().map(|case| &case.branch).chain(default) {
                    self.go(branch.target.or(node.next), state.clone())?;
                }
                Ok(())
            }
            NodeKind::EnterFlow { entry, on_error, .. } => {
                if state.inside.is_some() {
                    return Err("a custom flow inside a custom flow".to_owned());
                }
                if *on_error == OnError::Continue {
                    self.go(node.next, state.clone())?;
                }
                self.lead(*entry, State { inside: Some(id), ..state })
            }
            NodeKind::LeaveFlow { enter } => {
                if state.inside != Some(*enter) {
                    return Err("it leaves a custom flow that the walk is not in".to_owned());
                }
                self.go(node.next, State { inside: None, ..state })
            }
        }
    }

    fn block(&mut self, id: NodeId, node: &Node, block: &BlockNode, mut state: State) -> Result<(), String> {
        let Some(ty) = self.bundle.blocks.get(block.block as usize) else { return Ok(()) };
        let effects = ty.effects;
        if state.settled && (effects.prompts || effects.mints || effects.ends) {
            return Err("it comes after the outcome is settled".to_owned());
        }
        if effects.ends || effects.mints {
            let deny = self.bundle.pool.strings.get(ty.name as usize).is_some_and(|name| name == "deny");
            if state.inside.is_some() && !deny {
                return Err("a custom flow that settles the outcome".to_owned());
            }
            if effects.ends && !deny && !self.flow.ends.contains(&block.block) {
                return Err("a terminal that may not end this flow".to_owned());
            }
        }
        if effects.ends && !effects.mints {
            return match node.next {
                None => Ok(()),
                Some(_) => Err("something follows a terminal".to_owned()),
            };
        }
        if effects.ends {
            (state.open, state.settled) = (false, true);
        }
        if !block.is_async && block.on_error != OnError::Continue {
            state.run(id);
        }
        if let Some(demand) = block.action.as_ref().and_then(|action| action.demand) {
            self.lead(demand, state.clone())?;
        }
        self.go(node.next, state)
    }

    /// Slots that the node's expressions name are there, or say that they may not be.
    fn reads(&mut self, at: NodeId, node: &Node, state: &State) {
        let mut named: Vec<SlotId> = Vec::new();
        let mut expr = |code: &Expr| slots_of(code, &mut named);
        match &node.kind {
            NodeKind::Stage { when, .. } => when.iter().for_each(&mut expr),
            NodeKind::Block(block) => block.config.iter().for_each(|(_, value)| config(value, &mut expr)),
            NodeKind::Decision { cases, .. } => cases.iter().for_each(|case| expr(&case.when)),
            NodeKind::Condition { fields } => fields.iter().for_each(|(_, when)| expr(when)),
            NodeKind::EnterFlow { .. } | NodeKind::LeaveFlow { .. } => {}
        }
        for id in named {
            let Some(Slot { source, maybe_absent: false, .. }) = self.flow.slots.get(id as usize) else { continue };
            let there = match source {
                Source::Step(step, _) => state.has_run(*step),
                Source::Session(_) => !state.open,
                Source::Event(_) | Source::Input(_) | Source::Param(_) | Source::Now => true,
                Source::Secret(_) | Source::Variable(_) => false,
            };
            if !there {
                self.absent.push((at, id));
            }
        }
    }

    fn go(&mut self, to: Option<NodeId>, state: State) -> Result<(), String> {
        match to {
            Some(to) => self.lead(to, state),
            None if state.open => Err("a way falls off the end, and the run is not settled".to_owned()),
            None if state.inside.is_some() => Err("a way falls off the end of a custom flow".to_owned()),
            None => Ok(()),
        }
    }

    fn lead(&mut self, to: NodeId, state: State) -> Result<(), String> {
        let Some(there) = self.states.get_mut(to as usize) else { return Err(format!("node {to} does not exist")) };
        match there {
            None => *there = Some(state),
            Some(known) => {
                if known.inside != state.inside {
                    return Err(format!("a way into node {to} that does not enter its custom flow"));
                }
                known.open |= state.open;
                known.settled |= state.settled;
                known.ran.iter_mut().zip(&state.ran).for_each(|(known, other)| *known &= other);
            }
        }
        Ok(())
    }
}

impl State {
    fn run(&mut self, id: NodeId) {
        if let Some(word) = self.ran.get_mut(id as usize / 64) {
            *word |= 1 << (id % 64);
        }
    }

    fn has_run(&self, id: NodeId) -> bool {
        self.ran.get(id as usize / 64).is_some_and(|word| word & (1 << (id % 64)) != 0)
    }
}

fn config(value: &ConfigValue, visit: &mut impl FnMut(&Expr)) {
    match value {
        ConfigValue::Expr(code) => visit(code),
        ConfigValue::Type(_) => {}
        ConfigValue::Secret(parts) => parts.iter().for_each(|part| match part {
            SecretPart::Expr(code) => visit(code),
            SecretPart::Text(_) | SecretPart::Secret(..) => {}
        }),
        ConfigValue::Record(fields) => fields.iter().for_each(|(_, value)| config(value, visit)),
    }
}
