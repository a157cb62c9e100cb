//! How long an Action may run: wall time and CPU time of the worker's thread.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The deadlines of an invocation, and whether one passed. Before [`Clock::start`] and after [`Clock::stop`] there are
/// none.
#[derive(Default)]
pub(super) struct Clock {
    wall: Cell<Option<Instant>>,
    cpu: Cell<Option<Duration>>,
    over: Cell<bool>,
}

impl Clock {
    /// Starts both clocks; in milliseconds.
    pub(super) fn start(&self, wall: u64, cpu: u64) {
        self.over.set(false);
        self.wall.set(Instant::now().checked_add(Duration::from_millis(wall)));
        self.cpu.set(cpu_time().checked_add(Duration::from_millis(cpu)));
    }

    /// No deadline from now on.
    pub(super) fn stop(&self) {
        self.wall.set(None);
        self.cpu.set(None);
    }

    /// A deadline has passed. Stays so until the next start.
    pub(super) fn is_over(&self) -> bool {
        let over = self.over.get()
            || self.wall.get().is_some_and(|wall| Instant::now() >= wall)
            || self.cpu.get().is_some_and(|cpu| cpu_time() >= cpu);
        self.over.set(over);
        over
    }

    /// Ends the invocation as if a deadline had passed.
    pub(super) fn end(&self) {
        self.over.set(true);
    }

    /// Until when the host may be waited for.
    pub(super) fn deadline(&self) -> Instant {
        self.wall.get().unwrap_or_else(Instant::now)
    }

    /// A deadline was seen to have passed.
    pub(super) fn was_over(&self) -> bool {
        self.over.get()
    }
}

/// CPU time of this thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
