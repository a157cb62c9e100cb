//! `session_revoke`: sessions of the user end, and the refresh families that hang on them.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;

use crate::config::{Fields, event_text};
use crate::ending::{Which, end};

/// See `session_revoke.admit`.
pub struct SessionRevoke;

impl Block for SessionRevoke {
    fn name(&self) -> &'static str {
        "session_revoke"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let which = Which::of(Fields(call.config).text("which")?)?;
    let Some(user_id) = event_text(call.event, "user.id") else {
        let detail = "nobody's sessions can end: no user is known here".to_owned();
        return Err(BlockError::Named { name: "no_user", detail });
    };
    let ended = end(&mut call, &user_id, which).await?;
    let revoked = Datum::Int(i64::try_from(ended.len()).unwrap_or(i64::MAX));
    Ok(Done::Output(Output { fields: vec![("revoked".to_owned(), revoked)], ..Output::default() }))
}
