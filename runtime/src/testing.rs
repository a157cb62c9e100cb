//! Running flows without the world: the double of the host and the store, and the runner of tests (language.md
//! section 9).
//!
//! Everything is deterministic: the clock stands where the test puts it and moves only while something sleeps,
//! randomness is seeded, the store is in memory, and what is sent without a stub is an error, never a call.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

pub use crate::testing::case::{Answer, Expectation, Path, Stub, Target, TestCase, TestResult};
pub use crate::testing::clock::Clock;
pub use crate::testing::given::begin_within;
pub use crate::testing::host::{Allowed, Outside, TestHost};
pub use crate::testing::runner::run_test;
pub use crate::testing::script::{Called, ScriptedActions};
pub use crate::testing::store::MemoryStore;

pub mod baseline;
mod case;
mod clock;
mod expect;
mod given;
mod host;
mod runner;
mod script;
mod sessions;
mod store;
mod stub;

/// Runs a future to its end on this thread: enough for the doubles, which never wait for anything outside.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        thread::park();
    }
}
