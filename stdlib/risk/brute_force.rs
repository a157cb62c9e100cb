//! `brute_force`: failures that credential blocks noted, against the flow's limits.

use admit_eval::value::Span;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::{By, Config, Outputs};
use crate::config::invalid;
use crate::failures::{Limits, assess};

const DAY: i64 = 24 * 60 * 60;

/// See `brute_force.admit`.
pub struct BruteForce;

impl Block for BruteForce {
    fn name(&self) -> &'static str {
        "brute_force"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let limits = Limits {
        limit: usize::try_from(config.limit).map_err(|_| invalid("limit", "positive"))?,
        window: seconds(config.window, "window")?,
        lockout: seconds(config.lockout, "lockout")?,
    };
    let (user, ip) = match config.by {
        By::User => (true, false),
        By::Ip => (false, true),
        By::Both => (true, true),
    };
    let found = assess(&call, limits, user, ip).await?;
    let outputs = Outputs { blocked: found.blocked, failures: found.failures, retry_after: found.retry_after };
    Ok(Done::Output(outputs.into()))
}

/// Whole seconds of a duration of a second to a day.
fn seconds(span: Span, name: &str) -> Result<i64, BlockError> {
    if (1..=DAY).contains(&span.seconds) { Ok(span.seconds) } else { Err(invalid(name, "a second to a day")) }
}
