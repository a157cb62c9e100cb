//! `mfa`: a second factor among those allowed that the user has.

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::Config;
use crate::factor::Factor;
use crate::factor::ask::{Ask, ask};

/// See `mfa.admit`.
pub struct Mfa;

impl Block for Mfa {
    fn name(&self) -> &'static str {
        "mfa"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move {
            let config = Config::read(&call)?;
            let asked = Ask {
                factors: Factor::read(config.factors.iter().map(|factor| factor.word()))?,
                attempts: config.attempts,
                must_verify: config.must_verify,
                remember: config.remember_device.then_some(config.remember_for),
                template: config.template,
                says_factor: true,
            };
            ask(call, asked).await
        })
    }
}
