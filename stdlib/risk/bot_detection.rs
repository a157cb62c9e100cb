//! `bot_detection`: user agent, header fields and request rate.

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::{Config, Kind, Outputs};
use crate::bots::{Sign, assess};
use crate::config::event_text;
use crate::failures::network;

const RATE_WINDOW: u64 = 60;

/// See `bot_detection.admit`.
pub struct BotDetection;

impl Block for BotDetection {
    fn name(&self) -> &'static str {
        "bot_detection"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let limit = u64::try_from(Config::read(&call)?.rate_limit).unwrap_or(1);
    let (flood, retry_after) = flood(&call, limit).await?;
    let sign = assess(call.host, call.event).await?.or(flood);
    let kind = sign.as_ref().and_then(|sign| Kind::ALL.into_iter().find(|kind| kind.word() == sign.kind));
    let outputs = Outputs {
        is_bot: sign.is_some(),
        kind: kind.unwrap_or(Kind::None),
        reason: sign.map(|sign| sign.reason),
        retry_after,
    };
    Ok(Done::Output(outputs.into()))
}

/// Counts this request; a sign if there were more than usual within a minute, and the seconds until that is over.
async fn flood(call: &Call<'_>, limit: u64) -> Result<(Option<Sign>, i64), BlockError> {
    let Some(network) = event_text(call.event, "request.ip").and_then(|ip| network(&ip)) else { return Ok((None, 0)) };
    let counted = call.host.store().count_in(call.tenant, &format!("bot:{network}"), RATE_WINDOW, call.now).await?;
    if counted.count <= limit {
        return Ok((None, 0));
    }
    let reason = format!("more than {limit} requests a minute from its network");
    let left = counted.seconds_left(call.now, RATE_WINDOW);
    Ok((Some(Sign { kind: "flood", reason }), i64::try_from(left).unwrap_or(0)))
}
