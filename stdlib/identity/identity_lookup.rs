//! `identity_lookup`: finds the user by what they typed. The store does the same reads whether there is one or not.

use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;

use super::{Config, Outputs};

/// See `identity_lookup.admit`.
pub struct IdentityLookup;

impl Block for IdentityLookup {
    fn name(&self) -> &'static str {
        "identity_lookup"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    // Absent where the flow's input has no identifier: nobody is found by it.
    let identifier = config.identifier.unwrap_or_default();
    let user = call.user_by_identifier(&identifier).await?;
    if user.is_some() && config.must_not_exist {
        return Ok(Done::Deny { reason: "already_registered".to_owned(), user_message: None });
    }
    let outputs = Outputs { found: user.is_some() };
    Ok(Done::Output(Output { user, ..outputs.into() }))
}
