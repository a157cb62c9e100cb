//! `channel_otp_send` in Rust: written from `auth/channel_otp_send.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_eval::value::{Instant, Span};
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../auth/channel_otp_send.rs"]
mod block;

pub use super::shared::Channel;
pub use block::ChannelOtpSend;

/// The config of `channel_otp_send`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How it reaches the user: mail to their address, or a text message to their number.
    pub channel: Channel,
    /// How long the code is valid: 1 to 10 minutes.
    pub ttl: Span,
    /// How many digits it has.
    pub digits: i64,
    /// The text by name: `templates/<name>.txt`, or one of the library's own. It is given `code` and `minutes`.
    pub template: String,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            channel: config.required("channel")?,
            ttl: config.required("ttl")?,
            digits: config.ranged("digits", 6..=10)?,
            template: config.required("template")?,
        })
    }
}

/// The outputs of `channel_otp_send`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// No limit of what is sent stands against it. It does not say that there is such a user.
    pub sent: bool,
    /// Names the challenge: for `channel_otp_verify`.
    pub challenge: String,
    /// Until when the code is valid.
    pub expires_at: Instant,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![
            ("sent".to_owned(), self.sent.give()),
            ("challenge".to_owned(), self.challenge.give()),
            ("expires_at".to_owned(), self.expires_at.give()),
        ];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `channel_otp_send`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `not_configured`
    NotConfigured,
    /// `invalid_template`
    InvalidTemplate,
    /// `out_of_range`
    OutOfRange,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::InvalidTemplate => "invalid_template",
            Self::OutOfRange => "out_of_range",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
