//! Checked Actions: what a declaration means. The input of lowering, and of what lists Actions or writes their types.

use std::collections::BTreeMap;

use admit_plan::code::{Expr, Pool};
use admit_plan::types::Type;
use semver::Version;
use smol_str::SmolStr;

use crate::source::Span;

/// Actions by slug and version, in order.
pub type Actions = BTreeMap<(SmolStr, Version), Action>;

/// An Action at one version.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Its slug.
    pub slug: SmolStr,
    /// Its version.
    pub version: Version,
    /// Whose it is.
    pub kind: Kind,
    /// Doc comment, lines joined.
    pub doc: String,
    /// Its name in the declaration.
    pub span: Span,
    /// Trigger slots: `login.post-auth`.
    pub triggers: Vec<SmolStr>,
    /// Config fields.
    pub config: Vec<Field>,
    /// Outputs.
    pub output: Vec<Field>,
    /// Hosts that it may call.
    pub fetch: Vec<SmolStr>,
    /// Config fields that name such hosts where a flow runs it.
    pub fetch_from: Vec<SmolStr>,
    /// Claims that it may set.
    pub claims: Vec<SmolStr>,
    /// Config fields that name such claims where a flow runs it.
    pub claims_from: Vec<SmolStr>,
    /// Secrets that it may read.
    pub secrets: Vec<SmolStr>,
    /// It may demand a second factor.
    pub prompts: bool,
    /// It is not skipped.
    pub enabled: bool,
    /// Engine time, in milliseconds.
    pub budget: u64,
}

/// A field of config or outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: SmolStr,
    /// Its type, as declared.
    pub ty: Type,
    /// Doc comment, lines joined.
    pub doc: String,
    /// Its default, a constant, and the pool that it indexes.
    pub default: Option<(Expr, Pool)>,
}

/// What an Action sees at one place that runs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sees {
    /// Fields of the event, as paths below `event`, that need not be there but are known to be there here.
    pub event: Vec<SmolStr>,
    /// The steps of its flow that may have run, by label.
    pub steps: BTreeMap<SmolStr, Step>,
}

/// A step that has run, or may have.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its outputs: a record; none where several steps have the label.
    pub output: Option<Type>,
    /// It has run and has its outputs on every path.
    pub sure: bool,
}

/// Whose an Action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The library's, attached by name with config only.
    Template,
    /// The project's own.
    Custom,
}

impl Kind {
    /// As lists of Actions write it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Template => "template",
            Kind::Custom => "custom",
        }
    }
}
