//! A block that records what the real one does: what each call of it gave, and what it touched.

use std::sync::{Arc, Mutex};

use admit_runtime::block::{Block, BlockError, Call, Done, Registry, Settled};
use admit_runtime::host::BoxFuture;
use admit_runtime::testing::TestHost;
use admit_runtime::unit::{Unit, Write};

/// One call of a block.
#[derive(Debug, Default)]
pub struct Seen {
    pub block: String,
    pub label: String,
    /// Outputs as it gave them.
    pub fields: Option<Vec<(String, admit_eval::datum::Datum)>>,
    /// The error that it named.
    pub error: Option<String>,
    pub touched_store: bool,
    pub wrote: bool,
    pub audited: bool,
    pub sent: bool,
    pub prompted: bool,
    pub minted: bool,
    pub ended: bool,
}

/// Calls in order.
pub type Log = Arc<Mutex<Vec<Seen>>>;

struct Recorder {
    inner: Arc<dyn Block>,
    host: Arc<TestHost>,
    log: Log,
}

/// Every block of the library, recorded.
pub fn recorded(host: &Arc<TestHost>, log: &Log) -> Registry {
    let mut registry = admit_stdlib::registry();
    for block in admit_stdlib::registry().blocks() {
        registry.add(Arc::new(Recorder { inner: block.clone(), host: host.clone(), log: log.clone() }));
    }
    registry
}

impl Block for Recorder {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move {
            let (calls, sent) = (self.host.store.calls(), self.host.sent());
            let label = call.label.to_owned();
            let unit = call.unit;
            let before = (queued(unit), unit.writes.len() - queued(unit), unit.audit.len());
            let own = Call { unit: &mut *unit, ..call };
            let done = self.inner.run(own).await;
            let mut seen = Seen {
                block: self.name().to_owned(),
                label,
                touched_store: self.host.store.calls() > calls,
                sent: self.host.sent() > sent || queued(unit) > before.0,
                wrote: unit.writes.len() - queued(unit) > before.1,
                audited: unit.audit.len() > before.2,
                ..Seen::default()
            };
            match &done {
                Ok(Done::Output(output)) => seen.fields = Some(output.fields.clone()),
                Ok(Done::Prompt(_)) => seen.prompted = true,
                Ok(Done::Deny { .. }) => seen.ended = true,
                Ok(Done::Settle(settled)) => {
                    seen.ended = true;
                    seen.minted = !matches!(settled, Settled::Allow | Settled::Finalized(_));
                }
                Ok(Done::Stubbed(_) | Done::Acted(_)) => {}
                Err(BlockError::Named { name, .. }) => seen.error = Some((*name).to_owned()),
                Err(BlockError::Store(_) | BlockError::Host(_) | BlockError::Http(_)) => {}
            }
            self.log.lock().unwrap().push(seen);
            done
        })
    }

    fn run_now(&self, _call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        None
    }
}

/// Jobs and messages that the unit queues.
fn queued(unit: &Unit) -> usize {
    unit.writes.iter().filter(|write| matches!(write, Write::Enqueue { .. })).count()
}
