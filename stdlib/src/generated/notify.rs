//! `notify` in Rust: written from `notification/notify.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../notification/notify.rs"]
mod block;

pub use block::Notify;

/// The config of `notify`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where to.
    pub channels: Vec<Channel>,
    /// The text by name.
    pub template: String,
    /// What fills the text; the library's own has `subject` and `text`.
    pub data: Vec<(String, Datum)>,
    /// The most messages to one address or number in an hour.
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
            channels: config.required("channels")?,
            template: config.required("template")?,
            data: config.required("data")?,
            per_hour: config.ranged("per_hour", 1..=10000)?,
        })
    }
}

/// The outputs of `notify`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The channels that took it.
    pub delivered: Vec<Channel>,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("delivered".to_owned(), self.delivered.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `notify`.
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

/// Channel: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// `"email"`
    Email,
    /// `"sms"`
    Sms,
    /// `"in_app"`
    InApp,
}

impl Channel {
    /// All of them, in the order declared.
    pub const ALL: [Self; 3] = [Self::Email, Self::Sms, Self::InApp];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::InApp => "in_app",
        }
    }
}

impl Value for Channel {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
