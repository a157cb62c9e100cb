//! Stubs: blocks that answer what the test says, under the same checks and effects as the real ones.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use smol_str::SmolStr;

use crate::action::RunAction;
use crate::block::{Block, BlockError, Call, Done, Event, Output, Registry};
use crate::host::{BoxFuture, HostError};
use crate::state::{field, str_datum};
use crate::testing::baseline;
use crate::testing::case::{Answer, Stub, Target, TestCase};
use crate::testing::store::MemoryStore;

/// The registry with a stand-in before every block.
pub(super) fn stubbed(registry: &Registry, case: &TestCase, store: &Arc<dyn StubStore>) -> Registry {
    let stubs = Arc::new((case.stubs.clone(), case.defaults.clone()));
    // Over the real ones, so that what their declarations say stays.
    let mut wrapped = registry.clone();
    let actions: Arc<dyn Block> = Arc::new(RunAction);
    for block in registry.blocks().chain([&actions]) {
        let store = Arc::clone(store);
        wrapped.add(Arc::new(StandIn { inner: Arc::clone(block), stubs: Arc::clone(&stubs), store }));
    }
    wrapped
}

/// Where a stub puts the users that it gives, so that later blocks find them.
pub(super) trait StubStore: Send + Sync {
    fn put_user(&self, tenant: &crate::tenant::TenantId, user: Datum);
}

impl StubStore for crate::testing::host::TestHost {
    fn put_user(&self, tenant: &crate::tenant::TenantId, user: Datum) {
        MemoryStore::put_user(&self.store, tenant, user);
    }
}

type Stubs = (Vec<Stub>, Vec<(SmolStr, Vec<(SmolStr, Datum)>)>);

struct StandIn {
    inner: Arc<dyn Block>,
    stubs: Arc<Stubs>,
    store: Arc<dyn StubStore>,
}

impl Block for StandIn {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        match self.stub(call.label) {
            Some(stub) => Box::pin(self.answer(stub, call)),
            None => self.inner.run(call),
        }
    }

    fn run_now(&self, call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        if self.stub(call.label).is_some() { None } else { self.inner.run_now(call) }
    }
}

impl StandIn {
    fn stub(&self, label: &str) -> Option<&Stub> {
        let by = |is_it: &dyn Fn(&Target) -> bool| self.stubs.0.iter().rev().find(|stub| is_it(&stub.target));
        by(&|target| matches!(target, Target::Label(named) if named == label))
            .or_else(|| by(&|target| matches!(target, Target::Type(named) if named == self.inner.name())))
    }

    async fn answer(&self, stub: &Stub, call: Call<'_>) -> Result<Done, BlockError> {
        if stub.after > 0 {
            call.host.sleep(stub.after.saturating_mul(1_000_000)).await;
        }
        let (outputs, user) = match &stub.answer {
            Answer::Error(text) => return Err(HostError::Failed(text.clone()).into()),
            Answer::Outputs { outputs, user } => (outputs, user.as_ref()),
        };
        let mut fields: Vec<(String, Datum)> =
            outputs.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        let defaults = self.stubs.1.iter().filter(|(block, _)| block == self.inner.name());
        for (name, value) in defaults.flat_map(|(_, defaults)| defaults) {
            if !fields.iter().any(|(given, _)| given == name) {
                fields.push((name.to_string(), value.clone()));
            }
        }
        let user = user_of(user, call.event, call.now);
        self.store.put_user(call.tenant, user.clone());
        let sets = vec![("authentication.methods".to_owned(), methods(self.inner.name(), &fields, &call))];
        Ok(Done::Stubbed(Output { fields, user: Some(user), sets, ..Output::default() }))
    }
}

/// What the stub says, over the user that there is already, else over the baseline user.
fn user_of(given: Option<&Datum>, event: &dyn Event, now: Instant) -> Datum {
    let known = event.get("user").unwrap_or_else(|| baseline::user(now));
    match given {
        Some(given) => baseline::overlay(known, given),
        None => known,
    }
}

/// The methods so far with the one that this block stands for.
fn methods(block: &str, fields: &[(String, Datum)], call: &Call<'_>) -> Datum {
    let mut methods = match call.event.get("authentication.methods") {
        Some(Datum::List(methods)) => methods,
        _ => Vec::new(),
    };
    let factor = fields.iter().find(|(name, _)| name == "factor").map(|(_, value)| value.clone());
    let method = factor.or_else(|| field(call.config, "factor").cloned()).or_else(|| {
        let word = ["password", "webauthn", "social"].into_iter().find(|word| block.contains(word));
        word.or_else(|| block.contains("mfa").then_some("totp")).map(str_datum)
    });
    if let Some(method) = method
        && !methods.contains(&method)
    {
        methods.push(method);
    }
    Datum::List(methods)
}
