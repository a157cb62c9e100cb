//! Each block in its first case, with one thing failing at the moment when it runs: the run ends in deny or error, or has
//! no outcome at all, and never well.

use std::sync::{Arc, Mutex};

use admit_compiler::library::Library;
use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::{BoxFuture, HostError, HttpError, StoreError};
use admit_runtime::testing::TestHost;

use super::corpus::Case;
use super::run;

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It never answers.
    TimeOut,
    /// It answers after its time.
    Slow,
    /// The peer refuses the connection.
    Refused,
    /// The peer resets it.
    Reset,
    /// The peer answers what makes no sense: the block gives outputs that it does not declare.
    Garbage,
    /// The answer is too large.
    TooLarge,
    /// The store fails while it runs.
    StoreError,
    /// The store fails from when it has run, the commit included.
    StoreLost,
    /// Somebody else was first.
    Conflict,
    /// The host has no room for more.
    Overloaded,
    /// A secret is not there.
    NoSecret,
    /// It panics before it has done anything.
    PanicBefore,
    /// It panics when all is done.
    PanicAfter,
    /// The wall clock goes an hour back while it runs.
    ClockBack,
    /// And forth.
    ClockForth,
}

/// All of them.
pub const FAULTS: [Fault; 15] = [
    Fault::TimeOut,
    Fault::Slow,
    Fault::Refused,
    Fault::Reset,
    Fault::Garbage,
    Fault::TooLarge,
    Fault::StoreError,
    Fault::StoreLost,
    Fault::Conflict,
    Fault::Overloaded,
    Fault::NoSecret,
    Fault::PanicBefore,
    Fault::PanicAfter,
    Fault::ClockBack,
    Fault::ClockForth,
];

/// Longer than any block may take.
const LONG: u64 = 3_600 * 1_000_000_000;

struct Faulty {
    inner: Arc<dyn Block>,
    host: Arc<TestHost>,
    fault: Fault,
    /// The fault was met.
    met: Arc<Mutex<bool>>,
}

/// One cell of the matrix.
///
/// # Errors
/// How the run ended well in spite of the fault, or that it never met it.
pub fn cell(library: &Library, block: &str, case: &Case, fault: Fault) -> Result<(), String> {
    let Some(inner) = admit_stdlib::registry().get(block).cloned() else {
        return Err("there is no implementation of it".to_owned());
    };
    cell_of(library, &inner, case, fault)
}

/// One cell, of a block with this implementation.
///
/// # Errors
/// As of [`cell`].
pub fn cell_of(library: &Library, inner: &Arc<dyn Block>, case: &Case, fault: Fault) -> Result<(), String> {
    let met = Arc::new(Mutex::new(false));
    let registry = |host: &Arc<TestHost>| {
        let mut registry = admit_stdlib::registry();
        registry.add(Arc::new(Faulty { inner: inner.clone(), host: host.clone(), fault, met: met.clone() }));
        registry
    };
    let walked = run::walk(library, inner.name(), case, &registry)?;
    if !*met.lock().unwrap() {
        return Err("the block never ran".to_owned());
    }
    // No outcome at all is what a lost store leaves.
    let Ok((answer, _)) = walked else { return Ok(()) };
    match (answer.outcome.word(), fault) {
        ("deny" | "error", _) => Ok(()),
        // A clock that steps is no failure: the block must stand it.
        (_, Fault::ClockBack | Fault::ClockForth) => Ok(()),
        (word, _) => Err(format!("it ends in {word}")),
    }
}

impl Block for Faulty {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        *self.met.lock().unwrap() = true;
        Box::pin(async move {
            let error = |error: BlockError| Err(error);
            match self.fault {
                Fault::TimeOut => std::future::pending().await,
                Fault::Slow => {
                    self.host.clock.sleep(LONG).await;
                    self.inner.run(call).await
                }
                Fault::Refused => error(HttpError::Failed("connection refused".to_owned()).into()),
                Fault::Reset => error(HttpError::Failed("connection reset by peer".to_owned()).into()),
                Fault::Garbage => Ok(Done::Output(Output {
                    fields: vec![("\u{fffd}".to_owned(), Datum::Bytes(vec![0xff].into()))],
                    ..Output::default()
                })),
                Fault::TooLarge => error(HttpError::TooLarge(1 << 20).into()),
                Fault::StoreError => {
                    self.host.store.break_down("disk full");
                    let done = self.inner.run(call).await;
                    self.host.store.mend();
                    // A block that did not ask the store has not met the fault there: it meets it here.
                    done.and(error(StoreError::Failed("disk full".to_owned()).into()))
                }
                Fault::StoreLost => {
                    let done = self.inner.run(call).await;
                    self.host.store.break_down("disk full");
                    done
                }
                Fault::Conflict => error(StoreError::Conflict.into()),
                Fault::Overloaded => error(HostError::Overloaded.into()),
                Fault::NoSecret => error(HostError::NotFound("it is not set".to_owned()).into()),
                Fault::PanicBefore => panic!("planted"),
                Fault::PanicAfter => {
                    let _done = self.inner.run(call).await;
                    panic!("planted")
                }
                Fault::ClockBack | Fault::ClockForth => {
                    self.host.clock.step(if self.fault == Fault::ClockBack { -3_600 } else { 3_600 });
                    self.inner.run(call).await
                }
            }
        })
    }
}
