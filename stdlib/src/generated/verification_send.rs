//! `verification_send` in Rust: written from `identity/verification_send.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../identity/verification_send.rs"]
mod block;

pub use super::shared::Channel;
pub use block::VerificationSend;

/// The config of `verification_send`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How it reaches the user: mail to their address, or a text message to their number.
    pub channel: Channel,
    /// Where the link leads, below the base of links.
    pub path: String,
    /// The page that takes the token instead, wherever it is: an absolute URL without a `token` of its own.
    pub url: Option<String>,
    /// How long the link can be opened: 1 minute to 7 days.
    pub ttl: Span,
    /// The text by name: `templates/<name>.txt`, or one of the library's own. It is given `link` and `minutes`.
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
            path: config.required("path")?,
            url: config.optional("url")?,
            ttl: config.required("ttl")?,
            template: config.required("template")?,
        })
    }
}

/// The outputs of `verification_send`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// No limit of what is sent stands against it. It does not say that there is such a user.
    pub sent: bool,
    /// Names the challenge: for `verification_check` in the same run.
    pub challenge: String,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> =
            vec![("sent".to_owned(), self.sent.give()), ("challenge".to_owned(), self.challenge.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `verification_send`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `not_configured`
    NotConfigured,
    /// `invalid_template`
    InvalidTemplate,
    /// `invalid_url`
    InvalidUrl,
    /// `out_of_range`
    OutOfRange,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::InvalidTemplate => "invalid_template",
            Self::InvalidUrl => "invalid_url",
            Self::OutOfRange => "out_of_range",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
