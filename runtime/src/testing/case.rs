//! A test and its result, as plain data: the caller turns what the checker made of a `test` item into these.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::code::{Expr, Pool, Slot};
use smol_str::SmolStr;

use crate::execute::Outcome;
use crate::tenant::TenantId;
use crate::trace::Trace;

/// A test.
#[derive(Clone, Debug, Default)]
pub struct TestCase {
    /// What it says.
    pub title: String,
    /// The flow it is about.
    pub flow: SmolStr,
    /// `given event`: a record that is laid over the baseline event.
    pub event: Option<Datum>,
    /// `given input`: a record; none: the baseline input.
    pub input: Option<Datum>,
    /// `given params`.
    pub params: Vec<(SmolStr, Datum)>,
    /// `given now`; none: [`crate::testing::baseline::NOW`].
    pub now: Option<Instant>,
    /// Stubs; of two for one target the later one counts.
    pub stubs: Vec<Stub>,
    /// `stub fetch`: URL, and what it answers: `{status, headers, body}` or `{error}`.
    pub fetches: Vec<(String, Datum)>,
    /// Replies in order.
    pub replies: Vec<(Target, Datum)>,
    /// What must hold.
    pub expects: Vec<Expectation>,
    /// Defaults of outputs by block type, from the declarations: what a stub leaves out.
    pub defaults: Vec<(SmolStr, Vec<(SmolStr, Datum)>)>,
    /// Secrets by name; a test has none but these.
    pub secrets: Vec<(SmolStr, Vec<u8>)>,
    /// Record the value of each part of each decision.
    pub explain: bool,
    /// Event and input are as they are given: nothing lies below them. Of a simulation, which is about one request and no test.
    pub bare: bool,
    /// Whose run it is; none: a tenant `test`.
    pub tenant: Option<TenantId>,
    /// Users that blocks find, as the record `event.user`.
    pub users: Vec<Datum>,
    /// Slugs of Actions that are off.
    pub off: Vec<SmolStr>,
}

/// What a stub or reply names. A label wins over a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One step.
    Label(SmolStr),
    /// Every block of the type that no label names.
    Type(SmolStr),
}

/// A stub.
#[derive(Clone, Debug)]
pub struct Stub {
    /// Of what.
    pub target: Target,
    /// What it does.
    pub answer: Answer,
    /// After this many milliseconds.
    pub after: u64,
}

/// What a stub does.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It gives these outputs; `user` is laid over the baseline user.
    Outputs {
        /// By name.
        outputs: Vec<(SmolStr, Datum)>,
        /// A record.
        user: Option<Datum>,
    },
    /// It fails with this text.
    Error(String),
}

/// What a test expects.
#[derive(Clone, Debug)]
pub enum Expectation {
    /// `session`, `tokens`, `allow`, `finalized`
    Outcome(SmolStr),
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
    /// `claim "tier" == value`
    Claim(SmolStr, Datum),
    /// `expect EXPR`
    Holds {
        /// A bool over `slots`.
        code: Expr,
        /// Constants of the code.
        pool: Pool,
        /// Its slots, `Source::Step` replaced by a label: see [`Path`].
        slots: Vec<(Path, Slot)>,
        /// As written.
        text: SmolStr,
    },
}

/// Where a slot of an `expect EXPR` is read, when the run has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// Below `event`.
    Event(Vec<SmolStr>),
    /// `step.LABEL`, below it.
    Step(SmolStr, Vec<SmolStr>),
    /// Below `session`.
    Session(Vec<SmolStr>),
    /// `params.NAME`.
    Param(SmolStr),
    /// `now`: when the run ended.
    Now,
}

/// How a test went.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// What was wrong, one line each; empty: it passed.
    pub failures: Vec<String>,
    /// What the run came to; none if it did not begin.
    pub outcome: Option<Outcome>,
    /// The traces of its requests, in order.
    pub traces: Vec<Trace>,
}

impl TestResult {
    /// Nothing was wrong.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}
