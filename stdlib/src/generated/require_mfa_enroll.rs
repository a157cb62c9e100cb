//! `require_mfa_enroll` in Rust: written from `auth/require_mfa_enroll.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, answered, answered_secret};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Input, Output};
use admit_runtime::host::Secret;

#[path = "../../auth/require_mfa_enroll.rs"]
mod block;

pub use block::RequireMfaEnroll;

/// The config of `require_mfa_enroll`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The factors that the user may set up.
    pub factors: Vec<Factor>,
    /// How often the user may try to show that it works.
    pub attempts: i64,
    /// Not enrolled ends the run; with `false` it is an answer.
    pub must_verify: bool,
    /// How many backup codes a user gets who has none; 0 for none.
    pub backup_codes: i64,
    /// Who the authenticator app says that the code is for; the tenant's name where it is left out.
    pub issuer: Option<String>,
    /// The text of the code to a number, by name: `templates/<name>.txt`, or one of the library's own. It is given `code` and
    /// `minutes`. Left out: "code".
    pub template: Option<String>,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            factors: config.required("factors")?,
            attempts: config.ranged("attempts", 1..=10)?,
            must_verify: config.required("must_verify")?,
            backup_codes: config.ranged("backup_codes", 0..=20)?,
            issuer: config.optional("issuer")?,
            template: config.optional("template")?,
        })
    }
}

/// The outputs of `require_mfa_enroll`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The factor is set up.
    pub enrolled: bool,
    /// Which one.
    pub factor: OutputFactor,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> =
            vec![("enrolled".to_owned(), self.enrolled.give()), ("factor".to_owned(), self.factor.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The user's answer to `require_mfa_enroll`.
pub struct Answer<'a> {
    /// The factor to set up.
    pub factor: Option<Factor>,
    /// The number to prove, in the form +49301234567.
    pub phone: Option<String>,
    /// The code that the app shows, or that was sent.
    pub code: Option<&'a Secret>,
    /// The credential of `navigator.credentials.create`, as its `toJSON()` gives it: for "webauthn" the challenge holds
    /// `webauthn.options`.
    pub credential: Option<Datum>,
    /// Sends another code to the number: once `resend_after` of the challenge is 0.
    pub resend: Option<bool>,
}

impl<'a> Answer<'a> {
    /// What was submitted; none where nothing was, or not all that is needed.
    pub fn read(input: Option<&'a Input>) -> Option<Self> {
        let input = input?;
        Some(Self {
            factor: answered(input, "factor"),
            phone: answered(input, "phone"),
            code: answered_secret(input, "code"),
            credential: answered(input, "credential"),
            resend: answered(input, "resend"),
        })
    }
}

/// The errors of `require_mfa_enroll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `too_many`
    TooMany,
    /// `not_configured`
    NotConfigured,
    /// `invalid_template`
    InvalidTemplate,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::NotConfigured => "not_configured",
            Self::InvalidTemplate => "invalid_template",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}

/// Factor: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// `"totp"`
    Totp,
    /// `"webauthn"`
    Webauthn,
    /// `"sms"`
    Sms,
}

impl Factor {
    /// All of them, in the order declared.
    pub const ALL: [Self; 3] = [Self::Totp, Self::Webauthn, Self::Sms];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Webauthn => "webauthn",
            Self::Sms => "sms",
        }
    }
}

impl Value for Factor {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}

/// OutputFactor: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutputFactor {
    /// `"totp"`
    Totp,
    /// `"webauthn"`
    Webauthn,
    /// `"sms"`
    Sms,
    /// `"none"`
    None,
}

impl OutputFactor {
    /// All of them, in the order declared.
    pub const ALL: [Self; 4] = [Self::Totp, Self::Webauthn, Self::Sms, Self::None];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Webauthn => "webauthn",
            Self::Sms => "sms",
            Self::None => "none",
        }
    }
}

impl Value for OutputFactor {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
