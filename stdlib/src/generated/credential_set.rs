//! `credential_set` in Rust: written from `auth/credential_set.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, answered, answered_secret};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Input, Output};
use admit_runtime::host::Secret;

#[path = "../../auth/credential_set.rs"]
mod block;

pub use super::shared::Class;
pub use block::CredentialSet;

/// The config of `credential_set`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What is set.
    pub kind: Kind,
    /// How often the user may try in one run.
    pub attempts: i64,
    /// Least length of a password, in code points; 15, or 8 with `with_mfa`, where it is left out.
    pub min_length: Option<i64>,
    /// Most, in code points.
    pub max_length: i64,
    /// The password is only ever used with a second factor.
    pub with_mfa: bool,
    /// Kinds of characters that must occur. NIST advises against any.
    pub classes: Vec<Class>,
    /// Words to refuse besides the common ones and the user's own, whatever their case.
    pub blocklist: Vec<String>,
    /// Least zxcvbn score, as in `password_policy`.
    pub min_score: i64,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            kind: config.required("kind")?,
            attempts: config.ranged("attempts", 1..=10)?,
            min_length: config.within("min_length", 8..=64)?,
            max_length: config.ranged("max_length", 64..=1024)?,
            with_mfa: config.required("with_mfa")?,
            classes: config.required("classes")?,
            blocklist: config.required("blocklist")?,
            min_score: config.ranged("min_score", 0..=4)?,
        })
    }
}

/// The outputs of `credential_set`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// It is set.
    pub set: bool,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("set".to_owned(), self.set.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The user's answer to `credential_set`.
pub struct Answer<'a> {
    /// The new password, every byte of it.
    pub password: Option<&'a Secret>,
    /// The code that the authenticator app shows.
    pub code: Option<&'a Secret>,
    /// The credential of `navigator.credentials.create`, as its `toJSON()` gives it: for "webauthn" the challenge holds
    /// `webauthn.options`.
    pub credential: Option<Datum>,
}

impl<'a> Answer<'a> {
    /// What was submitted; none where nothing was, or not all that is needed.
    pub fn read(input: Option<&'a Input>) -> Option<Self> {
        let input = input?;
        Some(Self {
            password: answered_secret(input, "password"),
            code: answered_secret(input, "code"),
            credential: answered(input, "credential"),
        })
    }
}

/// The errors of `credential_set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `too_many`
    TooMany,
    /// `not_configured`
    NotConfigured,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::NotConfigured => "not_configured",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}

/// Kind: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `"password"`
    Password,
    /// `"totp"`
    Totp,
    /// `"webauthn"`
    Webauthn,
}

impl Kind {
    /// All of them, in the order declared.
    pub const ALL: [Self; 3] = [Self::Password, Self::Totp, Self::Webauthn];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::Webauthn => "webauthn",
        }
    }
}

impl Value for Kind {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
