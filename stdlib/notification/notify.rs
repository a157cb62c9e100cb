//! `notify`: one text over mail, SMS and the application's inbox.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;
use admit_runtime::message::Channel as Way;
use admit_runtime::unit::{InboxEntry, Write};

use super::{Channel, Config, Outputs};
use crate::config::event_text;
use crate::message::{self, Draft};

/// See `notify.admit`.
pub struct Notify;

impl Block for Notify {
    fn name(&self) -> &'static str {
        "notify"
    }

    fn run<'a>(&'a self, mut call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move {
            let delivered = tell(&mut call).await?;
            Ok(Done::Output(Outputs { delivered }.into()))
        })
    }
}

/// What is told, in every channel alike.
struct Told {
    template: String,
    data: Datum,
    per_hour: i64,
}

/// The channels that took it, in the order given.
async fn tell(call: &mut Call<'_>) -> Result<Vec<Channel>, BlockError> {
    let Config { channels, template, data, per_hour } = Config::read(call)?;
    let told = Told { template, data: Datum::record(data), per_hour };
    let mut delivered = Vec::new();
    for channel in channels {
        if delivered.contains(&channel) {
            continue;
        }
        let taken = match channel {
            Channel::Email => send(call, Way::Mail, "user.email", &told).await?,
            Channel::Sms => send(call, Way::Sms, "user.phone", &told).await?,
            Channel::InApp => leave(call, &told)?,
        };
        if taken {
            delivered.push(channel);
        }
    }
    Ok(delivered)
}

/// Queues it for what the user has at this path; false where they have none or had too many.
async fn send(call: &mut Call<'_>, channel: Way, path: &str, told: &Told) -> Result<bool, BlockError> {
    message::may_send(call, channel)?;
    let Some(to) = event_text(call.event, path) else { return Ok(false) };
    if !message::within_budget(call, channel, "notify", &to, told.per_hour).await? {
        return Ok(false);
    }
    let user_id = event_text(call.event, "user.id");
    let draft = Draft {
        channel,
        to: &to,
        template: &told.template,
        data: &told.data,
        number: "1",
        user_id: user_id.as_deref(),
        expires_at: None,
    };
    message::enqueue(call, draft)?;
    Ok(true)
}

/// Leaves it in the user's inbox; false where there is no user.
fn leave(call: &mut Call<'_>, told: &Told) -> Result<bool, BlockError> {
    let Some(user_id) = event_text(call.event, "user.id") else { return Ok(false) };
    let content = message::render(call, &told.template, &told.data)?;
    let key = format!("{}/{}/inbox", call.run_id, call.label);
    call.unit.writes.push(Write::InsertInbox(InboxEntry {
        id: message::message_id(call.tenant.as_str(), &key),
        user_id,
        subject: content.subject,
        text: content.text,
        at: call.now,
        read_at: None,
    }));
    Ok(true)
}
