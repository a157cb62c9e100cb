//! `set_custom_claim`: a claim of the flow's own in the token that is made later. The engine refuses reserved names, and
//! claims that are too large together, whatever is said here.

use admit_eval::json;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;

use super::{Config, Error};

/// Largest claim, its name and its value as JSON together, in bytes: tokens travel in headers.
const LARGEST: usize = 4 * 1024;

/// See `set_custom_claim.admit`.
pub struct SetCustomClaim;

impl Block for SetCustomClaim {
    fn name(&self) -> &'static str {
        "set_custom_claim"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move { set(&call) })
    }

    fn run_now(&self, call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        Some(set(call))
    }
}

fn set(call: &Call<'_>) -> Result<Done, BlockError> {
    let Config { name, value } = Config::read(call)?;
    let size = name.len() + json::to_json(&value).to_string().len();
    if size > LARGEST {
        return Err(Error::ClaimTooLarge.because(format!("`{name}` has {size} bytes, more than {LARGEST}")));
    }
    Ok(Done::Output(Output { claims: vec![(name, value)], ..Output::default() }))
}
