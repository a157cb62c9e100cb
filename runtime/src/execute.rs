//! Running: from a request to its outcome. Between waits the walk is synchronous (`walk`); where a block must wait, it
//! is awaited under its timeout and the budgets (`invoke`); the end is one commit (`finish`).

use std::sync::{Arc, OnceLock};

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use smol_str::SmolStr;
use thiserror::Error;

use crate::block::{Settled, Tokens};
use crate::engine::{Engine, Params};
use crate::event::EventError;
use crate::execute::finish::Ending;
use crate::execute::input::Submitted;
use crate::execute::walk::{Pause, walk};
use crate::host::{Claim, Host, StoreError, WaitingRun};
use crate::record::{Record, RecordError};
use crate::state::{Aal, Groups, Run, field, text_field};
use crate::tenant::TenantId;
use crate::token;
use crate::trace::{Trace, TraceEvent};
use crate::unit::Unit;

mod action;
mod apply;
mod arena;
mod config;
mod fields;
mod finish;
mod input;
mod invoke;
pub mod job;
mod slots;
mod view;
mod walk;
mod why;

pub(crate) use action::patch_metadata;

/// What a run is started with.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// The flow.
    pub flow: &'a str,
    /// The event as submitted: JSON without what only the runtime sets.
    pub event: &'a [u8],
    /// What the user submitted: a record of the flow's `input`, values as JSON gives them.
    pub input: Option<Datum>,
    /// What the runtime itself knows.
    pub known: Known,
}

/// What the runtime knows of the event before the run, from sources that the caller cannot write.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// `event.tenant`: a record.
    pub tenant: Option<Arc<Datum>>,
    /// A verified, unrevoked session that the flow is run within: its record (`session` of blocks.md).
    pub session: Option<Datum>,
    /// `event.user`: of that session; else only in tests and simulations.
    pub user: Option<Datum>,
    /// Fields of `event.authentication` beside the session's own: only in tests and simulations.
    pub authentication: Option<Datum>,
}

/// What goes along with a request and is no part of the run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Record the value of each part of each decision and condition in the trace. Slow.
    pub explain: bool,
    /// Nothing is committed: what would have to be is refused ([`StepError::NeedsRecords`]).
    pub(crate) unrecorded: bool,
    /// The answer is kept for a second call.
    pub keep: Option<Keep>,
    /// Blocks may be stubbed: tests only.
    pub(crate) stubs: bool,
}

/// How an answer is kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// For the second call under this claim.
    pub claim: Claim,
    /// The answer as it is sent.
    pub write: fn(&Told<'_>) -> Vec<u8>,
}

/// What the caller is told of a request.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// `run_...`
    pub run_id: &'a str,
    /// The outcome.
    pub outcome: &'a Outcome,
    /// As [`Answer::redirect_to`].
    pub redirect_to: Option<&'a str>,
    /// As [`Answer::result`].
    pub result: Option<&'a Datum>,
}

/// What a request of a run came to.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `run_...`
    pub run_id: SmolStr,
    /// The outcome.
    pub outcome: Outcome,
    /// Where to send the user, of an outcome that lets them in: set by an Action and checked against the allowlist, or where
    /// a client has registered that its users go when they have logged out.
    pub redirect_to: Option<String>,
    /// What `finalize` gives the caller.
    pub result: Option<Datum>,
    /// What happened.
    pub trace: Trace,
    /// The run as it was left, for tests.
    pub(crate) run: Box<Run>,
}

/// The outcomes (runtime.md section 2). There is no default: each is made in one place.
#[derive(Clone, PartialEq)]
pub enum Outcome {
    /// A session was made, and is stored.
    Session {
        /// Its record.
        session: Datum,
        /// The signed token: shown to the caller once, kept nowhere.
        token: String,
        /// How to set it as a cookie, where the flow says so: name and attributes.
        cookie: Option<Datum>,
    },
    /// Tokens were made, and their session is stored.
    Tokens {
        /// The session's record.
        session: Datum,
        /// The tokens: shown to the caller, kept nowhere in the clear.
        tokens: Tokens,
    },
    /// `allow`
    Allow,
    /// `finalize`
    Finalized,
    /// Nobody is let in.
    Deny {
        /// A constant word.
        reason: SmolStr,
        /// For the user; none: the tenant's general text.
        user_message: Option<String>,
    },
    /// The run waits for the user.
    Suspended {
        /// The prompting block.
        label: SmolStr,
        /// What to show: a record.
        challenge: Datum,
        /// Resumes the run, once.
        resume_token: String,
        /// Until when.
        expires_at: Instant,
        /// The answer was not of the form asked for, and is asked for again.
        problem: Option<String>,
    },
    /// The run failed.
    Error {
        /// Names the failure in trace and audit; says nothing of it.
        id: SmolStr,
        /// Where it failed.
        label: Option<SmolStr>,
    },
}

/// Why a request did not become a run, or the run did not go on. Nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StepError {
    /// No such flow.
    #[error("there is no flow `{0}`")]
    UnknownFlow(SmolStr),
    /// The event is refused.
    #[error("the event is refused: {0}")]
    Event(#[from] EventError),
    /// What the user submitted is refused.
    #[error("the input is refused: {0}")]
    Input(String),
    /// The resume token resumes nothing: it never did, was used, or its time is over.
    #[error("this resume token resumes no run")]
    NoRun,
    /// Somebody else resumes the run.
    #[error("the run was resumed already")]
    Taken,
    /// The stored run is refused.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The bundle that the run began with is not here.
    #[error("the bundle that the run began with is not loaded")]
    NoBundle,
    /// It would suspend, write or queue, and nothing is to be committed ([`Options::recording`]).
    #[error("this run has to be recorded, and no records are kept")]
    NeedsRecords,
    /// The store failed; the run has no outcome.
    #[error(transparent)]
    Store(StoreError),
}

/// What the engine holds while a request runs, beside the run itself.
pub(crate) struct Work<'h> {
    pub(crate) engine: &'h Engine,
    pub(crate) host: &'h dyn Host,
    pub(crate) params: &'h Params,
    pub(crate) options: Options,
    pub(crate) submitted: Submitted,
    pub(crate) trace: Trace,
    pub(crate) unit: Unit,
    /// The outcome settled so far: a session waits here until the walk has ended and the store has committed.
    pub(crate) settled: Option<Settled>,
    /// What `finalize` gives the caller.
    pub(crate) result: Option<Datum>,
    /// Monotonic time when the request began, in nanoseconds.
    pub(crate) began: u64,
    /// Which try of the present block it is, 1 first.
    pub(crate) attempt: u32,
}

impl Options {
    /// With or without explanations in the trace.
    pub fn explaining(explain: bool) -> Self {
        Self { explain, ..Self::default() }
    }

    /// With records of the run, or without: then one that would suspend, write or queue is refused
    /// ([`StepError::NeedsRecords`]).
    pub fn recording(records: bool) -> Self {
        Self { unrecorded: !records, ..Self::default() }
    }
}

impl Answer {
    /// What the caller is told of it.
    pub fn told(&self) -> Told<'_> {
        Told {
            run_id: &self.run_id,
            outcome: &self.outcome,
            redirect_to: self.redirect_to.as_deref(),
            result: self.result.as_ref(),
        }
    }
}

impl Outcome {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Session { .. } => "session",
            Self::Tokens { .. } => "tokens",
            Self::Allow => "allow",
            Self::Finalized => "finalized",
            Self::Deny { .. } => "deny",
            Self::Suspended { .. } => "suspended",
            Self::Error { .. } => "error",
        }
    }
}

/// Tokens are not for logs.
impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Session { session, .. } => {
                f.debug_struct("Session").field("session", session).finish_non_exhaustive()
            }
            Self::Tokens { session, tokens } => {
                f.debug_struct("Tokens").field("session", session).field("tokens", tokens).finish()
            }
            Self::Allow => f.write_str("Allow"),
            Self::Finalized => f.write_str("Finalized"),
            Self::Deny { reason, .. } => f.debug_tuple("Deny").field(reason).finish(),
            Self::Suspended { label, .. } => f.debug_tuple("Suspended").field(label).finish(),
            Self::Error { id, label } => f.debug_tuple("Error").field(id).field(label).finish(),
        }
    }
}

impl Engine {
    /// Starts a run and walks until it ends or suspends.
    ///
    /// # Errors
    /// If the request is refused before anything ran, or the store cannot commit.
    pub async fn start(
        &self,
        host: &dyn Host,
        tenant: &TenantId,
        params: &Params,
        start: Start<'_>,
        options: Options,
    ) -> Result<Answer, StepError> {
        let index = self.flow_index(start.flow).ok_or_else(|| StepError::UnknownFlow(start.flow.into()))?;
        let flow = self.bundle.flows.get(index).ok_or_else(|| StepError::UnknownFlow(start.flow.into()))?;
        let submitted = Submitted::of_start(start.flow, &flow.input, start.input).map_err(StepError::Input)?;
        self.count_run(index);
        let now = host.now();
        // In a box: it is handed from future to future, and is large.
        let mut run = Box::new(Run {
            id: token::run_id(host, now),
            tenant: tenant.clone(),
            flow: index,
            seq: 0,
            at: Some(flow.entry),
            event: start.event.into(),
            tree: OnceLock::new(),
            input: submitted.plain.clone(),
            results: Vec::with_capacity(flow.nodes.len()),
            groups: groups(&start.known),
            session: start.known.session,
            frames: Vec::new(),
            memory: None,
            claims: Vec::new(),
            redirect: None,
            fresh_factor: false,
        });
        let mut work = Work::new(self, host, params, options, submitted, &run, now);
        if flow.needs_session && run.session.is_none() {
            // The event is still read, so that a hostile one is refused whatever else holds.
            walk::check_event(self, &run)?;
            return finish::finish(&mut work, run, Ending::deny("not_authenticated")).await;
        }
        let ending = drive(&mut work, &mut run).await?;
        finish::finish(&mut work, run, ending).await
    }
}

/// The run that this token resumes, and the bundle that it waits for; none where it resumes none. A caller that has to fetch
/// bundles asks before [`resume`].
///
/// # Errors
/// The store failed.
pub async fn waiting_for(
    host: &dyn Host,
    tenant: &TenantId,
    resume_token: &str,
) -> Result<Option<WaitingRun>, StepError> {
    let Some(token_hash) = token::hash(resume_token) else { return Ok(None) };
    host.store().waiting_run(tenant, token_hash).await.map_err(StepError::Store)
}

/// Takes a suspended run by its token and walks on until it ends or suspends. `bundles` finds the engine of the
/// bundle that the run began with.
///
/// # Errors
/// If the token resumes nothing, the run cannot be read, or the store cannot commit.
pub async fn resume(
    bundles: &(dyn Fn([u8; 32]) -> Option<(Arc<Engine>, Params)> + Sync),
    host: &dyn Host,
    tenant: &TenantId,
    resume_token: &str,
    input: Option<Datum>,
    options: Options,
) -> Result<Answer, StepError> {
    let token_hash = token::hash(resume_token).ok_or(StepError::NoRun)?;
    let waiting = host.store().waiting_run(tenant, token_hash).await.map_err(StepError::Store)?;
    if waiting.is_some_and(|waiting| bundles(waiting.bundle).is_none()) {
        return Err(StepError::NoBundle);
    }
    let now = host.now();
    let stored = host.store().take_run(tenant, token_hash, now).await.map_err(|error| match error {
        StoreError::NotFound | StoreError::Expired => StepError::NoRun,
        StoreError::Conflict => StepError::Taken,
        StoreError::Contended | StoreError::Unavailable(_) | StoreError::Failed(_) => StepError::Store(error),
    })?;
    let Record { run, bundle, token_hash: bound, expires_at, challenge, expires_in } =
        crate::record::decode(&stored.record)?;
    let mut run = Box::new(run);
    // The row is not believed: the record itself says what it is bound to.
    let is_bound = bound == token_hash && bundle == stored.bundle && run.tenant == *tenant && *run.id == *stored.run_id;
    if !is_bound || expires_at <= now || stored.seq != run.seq.saturating_add(1) {
        return Err(StepError::NoRun);
    }
    let (engine, params) = bundles(bundle).ok_or(StepError::NoBundle)?;
    if engine.hash != bundle {
        return Err(StepError::NoBundle);
    }
    run.seq = stored.seq;
    let is_over = session_is_over(host, &engine, &run, now).await.map_err(StepError::Store)?;
    let prompt = walk::prompt_of(&engine, &run).ok_or(StepError::Record(RecordError::Damaged))?;
    let submitted = Submitted::of_answer(&prompt, input);
    let (submitted, problem) = match submitted {
        Ok(submitted) => (submitted, None),
        Err(problem) => (Submitted::default(), Some(problem)),
    };
    let mut work = Work::new(&engine, host, &params, options, submitted, &run, now);
    if is_over {
        return finish::finish(&mut work, run, Ending::deny("not_authenticated")).await;
    }
    match problem {
        None => {
            let ending = drive(&mut work, &mut run).await?;
            finish::finish(&mut work, run, ending).await
        }
        Some(problem) => {
            let memory = run.memory.take().map(|(_, memory)| memory).unwrap_or(Datum::Null);
            let prompt = crate::block::Prompt { challenge, memory, expires_in, wants: Vec::new(), takes: Vec::new() };
            let node = run.at.ok_or(StepError::Record(RecordError::Damaged))?;
            finish::finish(&mut work, run, Ending::Suspend { node, prompt, problem: Some(problem) }).await
        }
    }
}

/// A run that goes on within a session does so only while that is neither revoked nor out of its time.
async fn session_is_over(host: &dyn Host, engine: &Engine, run: &Run, now: Instant) -> Result<bool, StoreError> {
    let needs = engine.bundle.flows.get(run.flow).is_some_and(|flow| flow.needs_session);
    let Some(id) = run.session.as_ref().and_then(|session| text_field(session, "id")).filter(|_| needs) else {
        return Ok(false);
    };
    host.store().sessions().use_session(&run.tenant, id, now).await.map(|session| session.is_none())
}

/// Walks, waits, walks on.
async fn drive(work: &mut Work<'_>, run: &mut Run) -> Result<Ending, StepError> {
    let mut finished = None;
    loop {
        match walk(work, run, finished.take())? {
            Pause::Wait(invocation) => finished = Some(invoke::invoke(work, run, invocation).await),
            Pause::End(ending) => return Ok(ending),
        }
    }
}

impl<'h> Work<'h> {
    fn new(
        engine: &'h Engine,
        host: &'h dyn Host,
        params: &'h Params,
        options: Options,
        submitted: Submitted,
        run: &Run,
        now: Instant,
    ) -> Self {
        let flow = engine.bundle.flows.get(run.flow).map(|flow| engine.text(flow.name).clone()).unwrap_or_default();
        let mut trace = Trace { events: Vec::with_capacity(32) };
        trace.events.push(TraceEvent::Began { flow, seq: run.seq, at: now });
        let began = host.monotonic();
        Self {
            engine,
            host,
            params,
            options,
            submitted,
            trace,
            unit: Unit::default(),
            settled: None,
            result: None,
            began,
            attempt: 1,
        }
    }

    /// Engine time since the request began, in nanoseconds.
    pub(crate) fn elapsed(&self) -> u64 {
        self.host.monotonic().saturating_sub(self.began)
    }
}

/// The event of a run at a path, for expectations of tests.
pub(crate) fn read_event(run: &Run, path: &[SmolStr]) -> Option<Datum> {
    view::read(run, path)
}

fn groups(known: &Known) -> Groups {
    let mut groups = Groups { user: known.user.clone(), tenant: known.tenant.clone(), ..Groups::default() };
    for record in [known.session.as_ref(), known.authentication.as_ref()].into_iter().flatten() {
        if let Some(Datum::Str(word)) = field(record, "aal") {
            groups.aal = groups.aal.max(Aal::of(word).unwrap_or_default());
        }
        if let Some(Datum::List(methods)) = field(record, "methods") {
            groups.methods.clone_from(methods);
        }
    }
    if let Some(Datum::Map(entries)) = &known.authentication {
        let others = entries.iter().filter_map(|(key, value)| match key {
            Datum::Str(name) if !matches!(&**name, "aal" | "methods") => Some((SmolStr::from(&**name), value.clone())),
            _ => None,
        });
        groups.authentication.extend(others);
    }
    groups
}
