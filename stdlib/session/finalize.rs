//! `finalize`: ends a flow that has done its work.

use admit_runtime::block::{Block, BlockError, Call, Done, Settled};
use admit_runtime::host::BoxFuture;

/// See `finalize.admit`.
pub struct Finalize;

impl Block for Finalize {
    fn name(&self) -> &'static str {
        "finalize"
    }

    fn run<'a>(&'a self, _call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async { Ok(Done::Settle(Settled::Finalized)) })
    }

    fn run_now(&self, _call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        Some(Ok(Done::Settle(Settled::Finalized)))
    }
}
