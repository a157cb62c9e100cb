//! The typed test: what a test of the project gives, stubs, replies and expects, as constants for the test runner.

use admit_plan::code;
use smol_str::SmolStr;

use crate::source::Span;

/// A checked test. Code in it is constant: it names no slot. It indexes [`Test::pool`].
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What it says.
    pub title: String,
    /// The flow it is about.
    pub flow: SmolStr,
    /// Where.
    pub span: Span,
    /// Constants of its code.
    pub pool: code::Pool,
    /// Slots of its `expect EXPR`: only event, step and session paths.
    pub slots: Vec<super::flow::Slot>,
    /// `given event`: a record to lay over the baseline event.
    pub event: Option<code::Expr>,
    /// `given input`: a record.
    pub input: Option<code::Expr>,
    /// `given params`, by name.
    pub params: Vec<(SmolStr, code::Expr)>,
    /// `given secrets`, by name: strings.
    pub secrets: Vec<(SmolStr, code::Expr)>,
    /// `given now`: an RFC 3339 timestamp that was checked.
    pub now: Option<SmolStr>,
    /// Stubs in order.
    pub stubs: Vec<Stub>,
    /// `stub fetch`: URL, and what it answers.
    pub fetches: Vec<(SmolStr, code::Expr)>,
    /// Replies in order.
    pub replies: Vec<(Target, code::Expr)>,
    /// Expectations in order, with their places.
    pub expects: Vec<(Expect, Span)>,
}

/// What a stub, reply or expectation names. A label wins over a type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// One step, by label.
    Label(SmolStr),
    /// Every block of a type that no label stub names.
    Type(SmolStr),
}

/// A stub.
#[derive(Clone, Debug, PartialEq)]
pub struct Stub {
    /// Of what.
    pub target: Target,
    /// What it does.
    pub answer: Answer,
    /// Where.
    pub span: Span,
}

/// What a stub does.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Its outputs: name and value; those left out take the declaration's default or are absent. `user`, if given,
    /// fills `event.user` over a baseline user.
    Outputs {
        /// Outputs by name.
        outputs: Vec<(SmolStr, code::Expr)>,
        /// `user:` beside them: a record.
        user: Option<code::Expr>,
        /// Answers after this many milliseconds.
        after: u64,
    },
    /// It fails with this text.
    Error(SmolStr),
}

/// What a test expects.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// `session`, `tokens`, `allow`, `finalized`
    Outcome(Outcome),
    /// `deny "reason"`
    Deny(SmolStr),
    /// `suspended LABEL`
    Suspended(SmolStr),
    /// `error LABEL`
    Error(SmolStr),
    /// `redirect "url"`
    Redirect(SmolStr),
    /// `ran a, b`
    Ran(Vec<SmolStr>),
    /// `not ran c`
    NotRan(Vec<SmolStr>),
    /// `branch DECISION.NAME`
    Branch(SmolStr, SmolStr),
    /// `claim "tier" == EXPR`
    Claim(SmolStr, code::Expr),
    /// `expect EXPR`: code over [`Test::slots`]; a step's slot is a `Source::ParentStep`, by label.
    Holds(code::Expr),
}

/// Outcomes that a test names by one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `session`
    Session,
    /// `tokens`
    Tokens,
    /// `allow`
    Allow,
    /// `finalized`
    Finalized,
}
