//! The typed flow: what a checked flow means. The output of checking and the input of lowering.
//!
//! Names are resolved, config is code, defaults are filled in. A `run flow` holds the custom flow's body, checked in
//! the place that runs it: its expressions use the slots, pool and step ids of the flow around it, so that lowering
//! only lays steps out. Expression code indexes [`Flow::slots`] and [`Flow::pool`]; lowering merges the pools.

use admit_plan::bundle::OnError as PlanOnError;
use admit_plan::code;
use admit_plan::types::Type;
use semver::Version;
use smol_str::SmolStr;

use crate::source::Span;
use crate::typed::action::Sees;

/// A step of a flow, custom flows' steps included, numbered in the order of the source from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

/// A checked flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Its name.
    pub name: SmolStr,
    /// Its title, for people.
    pub title: Option<String>,
    /// Doc comment, lines joined.
    pub doc: String,
    /// The item.
    pub span: Span,
    /// What a system flow has from its contract; none for a custom flow checked by itself.
    pub contract: Option<Contract>,
    /// Engine time per request in milliseconds: its own or the default; none for a custom flow without one.
    pub budget: Option<u64>,
    /// Values that its expressions name.
    pub slots: Vec<Slot>,
    /// Constants of its expressions.
    pub pool: code::Pool,
    /// Secrets that its configs name: what `bundle::SecretPart::Secret` and [`Source::Secret`] index.
    pub secrets: Vec<SmolStr>,
    /// Stages in order.
    pub stages: Vec<Stage>,
    /// How many steps there are: ids are below it.
    pub steps: u32,
    /// Personal data that leaves through `sends` blocks.
    pub egress: Vec<Egress>,
    /// The worst engine time between two suspension points, in milliseconds.
    pub worst: u64,
}

/// What the contract gives a system flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// The trigger: `auth.login.submitted`.
    pub trigger: SmolStr,
    /// What the user submits: a record.
    pub input: Type,
    /// It takes a verified session.
    pub needs_session: bool,
    /// Terminals that may end it, besides `deny`.
    pub ends: Vec<SmolStr>,
}

/// A value ready before evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Where it comes from.
    pub source: Source,
    /// What it holds when it is there; never `optional` at the top.
    pub ty: Type,
    /// It may be absent where some expression names it.
    pub maybe_absent: bool,
}

/// Where a slot's value comes from. `parent.step.x` is the parent's step already.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// `event.a.b`, below `event`.
    Event(Vec<SmolStr>),
    /// `input.a.b`.
    Input(Vec<SmolStr>),
    /// `step.x.a.b`: a block's outputs, a condition's fields (`all` and `any` too), a decision's `branch`.
    Step(StepId, Vec<SmolStr>),
    /// `parent.step.x.a.b` in a custom flow checked by itself: nothing is known of the step. Never lowered but for
    /// tests of the custom flow, where it is absent.
    ParentStep(SmolStr, Vec<SmolStr>),
    /// `session.a`.
    Session(Vec<SmolStr>),
    /// `params.x`.
    Param(SmolStr),
    /// `secrets.x`: index into [`Flow::secrets`]. Only while a config is checked; never in code that is lowered.
    Secret(u32),
    /// `now`.
    Now,
    /// A variable of a standalone expression.
    Variable(SmolStr),
}

/// A stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: SmolStr,
    /// Its title, for people.
    pub title: Option<String>,
    /// Doc comment, lines joined.
    pub doc: String,
    /// Where.
    pub span: Span,
    /// The contract's condition, over the milestones' results: the stage is skipped where it is false.
    pub when: Option<Expr>,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// What outputs, trace, stubs and replies call it: the label by `as`, a default label (which may repeat), or the
    /// name of a decision or condition.
    pub label: SmolStr,
    /// The label was written (`as`, a decision's or condition's name).
    pub named: bool,
    /// Doc comment, lines joined.
    pub doc: String,
    /// Where.
    pub span: Span,
    /// What it does.
    pub kind: StepKind,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// A block, terminals included.
    Block(Box<Block>),
    /// `run action`
    RunAction(Box<RunAction>),
    /// `run flow`
    RunFlow(Box<RunFlow>),
    /// A decision.
    Decision(Decision),
    /// A condition: name and expression, in order. `all` and `any` are computed.
    Condition(Vec<(SmolStr, Expr)>),
}

/// A block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The block type.
    pub ty: SmolStr,
    /// Config: every field of the declaration that was given or has a default, in the declaration's order.
    pub config: Vec<Config>,
    /// Timeout, retry, errors.
    pub modifiers: Modifiers,
    /// Its outputs at this place (a webhook's `body` has the type of its `expect`): a record.
    pub output: Type,
    /// What it sets.
    pub sets: Vec<Sets>,
    /// What it provides: path below `event`, and the condition over [`Flow::pool`] and the locals of [`Sets`].
    pub provides: Vec<(Vec<SmolStr>, Option<code::Expr>)>,
    /// What holds when it ends, if the second does.
    pub ensures: Vec<(code::Expr, Option<code::Expr>)>,
    /// What it does to the walk.
    pub role: Role,
}

/// What a block does to the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The walk goes on.
    Plain,
    /// It settles the outcome, and the walk goes on over notifications.
    Settles,
    /// It ends the run.
    Ends,
    /// `allow` in a custom flow that is run: control goes back to the flow around it.
    Leaves,
}

/// A config field.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Its name.
    pub name: SmolStr,
    /// Its declared type.
    pub ty: Type,
    /// Its value; ids index this flow's slots, pool and secrets.
    pub value: admit_plan::bundle::ConfigValue,
    /// The value in the source; none for a default.
    pub span: Option<Span>,
    /// Spans of the value's code, for the debug table; none where the value is not an expression.
    pub spans: CodeSpans,
}

/// `sets PATH [to EXPR] [when EXPR]`. `Local(0)` is the record of the block's outputs, `Local(1)` of its config.
#[derive(Clone, Debug, PartialEq)]
pub struct Sets {
    /// Below `event`.
    pub path: Vec<SmolStr>,
    /// To what; without it the block says at run time.
    pub to: Option<code::Expr>,
    /// If what holds.
    pub when: Option<code::Expr>,
}

/// Modifiers with defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Modifiers {
    /// Engine time per try, in milliseconds.
    pub timeout: u64,
    /// Further tries, and the pause before each in milliseconds.
    pub retry: Option<(u32, u64)>,
    /// What an error does.
    pub on_error: OnError,
    /// Queued when the walk passes.
    pub is_async: bool,
}

/// What an error of a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The run ends in error.
    Halt,
    /// The walk goes on; outputs are absent.
    Continue,
    /// The run ends in deny with this reason.
    Deny(SmolStr),
}

/// `run action`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunAction {
    /// Its slug.
    pub slug: SmolStr,
    /// The pinned version.
    pub version: Version,
    /// The trigger slot: `login.post-auth`. In a custom flow by itself the first that the Action has.
    pub trigger: SmolStr,
    /// Config, as a block's.
    pub config: Vec<Config>,
    /// Timeout, retry, errors.
    pub modifiers: Modifiers,
    /// Its declared outputs: a record, in which those without a default are optional.
    pub output: Type,
    /// Not skipped.
    pub enabled: bool,
    /// The `mfa` block that it may demand; some where it declares `effects prompts`.
    pub demand: Option<Demand>,
    /// Hosts that its config lets it call here.
    pub fetch: Vec<SmolStr>,
    /// Claims that its config lets it set here.
    pub claims: Vec<SmolStr>,
    /// What it sees here.
    pub sees: Sees,
}

/// The `mfa` block with default config that an Action may demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// Its number.
    pub id: StepId,
    /// `<label>-mfa`
    pub label: SmolStr,
    /// The block.
    pub block: Block,
}

/// `run flow`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFlow {
    /// The custom flow.
    pub flow: SmolStr,
    /// Engine time that it may use in milliseconds: the smaller of `timeout` here and its own budget; none: the
    /// caller's.
    pub budget: Option<u64>,
    /// What an error inside does.
    pub on_error: OnError,
    /// Its stages, checked in this place.
    pub stages: Vec<Stage>,
}

/// A decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Cases in order.
    pub cases: Vec<Case>,
    /// `default`; without it the cases are exhaustive.
    pub default: Option<Branch>,
}

/// A case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its condition.
    pub when: Expr,
    /// What it does.
    pub branch: Branch,
}

/// A branch: without a terminal it falls out below the decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// Its name.
    pub name: SmolStr,
    /// Where its case stands.
    pub span: Span,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A checked expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it does.
    pub code: code::Expr,
    /// What it gives.
    pub ty: Type,
    /// Where it stands.
    pub span: Span,
    /// Where its parts stand.
    pub spans: CodeSpans,
}

/// Where each node of the code stands, in preorder; none where code has no text of its own. Empty: not known.
pub type CodeSpans = Vec<Option<Span>>;

/// A line of the egress report: personal data that leaves through a `sends` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Egress {
    /// The block that sends.
    pub step: SmolStr,
    /// Its type.
    pub block: SmolStr,
    /// What leaves: `event.user.email`.
    pub path: SmolStr,
    /// The config field that names it.
    pub field: SmolStr,
    /// Where.
    pub span: Span,
}

impl Flow {
    /// Visits every `run action`, and whether it stands in a custom flow that this one runs.
    pub fn for_each_action<'f>(&'f self, visit: &mut impl FnMut(&'f RunAction, bool)) {
        self.stages.iter().for_each(|stage| actions_of(&stage.steps, false, visit));
    }
}

fn actions_of<'f>(steps: &'f [Step], inlined: bool, visit: &mut impl FnMut(&'f RunAction, bool)) {
    for step in steps {
        match &step.kind {
            StepKind::RunAction(run) => visit(run, inlined),
            StepKind::RunFlow(run) => run.stages.iter().for_each(|stage| actions_of(&stage.steps, true, visit)),
            StepKind::Decision(decision) => {
                let branches = decision.cases.iter().map(|case| &case.branch).chain(&decision.default);
                branches.for_each(|branch| actions_of(&branch.steps, inlined, visit));
            }
            StepKind::Block(_) | StepKind::Condition(_) => {}
        }
    }
}

impl OnError {
    /// For the plan, with the reason put into its pool.
    pub fn to_plan(&self, mut string: impl FnMut(&SmolStr) -> code::StrId) -> PlanOnError {
        match self {
            OnError::Halt => PlanOnError::Halt,
            OnError::Continue => PlanOnError::Continue,
            OnError::Deny(reason) => PlanOnError::Deny(string(reason)),
        }
    }
}
