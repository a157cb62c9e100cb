//! `verification_send`: a link with a token from the CSPRNG, kept as a challenge and queued with the run.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;
use admit_runtime::message::Channel as Way;

use super::{Channel, Config, Outputs};
use crate::challenge::link::{self, Wanted};
use crate::challenge::{self, ADDRESS};
use crate::config::{record, text};
use crate::message::{self, Draft};

/// See `verification_send.admit`.
pub struct VerificationSend;

impl Block for VerificationSend {
    fn name(&self) -> &'static str {
        "verification_send"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let channel = match config.channel {
        Channel::Email => Way::Mail,
        Channel::Sms => Way::Sms,
    };
    message::may_send(&call, channel)?;
    let page = link::page(&call, config.url.as_deref(), &config.path)?;
    let subject = challenge::subject(&call).await?;
    let to = subject.receiver(channel);
    let sent = challenge::may_receive(&call, channel, to.as_deref().unwrap_or(subject.typed())).await?;
    let wanted = Wanted {
        kind: ADDRESS,
        user_id: subject.id(),
        page: &page,
        ttl: config.ttl,
        channel,
        to: to.as_deref().unwrap_or_default(),
    };
    let link = link::make(&mut call, &wanted)?;
    let data = record([("link", text(&link.url)), ("minutes", Datum::Int(link.minutes))]);
    // Written for nobody too: a text that does not fit, and the time that it takes, tell nobody who is there.
    message::render(&call, &config.template, &data)?;
    if let (true, Some(to)) = (sent, &to) {
        let draft = Draft {
            channel,
            to,
            template: &config.template,
            data: &data,
            number: &link.challenge,
            user_id: subject.id(),
            expires_at: Some(link.expires_at),
        };
        message::enqueue(&mut call, draft)?;
    }
    Ok(Done::Output(Outputs { sent, challenge: link.challenge }.into()))
}
