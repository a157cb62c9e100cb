//! When a flow is worth compiling: cold flows are interpreted, hot ones get machine code off the request path.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::when::jit::Compiled;

/// Runs after which a flow is hot: compiling costs what some hundred interpreted decisions do.
pub const HOT_AFTER: u32 = 100;

/// Flows of this process that got machine code, and the nanoseconds that making it took.
static COMPILED: (AtomicU64, AtomicU64) = (AtomicU64::new(0), AtomicU64::new(0));

/// How many flows of this process got machine code so far, and how long making it took in all: for metrics.
pub fn compiled() -> (u64, Duration) {
    (COMPILED.0.load(Ordering::Relaxed), Duration::from_nanos(COMPILED.1.load(Ordering::Relaxed)))
}

/// One more has.
pub(crate) fn count_compiled(took: Duration) {
    COMPILED.0.fetch_add(1, Ordering::Relaxed);
    COMPILED.1.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// Counts the runs of one flow, and holds its machine code once that is there.
#[derive(Debug)]
pub struct Heat {
    runs: AtomicU32,
    hot_after: u32,
    code: OnceLock<Arc<Compiled>>,
}

impl Default for Heat {
    fn default() -> Self {
        Self::new(HOT_AFTER)
    }
}

impl Heat {
    /// A flow that is hot after this many runs; 0: from the first.
    pub fn new(hot_after: u32) -> Self {
        Self { runs: AtomicU32::new(0), hot_after, code: OnceLock::new() }
    }

    /// Counts a run. True exactly once, when the flow gets hot: whoever is told compiles it somewhere else and gives
    /// the code to [`Heat::set`].
    pub fn count(&self) -> bool {
        if self.code.get().is_some() {
            return false;
        }
        // It stops at the greatest number instead of beginning again.
        let counted = self.runs.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |runs| runs.checked_add(1));
        counted == Ok(self.hot_after)
    }

    /// The machine code, once it is there.
    pub fn code(&self) -> Option<&Compiled> {
        self.code.get().map(|code| &**code)
    }

    /// Gives the machine code; what is there already stays.
    pub fn set(&self, code: Arc<Compiled>) {
        // Two compilations of one flow mean the same.
        let _ = self.code.set(code);
    }
}

#[cfg(test)]
mod tests {
    use super::Heat;

    #[test]
    fn a_flow_gets_hot_exactly_once() {
        let heat = Heat::new(3);
        let told: Vec<bool> = (0..6).map(|_| heat.count()).collect();
        assert_eq!(told, [false, false, false, true, false, false]);
        assert!(Heat::new(0).count());
    }
}
