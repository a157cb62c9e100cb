//! `send_email`: renders a mail and queues it with the run.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;
use admit_runtime::message::Channel;

use super::{Config, Outputs};
use crate::config::event_text;
use crate::message::{self, Draft};

/// See `send_email.admit`.
pub struct SendEmail;

impl Block for SendEmail {
    fn name(&self) -> &'static str {
        "send_email"
    }

    fn run<'a>(&'a self, mut call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move { send(&mut call).await })
    }
}

async fn send(call: &mut Call<'_>) -> Result<Done, BlockError> {
    let Config { to, template, data, per_hour } = Config::read(call)?;
    message::may_send(call, Channel::Mail)?;
    let budget = format!("step:{}", call.label);
    let queued = message::within_budget(call, Channel::Mail, &budget, &to, per_hour).await?;
    let user_id = event_text(call.event, "user.id");
    let draft = Draft {
        channel: Channel::Mail,
        to: &to,
        template: &template,
        data: &Datum::record(data),
        number: "1",
        user_id: user_id.as_deref(),
        expires_at: None,
    };
    let message_id = if queued { message::enqueue(call, draft)? } else { String::new() };
    Ok(Done::Output(Outputs { queued, message_id }.into()))
}
