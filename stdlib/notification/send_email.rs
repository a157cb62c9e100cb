//! `send_email`: renders a mail and queues it with the run.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;
use admit_runtime::message::Channel;

use crate::config::{Fields, event_text, text};
use crate::message::{self, Draft};

/// See `send_email.admit`.
pub struct SendEmail;

impl Block for SendEmail {
    fn name(&self) -> &'static str {
        "send_email"
    }

    fn run<'a>(&'a self, mut call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move { send(&mut call) })
    }
}

fn send(call: &mut Call<'_>) -> Result<Done, BlockError> {
    let config = Fields(call.config);
    let none = Datum::Map(Vec::new());
    let user_id = event_text(call.event, "user.id");
    let draft = Draft {
        channel: Channel::Mail,
        to: config.text("to")?,
        template: config.text("template")?,
        data: config.get("data").unwrap_or(&none),
        number: "1",
        user_id: user_id.as_deref(),
        expires_at: None,
    };
    let id = message::enqueue(call, draft)?;
    let fields = vec![("queued".to_owned(), Datum::Bool(true)), ("message_id".to_owned(), text(id))];
    Ok(Done::Output(Output { fields, ..Output::default() }))
}
