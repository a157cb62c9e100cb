//! The double of whoever runs Actions: each does what a closure says.

use std::sync::{Mutex, PoisonError};

use admit_eval::datum::Datum;

use crate::action::{ActionCall, ActionEffects, ActionReport, Actions};
use crate::expression::from_json;
use crate::host::{BoxFuture, Host};

type Act = Box<dyn Fn(&ActionCall<'_>) -> ActionReport + Send + Sync>;

/// Actions that do what the test says.
pub struct ScriptedActions {
    act: Act,
    takes: u64,
    calls: Mutex<Vec<Called>>,
}

/// What an Action was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    /// Slug and version.
    pub name: String,
    /// Its input.
    pub input: Datum,
    /// Its idempotency key.
    pub idempotency_key: String,
    /// Its wall time, in milliseconds.
    pub wall: u64,
    /// It might demand a second factor.
    pub may_demand_mfa: bool,
}

impl ScriptedActions {
    /// All do this.
    pub fn new(act: impl Fn(&ActionCall<'_>) -> ActionReport + Send + Sync + 'static) -> Self {
        Self { act: Box::new(act), takes: 0, calls: Mutex::default() }
    }

    /// All end well and want this.
    pub fn wanting(effects: ActionEffects) -> Self {
        Self::new(move |_| ActionReport { result: Some(Ok(effects.clone())), ..ActionReport::default() })
    }

    /// Each takes this many milliseconds.
    #[must_use]
    pub fn taking(self, millis: u64) -> Self {
        Self { takes: millis, ..self }
    }

    /// The calls so far, in order.
    pub fn calls(&self) -> Vec<Called> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Actions for ScriptedActions {
    fn run<'a>(&'a self, host: &'a dyn Host, call: ActionCall<'a>) -> BoxFuture<'a, ActionReport> {
        Box::pin(async move {
            let called = Called {
                name: call.name.to_owned(),
                input: from_json(call.input.as_bytes()).unwrap_or(Datum::Null),
                idempotency_key: call.idempotency_key.to_owned(),
                wall: call.wall,
                may_demand_mfa: call.may_demand_mfa,
            };
            self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(called);
            if self.takes > 0 {
                host.sleep(self.takes.saturating_mul(1_000_000)).await;
            }
            (self.act)(&call)
        })
    }
}
