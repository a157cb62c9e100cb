//! `log_event`: an entry of the flow's own in the audit log.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;
use admit_runtime::unit::AuditEntry;

use super::{Config, Outputs};
use crate::config::{event_text, fresh_id, record, text};

/// See `log_event.admit`.
pub struct LogEvent;

impl Block for LogEvent {
    fn name(&self) -> &'static str {
        "log_event"
    }

    fn run<'a>(&'a self, mut call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move { log(&mut call) })
    }

    fn run_now(&self, call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        Some(log(call))
    }
}

fn log(call: &mut Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(call)?;
    let id = fresh_id(call.host, "evt");
    let who = event_text(call.event, "user.id").unwrap_or_else(|| "anonymous".to_owned());
    // One kind for all of them, so that no flow can write what looks like an entry of the system.
    call.unit.audit.push(AuditEntry {
        kind: "flow.event_logged".to_owned(),
        actor: format!("flow:{}", call.flow),
        target: who,
        outcome: "success".to_owned(),
        data: record([
            ("id", text(&id)),
            ("name", text(config.name)),
            ("step", text(call.label)),
            ("data", Datum::record(config.data)),
        ]),
    });
    Ok(Done::Output(Outputs { id }.into()))
}
