//! `call_webhook` in Rust: written from `notification/call_webhook.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_plan::types::Type;
use admit_runtime::block::{BlockError, Call, Output};
use admit_runtime::host::Secret;

#[path = "../../notification/call_webhook.rs"]
mod block;

pub use block::CallWebhook;

/// The config of `call_webhook`.
pub struct Config {
    /// Where to; what a `{{ }}` puts in is percent-encoded.
    pub url: String,
    /// The HTTP method.
    pub method: Method,
    /// Header fields; values may hold secrets, and never a line break.
    pub headers: Vec<(String, Secret)>,
    /// Sent as JSON.
    pub body: Option<Datum>,
    /// The type of the answer's body.
    pub expect: Option<Type>,
    /// Signs the body with HMAC-SHA-256 under this secret, in the header `x-admit-signature`.
    pub sign: Option<Secret>,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            url: config.required("url")?,
            method: config.required("method")?,
            headers: config.secrets("headers")?,
            body: config.optional("body")?,
            expect: config.written("expect"),
            sign: config.secret("sign")?,
        })
    }
}

/// The outputs of `call_webhook`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The HTTP status.
    pub status: i64,
    /// Header fields of the answer, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The JSON body, of the type that `expect` names.
    pub body: Datum,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![
            ("status".to_owned(), self.status.give()),
            ("headers".to_owned(), self.headers.give()),
            ("body".to_owned(), self.body.give()),
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

/// The errors of `call_webhook`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `unexpected_body`
    UnexpectedBody,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnexpectedBody => "unexpected_body",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}

/// Method: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `"GET"`
    Get,
    /// `"POST"`
    Post,
    /// `"PUT"`
    Put,
}

impl Method {
    /// All of them, in the order declared.
    pub const ALL: [Self; 3] = [Self::Get, Self::Post, Self::Put];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

impl Value for Method {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
