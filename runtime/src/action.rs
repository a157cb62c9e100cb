//! Actions, as the engine sees them: code to run in a sandbox with limits, and what it wants done. Who runs them (worker
//! processes, security.md decision 1) stands behind [`Actions`].

use std::future::ready;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use thiserror::Error;

use crate::block::{Block, BlockError, Call, Done};
use crate::host::{BoxFuture, Host};
use crate::tenant::TenantId;
use crate::trace::Level;

mod redact;

pub use redact::{PERSONAL, Revealed};

/// Who runs Actions.
pub trait Actions: Send + Sync {
    /// Runs one once, in a world of its own. `api.fetch`, `api.secrets` and `api.rateLimit` go through `host`. Dropping
    /// the future stops the Action.
    fn run<'a>(&'a self, host: &'a dyn Host, call: ActionCall<'a>) -> BoxFuture<'a, ActionReport>;
}

/// What an invocation gets. It gets nothing else.
#[derive(Clone)]
pub struct ActionCall<'a> {
    /// Whose: a worker serves one tenant for its life.
    pub tenant: &'a TenantId,
    /// Slug and version, for messages and stacks: `tag@1.2.0`.
    pub name: &'a str,
    /// Its modules, the entry first, and their hash.
    pub action: &'a admit_plan::bundle::Action,
    /// Source maps of the modules (version 3, JSON), in their order; empty where there are none.
    pub maps: &'a [Option<String>],
    /// The input as a JSON object: `trigger`, `context`, `event`, `step`, `config`.
    pub input: &'a str,
    /// Hosts that `api.fetch` may call.
    pub fetch: &'a [&'a str],
    /// Claims that it may set.
    pub claims: &'a [&'a str],
    /// Secrets that it may read.
    pub secrets: &'a [&'a str],
    /// It may demand a second factor here.
    pub may_demand_mfa: bool,
    /// Wall time, in milliseconds: the least of its budget, the step's timeout and what the run has left.
    pub wall: u64,
    /// The clock: stands still while code runs, moves at each awaited host call.
    pub now: Instant,
    /// Where the secrets that it gets are noted, so that what it says is told without them.
    pub revealed: &'a Revealed,
    /// Sent with `api.fetch` as `Idempotency-Key`, numbered by fetch, unless the Action sets one itself: the same at every
    /// try of this step of this run.
    pub idempotency_key: &'a str,
}

/// How an invocation went. Logs are kept whatever came of it; effects only where it ended well.
#[derive(Clone, Debug, Default)]
pub struct ActionReport {
    /// What it wants done; or why it failed.
    pub result: Option<Result<ActionEffects, ActionError>>,
    /// What it wrote to the log, in order, within limits.
    pub logs: Vec<(Level, String)>,
    /// Calls of `api.fetch` that were let out.
    pub fetches: u32,
    /// CPU time in the worker, in nanoseconds.
    pub cpu: u64,
}

/// What an Action that ended well wants done. Nothing of it is checked against the declaration yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActionEffects {
    /// How the walk goes on.
    pub verdict: Verdict,
    /// `api.state.set`, the last of each key.
    pub state: Vec<(String, Datum)>,
    /// Claims for the token, the last of each name.
    pub claims: Vec<(String, Datum)>,
    /// Merge patches (RFC 7396) of the user's `app_metadata`, in order.
    pub app_metadata: Vec<Datum>,
    /// Where to redirect after success.
    pub redirect: Option<String>,
    /// A second factor is demanded.
    pub demand_mfa: bool,
}

/// What becomes of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    #[default]
    Continue,
    /// `api.deny`: the reason goes to audit, the user sees the generic text.
    Deny {
        /// Free text of the Action.
        reason: String,
    },
    /// `{ kind: "block" }`: the code becomes the reason, the reason the user's message.
    Block {
        /// A word; `blocked` where it gave none.
        code: String,
        /// For the user.
        reason: Option<String>,
    },
}

/// Why an invocation failed. For trace and audit, never for the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ActionError {
    /// It threw, or its promise was rejected.
    #[error("{message}")]
    Threw {
        /// Name and message of what was thrown.
        message: String,
        /// Where, one place a line, in terms of the source.
        stack: String,
    },
    /// Wall or CPU time ran out.
    #[error("no end within {0} ms")]
    TimedOut(u64),
    /// Memory ran out.
    #[error("out of memory: more than {0} MiB")]
    OutOfMemory(u64),
    /// What it gave back is larger than it may be.
    #[error("{0}")]
    TooMuch(String),
    /// What it gave back makes no sense: `{ kind: "what" }`.
    #[error("{0}")]
    Invalid(String),
    /// Its worker died.
    #[error("the worker ended: {0}")]
    Crashed(String),
    /// No sandbox here, or no free worker in time.
    #[error("{0}")]
    Unavailable(String),
}

/// Runs one, and takes the secrets that it was given, and what is personal in its event, out of what it says.
pub(crate) async fn run(actions: &dyn Actions, host: &dyn Host, call: ActionCall<'_>) -> ActionReport {
    let (revealed, input) = (call.revealed, call.input);
    let mut report = actions.run(host, call).await;
    revealed.redact(&mut report);
    Revealed::redact_personal(&mut report, input);
    report
}

/// The block `run_custom_action`: hands the call to whoever runs Actions. What comes of it is the engine's to check.
pub(crate) struct RunAction;

impl RunAction {
    /// Its name in plans.
    pub(crate) const NAME: &'static str = "run_custom_action";
}

impl Block for RunAction {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        let unavailable = |text: &str| {
            let error = ActionError::Unavailable(text.to_owned());
            Ok(Done::Acted(ActionReport { result: Some(Err(error)), ..ActionReport::default() }))
        };
        match (call.host.actions(), call.action) {
            (Some(actions), Some(action)) => {
                let host = call.host;
                Box::pin(async move { Ok(Done::Acted(run(actions, host, action).await)) })
            }
            (None, _) => Box::pin(ready(unavailable("this host runs no Actions"))),
            (_, None) => Box::pin(ready(unavailable("the plan names no Action"))),
        }
    }
}
