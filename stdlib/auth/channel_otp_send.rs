//! `channel_otp_send`: a code from the CSPRNG, kept as a challenge and queued with the run.

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;
use admit_runtime::message::Channel as Way;

use super::{Channel, Config, Outputs};
use crate::challenge::out_of_band::{Delivery, send};
use crate::challenge::{self, CODE};
use crate::message;

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
    // Before anything is looked up, so that a host that sends nothing answers alike for everybody.
    message::may_send(&call, channel)?;
    let subject = challenge::subject(&call).await?;
    let to = subject.receiver(channel);
    let delivery = Delivery {
        kind: CODE,
        channel,
        user_id: subject.id(),
        to: to.as_deref(),
        typed: subject.typed(),
        template: &config.template,
        ttl: config.ttl,
        digits: config.digits,
    };
    let posted = send(&mut call, &delivery, None).await?;
    let outputs = Outputs { sent: posted.left, challenge: posted.sent.challenge, expires_at: posted.expires_at };
    Ok(Done::Output(outputs.into()))
}
