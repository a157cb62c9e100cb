//! `identity_lookup`: finds the user by what they typed. The store does the same reads whether there is one or not.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;

use crate::config::Fields;

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
    let config = Fields(call.config);
    // Absent where the flow's input has no identifier: nobody is found by it.
    let identifier = config.optional_text("identifier")?.unwrap_or_default();
    let user = call.host.store().user_by_identifier(call.tenant, identifier).await?;
    if user.is_some() && config.boolean("must_not_exist")? {
        return Ok(Done::Deny { reason: "already_registered".to_owned(), user_message: None });
    }
    let found = user.is_some();
    Ok(Done::Output(Output { fields: vec![("found".to_owned(), Datum::Bool(found))], user, sets: Vec::new() }))
}
