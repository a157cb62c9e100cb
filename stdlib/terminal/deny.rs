//! `deny`: ends the run; the reason goes to audit and the caller's code, the message to the user.

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::Config;

/// See `deny.admit`.
pub struct Deny;

impl Block for Deny {
    fn name(&self) -> &'static str {
        "deny"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move { deny(&call) })
    }

    fn run_now(&self, call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        Some(deny(call))
    }
}

fn deny(call: &Call<'_>) -> Result<Done, BlockError> {
    let Config { reason, user_message } = Config::read(call)?;
    Ok(Done::Deny { reason, user_message })
}
