//! `channel_otp_send`: a code from the CSPRNG, kept as a challenge and queued with the run.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;
use admit_runtime::message::Channel as Way;
use admit_runtime::unit::{Challenge, Material, Write};

use super::{Channel, Config, Outputs};
use crate::challenge::{self, CODE, TRIES};
use crate::config::{fresh_id, record, text};
use crate::message::{self, Draft};

/// SP 800-63B-4 section 3.1.3.2: at most 10 minutes.
const LONGEST: i64 = 10 * 60;

/// See `channel_otp_send.admit`.
pub struct ChannelOtpSend;

impl Block for ChannelOtpSend {
    fn name(&self) -> &'static str {
        "channel_otp_send"
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
    let (expires_at, minutes) = challenge::expiry(call.now, config.ttl, LONGEST)?;
    message::may_send(&call, channel)?;
    let subject = challenge::subject(&call).await?;
    let sent = subject.may_receive(&call, channel).await?;
    let to = subject.receiver(channel);
    let code = challenge::code(call.host, config.digits)?;
    let id = fresh_id(call.host, "chl");
    call.unit.writes.push(Write::InsertChallenge(Box::new(Challenge {
        id: id.clone(),
        kind: CODE.to_owned(),
        run_id: Some(call.run_id.to_owned()),
        user_id: subject.id().map(str::to_owned),
        secret: Material::new(code.as_bytes()),
        by_secret: false,
        data: record([("channel", text(config.channel.word())), ("to", text(to.as_deref().unwrap_or_default()))]),
        max_attempts: TRIES,
        expires_at,
    })));
    let data = record([("code", text(&code)), ("minutes", Datum::Int(minutes))]);
    // Written for nobody too: a text that does not fit, and the time that it takes, tell nobody who is there.
    message::render(&call, &config.template, &data)?;
    if let (true, Some(to)) = (sent, to) {
        let draft = Draft {
            channel,
            to: &to,
            template: &config.template,
            data: &data,
            number: &id,
            user_id: subject.id(),
            expires_at: Some(expires_at),
        };
        message::enqueue(&mut call, draft)?;
    }
    Ok(Done::Output(Outputs { sent, challenge: id, expires_at }.into()))
}
