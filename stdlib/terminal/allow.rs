//! `allow`: ends well.

use admit_runtime::block::{Block, BlockError, Call, Done, Settled};
use admit_runtime::host::BoxFuture;

/// See `allow.admit`.
pub struct Allow;

impl Block for Allow {
    fn name(&self) -> &'static str {
        "allow"
    }

    fn run<'a>(&'a self, _call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async { Ok(Done::Settle(Settled::Allow)) })
    }

    fn run_now(&self, _call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        Some(Ok(Done::Settle(Settled::Allow)))
    }
}
