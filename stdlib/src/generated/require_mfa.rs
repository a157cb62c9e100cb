//! `require_mfa` in Rust: written from `auth/require_mfa.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, answered, answered_secret};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Input, Output};
use admit_runtime::host::Secret;

#[path = "../../auth/require_mfa.rs"]
mod block;

pub use super::shared::Factor;
pub use block::RequireMfa;

/// The config of `require_mfa`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The factor.
    pub factor: Factor,
    /// The text of codes that are sent, by name: `templates/<name>.txt`, or one of the library's own. It is given `code` and
    /// `minutes`. Left out: "code".
    pub template: Option<String>,
    /// How often the user may try in one run.
    pub attempts: i64,
    /// Not verified ends the run; with `false` it is an answer.
    pub must_verify: bool,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            factor: config.required("factor")?,
            template: config.optional("template")?,
            attempts: config.ranged("attempts", 1..=10)?,
            must_verify: config.required("must_verify")?,
        })
    }
}

/// The outputs of `require_mfa`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The user has shown the factor.
    pub verified: bool,
    /// With what was shown before it makes two factors: `event.authentication.aal` is "aal2". A code by mail never does.
    pub aal2: bool,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> =
            vec![("verified".to_owned(), self.verified.give()), ("aal2".to_owned(), self.aal2.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The user's answer to `require_mfa`.
pub struct Answer<'a> {
    /// The code that the app or token shows, that was sent, or one of the backup codes.
    pub code: Option<&'a Secret>,
    /// The credential of `navigator.credentials.get`, as its `toJSON()` gives it: for "webauthn" the challenge holds
    /// `webauthn.options`.
    pub credential: Option<Datum>,
    /// Sends another code, where codes are sent: once `resend_after` of the challenge is 0.
    pub resend: Option<bool>,
}

impl<'a> Answer<'a> {
    /// What was submitted; none where nothing was, or not all that is needed.
    pub fn read(input: Option<&'a Input>) -> Option<Self> {
        let input = input?;
        Some(Self {
            code: answered_secret(input, "code"),
            credential: answered(input, "credential"),
            resend: answered(input, "resend"),
        })
    }
}

/// The errors of `require_mfa`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `not_configured`
    NotConfigured,
    /// `invalid_template`
    InvalidTemplate,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::InvalidTemplate => "invalid_template",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
