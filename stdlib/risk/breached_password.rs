//! `breached_password`: sightings of the password that was sent, by [`crate::breached`].

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::{Config, Error, Outputs};
use crate::breached::sightings;
use crate::config::secret_input;

/// See `breached_password.admit`.
pub struct BreachedPassword;

impl Block for BreachedPassword {
    fn name(&self) -> &'static str {
        "breached_password"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let least = Config::read(&call)?.min_count;
    let password = secret_input(call.input, "password")
        .ok_or_else(|| Error::NoPassword.because("no password was sent with this request"))?;
    let found = sightings(&call, password).await?;
    let int = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let outputs = Outputs { breached: int(found.count) >= least, count: int(found.count), skipped: int(found.skipped) };
    Ok(Done::Output(outputs.into()))
}
