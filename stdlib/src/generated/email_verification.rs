//! `email_verification` in Rust: written from `identity/email_verification.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../identity/email_verification.rs"]
mod block;

pub use block::EmailVerification;

/// The config of `email_verification`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The text by name; it gets `link` and `minutes`.
    pub template: String,
    /// How long the link works: a minute to a week.
    pub ttl: Span,
    /// Where the link leads, below the base of links.
    pub path: String,
    /// The most mails to one address in an hour.
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
            template: config.required("template")?,
            ttl: config.required("ttl")?,
            path: config.required("path")?,
            per_hour: config.ranged("per_hour", 1..=100)?,
        })
    }
}

/// The outputs of `email_verification`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The mail waits to be sent.
    pub sent: bool,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("sent".to_owned(), self.sent.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `email_verification`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `invalid_address`
    InvalidAddress,
    /// `invalid_template`
    InvalidTemplate,
    /// `not_configured`
    NotConfigured,
    /// `out_of_range`
    OutOfRange,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidAddress => "invalid_address",
            Self::InvalidTemplate => "invalid_template",
            Self::NotConfigured => "not_configured",
            Self::OutOfRange => "out_of_range",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
