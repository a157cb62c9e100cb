//! `social_oidc_redirect`: sends the user to an OpenID provider, and keeps what they come back with.

use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;

use crate::config::text;
use crate::oidc::{self, Returned};

/// See `social_oidc_redirect.admit`.
pub struct SocialOidcRedirect;

impl Block for SocialOidcRedirect {
    fn name(&self) -> &'static str {
        "social_oidc_redirect"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let provider = oidc::provider(&call)?;
    let Some(returned) = Returned::of(&call) else { return oidc::ask(&call, &provider).await };
    let url = returned.url.clone();
    oidc::keep(call, &provider, &returned);
    Ok(Done::Output(Output { fields: vec![("url".to_owned(), text(url))], ..Output::default() }))
}
