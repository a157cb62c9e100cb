//! Messages that leave: mail and SMS, rendered when a block enqueues them, sealed in the queue, delivered by its workers.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Names the handler of these jobs in the queue.
pub const KIND: &str = "message";

const VERSION: u8 = 1;

/// How a message leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// Mail, over SMTP.
    Mail,
    /// A text message, over an HTTP gateway.
    Sms,
}

/// A message, ready to leave. No `Debug`: it may hold a code or a link that signs somebody in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    version: u8,
    /// How it leaves.
    pub channel: Channel,
    /// `msg_...`: the same at every try, so that a receiver can tell a message that comes twice.
    pub id: String,
    /// The address, or the number in E.164.
    pub to: String,
    /// What it says.
    pub content: Content,
    /// Whose it is, where that is known.
    pub user_id: Option<String>,
    /// The step that sent it: flow and label.
    pub step: (String, String),
    /// When it was written: the mail's `Date`.
    pub at: Instant,
    /// From then on nobody needs it, and it is not sent: a code that has run out. None: it is always wanted.
    pub expires_at: Option<Instant>,
    /// It takes the way of every other one and goes to nobody: what is left of a message for a user that there is not.
    pub is_decoy: bool,
}

/// What a message says, rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The subject of a mail: one line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML of a mail, where there is some.
    pub html: Option<String>,
    /// What an SMS says instead of the plain text.
    pub sms: Option<String>,
    /// The language that it is in, where that is known.
    pub locale: Option<String>,
}

/// The texts of a project, as its bundle holds them.
pub trait Texts: Send + Sync {
    /// The text by name in the first of these locales that it has, else in no particular one; none where the project has
    /// no such text.
    ///
    /// # Errors
    /// If the data does not fit; never a part of it.
    fn render(&self, name: &str, locales: &[&str], data: &Datum) -> Result<Option<Content>, String>;
}

/// No texts: the library's are used.
#[derive(Clone, Copy, Debug)]
pub struct NoTexts;

impl Texts for NoTexts {
    fn render(&self, _name: &str, _locales: &[&str], _data: &Datum) -> Result<Option<Content>, String> {
        Ok(None)
    }
}

/// Why a message did not leave. The text is for operators and names no receiver.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct SendError {
    /// What happened.
    pub detail: String,
    /// Every further try would fail as this one did.
    pub is_final: bool,
}

impl SendError {
    /// A further try may help.
    pub fn again(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), is_final: false }
    }

    /// No further try can help.
    pub fn for_good(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), is_final: true }
    }
}

impl Message {
    /// A message of a step, not yet tied to a user or an end.
    pub fn new(channel: Channel, id: String, to: String, content: Content, step: (&str, &str), at: Instant) -> Self {
        let step = (step.0.to_owned(), step.1.to_owned());
        Self { version: VERSION, channel, id, to, content, user_id: None, step, at, expires_at: None, is_decoy: false }
    }

    /// As the queue keeps it.
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>, String> {
        postcard::to_stdvec(self).map_err(|error| error.to_string())
    }

    /// As the queue kept it.
    ///
    /// # Errors
    /// If it is damaged or of another version.
    pub fn decode(payload: &[u8]) -> Result<Self, String> {
        match payload.first() {
            Some(&VERSION) => postcard::from_bytes(payload).map_err(|_| "the message is damaged".to_owned()),
            Some(version) => Err(format!("the message has version {version}, this is version {VERSION}")),
            None => Err("the message is damaged".to_owned()),
        }
    }
}
