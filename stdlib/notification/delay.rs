//! `delay`: waits on the host's clock.

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::{Config, Error, Outputs};

/// Longest wait, in milliseconds.
const LONGEST: i64 = 5_000;

/// See `delay.admit`.
pub struct Delay;

impl Block for Delay {
    fn name(&self) -> &'static str {
        "delay"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move {
            let span = Config::read(&call)?.duration;
            let millis = span
                .seconds
                .checked_mul(1_000)
                .and_then(|millis| millis.checked_add(i64::from(span.nanos) / 1_000_000));
            let millis = millis
                .filter(|millis| (0..=LONGEST).contains(millis))
                .ok_or_else(|| Error::OutOfRange.because(format!("`duration` is not between 0 and {LONGEST} ms")))?;
            let nanos = u64::try_from(millis).unwrap_or(0).saturating_mul(1_000_000);
            call.host.sleep(nanos).await;
            Ok(Done::Output(Outputs { waited: millis }.into()))
        })
    }
}
