//! What the pool's callers and its keeper share: who has which worker, who waits, who has used how much.
//!
//! No worker is dropped under a lock: dropping one kills a process.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use admit_runtime::action::ActionError;
use admit_runtime::tenant::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::keeper::Order;
use super::stats::{Counts, number};
use super::{Options, Stats, Status, TenantStats, lock};
use crate::bucket::Bucket;
use crate::process::{NoWorker, Process};

/// Invocations of a worker after which the kernel's books are compared with what was charged.
const AUDIT: u64 = 32;
/// CPU time of a worker's life, in nanoseconds: half of where the kernel ends it.
const LIFE: u64 = 300_000_000_000;

pub(super) struct Shared {
    pub options: Options,
    pub orders: mpsc::Sender<Order>,
    /// Workers that live.
    pub workers: Arc<AtomicUsize>,
    pub counts: Counts,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tenants: HashMap<TenantId, Arc<Tenant>>,
    spares: Vec<Process>,
    /// Who waits for a worker, the first first.
    waiting: VecDeque<oneshot::Sender<Result<Process, NoWorker>>>,
    /// Why there never will be one.
    refused: Option<String>,
}

struct Tenant {
    gate: Arc<Semaphore>,
    queued: AtomicUsize,
    bucket: Mutex<Bucket>,
    /// Its workers that do nothing, the one used last at the end.
    idle: Mutex<Vec<(Process, Instant)>>,
}

/// A worker for one invocation. Dropped before it is given back, it is killed.
pub(super) struct Lease {
    pub process: Process,
    shared: Arc<Shared>,
    tenant: Arc<Tenant>,
    _permit: OwnedSemaphorePermit,
}

/// A place in a tenant's queue.
struct Queued<'a>(&'a AtomicUsize);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    pub fn new(options: Options, orders: mpsc::Sender<Order>) -> Self {
        Self { options, orders, workers: Arc::default(), counts: Counts::default(), state: Mutex::default() }
    }

    /// A worker of the tenant, as soon as it may have one.
    pub async fn lease(self: &Arc<Self>, tenant: &TenantId, deadline: Instant) -> Result<Lease, ActionError> {
        let tenant = self.tenant(tenant);
        let permit = match Arc::clone(&tenant.gate).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.queue(&tenant, deadline).await?,
        };
        pay(&tenant, deadline).await?;
        let idle = lock(&tenant.idle).pop();
        let process = match idle {
            Some((process, _)) => process,
            None => self.fresh(deadline).await?,
        };
        Ok(Lease { process, shared: Arc::clone(self), tenant, _permit: permit })
    }

    /// A worker that has served nobody.
    pub async fn fresh(&self, deadline: Instant) -> Result<Process, ActionError> {
        let answer = {
            let mut state = lock(&self.state);
            if let Some(why) = &state.refused {
                return Err(no_sandbox(why));
            }
            match state.spares.pop() {
                Some(process) => Ok(process),
                None => {
                    let (sender, answer) = oneshot::channel();
                    state.waiting.push_back(sender);
                    Err(answer)
                }
            }
        };
        self.look();
        let answer = match answer {
            Ok(process) => return Ok(process),
            Err(answer) => answer,
        };
        match tokio::time::timeout_at(deadline.into(), answer).await {
            Ok(Ok(Ok(process))) => Ok(process),
            Ok(Ok(Err(NoWorker::NoSandbox(why)))) => Err(no_sandbox(&why)),
            Ok(Ok(Err(NoWorker::NotStarted(why)))) => {
                Err(ActionError::Unavailable(format!("no worker could be started: {why}")))
            }
            Ok(Err(_)) | Err(_) => Err(ActionError::Unavailable("no worker was free in time".to_owned())),
        }
    }

    /// A new worker, or why there is none, for who waits first; else it is a spare.
    pub fn deliver(&self, mut worker: Result<Process, NoWorker>) {
        let mut state = lock(&self.state);
        if let Err(why) = &worker {
            if let NoWorker::NoSandbox(why) = why {
                state.refused = Some(why.clone());
            }
            let waiting = std::mem::take(&mut state.waiting);
            drop(state);
            for sender in waiting {
                let _ = sender.send(Err(why.clone()));
            }
            return;
        }
        while let Some(sender) = state.waiting.pop_front() {
            match sender.send(worker) {
                Ok(()) => return,
                // It has given up.
                Err(back) => worker = back,
            }
        }
        if let Ok(process) = worker {
            state.spares.push(process);
        }
    }

    /// Asks the keeper to see what is to do.
    pub fn look(&self) {
        let _ = self.orders.send(Order::Look);
    }

    /// Whether a worker is to be started. Where all places are taken and somebody waits, an idle one goes first.
    pub fn wants_worker(&self) -> bool {
        let (waits, spares) = {
            let mut state = lock(&self.state);
            if state.refused.is_some() {
                return false;
            }
            state.waiting.retain(|sender| !sender.is_closed());
            (!state.waiting.is_empty(), state.spares.len())
        };
        if self.workers.load(Ordering::Relaxed) < self.options.workers {
            return waits || spares < self.options.spares;
        }
        waits && self.oldest().is_some()
    }

    /// Lets go of workers that were not used for long, and forgets tenants of whom nothing is to be remembered.
    pub fn sweep(&self) {
        let now = Instant::now();
        let mut gone = Vec::new();
        let mut state = lock(&self.state);
        state.tenants.retain(|_, tenant| {
            let mut idle = lock(&tenant.idle);
            let used = idle.partition_point(|(_, since)| now.duration_since(*since) > self.options.idle);
            gone.extend(idle.drain(..used));
            !idle.is_empty() || Arc::strong_count(tenant) > 1 || !lock(&tenant.bucket).is_full(now)
        });
        drop(state);
        drop(gone);
    }

    pub fn status(&self) -> Status {
        let state = lock(&self.state);
        let ids = |tenant: &Tenant| lock(&tenant.idle).iter().filter_map(|(process, _)| process.id()).collect();
        let mut idle: Vec<_> = state.tenants.iter().map(|(name, tenant)| (name.to_string(), ids(tenant))).collect();
        idle.sort();
        Status {
            workers: self.workers.load(Ordering::Relaxed),
            spares: state.spares.iter().filter_map(Process::id).collect(),
            idle,
        }
    }

    pub fn stats(&self) -> Stats {
        let state = lock(&self.state);
        let of = |(id, tenant): (&TenantId, &Arc<Tenant>)| TenantStats {
            tenant: id.clone(),
            running: number(self.options.concurrency.saturating_sub(tenant.gate.available_permits())),
            queued: number(tenant.queued.load(Ordering::Relaxed)),
            idle_worlds: number(lock(&tenant.idle).len()),
        };
        let mut tenants: Vec<_> = state.tenants.iter().map(of).collect();
        let spare_worlds = number(state.spares.len());
        drop(state);
        tenants.sort_by(|left, right| left.tenant.cmp(&right.tenant));
        let counts = &self.counts;
        Stats {
            workers: number(self.workers.load(Ordering::Relaxed)),
            spare_worlds,
            idle_worlds: tenants.iter().map(|tenant| tenant.idle_worlds).sum(),
            started: counts.started.get(),
            used: counts.used.get(),
            killed: counts.killed.get(),
            died: counts.died.get(),
            refused: counts.refused.get(),
            tenants,
        }
    }

    fn tenant(&self, id: &TenantId) -> Arc<Tenant> {
        let mut state = lock(&self.state);
        if let Some(tenant) = state.tenants.get(id) {
            return Arc::clone(tenant);
        }
        let tenant = Arc::new(Tenant {
            gate: Arc::new(Semaphore::new(self.options.concurrency)),
            queued: AtomicUsize::new(0),
            bucket: Mutex::new(Bucket::new(self.options.cpu, Instant::now())),
            idle: Mutex::default(),
        });
        state.tenants.insert(id.clone(), Arc::clone(&tenant));
        tenant
    }

    async fn queue(&self, tenant: &Tenant, deadline: Instant) -> Result<OwnedSemaphorePermit, ActionError> {
        let before = tenant.queued.fetch_add(1, Ordering::Relaxed);
        let _queued = Queued(&tenant.queued);
        let busy = || ActionError::Unavailable("too many actions of this tenant run or wait".to_owned());
        if before >= self.options.queue {
            return Err(busy());
        }
        let permit = tokio::time::timeout_at(deadline.into(), Arc::clone(&tenant.gate).acquire_owned()).await;
        permit.ok().and_then(Result::ok).ok_or_else(busy)
    }

    /// The worker that was not used for longest, now the caller's.
    fn oldest(&self) -> Option<Process> {
        let tenants: Vec<_> = lock(&self.state).tenants.values().cloned().collect();
        let since = |tenant: &Arc<Tenant>| lock(&tenant.idle).first().map(|(_, since)| *since);
        let tenant = tenants.iter().filter(|tenant| since(tenant).is_some()).min_by_key(|tenant| since(tenant))?;
        let mut idle = lock(&tenant.idle);
        (!idle.is_empty()).then(|| idle.remove(0).0)
    }
}

impl Lease {
    /// Charges the tenant for the invocation; now and then, and where it ended badly, by the kernel's books, which count
    /// the worker's start and the preparation of its worlds too.
    pub fn charge(&mut self, cpu: u64, ended_badly: bool) {
        let process = &mut self.process;
        process.charged = process.charged.saturating_add(cpu);
        let mut owed = cpu;
        if (ended_badly || process.runs.is_multiple_of(AUDIT))
            && let Some(total) = process.cpu()
            && total > process.charged
        {
            owed = owed.saturating_add(total - process.charged);
            process.charged = total;
        }
        lock(&self.tenant.bucket).draw(owed, Instant::now());
    }

    /// The worker waits for the tenant's next invocation, unless it has done its part.
    pub fn give_back(self) {
        let Self { process, shared, tenant, _permit } = self;
        let retire = shared.options.retire;
        if process.charged > LIFE || retire != 0 && process.runs >= retire {
            return;
        }
        lock(&tenant.idle).push((process, Instant::now()));
        if !lock(&shared.state).waiting.is_empty() {
            shared.look();
        }
    }

    /// Kills the worker and says how it ended.
    pub async fn end(self) -> String {
        self.process.end().await
    }
}

/// Waits until the tenant has CPU time left.
async fn pay(tenant: &Tenant, deadline: Instant) -> Result<(), ActionError> {
    loop {
        let now = Instant::now();
        let wait = lock(&tenant.bucket).wait(now);
        if wait == Duration::ZERO {
            return Ok(());
        }
        if now + wait > deadline {
            return Err(ActionError::Unavailable("the actions of this tenant have used up their cpu time".to_owned()));
        }
        tokio::time::sleep(wait).await;
    }
}

fn no_sandbox(why: &str) -> ActionError {
    ActionError::Unavailable(format!("actions do not run here, because their sandbox does not stand: {why}"))
}
