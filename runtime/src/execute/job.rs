//! What is `async`: queued in the unit of work when the walk passes it, its config evaluated and the event as it stands
//! then; run from the queue after the commit, at least once, whatever becomes of the run.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, OnceLock};

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::bundle::{BlockNode, Node, NodeId};
use admit_plan::text::Text;
use admit_plan::types::Type;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::block::{Call, Done, Registry};
use crate::engine::Engine;
use crate::execute::action::{Given, idempotency_key};
use crate::execute::apply::block_name;
use crate::execute::config::{Config, Part, reveal};
use crate::execute::invoke::{Miss, failed};
use crate::execute::view::View;
use crate::host::Host;
use crate::record::PackedGroups;
use crate::record::packed::Packed;
use crate::state::{Run, text_field};
use crate::tenant::TenantId;
use crate::texts::Written;
use crate::trace::{BlockEnd, Trace, TraceEvent};
use crate::unit::{Unit, Write};

mod action;
pub mod logout;
mod message;

/// Names the handler of these jobs in the queue.
pub const KIND: &str = "block";

/// Most tries of a job; then it is given up, and stays in the queue to be looked at.
pub const MOST_TRIES: u32 = 16;

/// Longest pause between tries, in milliseconds.
const LONGEST_PAUSE: u64 = 60 * 60 * 1000;

const VERSION: u8 = 3;

/// A job as the queue hands it out.
#[derive(Clone, Copy, Debug)]
pub struct Queued<'a> {
    /// Its idempotency key: the same at every try.
    pub key: &'a str,
    /// What kind of job: [`KIND`], [`logout::KIND`], [`crate::message::KIND`].
    pub kind: &'a str,
    /// As it was enqueued.
    pub payload: &'a [u8],
    /// Which try this is, 1 first.
    pub attempt: u32,
}

/// How a try of a job ended.
#[derive(Debug, Default)]
pub struct JobEnd {
    /// What is committed with its end: of a try that failed, only audit.
    pub unit: Unit,
    /// What happened.
    pub trace: Trace,
    /// Whose run it was, where that is known.
    pub user_id: Option<String>,
    /// Why it failed.
    pub failure: Option<JobFailure>,
}

/// Why a try of a job failed, for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFailure {
    /// What happened.
    pub detail: String,
    /// Every further try would fail as this one did.
    pub is_final: bool,
}

/// A queued step. Secrets are names in it; they are fetched when it runs.
#[derive(Serialize, Deserialize)]
struct Job {
    version: u8,
    run_id: SmolStr,
    flow: SmolStr,
    label: SmolStr,
    user_id: Option<SmolStr>,
    timeout: u64,
    config: Packed,
    secrets: Vec<(String, Vec<Part>)>,
    now: Instant,
    what: What,
}

/// What runs.
#[derive(Serialize, Deserialize)]
enum What {
    /// A block, by name, with the event as it stood.
    Block {
        block: SmolStr,
        types: Vec<(String, Type)>,
        event: Vec<u8>,
        input: Vec<(SmolStr, Packed)>,
        groups: PackedGroups,
        /// The text of messages that its config names, in every language.
        texts: Vec<Text>,
    },
    /// An Action of the bundle that the run began with, so that it finishes on the version it began with.
    Action { bundle: [u8; 32], flow: u32, node: NodeId, event: String, step: String },
}

/// What a job runs with.
struct World<'a> {
    bundles: &'a (dyn Fn([u8; 32]) -> Option<Arc<Engine>> + Sync),
    registry: &'a Registry,
    host: &'a dyn Host,
    tenant: &'a TenantId,
}

/// How long to wait after a try that failed, in milliseconds: twice as long each time, up to an hour, less a random part of
/// up to half of it, so that jobs that failed together do not come back together. None: no further try.
pub fn pause_after(attempt: u32, random: u64) -> Option<u64> {
    if attempt >= MOST_TRIES {
        return None;
    }
    let whole = 1_000_u64.saturating_mul(1 << attempt.saturating_sub(1).min(32)).min(LONGEST_PAUSE);
    Some(whole - random % (whole / 2 + 1))
}

/// The write that queues a block or an Action.
pub(super) fn enqueue(
    engine: &Engine,
    run: &Run,
    (id, node): (NodeId, &Node),
    block: &BlockNode,
    config: Config,
    now: Instant,
) -> Result<Write, String> {
    let flow = engine.bundle.flows.get(run.flow).map(|flow| engine.text(flow.name).clone());
    let label = engine.text(node.label).clone();
    let what = match block.action.as_deref() {
        Some(_) => {
            let Given { event, step } = Given::of(engine, run, id)?;
            What::Action { bundle: engine.hash, flow: run.flow as u32, node: id, event, step }
        }
        None => What::Block {
            block: block_name(engine, block).cloned().unwrap_or_default(),
            types: config.types,
            event: run.event.to_vec(),
            input: run.input.iter().map(|(name, value)| (name.clone(), Packed(value.clone()))).collect(),
            groups: PackedGroups::from(&run.groups),
            texts: texts_of(engine, &config.record),
        },
    };
    let job = Job {
        version: VERSION,
        run_id: run.id.clone(),
        flow: flow.unwrap_or_default(),
        label: label.clone(),
        user_id: run.user_id().map(SmolStr::from),
        timeout: block.timeout,
        config: Packed(config.record),
        secrets: config.secrets,
        now,
        what,
    };
    let payload = postcard::to_stdvec(&job).map_err(|error| error.to_string())?;
    Ok(Write::Enqueue { key: idempotency_key(&run.id, &label, id), kind: KIND.to_owned(), payload })
}

/// Runs a queued step once. The queue decides on further tries. `bundles` finds the engine of the bundle that the run
/// began with.
pub async fn run_job(
    bundles: &(dyn Fn([u8; 32]) -> Option<Arc<Engine>> + Sync),
    registry: &Registry,
    host: &dyn Host,
    tenant: &TenantId,
    queued: Queued<'_>,
) -> JobEnd {
    match queued.kind {
        KIND => {}
        logout::KIND => return logout::run(host, tenant, queued).await,
        crate::message::KIND => return message::run(host, tenant, queued).await,
        other => return JobEnd::damaged(format!("there is no kind of job `{}`", other.escape_default())),
    }
    let job: Job = match decode(queued.payload) {
        Ok(job) => job,
        Err(detail) => return JobEnd::damaged(detail),
    };
    let world = World { bundles, registry, host, tenant };
    let began = host.monotonic();
    let mut end = JobEnd { user_id: job.user_id.as_ref().map(ToString::to_string), ..JobEnd::default() };
    let began_at = TraceEvent::Began { flow: job.flow.clone(), seq: 0, at: host.now() };
    let name = match &job.what {
        What::Block { block, .. } => block.clone(),
        What::Action { .. } => crate::action::RunAction::NAME.into(),
    };
    let started = TraceEvent::Started { label: job.label.clone(), block: name, now: Some(job.now) };
    end.trace.events.extend([began_at, started]);
    let result = match &job.what {
        What::Block { .. } => run_block(&world, &job, &mut end).await,
        What::Action { .. } => action::run(&world, &job, queued, &mut end).await,
    };
    let nanos = host.monotonic().saturating_sub(began);
    end.ended(job.label.clone(), nanos, result, job.timeout);
    end
}

impl JobEnd {
    /// Of a try that could not begin, for now.
    pub fn waits(why: &str) -> Self {
        let failure = JobFailure { detail: why.to_owned(), is_final: false };
        Self { failure: Some(failure), ..Self::default() }
    }

    /// Of a job that cannot be read: it does not mend itself.
    fn damaged(detail: String) -> Self {
        Self { failure: Some(JobFailure { detail, is_final: true }), ..Self::default() }
    }

    /// How the try ended; of one that failed, no write is left.
    fn ended(&mut self, label: SmolStr, nanos: u64, result: Result<(), Miss>, limit: u64) {
        let how = match result {
            Ok(()) => BlockEnd::Output(Arc::new(Packed(Datum::Map(Vec::new())))),
            Err(miss) => {
                let (detail, is_final) = match miss {
                    Miss::Failed(detail) => (detail, false),
                    Miss::FailedForGood(detail) | Miss::Undeclared(detail) => (detail, true),
                    Miss::OutOfBudget(_) => (format!("no end within {limit} ms"), false),
                };
                self.unit.writes.clear();
                self.failure = Some(JobFailure { detail: detail.clone(), is_final });
                BlockEnd::Failed(detail)
            }
        };
        self.trace.events.push(TraceEvent::Ended { label, nanos, end: how });
    }
}

async fn run_block(world: &World<'_>, job: &Job, end: &mut JobEnd) -> Result<(), Miss> {
    let What::Block { block, types, event, input, groups, texts } = &job.what else { return Ok(()) };
    let damaged = || Miss::FailedForGood("the job is damaged".to_owned());
    let errors = world.registry.errors(block);
    let block = world.registry.get(block).ok_or_else(|| Miss::Failed(format!("there is no block `{block}`")))?;
    let run = Run {
        id: job.run_id.clone(),
        tenant: world.tenant.clone(),
        flow: 0,
        seq: 0,
        at: None,
        event: event.as_slice().into(),
        tree: OnceLock::new(),
        input: input.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect(),
        results: Vec::new(),
        groups: groups.clone().unpack().ok_or_else(damaged)?,
        session: None,
        frames: Vec::new(),
        memory: None,
        claims: Vec::new(),
        redirect: None,
        fresh_factor: false,
    };
    let unit = &mut end.unit;
    let attempt = AssertUnwindSafe(async {
        let secrets = reveal(world.host, world.tenant, &job.secrets).await?;
        let call = Call {
            tenant: world.tenant,
            host: world.host,
            now: job.now,
            run_id: &job.run_id,
            flow: &job.flow,
            label: &job.label,
            config: &job.config.0,
            secrets: &secrets,
            types,
            event: &View { run: &run },
            input: None,
            memory: None,
            unit,
            time_left: job.timeout,
            action: None,
            session: None,
            claims: &[],
            texts: &Written(texts),
        };
        block.run(call).await.map_err(|error| failed(error, errors))
    })
    .catch_unwind();
    let limit = world.host.sleep(job.timeout.saturating_mul(1_000_000));
    let done = match select(pin!(attempt), limit).await {
        Either::Left((Ok(done), _)) => done?,
        Either::Left((Err(_), _)) => return Err(Miss::Failed("the block panicked".to_owned())),
        Either::Right(((), _)) => return Err(Miss::OutOfBudget(None)),
    };
    match done {
        // Nobody reads its outputs.
        Done::Output(_) | Done::Stubbed(_) => Ok(()),
        Done::Prompt(_) | Done::Deny { .. } | Done::Settle(_) | Done::Acted(_) => {
            Err(Miss::FailedForGood("a queued block may only do its work".to_owned()))
        }
    }
}

/// The text that the config names, so that the job needs no bundle.
fn texts_of(engine: &Engine, config: &Datum) -> Vec<Text> {
    let Some(name) = text_field(config, "template") else { return Vec::new() };
    engine.bundle.texts.iter().filter(|text| text.name == name).cloned().collect()
}

fn decode(payload: &[u8]) -> Result<Job, String> {
    match payload.first() {
        Some(&VERSION) => postcard::from_bytes(payload).map_err(|_| "the job is damaged".to_owned()),
        Some(version) => Err(format!("the job has version {version}, this is version {VERSION}")),
        None => Err("the job is damaged".to_owned()),
    }
}

/// Nothing of a config's value is shown: it may hold personal data.
impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("run_id", &self.run_id).field("label", &self.label).finish_non_exhaustive()
    }
}

/// The bundle that a job needs to run: that which its run began with. None where it needs none.
pub fn bundle_of(kind: &str, payload: &[u8]) -> Option<[u8; 32]> {
    let job: Job = if kind == KIND { decode(payload).ok()? } else { return None };
    match job.what {
        What::Action { bundle, .. } => Some(bundle),
        What::Block { .. } => None,
    }
}

/// The label of a queued Action; none where something else is queued.
pub(crate) fn action_of(payload: &[u8]) -> Option<SmolStr> {
    let job: Job = decode(payload).ok()?;
    match job.what {
        What::Action { .. } => Some(job.label),
        What::Block { .. } => None,
    }
}

/// Reads the config back for tests of what was queued.
///
/// # Errors
/// If the job is damaged.
pub fn config_of(payload: &[u8]) -> Result<Datum, String> {
    Ok(decode(payload)?.config.0)
}
