//! `password_recovery_send`: a single-use link by mail; the same work for a user that there is not (T19).

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;
use admit_runtime::message::Channel;

use super::{Config, Outputs};
use crate::challenge::RECOVERY;
use crate::challenge::link::{self, Wanted};
use crate::config::{Fields, record, text};
use crate::message::{self, Draft};
use crate::receiver;

/// Where the mail would go that nobody gets: of a usual length, below a name that is never looked up (RFC 2606).
const NOBODY: &str = "nobody.in.particular@example.invalid";

/// See `password_recovery_send.admit`.
pub struct PasswordRecoverySend;

impl Block for PasswordRecoverySend {
    fn name(&self) -> &'static str {
        "password_recovery_send"
    }

    fn run<'a>(&'a self, mut call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move {
            let sent = send(&mut call).await?;
            Ok(Done::Output(Outputs { sent }.into()))
        })
    }
}

async fn send(call: &mut Call<'_>) -> Result<bool, BlockError> {
    let Config { identifier, template, ttl, path, per_hour } = Config::read(call)?;
    let identifier = identifier.unwrap_or_default();
    message::may_send(call, Channel::Mail)?;
    let page = link::page(call, None, &path)?;
    // By what was typed, so that the budget tells nobody apart.
    let within = message::within_budget(call, Channel::Mail, RECOVERY, &identifier, per_hour).await?;
    let user = call.user_by_identifier(&identifier).await?;
    if !within {
        return Ok(false);
    }
    let known = user.as_ref().and_then(addressed);
    let (user_id, email) = known.as_ref().map_or((None, NOBODY), |(id, email)| (Some(*id), email.as_str()));
    let wanted = Wanted { kind: RECOVERY, user_id, page: &page, ttl, channel: Channel::Mail, to: email };
    let link = link::make(call, &wanted)?;
    let draft = Draft {
        channel: Channel::Mail,
        to: email,
        template: &template,
        data: &record([("link", text(&link.url)), ("minutes", Datum::Int(link.minutes))]),
        number: &link.challenge,
        user_id,
        expires_at: Some(link.expires_at),
    };
    match known {
        Some(_) => message::enqueue(call, draft)?,
        None => message::pretend(call, draft)?,
    };
    Ok(true)
}

/// The id and address of a user who may get the mail.
fn addressed(user: &Datum) -> Option<(&str, String)> {
    let fields = Fields(user);
    let is_blocked = fields.get("blocked") == Some(&Datum::Bool(true));
    let email = fields.optional_text("email").ok().flatten().and_then(receiver::mail)?;
    let id = fields.optional_text("id").ok().flatten()?;
    (!is_blocked).then_some((id, email))
}
