//! The schema: what the library's declarations mean. Made by `library`, read by every later stage.
//!
//! Expressions of declarations stay as written: config defaults are typed where a block stands, the clauses of a
//! block over its outputs and config, conditions of a contract over its milestones' results.

use admit_plan::bundle::Effects;
use admit_plan::code::Escape;
use admit_plan::types::{Field, Kind, Type};
use smol_str::SmolStr;

use crate::ast::{self, Known};
use crate::source::Span;

/// The system flows of the language (language.md section 3). A library declares the contracts of those that work.
pub const SYSTEM_FLOWS: &[&str] = &[
    "login",
    "registration",
    "password-reset",
    "password-reset-complete",
    "mfa-enrol",
    "mfa-verify",
    "token-refresh",
    "logout",
];

/// Groups of the event that only the runtime sets: a submitted event that holds one is refused.
pub const RUNTIME_GROUPS: &[&str] = &["user", "authentication", "tenant"];

/// The one block that sets custom claims, which the checker knows by its name.
pub const SET_CLAIM: &str = "set_custom_claim";

/// Engine time of a block that declares no timeout, in milliseconds.
pub const DEFAULT_TIMEOUT: u64 = 1_000;

/// A block type.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its name.
    pub name: SmolStr,
    /// Lines of its doc comment.
    pub doc: Vec<String>,
    /// Its family.
    pub family: Family,
    /// The system flows that it may stand in (custom flows that they run included); none: every flow.
    pub flows: Option<Vec<SmolStr>>,
    /// What it does to the world.
    pub effects: Effects,
    /// Engine time per try, in milliseconds.
    pub timeout: u64,
    /// Fields of the contract's input that it reads, secret ones included.
    pub takes: Vec<SmolStr>,
    /// Config fields in order.
    pub config: Vec<ConfigField>,
    /// Outputs in order.
    pub output: Vec<OutputField>,
    /// What the user is asked for, if it prompts.
    pub prompt: Option<Vec<PlainField>>,
    /// Errors by name.
    pub errors: Vec<SmolStr>,
    /// `sets`, in order.
    pub sets: Vec<Sets>,
    /// `provides`, in order.
    pub provides: Vec<Provides>,
    /// `ensures`, in order.
    pub ensures: Vec<Ensures>,
    /// Its name in the declaration.
    pub span: Span,
}

/// The families of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Shows who the user is.
    Auth,
    /// Scores, and never decides.
    Risk,
    /// Finds and changes users.
    Identity,
    /// Makes and ends sessions; only in system flows.
    Session,
    /// Steers.
    Control,
    /// Tells others; may follow a settling terminal.
    Notification,
    /// Ends.
    Terminal,
}

/// A config field.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigField {
    /// Its name.
    pub name: SmolStr,
    /// Lines of its doc comment.
    pub doc: Vec<String>,
    /// Its type: `Kind::Optional` where it may be left out, `Kind::Type` (or an optional of it) where a type is written.
    pub ty: Type,
    /// What may be written for it, and in it.
    pub rules: Rules,
    /// Its default: may name `event`; typed where the block stands, against `ty`.
    pub default: Option<ast::expr::Expr>,
    /// Its name in the declaration.
    pub span: Span,
}

/// What may be written for a value, by the labels on its type. Those of an `optional(T)` are T's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// `constant`: must be a constant.
    pub constant: bool,
    /// `secret`: may be, or hold, a secret.
    pub secret: bool,
    /// `feed`, `provider`: a name of `admit.toml`, or a list of them.
    pub names: Option<Named>,
    /// `url`, `header`, `json`, `html`, `text`: holes of templates are escaped so; none: no templates.
    pub escape: Option<Escape>,
    /// Rules of what is inside.
    pub inner: Inner,
}

/// What of `admit.toml` a value names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// `feed`: a threat list of `[feeds]`.
    Feed,
    /// `provider`: an OpenID provider of `[providers]`.
    Provider,
}

/// Rules of what is inside a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Inner {
    /// Nothing of its own. Values inside a `dyn` have the rules of the `dyn`.
    #[default]
    None,
    /// Of the items of a list, or the values of a map.
    Items(Box<Rules>),
    /// Of the fields of a record, by name.
    Fields(Vec<(SmolStr, Rules)>),
}

/// An output.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputField {
    /// Its name.
    pub name: SmolStr,
    /// Lines of its doc comment.
    pub doc: Vec<String>,
    /// Its type. Where `follows` is set: `dyn`, for want of the type written there.
    pub ty: Type,
    /// The config field, of type `type`, that says what its type is (`call_webhook`: `body: expect`).
    pub follows: Option<SmolStr>,
    /// What a stub that leaves it out gives.
    pub default: Option<ast::expr::Expr>,
    /// Its name in the declaration.
    pub span: Span,
}

/// A field of a prompt, an input, the session or an Action's config or output.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainField {
    /// Its name.
    pub name: SmolStr,
    /// Lines of its doc comment.
    pub doc: Vec<String>,
    /// Its type.
    pub ty: Type,
    /// Its default.
    pub default: Option<ast::expr::Expr>,
    /// Its name in the declaration.
    pub span: Span,
}

/// `sets PATH [to EXPR] [when EXPR]`. In the expressions of `sets`, `provides` and `ensures` a name is an output of the
/// block, else a config field; nothing else is in scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Sets {
    /// Below `event`.
    pub path: Vec<SmolStr>,
    /// To what; without it the block says when it ends.
    pub to: Option<ast::expr::Expr>,
    /// If what holds.
    pub when: Option<ast::expr::Expr>,
    /// The path in the declaration.
    pub span: Span,
}

/// `provides PATH [when EXPR]`
#[derive(Clone, Debug, PartialEq)]
pub struct Provides {
    /// Below `event`.
    pub path: Vec<SmolStr>,
    /// If what holds.
    pub when: Option<ast::expr::Expr>,
    /// The path in the declaration.
    pub span: Span,
}

/// `ensures EXPR [when EXPR]`
#[derive(Clone, Debug, PartialEq)]
pub struct Ensures {
    /// What holds when the block has ended.
    pub what: ast::expr::Expr,
    /// If what holds.
    pub when: Option<ast::expr::Expr>,
}

/// The event: a typed tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Its groups.
    pub fields: Vec<EventField>,
}

/// A field of the event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventField {
    /// Its name.
    pub name: SmolStr,
    /// Lines of its doc comment.
    pub doc: Vec<String>,
    /// Its type once it is known. Inside a record, fields that need not be known are `Kind::Optional`.
    pub ty: Type,
    /// When it is known; none: from the start, as far as what is around it is.
    pub known: Option<Known>,
    /// Never absent although an event may leave it out: `false`, an empty list or an empty map then.
    pub defaults: bool,
    /// Its fields, where it is a record.
    pub fields: Vec<EventField>,
    /// Its name in the declaration.
    pub span: Span,
}

/// A contract of a system flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// The system flow.
    pub name: SmolStr,
    /// Lines of its doc comment.
    pub doc: Vec<String>,
    /// `auth.login.submitted`
    pub trigger: SmolStr,
    /// What the user submits.
    pub input: Vec<PlainField>,
    /// Stages in order.
    pub stages: Vec<ContractStage>,
    /// Terminals that may end it, besides `deny`.
    pub ends: Vec<SmolStr>,
    /// It takes a verified session.
    pub needs_session: bool,
    /// Its name in the declaration.
    pub span: Span,
}

/// A stage of a contract.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractStage {
    /// Its name.
    pub name: SmolStr,
    /// The condition under which it runs: names are block types of the contract's milestones, fields their results.
    pub when: Option<ast::expr::Expr>,
    /// Locked milestones in order.
    pub milestones: Vec<Milestone>,
    /// Its name in the declaration.
    pub span: Span,
}

/// A locked milestone.
#[derive(Clone, Debug, PartialEq)]
pub struct Milestone {
    /// The alternatives.
    pub alternatives: Vec<Alternative>,
    /// The contract's line that messages show.
    pub span: Span,
}

/// An alternative of a milestone.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    /// The block type.
    pub block: SmolStr,
    /// The output that must be known true where a settling terminal stands.
    pub result: Option<SmolStr>,
    /// Config that the contract fixes.
    pub fixed: Vec<(SmolStr, ast::expr::Expr)>,
}

/// The session: a record, readable after a minting terminal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    /// Its fields.
    pub fields: Vec<PlainField>,
}

impl Block {
    /// A config field by name.
    pub fn config_field(&self, name: &str) -> Option<&ConfigField> {
        self.config.iter().find(|field| field.name == name)
    }

    /// An output by name.
    pub fn output_field(&self, name: &str) -> Option<&OutputField> {
        self.output.iter().find(|field| field.name == name)
    }

    /// The record of its outputs, where `typed` gives the type that a config field of type `type` holds, if it was
    /// written.
    pub fn output_type(&self, typed: impl Fn(&str) -> Option<Type>) -> Type {
        record(self.output.iter().map(|field| {
            let written = field.follows.as_deref().and_then(&typed);
            Field { name: field.name.clone(), ty: written.unwrap_or_else(|| field.ty.clone()) }
        }))
    }

    /// The record of what the user is asked for.
    pub fn prompt_type(&self) -> Option<Type> {
        self.prompt.as_ref().map(|fields| plain_record(fields))
    }

    /// A terminal: it ends the walk or settles the outcome.
    pub fn is_terminal(&self) -> bool {
        self.effects.ends
    }

    /// A terminal that settles the outcome and lets the walk go on over notifications.
    pub fn settles(&self) -> bool {
        self.effects.ends && self.effects.mints
    }
}

impl Family {
    /// The word in declarations.
    pub fn word(self) -> &'static str {
        match self {
            Family::Auth => "auth",
            Family::Risk => "risk",
            Family::Identity => "identity",
            Family::Session => "session",
            Family::Control => "control",
            Family::Notification => "notification",
            Family::Terminal => "terminal",
        }
    }

    /// All, in the order in which they are shown.
    pub const ALL: [Family; 7] = [
        Family::Auth,
        Family::Risk,
        Family::Identity,
        Family::Session,
        Family::Control,
        Family::Notification,
        Family::Terminal,
    ];
}

impl Event {
    /// The fields along `path`, outermost first: as many as there are; all parts were found if there is one for each.
    pub fn walk<'a, S: AsRef<str>>(&'a self, path: &[S]) -> Vec<&'a EventField> {
        let mut found = Vec::with_capacity(path.len());
        let mut fields = &self.fields;
        for part in path {
            let Some(field) = fields.iter().find(|field| field.name == part.as_ref()) else { break };
            found.push(field);
            fields = &field.fields;
        }
        found
    }

    /// The whole event as a record.
    pub fn ty(&self) -> Type {
        record(self.fields.iter().map(EventField::in_record))
    }

    /// The event of a flow under `contract`: `identifier` is known from the start where the contract's input has one.
    pub fn under(&self, contract: Option<&Contract>) -> Event {
        let given = contract.is_some_and(|contract| contract.input.iter().any(|field| field.name == "identifier"));
        let mut event = self.clone();
        if given && let Some(field) = event.fields.iter_mut().find(|field| field.name == "identifier") {
            field.ty = field.ty.present().clone();
        }
        event
    }
}

impl EventField {
    /// The field as a part of the record around it: optional where it need not be known.
    pub fn in_record(&self) -> Field {
        let ty = self.ty.clone();
        let optional = self.known.is_some() && !matches!(ty.kind, Kind::Optional(_));
        Field { name: self.name.clone(), ty: if optional { Type::optional(ty) } else { ty } }
    }
}

impl Contract {
    /// The record of what the user submits.
    pub fn input_type(&self) -> Type {
        plain_record(&self.input)
    }

    /// All milestones, with the stage that each belongs to.
    pub fn milestones(&self) -> impl Iterator<Item = (&ContractStage, &Milestone)> {
        self.stages.iter().flat_map(|stage| stage.milestones.iter().map(move |milestone| (stage, milestone)))
    }
}

impl Session {
    /// The session as a record.
    pub fn ty(&self) -> Type {
        plain_record(&self.fields)
    }
}

/// The record of plain fields.
pub fn plain_record(fields: &[PlainField]) -> Type {
    record(fields.iter().map(|field| Field { name: field.name.clone(), ty: field.ty.clone() }))
}

fn record(fields: impl Iterator<Item = Field>) -> Type {
    Kind::Record(fields.collect()).into()
}
