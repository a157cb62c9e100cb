//! `check_mfa_status`: which second factors the user has.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;

use crate::config::{event_text, text};
use crate::factor::{ALL, enrolled};

/// See `check_mfa_status.admit`.
pub struct CheckMfaStatus;

impl Block for CheckMfaStatus {
    fn name(&self) -> &'static str {
        "check_mfa_status"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move {
            // Nobody has no credentials; the same read is done.
            let user_id = event_text(call.event, "user.id").unwrap_or_else(|| "usr_none".to_owned());
            let factors = enrolled(&call, &user_id, &ALL).await?;
            let fields = vec![
                ("enrolled".to_owned(), Datum::Bool(!factors.is_empty())),
                ("factors".to_owned(), Datum::List(factors.iter().map(|factor| text(factor.word())).collect())),
            ];
            Ok(Done::Output(Output { fields, ..Output::default() }))
        })
    }
}
