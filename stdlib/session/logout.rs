//! `logout`: sessions end, and the clients that use them are told.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::execute::job::logout;
use admit_runtime::host::{BoxFuture, HostError};
use admit_runtime::relying::OAuthClient;
use admit_runtime::unit::Session;

use crate::config::{Fields, event_text, text};
use crate::ending::{Which, end, may_go};

/// See `logout.admit`.
pub struct Logout;

impl Block for Logout {
    fn name(&self) -> &'static str {
        "logout"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let config = Fields(call.config);
    let which = Which::of(config.text("which")?)?;
    let wanted = config.optional_text("post_logout_redirect")?.map(str::to_owned);
    let wanted = wanted.or_else(|| event_text(call.event, "transaction.redirect_uri")).filter(|url| may_go(&call, url));
    let (front, back) = (config.boolean("front_channel")?, config.boolean("back_channel")?);
    let ended = match event_text(call.event, "user.id") {
        Some(user_id) => end(&mut call, &user_id, which).await?,
        None => Vec::new(),
    };
    let mut pages = Vec::new();
    for session in &ended {
        let Some(client) = session.client_id.as_deref().and_then(|id| call.host.client(call.tenant, id)) else {
            continue;
        };
        if front {
            pages.extend(client.frontchannel_logout_uri.iter().map(|uri| page(uri, &call, session)));
        }
        if back && let Some(write) = told(client, session)? {
            call.unit.writes.push(write);
        }
    }
    let fields = vec![
        ("ended".to_owned(), Datum::Bool(!ended.is_empty())),
        ("front_channel_urls".to_owned(), Datum::List(pages)),
        ("redirect_to".to_owned(), wanted.map_or(Datum::Optional(None), text)),
    ];
    Ok(Done::Output(Output { fields, ..Output::default() }))
}

/// OpenID Connect Front-Channel Logout 1.0 section 3: issuer and session as query parameters.
fn page(uri: &str, call: &Call<'_>, session: &Session) -> Datum {
    let joint = if uri.contains('?') { '&' } else { '?' };
    let encode = crate::form::encoded;
    text(format!("{uri}{joint}iss={}&sid={}", encode(&call.host.issuer(call.tenant)), encode(&session.id)))
}

fn told(client: &OAuthClient, session: &Session) -> Result<Option<admit_runtime::unit::Write>, BlockError> {
    let Some(uri) = &client.backchannel_logout_uri else { return Ok(None) };
    let write = logout::enqueue(uri, &client.id, session).map_err(HostError::Failed)?;
    Ok(Some(write))
}
