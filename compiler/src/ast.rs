//! The AST: what was written. Items here, expressions in `ast/expr.rs`. Every node has its span; nothing is resolved.
//!
//! A part that could not be parsed is left out, and its item, stage or decision is marked `broken`: the checker
//! then says nothing of what the missing part may have meant.

pub mod expr;

use smol_str::SmolStr;

use crate::source::{FileId, Span};
use expr::Expr;

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The text as written: a slug or a snake_case word.
    pub text: SmolStr,
    /// Where.
    pub span: Span,
}

/// One parsed file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Which.
    pub id: FileId,
    /// Its items in order; those that did not parse at all are left out.
    pub items: Vec<Item>,
}

/// An item with its doc comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Lines of `///` before it, without the slashes and one space.
    pub doc: Vec<String>,
    /// The whole item, doc comment excluded.
    pub span: Span,
    /// Something inside did not parse (a diagnostic says what).
    pub broken: bool,
    /// What it is.
    pub kind: ItemKind,
}

/// The items of language.md section 3.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `system flow`, `custom flow`
    Flow(Flow),
    /// `action`
    Action(ActionDecl),
    /// `param`
    Param(Param),
    /// `list`
    List(ListDecl),
    /// `secret`
    Secret(Name),
    /// `rule`
    Rule(Rule),
    /// `test`
    Test(Test),
    /// `block`
    Block(BlockDecl),
    /// `event { ... }`
    Event(RecordDecl),
    /// `session { ... }`
    Session(RecordDecl),
    /// `contract`
    Contract(Contract),
}

/// A string literal that is not an expression: a title, a reason, a file name. Already unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Its value.
    pub value: String,
    /// Where, quotes included.
    pub span: Span,
}

/// A duration literal: `300ms`, `8s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationLit {
    /// In milliseconds.
    pub millis: u64,
    /// Where.
    pub span: Span,
}

/// `system flow NAME "title" { budget D  stage ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// `system` or `custom`.
    pub system: bool,
    /// Its name.
    pub name: Name,
    /// Title for people.
    pub title: Option<Text>,
    /// `budget D`
    pub budget: Option<DurationLit>,
    /// Stages in order.
    pub stages: Vec<Stage>,
}

/// `stage NAME "title" { steps }`
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: Name,
    /// Title for people.
    pub title: Option<Text>,
    /// Lines of `///` before it.
    pub doc: Vec<String>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// The whole stage.
    pub span: Span,
    /// Something inside did not parse.
    pub broken: bool,
}

/// One step of a stage or branch.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Lines of `///` before it.
    pub doc: Vec<String>,
    /// The whole step.
    pub span: Span,
    /// What it is.
    pub kind: StepKind,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// `TYPE as LABEL { config } modifiers`, terminals included.
    Block(BlockStep),
    /// `run action SLUG@VERSION ...`
    RunAction(RunAction),
    /// `run flow SLUG ...`
    RunFlow(RunFlow),
    /// `decision NAME { ... }`
    Decision(Decision),
    /// `condition NAME { ... }`
    Condition(Condition),
    /// A step that did not parse; a diagnostic says why.
    Broken,
}

/// A block.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockStep {
    /// The block type.
    pub ty: Name,
    /// `as LABEL`
    pub label: Option<Name>,
    /// `{ ... }`
    pub config: Option<Config>,
    /// Modifiers as written.
    pub modifiers: Vec<Modifier>,
}

/// `run action`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunAction {
    /// The Action's slug.
    pub slug: Name,
    /// The version after `@`, as written.
    pub version: Name,
    /// `as LABEL`
    pub label: Option<Name>,
    /// `{ ... }`
    pub config: Option<Config>,
    /// Modifiers as written.
    pub modifiers: Vec<Modifier>,
}

/// `run flow`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFlow {
    /// The custom flow's slug.
    pub slug: Name,
    /// Modifiers as written.
    pub modifiers: Vec<Modifier>,
}

/// A config block.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Fields as written.
    pub fields: Vec<ConfigField>,
    /// With its braces.
    pub span: Span,
    /// A field did not parse, so that fields that seem missing may be written.
    pub broken: bool,
}

/// `name: value`
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigField {
    /// The field.
    pub name: Name,
    /// Its value.
    pub value: ConfigValue,
}

/// A config value: what parses as an expression is one (the checker reads it as a type where the declaration says
/// `type`, in `check`); what parses only as a type is a type.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigValue {
    /// An expression; string literals in template position are `ExprKind::Template` if they hold a hole.
    Expr(Expr),
    /// A type.
    Type(TypeExpr),
}

/// A modifier and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Modifier {
    /// Which.
    pub kind: ModifierKind,
    /// Where.
    pub span: Span,
}

/// The modifiers.
#[derive(Clone, Debug, PartialEq)]
pub enum ModifierKind {
    /// `timeout D`
    Timeout(DurationLit),
    /// `retry N [backoff D]`
    Retry {
        /// Further tries.
        times: u64,
        /// Pause before each.
        backoff: Option<DurationLit>,
    },
    /// `on error halt`
    OnErrorHalt,
    /// `on error continue`
    OnErrorContinue,
    /// `on error deny "reason"`
    OnErrorDeny(Text),
    /// `async`
    Async,
}

/// A decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Its name.
    pub name: Name,
    /// Cases in order; `default` may stand anywhere here, the checker says it must be last.
    pub cases: Vec<Case>,
    /// A case did not parse.
    pub broken: bool,
}

/// `when EXPR -> BRANCH { ... }` or `default -> BRANCH { ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The condition; none for `default`.
    pub when: Option<Expr>,
    /// The branch's name.
    pub branch: Name,
    /// Its steps; none if no braces were written.
    pub steps: Option<Vec<Step>>,
    /// The whole case.
    pub span: Span,
    /// A step inside did not parse.
    pub broken: bool,
}

/// A condition block: named booleans.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Its name.
    pub name: Name,
    /// Fields in order.
    pub fields: Vec<(Name, Expr)>,
}

/// `param NAME: TYPE = DEFAULT`
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeExpr,
    /// Its default; without one every tenant must give a value.
    pub default: Option<Expr>,
}

/// `list NAME [ignore case] from "file"`
#[derive(Clone, Debug, PartialEq)]
pub struct ListDecl {
    /// Its name.
    pub name: Name,
    /// `ignore case`
    pub ignore_case: bool,
    /// The file, relative to the project.
    pub file: Text,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    /// What.
    pub kind: TypeExprKind,
    /// `pii`, `secret` before it, with their places.
    pub labels: Vec<Name>,
    /// Where.
    pub span: Span,
}

/// Types as written.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeExprKind {
    /// `int`, `string`, `dyn`, ...
    Name(Name),
    /// `list(T)`, `map(K, V)`, `optional(T)`
    Apply(Name, Vec<TypeExpr>),
    /// `int(0 .. 100)`: bounds are literals, a sign allowed.
    Range(Name, Box<Expr>, Box<Expr>),
    /// `"low" | "medium"`; one word alone is an enum of one.
    Words(Vec<Text>),
    /// `{ name: T, ... }`
    Record(Vec<FieldDecl>),
}

/// A field of a record type, a config, an output or an input.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDecl {
    /// Lines of `///` before it.
    pub doc: Vec<String>,
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeExpr,
    /// `= EXPR`
    pub default: Option<Expr>,
    /// `known when provided`, `known when set`: only in `event`; without it, known from the start.
    pub known: Option<Known>,
}

/// When a field of `event` is known, if not from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// After a block that `provides` it (or a record around it).
    Provided,
    /// After a block that `sets` it.
    Set,
}

/// A dotted path: `event.authentication.aal`, `input.password`.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Its parts.
    pub parts: Vec<Name>,
    /// Where.
    pub span: Span,
}

/// `event { ... }`, `session { ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct RecordDecl {
    /// Its fields.
    pub fields: Vec<FieldDecl>,
}

/// `block NAME in FAMILY { ... }`: clauses in the order written, so that a clause written twice can be named.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockDecl {
    /// The block type.
    pub name: Name,
    /// Its family.
    pub family: Name,
    /// Its clauses.
    pub clauses: Vec<BlockClause>,
}

/// A clause of a block declaration.
#[derive(Clone, Debug, PartialEq)]
pub enum BlockClause {
    /// `flows login, registration`; without it, every flow.
    Flows(Vec<Name>),
    /// `effects reads, writes`
    Effects(Vec<Name>),
    /// `timeout 500ms`
    Timeout(DurationLit),
    /// `takes input.password`
    Takes(Vec<Path>),
    /// `config { ... }`
    Config(Vec<FieldDecl>),
    /// `output { ... }`
    Output(Vec<FieldDecl>),
    /// `prompt { ... }`: what the user is asked for: the typed answer of a `prompts` block.
    Prompt(Vec<FieldDecl>),
    /// `errors name, name`: errors by name.
    Errors(Vec<Name>),
    /// `sets PATH [to EXPR] [when EXPR]`
    Sets(SetsClause),
    /// `provides PATH [when EXPR]`
    Provides(Path, Option<Expr>),
    /// `ensures EXPR [when EXPR]`
    Ensures(Expr, Option<Expr>),
}

/// `sets PATH [to EXPR] [when EXPR]`
#[derive(Clone, Debug, PartialEq)]
pub struct SetsClause {
    /// What is set.
    pub path: Path,
    /// To what; without it the block says at run time.
    pub to: Option<Expr>,
    /// If what holds of its outputs and config.
    pub when: Option<Expr>,
}

/// `contract NAME on TRIGGER { ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// The system flow it fixes.
    pub name: Name,
    /// `auth.login.submitted`
    pub trigger: Path,
    /// `input { ... }`: what the user submits.
    pub input: Vec<FieldDecl>,
    /// Stages in order.
    pub stages: Vec<ContractStage>,
    /// `ends a, b`: terminals that may end it, besides `deny`.
    pub ends: Vec<Name>,
    /// `needs session`: the flow takes a verified session.
    pub needs_session: bool,
}

/// `stage NAME [when EXPR] { milestone ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct ContractStage {
    /// Its name.
    pub name: Name,
    /// The condition under which it runs, over the milestones' results.
    pub when: Option<Expr>,
    /// Locked milestones in order.
    pub milestones: Vec<Milestone>,
    /// Where.
    pub span: Span,
}

/// `milestone A [result] | B [result] [{ fixed config }]`
#[derive(Clone, Debug, PartialEq)]
pub struct Milestone {
    /// The alternatives.
    pub alternatives: Vec<Alternative>,
    /// Where: the contract's line that messages show.
    pub span: Span,
}

/// One alternative of a milestone.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    /// The block type.
    pub block: Name,
    /// The output that must be known true where a settling terminal stands.
    pub result: Option<Name>,
    /// Config fields that the contract fixes (mfa-verify: `must_verify: false`).
    pub fixed: Vec<ConfigField>,
}

/// `action NAME { ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct ActionDecl {
    /// Its slug.
    pub name: Name,
    /// Its clauses in the order written.
    pub clauses: Vec<ActionClause>,
}

/// A clause of an Action's declaration.
#[derive(Clone, Debug, PartialEq)]
pub enum ActionClause {
    /// `version "1.2.0"`
    Version(Text),
    /// `source "action.ts"`
    Source(Text),
    /// `triggers login.post-auth, ...`
    Triggers(Vec<Path>),
    /// `config { ... }`
    Config(Vec<FieldDecl>),
    /// `output { ... }`
    Output(Vec<FieldDecl>),
    /// `fetch "host", config.url, ...`
    Fetch(Vec<Grant>),
    /// `claims "name", config.claim, ...`
    Claims(Vec<Grant>),
    /// `secrets name, ...`
    Secrets(Vec<Name>),
    /// `effects prompts`
    Effects(Vec<Name>),
    /// `budget D`
    Budget(DurationLit),
    /// `enabled true|false`
    Enabled(bool, Span),
}

/// What an Action may touch: a host, or a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Grant {
    /// This one.
    Text(Text),
    /// The one that this field of its config names, at each place that runs it: a constant there. With the span of
    /// `config.FIELD`.
    Config(Name, Span),
}

impl Grant {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Text(text) => text.span,
            Self::Config(_, span) => *span,
        }
    }
}

/// `rule NAME [of FLOW, ...] { clauses }`
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: Name,
    /// Flows it is about; empty: all.
    pub of: Vec<Name>,
    /// Its clauses.
    pub clauses: Vec<RuleClause>,
}

/// A clause of a rule (language.md section 8), with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleClause {
    /// Which.
    pub kind: RuleClauseKind,
    /// Where.
    pub span: Span,
}

/// The clauses of rules. A block is named by type or label.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleClauseKind {
    /// `before B [when C] require E`
    Before(Name, Option<Expr>, Expr),
    /// `never B [when C]`
    Never(Name, Option<Expr>),
    /// `after A require B`
    After(Name, Name),
    /// `always ends within D`
    EndsWithin(DurationLit),
}

/// `test "what" of FLOW { clauses }`
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What it says.
    pub title: Text,
    /// The flow.
    pub of: Name,
    /// Its clauses in order.
    pub clauses: Vec<TestClause>,
}

/// A clause of a test (language.md section 9), with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct TestClause {
    /// Which.
    pub kind: TestClauseKind,
    /// Where.
    pub span: Span,
}

/// The clauses of tests.
#[derive(Clone, Debug, PartialEq)]
pub enum TestClauseKind {
    /// `given event {...}`
    GivenEvent(Expr),
    /// `given now "..."`
    GivenNow(Text),
    /// `given params {...}`
    GivenParams(Expr),
    /// `given secrets {...}`
    GivenSecrets(Expr),
    /// `given input {...}`: what the user submits with the first request.
    GivenInput(Expr),
    /// `stub LABEL|TYPE {...}`
    Stub(Name, Expr),
    /// `stub LABEL|TYPE error "..."`
    StubError(Name, Text),
    /// `stub LABEL|TYPE after 2s [{...}]`
    StubAfter(Name, DurationLit, Option<Expr>),
    /// `stub fetch "https://..." {...}`
    StubFetch(Text, Expr),
    /// `reply LABEL {...}`
    Reply(Name, Expr),
    /// `expect session|tokens|allow|finalized`
    ExpectOutcome(Name),
    /// `expect deny "reason"`
    ExpectDeny(Text),
    /// `expect suspended LABEL`
    ExpectSuspended(Name),
    /// `expect error LABEL`
    ExpectError(Name),
    /// `expect redirect "url"`
    ExpectRedirect(Text),
    /// `expect ran a, b`
    ExpectRan(Vec<Name>),
    /// `expect not ran c`
    ExpectNotRan(Vec<Name>),
    /// `expect branch DECISION.NAME`
    ExpectBranch(Name, Name),
    /// `expect claim "tier" == EXPR`
    ExpectClaim(Text, Expr),
    /// `expect EXPR`
    Expect(Expr),
}
