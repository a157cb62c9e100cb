//! `mfa`: a second factor that the user has enrolled, among those allowed.

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::{Config, Factor};
use crate::totp::{Ask, ask};

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
                attempts: config.attempts,
                must_verify: config.must_verify,
                totp: config.factors.contains(&Factor::Totp),
                says_factor: true,
            };
            ask(call, asked).await
        })
    }
}
