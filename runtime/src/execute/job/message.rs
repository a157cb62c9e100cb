//! A message from the queue: handed to the host once for each try, not after its time.

use std::pin::pin;

use futures_util::future::{Either, select};

use crate::execute::invoke::Miss;
use crate::execute::job::{JobEnd, Queued};
use crate::host::Host;
use crate::message::Message;
use crate::tenant::TenantId;
use crate::trace::TraceEvent;

/// How a try is named in its trace.
const NAME: &str = "message";

/// Longest time of a try, in milliseconds; the host has shorter ones for each step of it.
const LIMIT: u64 = 60_000;

/// One try.
pub(super) async fn run(host: &dyn Host, tenant: &TenantId, queued: Queued<'_>) -> JobEnd {
    let message = match Message::decode(queued.payload) {
        Ok(message) => message,
        Err(detail) => return JobEnd::damaged(detail),
    };
    let mut end = JobEnd { user_id: message.user_id.clone(), ..JobEnd::default() };
    let (flow, label) = &message.step;
    let began = TraceEvent::Began { flow: flow.as_str().into(), seq: 0, at: host.now() };
    let started = TraceEvent::Started { label: label.as_str().into(), block: NAME.into(), now: Some(message.at) };
    end.trace.events.extend([began, started]);
    let at = host.monotonic();
    let result = send(host, tenant, &message).await;
    end.ended(label.as_str().into(), host.monotonic().saturating_sub(at), result, LIMIT);
    end
}

async fn send(host: &dyn Host, tenant: &TenantId, message: &Message) -> Result<(), Miss> {
    if message.expires_at.is_some_and(|until| until <= host.now()) {
        return Err(Miss::FailedForGood("it could not be sent while it was of use".to_owned()));
    }
    if message.is_decoy {
        return Ok(());
    }
    match select(pin!(host.send(tenant, message)), host.sleep(LIMIT.saturating_mul(1_000_000))).await {
        Either::Left((Ok(()), _)) => Ok(()),
        Either::Left((Err(error), _)) if error.is_final => Err(Miss::FailedForGood(error.detail)),
        Either::Left((Err(error), _)) => Err(Miss::Failed(error.detail)),
        Either::Right(((), _)) => Err(Miss::OutOfBudget(None)),
    }
}
