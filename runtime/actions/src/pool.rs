//! The pool: worker processes started ahead, each given to one tenant for its life. It implements
//! [`admit_runtime::action::Actions`].

use std::sync::{Arc, PoisonError, mpsc};
use std::time::{Duration, Instant};

use admit_runtime::action::{ActionCall, ActionError, ActionReport, Actions};
use admit_runtime::host::{BoxFuture, Host};

use crate::bucket::Rate;
use crate::process::Program;
use crate::supervise::{self, End};
use crate::wire::Limits;

mod keeper;
mod shared;
mod stats;

pub(crate) use keeper::Order;
use shared::Shared;
pub use stats::{Stats, TenantStats};

/// How long a new worker is waited for before anything runs.
const START: Duration = Duration::from_secs(15);

/// The pool.
pub struct Pool {
    shared: Arc<Shared>,
}

/// How a pool is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// What becomes a worker.
    pub program: Program,
    /// Workers at most, of all tenants together.
    pub workers: usize,
    /// Workers that wait for a tenant.
    pub spares: usize,
    /// Invocations of one tenant at once.
    pub concurrency: usize,
    /// Invocations of one tenant that may wait.
    pub queue: usize,
    /// How long one may wait.
    pub patience: Duration,
    /// A tenant's CPU time.
    pub cpu: Rate,
    /// A worker that was not used for so long goes.
    pub idle: Duration,
    /// Invocations of a worker at most; 0: without end.
    pub retire: u64,
    /// Limits of an invocation; the call says the wall time.
    pub limits: Limits,
}

/// What a pool holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Workers that live.
    pub workers: usize,
    /// Those that wait for a tenant, by process id.
    pub spares: Vec<u32>,
    /// Those that wait for the next invocation of their tenant, by its slug.
    pub idle: Vec<(String, Vec<u32>)>,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            program: Program::default(),
            workers: 64.max(4 * cores),
            spares: 2,
            concurrency: 2.max(cores / 2),
            queue: 256,
            patience: Duration::from_secs(1),
            cpu: Rate { share: 0.5, burst: Duration::from_secs(2) },
            idle: Duration::from_secs(60),
            retire: 0,
            limits: Limits::default(),
        }
    }
}

impl Options {
    /// For a program that runs the Actions of one user and then ends: nobody is to be protected from anybody.
    pub fn alone() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            concurrency: 2 * cores,
            queue: usize::MAX,
            patience: Duration::from_secs(30),
            cpu: Rate { share: 1_000.0, burst: Duration::from_secs(1_000) },
            ..Self::default()
        }
    }
}

impl Pool {
    /// Makes a pool and starts its spare workers.
    ///
    /// # Errors
    /// The thread that looks after the workers cannot be started.
    pub fn new(options: Options) -> Result<Self, std::io::Error> {
        let (orders, received) = mpsc::channel();
        let shared = Arc::new(Shared::new(options, orders));
        keeper::start(Arc::downgrade(&shared), received)?;
        shared.look();
        Ok(Self { shared })
    }

    /// Waits until a worker stands: a server that starts says so if Actions cannot run here.
    ///
    /// # Errors
    /// Why none does.
    pub async fn ready(&self) -> Result<(), ActionError> {
        let process = self.shared.fresh(Instant::now() + START).await?;
        self.shared.deliver(Ok(process));
        Ok(())
    }

    /// What it holds now.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// What it has in hand and has done, in numbers.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    async fn invoke(&self, host: &dyn Host, call: ActionCall<'_>) -> ActionReport {
        let started = Instant::now();
        let wall = Duration::from_millis(call.wall);
        let patience = wall.min(self.shared.options.patience);
        let mut lease = match self.shared.lease(call.tenant, started + patience).await {
            Ok(lease) => lease,
            Err(error) => {
                self.shared.counts.refused.add();
                return ActionReport { result: Some(Err(error)), ..ActionReport::default() };
            }
        };
        self.shared.counts.used.add();
        // Waiting is part of the wall time.
        let left = u64::try_from(wall.saturating_sub(started.elapsed()).as_millis()).unwrap_or(u64::MAX);
        let limits = Limits { wall: left.max(1), ..self.shared.options.limits };
        let mut supervised = supervise::run(&mut lease.process, host, &call, limits).await;
        lease.charge(supervised.cpu, !matches!(supervised.end, End::Healthy));
        match supervised.end {
            End::Healthy => lease.give_back(),
            End::Killed => {
                self.shared.counts.killed.add();
                drop(lease);
            }
            End::Died => {
                self.shared.counts.died.add();
                let how = lease.end().await;
                supervised.report.result = Some(Err(ActionError::Crashed(how)));
            }
        }
        supervised.report
    }
}

impl Actions for Pool {
    fn run<'a>(&'a self, host: &'a dyn Host, call: ActionCall<'a>) -> BoxFuture<'a, ActionReport> {
        Box::pin(self.invoke(host, call))
    }
}

fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
