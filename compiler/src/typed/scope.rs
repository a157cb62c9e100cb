//! What names mean where an expression stands: the trait that the flow checker, rules, tests and standalone
//! expressions implement.
//!
//! Typing asks twice. [`Scope::resolve`] says how many of the first names of a dotted chain form a root and which
//! type stands there (`step.risk` is a record of outputs); typing then walks the record's fields as far as the chain
//! names them and asks [`Scope::read`] for the slot of the whole path, naming how it is used. Facts that hold where
//! the expression stands are the scope's; facts that `&&`, `||` and `?:` add on the way are typing's own.

use admit_plan::code::{Pool, SetId, SlotId};
use admit_plan::types::Type;
use smol_str::SmolStr;

use super::facts::Facts;
use super::tables::{Interner, SlotInfo};
use crate::ast::Name;
use crate::diagnostic::{Diagnostic, Label};
use crate::source::Span;

/// How strictly expressions are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In a project: constant mistakes (a bad regex, `1 / 0`, duplicate keys) and impossible comparisons are errors.
    Declared,
    /// A standalone expression that is checked: constant mistakes are left to fail when it is evaluated.
    Standalone,
    /// A standalone expression that is not checked: every value is `dyn`, unknown names fail when evaluated.
    Unchecked,
}

/// What the first names of a chain mean.
#[derive(Clone, Debug)]
pub enum Resolved {
    /// A value, or a record around values.
    Root(Root),
    /// `lists.name`: stands only right of `in`.
    List {
        /// How many names of the chain it took.
        used: usize,
        /// Its entries.
        set: SetId,
    },
    /// It names something that must not be read here, or its declaration is broken: the scope has said why.
    Refused,
    /// No such name. Typing says so, with the nearest of `candidates` (whole dotted chains, as one would write them).
    Unknown {
        /// How many names of the chain are wrong together: `step.risc` is two.
        used: usize,
        /// What the message calls the missing thing: `block`, `param`, `list`, `secret`, `variable`.
        what: &'static str,
        /// Names that stand here.
        candidates: Vec<SmolStr>,
    },
}

/// The root of a path.
#[derive(Clone, Debug)]
pub struct Root {
    /// How many names of the chain it took, at least 1.
    pub used: usize,
    /// What it is called: `event`, `step.risk`, `params.limit`, `now`; the first part of the keys of facts.
    pub place: SmolStr,
    /// Its type. Fields of records are walked by typing; `Kind::Optional` where it may be absent by declaration.
    pub ty: Type,
    /// A number of the scope's own, handed back to [`Scope::read`].
    pub id: u32,
}

/// How a path is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Its value is read: it must be there.
    Value,
    /// `has(path)`.
    Has,
    /// `a.?b`, `a[?b]`: as an optional.
    Optional,
}

/// One use of a path.
#[derive(Debug)]
pub struct Read<'a> {
    /// Where it starts.
    pub root: &'a Root,
    /// Names below the root, all fields of records.
    pub path: &'a [SmolStr],
    /// The whole dotted path, `step.risk.score`: the key of facts, and the `place` to give the slot.
    pub place: &'a str,
    /// The type of the value when it is there.
    pub ty: &'a Type,
    /// A field on the way (or the root) is optional by declaration.
    pub optional: bool,
    /// How it is used.
    pub usage: Usage,
    /// Where.
    pub span: Span,
}

/// What the scope answers to a read.
#[derive(Debug)]
pub enum Access {
    /// The slot, which [`super::tables::Slots::slot`] gave for the whole path (`maybe_absent` if `Read::optional` or if absent here).
    Slot {
        /// Its number.
        slot: SlotId,
        /// Why it may be absent here, apart from fields that are optional by declaration: the block may not have
        /// run, no block has provided it yet. An error where the usage is `Value` and facts do not know better.
        absent: Option<Absent>,
    },
    /// It must not be read here, guarded or not; the scope has said why.
    Refused,
}

/// Why a path may be absent here.
#[derive(Clone, Debug)]
pub struct Absent {
    /// The place whose presence would make it safe: `step.mfa`, `event.user`.
    pub place: SmolStr,
    /// The code of the error: `A0107` for a block that may not have run.
    pub code: &'static str,
    /// The message.
    pub message: String,
    /// Where the block would have run, or what provides it.
    pub labels: Vec<Label>,
    /// The fix, besides the guard, which typing adds.
    pub help: Vec<String>,
    /// A guard helps: typing adds `has(path) && ...` to the help.
    pub guard: bool,
}

/// What names mean where an expression stands.
pub trait Scope {
    /// What the first names of `chain` mean; the longest root that is known wins. `root` is set for `.name`. A scope
    /// that refuses says why in `out`. Variables of macros and `cel.bind` never get here: they shadow everything.
    fn resolve(&mut self, chain: &[Name], root: bool, out: &mut Vec<Diagnostic>) -> Resolved;

    /// The slot of a path below a root.
    fn read(&mut self, read: &Read<'_>, out: &mut Vec<Diagnostic>) -> Access;

    /// Whether fields of records are parts of paths, with slots of their own; else a root's value is always read whole.
    fn walks_fields(&self) -> bool {
        true
    }

    /// What is known where the expression stands.
    fn facts(&self) -> &Facts;

    /// Adds what follows from facts, of which `learnt` is new inside the expression (`step.lookup.found` true:
    /// `event.user` is present).
    fn imply(&self, facts: &mut Facts, learnt: &Facts) {
        let _ = (facts, learnt);
    }

    /// The pool of constants.
    fn pool(&mut self) -> &mut Interner;

    /// The constants interned so far.
    fn constants(&self) -> &Pool;

    /// The type and place of a slot that `read` gave.
    fn slot(&self, id: SlotId) -> Option<SlotInfo<'_>>;

    /// How strictly to type.
    fn mode(&self) -> Mode;

    /// The container of cel-spec in which unqualified function names are looked up; empty in projects.
    fn container(&self) -> &str {
        ""
    }
}
