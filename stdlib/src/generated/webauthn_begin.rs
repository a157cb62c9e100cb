//! `webauthn_begin` in Rust: written from `auth/webauthn_begin.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../auth/webauthn_begin.rs"]
mod block;

pub use block::WebauthnBegin;

/// The config of `webauthn_begin`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whether the authenticator must check who holds it, by a PIN or a finger: "required" refuses a passkey that did not,
    /// and makes it two factors in one.
    pub user_verification: UserVerification,
    /// "required" asks for any passkey that the device keeps for this site, and names none.
    pub resident_key: UserVerification,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            user_verification: config.required("user_verification")?,
            resident_key: config.required("resident_key")?,
        })
    }
}

/// The outputs of `webauthn_begin`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// `PublicKeyCredentialRequestOptionsJSON`, for `webauthn_finish`.
    pub options: Datum,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("options".to_owned(), self.options.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `webauthn_begin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `not_configured`
    NotConfigured,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}

/// UserVerification: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserVerification {
    /// `"required"`
    Required,
    /// `"preferred"`
    Preferred,
    /// `"discouraged"`
    Discouraged,
}

impl UserVerification {
    /// All of them, in the order declared.
    pub const ALL: [Self; 3] = [Self::Required, Self::Preferred, Self::Discouraged];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }
}

impl Value for UserVerification {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
