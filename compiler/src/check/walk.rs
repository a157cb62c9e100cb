//! The walk over a flow: what it carries, and its stages. Each kind of step has a file beside this one.

use std::collections::BTreeSet;

use admit_plan::code::SetId;
use admit_plan::types::Type;
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};

use super::clause::Clauses;
use super::known::declared;
use super::labels::{self, Label, Loose};
use super::state::State;
use crate::ast::{Flow, Stage, Step, StepKind};
use crate::diagnostic::Diagnostic;
use crate::resolve::Index;
use crate::schema::{Contract, Named};
use crate::source::Span;
use crate::typed::facts::Facts;
use crate::typed::flow::{self, Egress, Source, StepId};
use crate::typed::tables::{Interner, Slots};

/// A walk over one flow.
pub(super) struct Walk<'a, 'i> {
    /// What names stand for.
    pub index: &'i Index<'a>,
    /// What was found.
    pub out: Vec<Diagnostic>,
    /// Constants.
    pub pool: Interner,
    /// The clauses of the blocks that were passed, by type.
    pub clauses: FxHashMap<SmolStr, Clauses>,
    /// The sets of the lists that were named: a list may be long, and is put into the pool once.
    pub lists: FxHashMap<SmolStr, SetId>,
    /// Slots.
    pub slots: Slots<Source>,
    /// Secrets that configs name.
    pub secrets: Vec<SmolStr>,
    /// The number of the next step.
    pub steps: u32,
    /// The flow that is walked now.
    pub frame: Frame<'a>,
    /// The flow that runs it, if it is a custom flow.
    pub parent: Option<Frame<'a>>,
    /// Personal data that leaves.
    pub egress: Vec<Egress>,
    /// Names of the project that were used.
    pub used: Used,
    /// The worst request so far, in milliseconds.
    pub worst: u64,
    /// Time may not pass this: the limit of the `run flow` that is walked.
    pub cap: u64,
    /// What each step can take, for the message about budgets.
    pub costs: Vec<(u64, Span, SmolStr)>,
}

/// The flow that is walked.
pub(super) struct Frame<'a> {
    /// The flow.
    pub flow: &'a Flow,
    /// The contract, of a system flow that has one.
    pub contract: Option<&'a Contract>,
    /// The system flow that it runs in: itself, or the flow that runs it; none for a custom flow by itself.
    pub system: Option<SmolStr>,
    /// The stage that is walked; of the system flow around a custom flow.
    pub stage: SmolStr,
    /// Names of steps.
    pub labels: FxHashMap<SmolStr, Label>,
    /// The type of the event.
    pub event: Type,
    /// Blocks passed so far.
    pub instances: Vec<Instance>,
    /// States in which `allow` hands control back.
    pub exits: Vec<State>,
    /// Milestones of the contract, by its lines, that the flow lacks.
    pub missing: Vec<Span>,
    /// Something here is unknown or did not parse: nothing is said of paths.
    pub broken: bool,
}

/// A block that the walk has passed.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    /// Its type.
    pub block: SmolStr,
    /// Its place in facts: `step.mfa`.
    pub place: SmolStr,
    /// Its number.
    pub id: StepId,
    /// The stage that it stands in; of the system flow around a custom flow.
    pub stage: SmolStr,
    /// Where.
    pub span: Span,
}

/// Names of the project that a flow uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Params.
    pub params: BTreeSet<SmolStr>,
    /// Lists.
    pub lists: BTreeSet<SmolStr>,
    /// Secrets.
    pub secrets: BTreeSet<SmolStr>,
    /// Actions.
    pub actions: BTreeSet<SmolStr>,
    /// Places that are read: `step.flags.odd`.
    pub reads: BTreeSet<SmolStr>,
    /// Hosts that the config of an Action lets it call, each where it is written.
    pub granted: BTreeSet<(Span, SmolStr)>,
    /// Names of `admit.toml`, each where it is written.
    pub named: BTreeSet<(Span, Named, SmolStr)>,
}

impl Used {
    /// Adds what another part uses.
    pub(crate) fn add(&mut self, other: &Self) {
        self.params.extend(other.params.iter().cloned());
        self.lists.extend(other.lists.iter().cloned());
        self.secrets.extend(other.secrets.iter().cloned());
        self.actions.extend(other.actions.iter().cloned());
        self.granted.extend(other.granted.iter().cloned());
        self.named.extend(other.named.iter().cloned());
    }
}

impl<'a> Frame<'a> {
    /// Of a flow that is about to be walked.
    pub fn new(
        flow: &'a Flow,
        contract: Option<&'a Contract>,
        event: Type,
        index: &Index<'_>,
        out: &mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            flow,
            contract,
            system: None,
            stage: SmolStr::default(),
            labels: labels::labels(flow, index, out),
            event,
            instances: Vec::new(),
            exits: Vec::new(),
            missing: Vec::new(),
            broken: false,
        }
    }
}

impl<'a> Walk<'a, '_> {
    /// Walks stages in order, with the contract's conditions.
    pub fn stages(&mut self, mut state: State) -> (Vec<flow::Stage>, State) {
        let flow = self.frame.flow;
        let mut typed = Vec::with_capacity(flow.stages.len());
        for stage in &flow.stages {
            self.frame.broken |= stage.broken;
            if flow.system {
                self.frame.stage = stage.name.text.clone();
            }
            let when = self.stage_condition(stage);
            let (steps, after) = match &when {
                None => self.steps(&stage.steps, state),
                Some(condition) => {
                    let mut inside = state.clone();
                    inside.learn(&condition.yes);
                    inside.alive = inside.alive && !inside.facts.is_impossible();
                    let mut skipped = state.clone();
                    skipped.learn(&condition.no);
                    skipped.alive = skipped.alive && !skipped.facts.is_impossible();
                    let (steps, after) = self.steps(&stage.steps, inside);
                    let after = after.join(skipped, &state.implied);
                    (steps, after)
                }
            };
            state = after;
            typed.push(typed_stage(stage, when.map(|when| when.expr), steps));
        }
        (typed, state)
    }

    /// Walks steps in order.
    pub fn steps(&mut self, steps: &'a [Step], mut state: State) -> (Vec<flow::Step>, State) {
        let mut typed = Vec::with_capacity(steps.len());
        for (position, step) in steps.iter().enumerate() {
            if !state.alive {
                self.unreachable(step, &mut state);
                self.skip(steps.get(position..).unwrap_or(&[]));
                break;
            }
            let (checked, after) = self.step(step, state);
            typed.extend(checked);
            state = after;
        }
        (typed, state)
    }

    /// Walks one step that some path reaches.
    fn step(&mut self, step: &'a Step, state: State) -> (Option<flow::Step>, State) {
        self.after_settling(step, &state);
        match &step.kind {
            StepKind::Block(block) => self.block(step, block, state),
            StepKind::RunAction(run) => self.run_action(step, run, state),
            StepKind::RunFlow(run) => self.run_flow(step, run, state),
            StepKind::Decision(decision) => self.decision(step, decision, state),
            StepKind::Condition(condition) => self.condition(step, condition, state),
            StepKind::Broken => {
                self.frame.broken = true;
                (None, state)
            }
        }
    }

    /// A number for the next step.
    pub fn number(&mut self) -> StepId {
        let id = StepId(self.steps);
        self.steps += 1;
        id
    }

    /// The place in facts of a step: its label, with its number where the label is not its own.
    pub fn place(&self, label: &str, id: StepId) -> SmolStr {
        match self.frame.labels.get(label) {
            Some(known) if known.count == 1 => format_smolstr!("step.{label}"),
            Some(_) | None => format_smolstr!("step.{label}#{}", id.0),
        }
    }

    /// Notes a step's number and outputs under its label.
    pub fn define(&mut self, label: &str, id: StepId, output: Type) {
        if let Some(known) = self.frame.labels.get_mut(label) {
            known.id = Some(id);
            known.output = output;
        }
    }

    /// Engine time passes.
    pub fn spend(&mut self, state: &mut State, millis: u64) {
        state.elapsed = state.elapsed.saturating_add(millis).min(self.cap);
        self.worst = self.worst.max(state.elapsed);
    }

    /// The project's name was used; unused ones get a warning.
    pub fn error(&mut self, diagnostic: Diagnostic) {
        self.out.push(diagnostic);
    }

    fn unreachable(&mut self, step: &Step, state: &mut State) {
        let Some(terminal) = state.ended.take() else { return };
        if self.frame.broken {
            return;
        }
        self.error(
            Diagnostic::error("A0247", head(step), "nothing reaches this step")
                .label(terminal, "every path ends before it, here at the latest")
                .help("remove it, or move it before the terminal"),
        );
    }

    /// Steps that are not checked, for nothing reaches them: what guards a read of their results may still name them.
    fn skip(&mut self, steps: &'a [Step]) {
        for step in steps {
            if let StepKind::Decision(decision) = &step.kind {
                for case in &decision.cases {
                    self.skip(case.steps.as_deref().unwrap_or(&[]));
                }
            }
            for (label, known) in declared(step, self.index) {
                let id = self.number();
                self.define(&label, id, known.output);
                if let Some(known) = self.frame.labels.get_mut(&label) {
                    known.loose = Loose::No;
                }
            }
        }
    }
}

/// What is known when a run begins under a contract.
pub(super) fn beginning(contract: Option<&Contract>) -> Facts {
    use crate::typed::facts::values::Values;

    let place = "event.authentication.aal";
    match contract {
        Some(contract) if contract.needs_session => {
            let levels = ["aal1", "aal2", "aal3"].map(SmolStr::new_static);
            Facts::one_of(place, Values::words(levels)).and(&Facts::present("event.user"))
        }
        Some(_) => Facts::one_of(place, Values::words([SmolStr::new_static("aal0")])),
        None => Facts::nothing(),
    }
}

/// What names a step in its first line.
pub(super) fn head(step: &Step) -> Span {
    match &step.kind {
        StepKind::Block(block) => block.ty.span,
        StepKind::RunAction(run) => run.slug.span,
        StepKind::RunFlow(run) => run.slug.span,
        StepKind::Decision(decision) => decision.name.span,
        StepKind::Condition(condition) => condition.name.span,
        StepKind::Broken => step.span,
    }
}

fn typed_stage(stage: &Stage, when: Option<flow::Expr>, steps: Vec<flow::Step>) -> flow::Stage {
    flow::Stage {
        name: stage.name.text.clone(),
        title: stage.title.as_ref().map(|title| title.value.clone()),
        doc: stage.doc.join("\n"),
        span: stage.span,
        when,
        steps,
    }
}
