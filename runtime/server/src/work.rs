//! The queue of every tenant, worked off by each node: whoever leases a job does it. A tenant whose jobs are slow takes its own few
//! places and nobody else's.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admit_host::RealHost;
use admit_runtime::execute::job::{JobEnd, Queued, bundle_of, pause_after, run_job};
use admit_runtime::host::{Host as _, StoreError};
use admit_runtime::tenant::TenantId;
use admit_store::{Job, JobNext, WEBHOOK_JOB};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::api::Server;
use crate::webhook::{deliver, later};

/// How often the queue is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Seconds that a taker has for a job before another may take it, unless it says that it still works. Short, so that jobs of a
/// killed process are taken soon.
const LEASE: u32 = 10;
/// How often a taker says that it still works.
const RENEW: Duration = Duration::from_secs(3);
/// Jobs at once, and of one tenant.
const MOST: usize = 32;
const MOST_OF_ONE: usize = 4;
/// Tenants that one look begins with.
const TENANTS: u32 = 64;
/// A longer pause where the store does not answer.
const AWAY: Duration = Duration::from_secs(2);

/// Who works now.
#[derive(Default)]
struct Busy(Mutex<HashSet<TenantId>>);

impl Server {
    /// Works until it is told to stop; then what was begun ends.
    pub async fn work(self: Arc<Self>, stop: Arc<Notify>) {
        let (places, busy) = (Arc::new(Semaphore::new(MOST)), Arc::new(Busy::default()));
        let mut running = JoinSet::new();
        let mut was_away = false;
        loop {
            let pause = match self.look(&places, &busy, &mut running).await {
                Ok(()) => {
                    was_away = false;
                    LOOK
                }
                Err(error) => {
                    // Once, until it answers again.
                    if !std::mem::replace(&mut was_away, true) {
                        tracing::warn!(problem = error.to_string().as_str(), "the queue waits");
                    }
                    AWAY
                }
            };
            while running.try_join_next().is_some() {}
            tokio::select! {
                () = stop.notified() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        places.close();
        while running.join_next().await.is_some() {}
    }

    /// One look: what webhooks have to be told is queued, and whoever has jobs and nobody at work gets somebody.
    async fn look(
        self: &Arc<Self>,
        places: &Arc<Semaphore>,
        busy: &Arc<Busy>,
        running: &mut JoinSet<()>,
    ) -> Result<(), StoreError> {
        let store = &self.parts().store;
        let now = self.host().now();
        for tenant in store.tenants_with_news().await? {
            store.queue_deliveries(&tenant, now).await?;
        }
        for tenant in store.tenants_with_jobs(now, TENANTS).await? {
            if !busy.begin(&tenant) {
                continue;
            }
            let (server, places, busy) = (Arc::clone(self), Arc::clone(places), Arc::clone(busy));
            running.spawn(async move {
                let _end = End(&busy, &tenant);
                server.drain(&tenant, &places).await;
            });
        }
        Ok(())
    }

    /// Does the jobs of one tenant that are due, a few at a time.
    async fn drain(self: &Arc<Self>, tenant: &TenantId, places: &Arc<Semaphore>) {
        let mut takers = JoinSet::new();
        for _ in 0..MOST_OF_ONE {
            let (server, tenant, places) = (Arc::clone(self), tenant.clone(), Arc::clone(places));
            takers.spawn(async move {
                // Closed when the server stops: nothing new is begun then.
                while let Ok(_place) = places.acquire().await {
                    match server.one(&tenant).await {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(error) => {
                            let problem = error.to_string();
                            tracing::warn!(tenant = tenant.as_str(), problem = problem.as_str(), "a job waits");
                            break;
                        }
                    }
                }
            });
        }
        while takers.join_next().await.is_some() {}
    }

    /// Does the job that is due first. False where there is none.
    async fn one(self: &Arc<Self>, tenant: &TenantId) -> Result<bool, StoreError> {
        let store = &self.parts().store;
        let Some(job) = store.take_job(tenant, self.host().now(), LEASE).await? else { return Ok(false) };
        let end = if job.kind == WEBHOOK_JOB {
            self.lease(tenant, &job, deliver(store, self.host(), tenant, &job)).await?
        } else {
            let end = self.lease(tenant, &job, self.run_job(tenant, &job)).await?;
            let next = self.next(tenant, &job, &end);
            store.end_job(tenant, (&job.key, job.attempt), &next, &end, self.host().now()).await
        };
        match end {
            // Another taker has done it meanwhile.
            Ok(()) | Err(StoreError::Conflict) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Keeps the lease while it runs.
    async fn lease<T>(&self, tenant: &TenantId, job: &Job, work: impl Future<Output = T>) -> Result<T, StoreError> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                end = &mut work => return Ok(end),
                () = tokio::time::sleep(RENEW) => {
                    let renewed = self.parts().store.renew_job(tenant, (&job.key, job.attempt), self.host().now(), LEASE).await;
                    match renewed {
                        // Another has taken it: both go on, since it is done at least once.
                        Ok(()) | Err(StoreError::Conflict) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }

    async fn run_job(&self, tenant: &TenantId, job: &Job) -> JobEnd {
        // As the tenant is set up now: where its messages leave, and which Actions are off.
        let set_up = match self.tenancy(tenant).await {
            Ok(tenancy) => tenancy.host().map(|host| (Arc::clone(&tenancy), Arc::clone(host))),
            Err(problem) => Err(problem),
        };
        let (tenancy, host) = match set_up {
            Ok(set_up) => set_up,
            Err(problem) => return JobEnd::waits(problem.detail()),
        };
        // Found before: the engine asks for it where it cannot wait.
        let pinned = match bundle_of(&job.kind, &job.payload) {
            Some(hash) => self.loaded(&tenancy, hash).await.ok(),
            None => None,
        };
        let find = |hash: [u8; 32]| {
            let loaded = pinned.as_ref().filter(|loaded| loaded.engine.hash() == hash)?;
            Some(Arc::clone(&loaded.engine))
        };
        let queued = Queued { key: &job.key, kind: &job.kind, payload: &job.payload, attempt: job.attempt };
        run_job(&find, &self.parts().registry, &*host, tenant, queued).await
    }

    fn next(&self, tenant: &TenantId, job: &Job, end: &JobEnd) -> JobNext {
        let Some(failure) = &end.failure else { return JobNext::Done };
        let mut random = [0; 8];
        self.host().random(&mut random);
        let pause = pause_after(job.attempt, u64::from_le_bytes(random)).filter(|_| !failure.is_final);
        let (tenant, kind, attempt) = (tenant.as_str(), job.kind.as_str(), job.attempt);
        match pause {
            Some(pause) => {
                tracing::info!(tenant, job = job.key.as_str(), kind, attempt, "a queued step failed and stays queued");
                JobNext::Again { due: later(self.host().now(), pause) }
            }
            None => {
                tracing::warn!(tenant, job = job.key.as_str(), kind, attempt, "a queued step failed and is given up");
                JobNext::GivenUp { why: failure.detail.clone() }
            }
        }
    }

    fn host(&self) -> &RealHost {
        &self.parts().host
    }
}

impl Busy {
    /// False where somebody works for the tenant already.
    fn begin(&self, tenant: &TenantId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone())
    }
}

/// Somebody works for the tenant until this is dropped.
struct End<'a>(&'a Busy, &'a TenantId);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(self.1);
    }
}
