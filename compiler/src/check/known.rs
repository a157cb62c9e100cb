//! What rules and tests can name: the steps of a flow and of the custom flows that it runs, and an open scope over
//! them, in which everything may be absent.

use std::collections::BTreeMap;

use admit_plan::bundle::FACTOR;
use admit_plan::code::{Pool, SlotId};
use admit_plan::types::{Kind, Type};
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use super::as_type::as_type;
use super::labels::{condition_output, decision_output, default_label, demand_label};
use super::walk::Used;
use crate::ast::{BlockStep, ConfigValue, Flow, Name, RunAction, Step, StepKind};
use crate::diagnostic::Diagnostic;
use crate::library::types::{self, Place};
use crate::resolve::Index;
use crate::source::Span;
use crate::typed::facts::Facts;
use crate::typed::flow::Source;
use crate::typed::scope::{Access, Mode, Read, Resolved, Root, Scope};
use crate::typed::tables::{Interner, SlotInfo, Slots};

/// A step that can be named.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// What it is.
    pub what: What,
    /// Its outputs: a record.
    pub output: Type,
    /// Steps of this name in one flow.
    pub count: u32,
    /// Where.
    pub span: Span,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A block, by type.
    Block(SmolStr),
    /// `run action`
    Action,
    /// `run flow`
    Flow,
    /// A decision, with its branches.
    Decision(Vec<SmolStr>),
    /// A condition.
    Condition,
}

/// Steps by name.
pub(super) type Steps = BTreeMap<SmolStr, Known>;

/// The steps of a flow; those of custom flows that it runs where it has none of the name.
pub(super) fn steps_of(flow: &Flow, index: &Index<'_>) -> Steps {
    let mut own = Steps::new();
    let mut runs: Vec<SmolStr> = Vec::new();
    for stage in &flow.stages {
        collect(&stage.steps, index, &mut own, &mut runs);
    }
    for slug in runs {
        let Some(item) = index.flows.get(slug.as_str()).filter(|item| !item.flow.system) else { continue };
        let mut inner = Steps::new();
        for stage in &item.flow.stages {
            collect(&stage.steps, index, &mut inner, &mut Vec::new());
        }
        for (name, known) in inner {
            own.entry(name).or_insert(known);
        }
    }
    own
}

fn collect(steps: &[Step], index: &Index<'_>, own: &mut Steps, runs: &mut Vec<SmolStr>) {
    for step in steps {
        if let StepKind::RunFlow(run) = &step.kind {
            runs.push(run.slug.text.clone());
        }
        if let StepKind::Decision(decision) = &step.kind {
            for case in &decision.cases {
                collect(case.steps.as_deref().unwrap_or(&[]), index, own, runs);
            }
        }
        for (name, known) in declared(step, index) {
            own.entry(name).and_modify(|known| known.count += 1).or_insert(known);
        }
    }
}

/// What a step is called, and what it is as far as it stands there: without walking to it. An Action that may demand a
/// second factor brings that step along; what did not parse is none.
pub(super) fn declared(step: &Step, index: &Index<'_>) -> impl Iterator<Item = (SmolStr, Known)> + use<> {
    let demanded = match &step.kind {
        StepKind::RunAction(run) => demanded(run, index),
        StepKind::Block(_)
        | StepKind::RunFlow(_)
        | StepKind::Decision(_)
        | StepKind::Condition(_)
        | StepKind::Broken => None,
    };
    itself(step, index).into_iter().chain(demanded)
}

fn demanded(run: &RunAction, index: &Index<'_>) -> Option<(SmolStr, Known)> {
    let factor = index.library.block(FACTOR).filter(|_| index.pinned(run).is_some_and(|action| action.prompts))?;
    let label = demand_label(&run.label.as_ref().unwrap_or(&run.slug).text);
    let (what, output) = (What::Block(FACTOR.into()), factor.output_type(|_| None));
    Some((label, Known { what, output, count: 1, span: run.slug.span }))
}

fn itself(step: &Step, index: &Index<'_>) -> Option<(SmolStr, Known)> {
    let (name, span, what, output) = match &step.kind {
        StepKind::Block(block) => {
            let name = block.label.as_ref().map_or_else(|| default_label(&block.ty.text), |label| label.text.clone());
            (name, block.ty.span, What::Block(block.ty.text.clone()), block_output(block, index))
        }
        StepKind::RunAction(run) => {
            let name = run.label.as_ref().unwrap_or(&run.slug).text.clone();
            let output = index.pinned(run).map_or_else(|| Kind::Error.into(), |action| action.output_type());
            (name, run.slug.span, What::Action, output)
        }
        StepKind::RunFlow(run) => (run.slug.text.clone(), run.slug.span, What::Flow, Kind::Record([].into()).into()),
        StepKind::Decision(decision) => {
            let branches: Vec<SmolStr> = decision.cases.iter().map(|case| case.branch.text.clone()).collect();
            let output = decision_output(branches.iter().cloned());
            (decision.name.text.clone(), decision.name.span, What::Decision(branches), output)
        }
        StepKind::Condition(condition) => {
            let output = condition_output(condition.fields.iter().map(|(name, _)| &name.text));
            (condition.name.text.clone(), condition.name.span, What::Condition, output)
        }
        StepKind::Broken => return None,
    };
    Some((name, Known { what, output, count: 1, span }))
}

fn block_output(block: &BlockStep, index: &Index<'_>) -> Type {
    let Some(declared) = index.library.block(&block.ty.text) else { return Kind::Error.into() };
    declared.output_type(|name| {
        let written = block.config.iter().flat_map(|config| &config.fields).find(|field| field.name.text == name)?;
        let ty = match &written.value {
            ConfigValue::Type(ty) => ty.clone(),
            ConfigValue::Expr(expr) => as_type(expr)?,
        };
        Some(types::resolve(&ty, Place::Plain, &mut Vec::new()).ty)
    })
}

/// A scope in which everything that a run could have is readable; what is absent then is the run's to say.
pub(super) struct OpenScope<'s, 'a> {
    /// What names stand for.
    pub index: &'s Index<'a>,
    /// The steps.
    pub steps: &'s Steps,
    /// The event.
    pub event: Type,
    /// Constants.
    pub pool: &'s mut Interner,
    /// Slots. A step's slot has the source `ParentStep`, by label.
    pub slots: &'s mut Slots<Source>,
    /// Names of the project that were used.
    pub used: &'s mut Used,
    /// Nothing.
    pub facts: Facts,
}

const EVENT: u32 = 0;
const SESSION: u32 = 1;
const PARAM: u32 = 2;
const NOW: u32 = 3;
const STEP: u32 = 4;

impl Scope for OpenScope<'_, '_> {
    fn resolve(&mut self, chain: &[Name], _root: bool, out: &mut Vec<Diagnostic>) -> Resolved {
        let root = |used, place: SmolStr, ty: Type, id| Resolved::Root(Root { used, place, ty, id });
        let Some(first) = chain.first() else { return Resolved::Refused };
        let second = chain.get(1);
        let family = first.text.as_str();
        match (family, second) {
            ("event", _) => root(1, "event".into(), self.event.clone(), EVENT),
            ("session", _) => root(1, "session".into(), self.index.library.session.ty(), SESSION),
            ("now", _) => root(1, "now".into(), Kind::Timestamp.into(), NOW),
            ("step", Some(name)) => match self.steps.get(&name.text) {
                Some(known) if known.count > 1 => {
                    out.push(ambiguous(name, known));
                    Resolved::Refused
                }
                Some(known) => root(2, format_smolstr!("step.{}", name.text), known.output.clone(), STEP),
                None => unknown("block", "step", self.steps.keys().map(SmolStr::as_str)),
            },
            ("params", Some(name)) => match self.index.params.get(name.text.as_str()) {
                Some(param) => {
                    self.used.params.insert(name.text.clone());
                    root(2, format_smolstr!("params.{}", name.text), param.ty.clone(), PARAM)
                }
                None => unknown("param", "params", self.index.params.keys().copied()),
            },
            ("lists", Some(name)) => match self.index.lists.get(name.text.as_str()) {
                Some(list) => {
                    self.used.lists.insert(name.text.clone());
                    let (entries, ignore_case) =
                        list.set.map_or_else(|| (Vec::new(), false), |set| (set.entries.clone(), set.ignore_case));
                    Resolved::List { used: 2, set: self.pool.set(entries, ignore_case) }
                }
                None => unknown("list", "lists", self.index.lists.keys().copied()),
            },
            ("secrets", _) => {
                out.push(Diagnostic::error("A0239", first.span, "a secret is never read in a rule or test"));
                Resolved::Refused
            }
            _ => {
                let roots = ["event", "step", "session", "params", "lists", "now"];
                Resolved::Unknown { used: 1, what: "name", candidates: roots.map(SmolStr::new_static).to_vec() }
            }
        }
    }

    fn read(&mut self, read: &Read<'_>, _out: &mut Vec<Diagnostic>) -> Access {
        let path = read.path.to_vec();
        let name = || read.root.place.rsplit('.').next().unwrap_or_default().to_smolstr();
        let source = match read.root.id {
            EVENT => Source::Event(path),
            SESSION => Source::Session(path),
            PARAM => Source::Param(name()),
            NOW => Source::Now,
            _ => Source::ParentStep(name(), path),
        };
        let slot = self.slots.slot(source, read.place, read.ty, true);
        Access::Slot { slot, absent: None }
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn pool(&mut self) -> &mut Interner {
        self.pool
    }

    fn constants(&self) -> &Pool {
        self.pool.pool()
    }

    fn slot(&self, id: SlotId) -> Option<SlotInfo<'_>> {
        self.slots.info(id)
    }

    fn mode(&self) -> Mode {
        Mode::Declared
    }
}

/// A default label that several steps have.
pub(super) fn ambiguous(name: &Name, known: &Known) -> Diagnostic {
    Diagnostic::error("A0207", name.span, format!("`{}` could be any of {} steps", name.text, known.count))
        .label(known.span, "the first of them")
        .help("give the one that is meant a name of its own with `as`")
}

fn unknown<'n>(what: &'static str, family: &str, known: impl Iterator<Item = &'n str>) -> Resolved {
    Resolved::Unknown { used: 2, what, candidates: known.map(|name| format_smolstr!("{family}.{name}")).collect() }
}
