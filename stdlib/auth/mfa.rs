//! `mfa`: a second factor among those allowed that the user has.

use admit_eval::value::Span;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::Config;
use crate::factor::Factor;
use crate::factor::ask::{Ask, TEMPLATE, ask};

/// How long a device is trusted where nothing is said: 30 days.
const REMEMBERED: Span = Span { seconds: 30 * 24 * 60 * 60, nanos: 0 };

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
                remember: config.remember_device.then(|| config.remember_for.unwrap_or(REMEMBERED)),
                template: config.template.unwrap_or_else(|| TEMPLATE.to_owned()),
                says_factor: true,
            };
            ask(call, asked).await
        })
    }
}
