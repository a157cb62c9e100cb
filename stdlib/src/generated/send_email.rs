//! `send_email` in Rust: written from `notification/send_email.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../notification/send_email.rs"]
mod block;

pub use block::SendEmail;

/// The config of `send_email`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The receiver: one mail address.
    pub to: String,
    /// The text by name: `templates/<name>.txt`, or one of the library's own.
    pub template: String,
    /// What fills the text.
    pub data: Vec<(String, Datum)>,
    /// The most mails of this step to one address in an hour.
    pub per_hour: i64,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            to: config.required("to")?,
            template: config.required("template")?,
            data: config.required("data")?,
            per_hour: config.ranged("per_hour", 1..=10000)?,
        })
    }
}

/// The outputs of `send_email`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// It waits to be sent. False: the address got too many in this hour.
    pub queued: bool,
    /// Names the mail: it is in its `Message-ID`, the same at every try.
    pub message_id: String,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> =
            vec![("queued".to_owned(), self.queued.give()), ("message_id".to_owned(), self.message_id.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `send_email`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `invalid_address`
    InvalidAddress,
    /// `invalid_template`
    InvalidTemplate,
    /// `not_configured`
    NotConfigured,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidAddress => "invalid_address",
            Self::InvalidTemplate => "invalid_template",
            Self::NotConfigured => "not_configured",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
