//! A block of a flow.

use std::rc::Rc;

use admit_plan::types::Kind;
use smol_str::SmolStr;

use super::clause::{Clauses, clauses};
use super::config::{Checked, Declared, Owner, listed};
use super::labels::default_label;
use super::modifiers::Takes;
use super::state::State;
use super::walk::{Instance, Walk};
use crate::ast::{BlockStep, Step};
use crate::diagnostic::{Diagnostic, Level};
use crate::nearest::nearest;
use crate::schema::{Alternative, Block, Family, Milestone, SET_CLAIM};
use crate::typed::flow::{self, OnError, Role, StepKind};

impl<'a> Walk<'a, '_> {
    /// Checks a block and walks over it.
    pub(super) fn block(&mut self, step: &'a Step, block: &'a BlockStep, state: State) -> (Option<flow::Step>, State) {
        let label = block.label.as_ref().map_or_else(|| default_label(&block.ty.text), |label| label.text.clone());
        let Some(declared) = self.index.library.block(&block.ty.text) else {
            self.unknown_block(block);
            let id = self.number();
            self.define(&label, id, Kind::Error.into());
            return (None, known_to_run(state, &self.place(&label, id)));
        };
        let before = self.errors();
        self.may_stand(declared, block);
        let milestone = self.milestone_of(&declared.name);
        let line = milestone.map(|(milestone, _)| milestone.span);
        let modifiers = if declared.is_terminal() {
            self.no_modifiers(&block.modifiers, "a terminal", &[]);
            flow::Modifiers { timeout: declared.timeout, retry: None, on_error: OnError::Halt, is_async: false }
        } else {
            self.modifiers(&block.modifiers, &Takes::block(declared, block.ty.span, line))
        };
        let fixed = milestone.map_or(&[][..], |(_, alternative)| alternative.fixed.as_slice());
        let owner = Owner {
            name: &declared.name,
            span: block.ty.span,
            label: &label,
            sends: declared.effects.sends,
            fixed,
            line,
        };
        let fields: Vec<Declared<'_>> = declared.config.iter().map(Declared::of).collect();
        let config = self.config(&owner, &fields, block.config.as_ref(), &state);
        if declared.name == SET_CLAIM {
            self.claim_name(block, &config);
        }
        let id = self.number();
        let place = self.place(&label, id);
        let output =
            declared.output_type(|field| config.types.iter().find(|(name, _)| name == field).map(|(_, ty)| ty.clone()));
        self.define(&label, id, output.clone());
        let (role, after) = if declared.is_terminal() {
            self.terminal(declared, block, &config, state)
        } else {
            let stage = self.frame.stage.clone();
            let instance =
                Instance { block: declared.name.clone(), place: place.clone(), id, stage, span: block.ty.span };
            (Role::Plain, self.pass(declared, instance, &config, &modifiers, state))
        };
        if self.errors() > before {
            return (None, after);
        }
        let clauses = self.clauses_of(declared);
        let typed = flow::Block {
            ty: declared.name.clone(),
            config: config.fields,
            modifiers,
            output,
            sets: clauses.sets,
            provides: clauses.provides,
            ensures: clauses.ensures,
            role,
        };
        (Some(typed_step(step, id, label, block.label.is_some(), StepKind::Block(Box::new(typed)))), after)
    }

    /// The clauses of a block, compiled once a flow.
    pub(super) fn clauses_of(&mut self, declared: &Block) -> Clauses {
        match self.clauses.get(&declared.name) {
            Some(known) => Clauses::clone(known),
            None => {
                let compiled = clauses(declared, &mut self.pool);
                self.clauses.insert(declared.name.clone(), compiled.clone());
                compiled
            }
        }
    }

    /// Errors so far.
    pub(super) fn errors(&self) -> usize {
        self.out.iter().filter(|found| found.level == Level::Error).count()
    }

    /// The walk passes a block: time, results, what it changes.
    fn pass(
        &mut self,
        declared: &Block,
        instance: Instance,
        config: &Checked,
        modifiers: &flow::Modifiers,
        mut state: State,
    ) -> State {
        if modifiers.is_async {
            return state;
        }
        self.in_order(&instance, &state);
        let cost = worst_time(modifiers);
        self.costs.push((cost, instance.span, declared.name.clone()));
        self.spend(&mut state, cost);
        if declared.effects.prompts && declared.takes.is_empty() {
            // It asks before it ends, and the answer is another request.
            state.elapsed = cost;
        }
        state.mark(instance.id);
        let before = state.clone();
        self.apply_effects(declared, &instance.place, &config.constants, &mut state);
        self.frame.instances.push(instance);
        if modifiers.on_error == OnError::Continue {
            let implied = Rc::clone(&before.implied);
            state = state.join(before, &implied);
        }
        state
    }

    /// Whether a block may stand in this flow at all.
    fn may_stand(&mut self, declared: &Block, block: &BlockStep) {
        let name = &declared.name;
        let in_custom = !self.frame.flow.system;
        if in_custom && (declared.family == Family::Session || declared.effects.mints) {
            self.error(
                Diagnostic::error("A0250", block.ty.span, format!("`{name}` may not stand in a custom flow")).help(
                    "blocks of the session family stand in system flows only; a custom flow ends in `allow` or `deny`",
                ),
            );
            return;
        }
        let (Some(flows), Some(system)) = (&declared.flows, &self.frame.system) else { return };
        if !flows.contains(system) {
            self.error(
                Diagnostic::error("A0251", block.ty.span, format!("`{name}` may not stand in `{system}`"))
                    .help(format!("it is for {}", listed(flows.iter().map(SmolStr::as_str)))),
            );
        }
    }

    fn unknown_block(&mut self, block: &BlockStep) {
        self.frame.broken = true;
        let name = &block.ty.text;
        let found = Diagnostic::error("A0200", block.ty.span, format!("there is no block `{name}`"));
        let known = self.index.library.blocks.keys().map(SmolStr::as_str);
        self.error(match nearest(name, known) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None if self.index.flows.contains_key(name.as_str()) => {
                found.help(format!("to run the flow of that name, write `run flow {name}`"))
            }
            None if self.index.actions.contains_key(name.as_str()) => {
                found.help(format!("to run the action of that name, write `run action {name}@VERSION`"))
            }
            None => found.help("the blocks that exist are listed by `admit explain A0200`"),
        });
    }

    /// The contract's milestone that a block is an alternative of; only in the system flow itself.
    pub(super) fn milestone_of(&self, block: &str) -> Option<(&'a Milestone, &'a Alternative)> {
        let contract = self.frame.contract.filter(|_| self.frame.flow.system)?;
        contract.milestones().find_map(|(_, milestone)| {
            let alternative = milestone.alternatives.iter().find(|alternative| alternative.block == block)?;
            Some((milestone, alternative))
        })
    }
}

/// A step of the typed flow.
pub(super) fn typed_step(step: &Step, id: flow::StepId, label: SmolStr, named: bool, kind: StepKind) -> flow::Step {
    flow::Step { id, label, named, doc: step.doc.join("\n"), span: step.span, kind }
}

/// All tries and the pauses between them, in milliseconds.
pub(super) fn worst_time(modifiers: &flow::Modifiers) -> u64 {
    let (times, backoff) = modifiers.retry.unwrap_or((0, 0));
    let times = u64::from(times);
    modifiers.timeout.saturating_mul(times.saturating_add(1)).saturating_add(backoff.saturating_mul(times))
}

/// The state after a block of which nothing is known but that it ran.
fn known_to_run(mut state: State, place: &str) -> State {
    state.facts = state.facts.and(&crate::typed::facts::Facts::present(place));
    state
}
