//! The labels of a flow: which step each name is, found before the walk so that a step below is known as such.

use admit_plan::types::{Field, Kind, Type};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::ast::{BlockStep, Flow, ModifierKind, Name, Step, StepKind};
use crate::diagnostic::Diagnostic;
use crate::resolve::Index;
use crate::source::Span;
use crate::typed::flow::StepId;

/// The steps that a name stands for.
#[derive(Clone, Debug)]
pub(super) struct Label {
    /// Where the name stands first.
    pub span: Span,
    /// How many steps have it; more than one only for default labels.
    pub count: u32,
    /// It was written: `as`, or the name of a decision or condition.
    pub written: bool,
    /// What it is, for messages: `block`, `decision`, ...
    pub what: &'static str,
    /// Why its results may be missing where it has run.
    pub loose: Loose,
    /// The innermost branch that it stands in: its name and its decision's.
    pub branch: Option<(SmolStr, SmolStr)>,
    /// Its number, once the walk has come to it.
    pub id: Option<StepId>,
    /// Its outputs, once the walk has come to it.
    pub output: Type,
}

/// Whether a step that the walk has passed has results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loose {
    /// It has.
    No,
    /// `on error continue`, at this place.
    Continues(Span),
    /// `async`, at this place: never.
    Async(Span),
}

/// The labels of a flow by name. Written labels that occur twice are said in `out`.
pub(super) fn labels(flow: &Flow, index: &Index<'_>, out: &mut Vec<Diagnostic>) -> FxHashMap<SmolStr, Label> {
    let mut collected = Collected { index, labels: FxHashMap::default(), out };
    for stage in &flow.stages {
        collected.steps(&stage.steps, None);
    }
    collected.labels
}

/// The label of the `mfa` block that an Action of this label may demand.
pub(super) fn demand_label(label: &str) -> SmolStr {
    smol_str::format_smolstr!("{label}-mfa")
}

/// The label that a block has without `as`: its type in kebab-case.
pub(crate) fn default_label(ty: &str) -> SmolStr {
    SmolStr::from(ty.replace('_', "-"))
}

/// The outputs of a decision: its branch.
pub(super) fn decision_output(branches: impl Iterator<Item = SmolStr>) -> Type {
    let mut words: Vec<SmolStr> = Vec::new();
    for branch in branches {
        if !words.contains(&branch) {
            words.push(branch);
        }
    }
    let branch = Field { name: "branch".into(), ty: Kind::Enum(words.into()).into() };
    Kind::Record([branch].into()).into()
}

/// The outputs of a condition: its names, `all` and `any`.
pub(super) fn condition_output<'a>(names: impl Iterator<Item = &'a SmolStr>) -> Type {
    let own = names.cloned();
    let fields = own.chain(["all".into(), "any".into()]).map(|name| Field { name, ty: Kind::Bool.into() });
    Kind::Record(fields.collect()).into()
}

/// What an Action's second factor is called in messages.
const DEMAND: &str = "second factor";

struct Collected<'a, 'i> {
    index: &'a Index<'i>,
    labels: FxHashMap<SmolStr, Label>,
    out: &'a mut Vec<Diagnostic>,
}

impl Collected<'_, '_> {
    fn steps(&mut self, steps: &[Step], branch: Option<&(SmolStr, SmolStr)>) {
        for step in steps {
            let (name, span, written, what) = match &step.kind {
                StepKind::Block(block) => {
                    let (name, span) = block_label(block);
                    (name, span, block.label.is_some(), "block")
                }
                StepKind::RunAction(run) => {
                    let name = run.label.as_ref().unwrap_or(&run.slug);
                    (name.text.clone(), name.span, run.label.is_some(), "action")
                }
                StepKind::RunFlow(run) => (run.slug.text.clone(), run.slug.span, false, "custom flow"),
                StepKind::Decision(decision) => named(&decision.name, "decision"),
                StepKind::Condition(condition) => named(&condition.name, "condition"),
                StepKind::Broken => continue,
            };
            let label = Label {
                span,
                count: 1,
                written,
                what,
                loose: loose(step),
                branch: branch.cloned(),
                id: None,
                output: Kind::Error.into(),
            };
            if let StepKind::RunAction(run) = &step.kind
                && self.index.pinned(run).is_some_and(|action| action.prompts)
            {
                self.add(demand_label(&name), Label { what: DEMAND, loose: Loose::No, ..label.clone() });
            }
            self.add(name, label);
            if let StepKind::Decision(decision) = &step.kind {
                for case in &decision.cases {
                    let inside = (case.branch.text.clone(), decision.name.text.clone());
                    self.steps(case.steps.as_deref().unwrap_or(&[]), Some(&inside));
                }
            }
        }
    }

    fn add(&mut self, name: SmolStr, label: Label) {
        let Some(known) = self.labels.get_mut(&name) else {
            self.labels.insert(name, label);
            return;
        };
        let demands = [known.what, label.what].map(|what| what == DEMAND);
        if demands.contains(&true) && demands.contains(&false) {
            let (demand, own) = if label.what == DEMAND { (&label, &*known) } else { (&*known, &label) };
            let message = format!("the name `{name}` is that of the second factor that an action may demand");
            self.out.push(
                Diagnostic::error("A0206", own.span, message)
                    .label(demand.span, "this action")
                    .help("give the step, or the action, another name: `as NAME`"),
            );
        } else if known.written && label.written && label.what != DEMAND {
            self.out.push(
                Diagnostic::error("A0206", label.span, format!("the name `{name}` is given twice in this flow"))
                    .label(known.span, "first here")
                    .help(
                        "names given by `as`, of decisions and of conditions are unique in a flow, across branches too",
                    ),
            );
            return;
        }
        known.count += 1;
    }
}

fn named(name: &Name, what: &'static str) -> (SmolStr, Span, bool, &'static str) {
    (name.text.clone(), name.span, true, what)
}

fn block_label(block: &BlockStep) -> (SmolStr, Span) {
    match &block.label {
        Some(label) => (label.text.clone(), label.span),
        None => (default_label(&block.ty.text), block.ty.span),
    }
}

fn loose(step: &Step) -> Loose {
    let modifiers = match &step.kind {
        StepKind::Block(block) => &block.modifiers,
        StepKind::RunAction(run) => &run.modifiers,
        StepKind::RunFlow(_) | StepKind::Decision(_) | StepKind::Condition(_) | StepKind::Broken => return Loose::No,
    };
    let mut loose = Loose::No;
    for modifier in modifiers {
        match modifier.kind {
            ModifierKind::Async => return Loose::Async(modifier.span),
            ModifierKind::OnErrorContinue => loose = Loose::Continues(modifier.span),
            ModifierKind::Timeout(_)
            | ModifierKind::Retry { .. }
            | ModifierKind::OnErrorHalt
            | ModifierKind::OnErrorDeny(_) => {}
        }
    }
    loose
}
