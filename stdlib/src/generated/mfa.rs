//! `mfa` in Rust: written from `auth/mfa.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, answered, answered_secret};
use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call, Input, Output};
use admit_runtime::host::Secret;

#[path = "../../auth/mfa.rs"]
mod block;

pub use super::shared::Factor;
pub use block::Mfa;

/// The config of `mfa`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The factors that count; the first one that the user has is asked for first.
    pub factors: Vec<Factor>,
    /// The text of codes that are sent, by name: `templates/<name>.txt`, or one of the library's own. It is given `code` and
    /// `minutes`. Left out: "code".
    pub template: Option<String>,
    /// How often the user may try in one run.
    pub attempts: i64,
    /// Not verified ends the run; with `false` it is an answer.
    pub must_verify: bool,
    /// Lets users trust a device, which is not asked again.
    pub remember_device: bool,
    /// How long a device is trusted; 90 days at most, 30 where it is left out.
    pub remember_for: Option<Span>,
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
            template: config.optional("template")?,
            attempts: config.ranged("attempts", 1..=10)?,
            must_verify: config.required("must_verify")?,
            remember_device: config.required("remember_device")?,
            remember_for: config.optional("remember_for")?,
        })
    }
}

/// The outputs of `mfa`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The user has shown a factor, or the device is trusted.
    pub verified: bool,
    /// The factor that was shown.
    pub factor: OutputFactor,
    /// Nothing was shown: the device is one that the user trusts.
    pub trusted_device: bool,
    /// With what was shown before it makes two factors: `event.authentication.aal` is "aal2". A code by mail never does.
    pub aal2: bool,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![
            ("verified".to_owned(), self.verified.give()),
            ("factor".to_owned(), self.factor.give()),
            ("trusted_device".to_owned(), self.trusted_device.give()),
            ("aal2".to_owned(), self.aal2.give()),
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

/// The user's answer to `mfa`.
pub struct Answer<'a> {
    /// Asks for this factor instead, or says which one `code` is of.
    pub factor: Option<Factor>,
    /// The code that the app or token shows, that was sent, or one of the backup codes.
    pub code: Option<&'a Secret>,
    /// The credential of `navigator.credentials.get`, as its `toJSON()` gives it: for "webauthn" the challenge holds
    /// `webauthn.options`.
    pub credential: Option<Datum>,
    /// Sends another code, where codes are sent: once `resend_after` of the challenge is 0.
    pub resend: Option<bool>,
    /// Trust this device from now on.
    pub remember_device: Option<bool>,
    /// The token of a device that is trusted.
    pub device_token: Option<&'a Secret>,
}

impl<'a> Answer<'a> {
    /// What was submitted; none where nothing was, or not all that is needed.
    pub fn read(input: Option<&'a Input>) -> Option<Self> {
        let input = input?;
        Some(Self {
            factor: answered(input, "factor"),
            code: answered_secret(input, "code"),
            credential: answered(input, "credential"),
            resend: answered(input, "resend"),
            remember_device: answered(input, "remember_device"),
            device_token: answered_secret(input, "device_token"),
        })
    }
}

/// The errors of `mfa`.
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

/// OutputFactor: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutputFactor {
    /// `"totp"`
    Totp,
    /// `"webauthn"`
    Webauthn,
    /// `"backup_code"`
    BackupCode,
    /// `"sms"`
    Sms,
    /// `"email"`
    Email,
    /// `"none"`
    None,
}

impl OutputFactor {
    /// All of them, in the order declared.
    pub const ALL: [Self; 6] = [Self::Totp, Self::Webauthn, Self::BackupCode, Self::Sms, Self::Email, Self::None];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Webauthn => "webauthn",
            Self::BackupCode => "backup_code",
            Self::Sms => "sms",
            Self::Email => "email",
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
