//! What a pool has in hand and has done, in numbers: for metrics. To ask takes two locks and no system call.

use std::sync::atomic::{AtomicU64, Ordering};

use admit_runtime::tenant::TenantId;

/// Numbers of a pool, as they stand now. Counts go up for as long as the pool lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Workers that live.
    pub workers: u64,
    /// Those that wait for a tenant: a world each, prepared.
    pub spare_worlds: u64,
    /// Those that wait for the next invocation of their tenant: a world each, put back.
    pub idle_worlds: u64,
    /// Count of workers that were started.
    pub started: u64,
    /// Count of worlds that were used: invocations that got a worker.
    pub used: u64,
    /// Count of workers that the host killed during an invocation: it was late, or what it said made no sense.
    pub killed: u64,
    /// Count of workers that died during an invocation: by a limit of the process, the sandbox, or a fault of the engine.
    pub died: u64,
    /// Count of invocations that got no worker: too many of their tenant ran or waited, or its CPU time was used up, or
    /// none could be had.
    pub refused: u64,
    /// Of each tenant that the pool remembers, by its slug in order.
    pub tenants: Vec<TenantStats>,
}

/// Numbers of one tenant, as they stand now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantStats {
    /// Whose.
    pub tenant: TenantId,
    /// Invocations that run.
    pub running: u64,
    /// Invocations that wait for one of those to end.
    pub queued: u64,
    /// Worlds that wait for its next invocation.
    pub idle_worlds: u64,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub started: Count,
    pub used: Count,
    pub killed: Count,
    pub died: Count,
    pub refused: Count,
}

/// A number that goes up.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many, as metrics have it.
pub(super) fn number(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
