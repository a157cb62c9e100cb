//! `finalize`: ends a flow that has done its work.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Finalized, Settled};
use admit_runtime::host::BoxFuture;

use crate::config::Fields;
use crate::ending::may_go;

/// See `finalize.admit`.
pub struct Finalize;

impl Block for Finalize {
    fn name(&self) -> &'static str {
        "finalize"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move { finalize(&call) })
    }

    fn run_now(&self, call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        Some(finalize(call))
    }
}

fn finalize(call: &Call<'_>) -> Result<Done, BlockError> {
    let config = Fields(call.config);
    let redirect = config.optional_text("redirect_to")?;
    if let Some(url) = redirect
        && !may_go(call, url)
    {
        let detail = "neither `[redirects] allow` nor the client names this address".to_owned();
        return Err(BlockError::Named { name: "redirect_refused", detail });
    }
    let result = config.get("result").filter(|result| !matches!(result, Datum::Map(fields) if fields.is_empty()));
    let left = Finalized { result: result.cloned(), redirect: redirect.map(str::to_owned) };
    Ok(Done::Settle(Settled::Finalized(left)))
}
