//! Each writing block in its first case, with one more step that ends the run: nothing that the request wrote holds. What is
//! used stays used, and what an earlier request has sent is sent.

use std::any::Any;
use std::cell::RefCell;
use std::sync::{Arc, Mutex};

use admit_compiler::library::Library;
use admit_eval::value::Instant;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::{BoxFuture, HostError};
use admit_runtime::testing::{TestHost, block_on};
use admit_runtime::unit::{Session, Write};

use super::corpus::Case;
use super::real::{Place, Real};
use super::run;

/// How a later step ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// It denies.
    Deny,
    /// It fails.
    Error,
    /// It panics.
    Panic,
    /// It never answers.
    TimeOut,
    /// The store is gone from then on, the commit included.
    StoreLost,
    /// The commit relies on what is not so any more.
    Conflict,
}

/// All of them.
pub const LATER: [Later; 6] =
    [Later::Deny, Later::Error, Later::Panic, Later::TimeOut, Later::StoreLost, Later::Conflict];

/// The later step: looks at what holds before the request is committed, then does its worst.
struct Ends {
    inner: Arc<dyn Block>,
    host: Arc<TestHost>,
    later: Later,
    held: Arc<Mutex<Option<Vec<String>>>>,
    real: Option<Arc<Real>>,
    /// What holds the clock still beside a real store.
    clock: Arc<Mutex<Option<Box<dyn Any + Send>>>>,
}

/// One cell, on the double of the store, or on a real one where it lies here.
///
/// # Errors
/// What holds though it must not, or that the step never came.
pub fn cell(library: &Library, block: &str, case: &Case, later: Later, place: Option<&Place>) -> Result<(), String> {
    let held = Arc::new(Mutex::new(None));
    let own: admit_runtime::tenant::TenantId =
        format!("{}-{later:?}", block.replace('_', "-")).to_lowercase().parse()?;
    let real = place.map(|place| block_on(place.open(own.clone())));
    let clock: Arc<Mutex<Option<Box<dyn Any + Send>>>> = Arc::default();
    let world: RefCell<Option<Arc<TestHost>>> = RefCell::new(None);
    let registry = |host: &Arc<TestHost>| {
        *world.borrow_mut() = Some(host.clone());
        if real.is_some() {
            *clock.lock().unwrap() = Some(Box::new(host.clock.hold()));
        }
        let mut registry = admit_stdlib::registry();
        for name in ["deny", "log_event"] {
            if let Some(inner) = registry.get(name).cloned() {
                registry.add(Arc::new(Ends {
                    inner,
                    host: host.clone(),
                    later,
                    held: held.clone(),
                    real: real.clone(),
                    clock: clock.clone(),
                }));
            }
        }
        registry
    };
    let step = if later == Later::Deny {
        "deny as later { reason: \"later\" }"
    } else {
        "log_event as later { name: \"later\" }\nallow"
    };
    let steps = case.steps.trim_end();
    // What settles a session stays, and the step comes after it.
    let steps = ["allow", "finalize"].iter().find_map(|end| steps.strip_suffix(end)).unwrap_or(steps);
    let step = if steps.contains("issue_") { step.trim_end_matches("allow") } else { step };
    let case = Case {
        title: case.title.clone(),
        steps: format!("{steps}\n{step}\n"),
        files: case.files.clone(),
        given: case.given.clone(),
    };
    let walked = match run::walk_on(library, block, &case, &registry, real.as_ref()) {
        // What settles the outcome cannot be denied after: the checker says so.
        Err(why) if later == Later::Deny && why.starts_with("A0248") => return Ok(()),
        walked => walked?,
    };
    let Some(host) = world.borrow().clone() else { return Err("no run began".to_owned()) };
    host.store.mend();
    let Some(before) = held.lock().unwrap().take() else {
        return Err(format!("the later step never came: {walked:?}"));
    };
    // No outcome at all is what a lost store leaves.
    if let Ok((answer, _)) = &walked
        && !matches!(answer.outcome.word(), "deny" | "error")
    {
        return Err(format!("it ends in {}", answer.outcome.word()));
    }
    let tenant = "test".parse()?;
    // One that was lost is opened again.
    let again = place.map(|place| block_on(place.open(own)));
    let after = match &again {
        Some(real) => block_on(real.holdings(host.clock.now())),
        None => host.store.holdings(&tenant),
    };
    if after != before {
        let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
        let gone: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
        return Err(format!("there is {new:?} and no {gone:?}"));
    }
    // A run that the store has lost has not ended: its users stay pending, and are purged.
    let pending = again.as_ref().map_or_else(|| host.store.pending(&tenant), |real| block_on(real.pending()));
    if later != Later::StoreLost && !pending.is_empty() {
        return Err(format!("{pending:?} are left pending"));
    }
    for real in real.iter().chain(&again) {
        block_on(real.store.close());
    }
    Ok(())
}

impl Block for Ends {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move {
            if call.label != "later" {
                return self.inner.run(call).await;
            }
            let held = match &self.real {
                Some(real) => real.holdings(self.host.clock.now()).await,
                None => self.host.store.holdings(call.tenant),
            };
            *self.held.lock().unwrap() = Some(held);
            match self.later {
                Later::Deny => self.inner.run(call).await,
                Later::Error => Err(HostError::Failed("it fails".to_owned()).into()),
                Later::Panic => panic!("it panics"),
                Later::TimeOut => {
                    self.clock.lock().unwrap().take();
                    std::future::pending().await
                }
                Later::StoreLost => {
                    match &self.real {
                        Some(real) => real.store.close().await,
                        None => self.host.store.break_down("it is gone"),
                    }
                    self.inner.run(call).await
                }
                Later::Conflict => {
                    call.unit.writes.push(Write::InsertSession(Session {
                        client_id: None,
                        idle_seconds: None,
                        id: "ses_later".to_owned(),
                        user_id: "usr_nobody".to_owned(),
                        aal: "aal1".to_owned(),
                        methods: Vec::new(),
                        issued_at: call.now,
                        expires_at: Instant { seconds: call.now.seconds + 60, nanos: 0 },
                    }));
                    self.inner.run(call).await
                }
            }
        })
    }

    fn run_now(&self, call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        if call.label == "later" { None } else { self.inner.run_now(call) }
    }
}
