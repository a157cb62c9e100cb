//! `email_verification`: a mail with a link that confirms the user's address.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;
use admit_runtime::message::Channel;

use super::{Config, Outputs};
use crate::challenge::ADDRESS;
use crate::challenge::link::{self, Wanted};
use crate::config::{event_text, record, text};
use crate::message::{self, Draft};

/// See `email_verification.admit`.
pub struct EmailVerification;

impl Block for EmailVerification {
    fn name(&self) -> &'static str {
        "email_verification"
    }

    fn run<'a>(&'a self, mut call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move {
            let sent = send(&mut call).await?;
            Ok(Done::Output(Outputs { sent }.into()))
        })
    }
}

async fn send(call: &mut Call<'_>) -> Result<bool, BlockError> {
    let Config { template, ttl, path, per_hour } = Config::read(call)?;
    message::may_send(call, Channel::Mail)?;
    let page = link::page(call, None, &path)?;
    let user = (event_text(call.event, "user.id"), event_text(call.event, "user.email"));
    let (Some(user_id), Some(email)) = user else { return Ok(false) };
    if !message::within_budget(call, Channel::Mail, ADDRESS, &email, per_hour).await? {
        return Ok(false);
    }
    let wanted =
        Wanted { kind: ADDRESS, user_id: Some(&user_id), page: &page, ttl, channel: Channel::Mail, to: &email };
    let link = link::make(call, &wanted)?;
    let draft = Draft {
        channel: Channel::Mail,
        to: &email,
        template: &template,
        data: &record([("link", text(&link.url)), ("minutes", Datum::Int(link.minutes))]),
        number: &link.challenge,
        user_id: Some(&user_id),
        expires_at: Some(link.expires_at),
    };
    message::enqueue(call, draft)?;
    Ok(true)
}
