//! The queue after a run: async blocks and Actions, at least once each. What fails is tried again by later commands, after a
//! pause that grows, until it is given up and stays to be looked at.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admit_compiler::render::sanitize;
use admit_eval::value::Instant;
use admit_host::RealHost;
use admit_plan::bundle::{Bundle, NodeKind};
use admit_runtime::block::Registry;
use admit_runtime::engine::Engine;
use admit_runtime::execute::job::{JobEnd, Queued, pause_after, run_job};
use admit_runtime::host::{Host, StoreError};
use admit_runtime::message::{self, Channel, Message};
use admit_runtime::tenant::TenantId;
use admit_runtime::trace::Trace;
use admit_server::webhook;
use admit_store::{Job, JobNext, SqlStore, WEBHOOK_JOB};
use indicatif::ProgressBar;

use crate::failure::Failure;
use crate::output::note;
use crate::progress;
use crate::world;

/// Seconds that a taker has for a job before another may take it, unless it says that it still works. Short, so that
/// jobs of a killed process are taken soon.
const LEASE: u32 = 10;

/// How often a taker says that it still works.
const RENEW: Duration = Duration::from_secs(3);

/// What the queue is worked off with.
pub struct Queue<'a> {
    pub store: &'a SqlStore,
    pub host: &'a RealHost,
    pub tenant: &'a TenantId,
    /// The engine at hand.
    pub engine: &'a Arc<Engine>,
}

/// Works on it: the engines of other bundles that jobs began with, kept.
struct Worker<'a> {
    queue: &'a Queue<'a>,
    registry: Registry,
    engines: Mutex<HashMap<[u8; 32], Arc<Engine>>>,
    bar: ProgressBar,
    traces: Mutex<Vec<Trace>>,
}

/// Whether a run of this bundle may queue what needs the bundle again.
pub fn needs_bundle(bundle: &Bundle) -> bool {
    let nodes = bundle.flows.iter().flat_map(|flow| &flow.nodes);
    nodes.into_iter().any(|node| match &node.kind {
        NodeKind::Block(block) => block.is_async && block.action.is_some(),
        NodeKind::Stage { .. }
        | NodeKind::Decision { .. }
        | NodeKind::Condition { .. }
        | NodeKind::EnterFlow { .. }
        | NodeKind::LeaveFlow { .. } => false,
    })
}

impl Queue<'_> {
    /// Does all jobs that are due, some at a time; the traces of their tries.
    pub async fn drain(&self) -> Result<Vec<Trace>, Failure> {
        let open = self.store.open_jobs(self.tenant).await.map_err(fail)?;
        let worker = Worker {
            queue: self,
            registry: admit_stdlib::registry(),
            engines: Mutex::default(),
            bar: progress::bar(usize::try_from(open).unwrap_or(usize::MAX), "queued"),
            traces: Mutex::default(),
        };
        tokio::try_join!(worker.work(), worker.work(), worker.work(), worker.work())?;
        worker.bar.finish_and_clear();
        Ok(worker.traces.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Worker<'_> {
    async fn work(&self) -> Result<(), Failure> {
        let Queue { store, tenant, .. } = *self.queue;
        while let Some(job) = store.take_job(tenant, world::now(), LEASE).await.map_err(fail)? {
            if job.kind == WEBHOOK_JOB {
                match webhook::deliver(store, self.queue.host, tenant, &job).await {
                    Ok(()) | Err(StoreError::Conflict) => {}
                    Err(error) => return Err(fail(error)),
                }
                self.bar.inc(1);
                continue;
            }
            let mut end = self.one(&job).await?;
            let next = self.next(&job, &end);
            match store.end_job(tenant, (&job.key, job.attempt), &next, &end, world::now()).await {
                // Another taker has done it meanwhile.
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(fail(error)),
            }
            self.traces.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut end.trace));
            self.bar.inc(1);
        }
        Ok(())
    }

    /// Runs it, and keeps the lease while it runs.
    async fn one(&self, job: &Job) -> Result<JobEnd, Failure> {
        let Queue { store, host, tenant, .. } = *self.queue;
        let find = |hash: [u8; 32]| self.engine(hash);
        let queued = Queued { key: &job.key, kind: &job.kind, payload: &job.payload, attempt: job.attempt };
        let mut running = std::pin::pin!(run_job(&find, &self.registry, host, tenant, queued));
        loop {
            tokio::select! {
                end = &mut running => return Ok(end),
                () = tokio::time::sleep(RENEW) => {
                    match store.renew_job(tenant, (&job.key, job.attempt), world::now(), LEASE).await {
                        // Another has taken it: both go on, since it is done at least once.
                        Ok(()) | Err(StoreError::Conflict) => {}
                        Err(error) => return Err(fail(error)),
                    }
                }
            }
        }
    }

    fn next(&self, job: &Job, end: &JobEnd) -> JobNext {
        let Some(failure) = &end.failure else {
            tell(job);
            return JobNext::Done;
        };
        let why = sanitize::line(&failure.detail);
        let mut random = [0; 8];
        self.queue.host.random(&mut random);
        match pause_after(job.attempt, u64::from_le_bytes(random)).filter(|_| !failure.is_final) {
            Some(pause) => {
                note(&format!("warning: a queued step failed and stays queued: {why}\n"));
                JobNext::Again { due: later(world::now(), pause) }
            }
            None => {
                note(&format!("warning: a queued step failed and is given up: {why}\n"));
                JobNext::GivenUp { why: failure.detail.clone() }
            }
        }
    }

    fn engine(&self, hash: [u8; 32]) -> Option<Arc<Engine>> {
        let Queue { store, tenant, engine, .. } = *self.queue;
        if hash == engine.hash() {
            return Some(Arc::clone(engine));
        }
        if let Some(known) = self.engines.lock().unwrap_or_else(PoisonError::into_inner).get(&hash) {
            return Some(Arc::clone(known));
        }
        let kept = || tokio::runtime::Handle::current().block_on(store.bundle(tenant, hash));
        let found = super::load(&tokio::task::block_in_place(kept).ok()??).ok()?;
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines.insert(hash, Arc::clone(&found));
        Some(found)
    }
}

/// Says that a message has left, and of which step; not to whom.
fn tell(job: &Job) {
    if job.kind != message::KIND {
        return;
    }
    let Ok(message) = Message::decode(&job.payload) else { return };
    let what = match message.channel {
        Channel::Mail => "a mail",
        Channel::Sms => "a text message",
    };
    let (flow, label) = &message.step;
    if !message.is_decoy {
        note(&sanitize::line(&format!("sent {what} of `{label}` in `{flow}`")));
        note("\n");
    }
}

fn later(now: Instant, millis: u64) -> Instant {
    let nanos = u64::from(now.nanos) + millis % 1_000 * 1_000_000;
    let seconds = millis / 1_000 + nanos / 1_000_000_000;
    Instant {
        seconds: now.seconds.saturating_add_unsigned(seconds),
        nanos: u32::try_from(nanos % 1_000_000_000).unwrap_or(0),
    }
}

fn fail(error: StoreError) -> Failure {
    Failure::new(error.to_string())
}
