//! `require_mfa`: exactly this second factor.

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::Config;
use crate::factor::Factor;
use crate::factor::ask::{Ask, TEMPLATE, ask};

/// See `require_mfa.admit`.
pub struct RequireMfa;

impl Block for RequireMfa {
    fn name(&self) -> &'static str {
        "require_mfa"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move {
            let config = Config::read(&call)?;
            let asked = Ask {
                factors: Factor::read([config.factor.word()])?,
                attempts: config.attempts,
                must_verify: config.must_verify,
                remember: None,
                template: config.template.unwrap_or_else(|| TEMPLATE.to_owned()),
                says_factor: false,
            };
            ask(call, asked).await
        })
    }
}
