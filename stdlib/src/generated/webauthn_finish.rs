//! `webauthn_finish` in Rust: written from `auth/webauthn_finish.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, answered, give_some};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Input, Output};

#[path = "../../auth/webauthn_finish.rs"]
mod block;

pub use block::WebauthnFinish;

/// The config of `webauthn_finish`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What `webauthn_begin` gave.
    pub options: Datum,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { options: config.required("options")? })
    }
}

/// The outputs of `webauthn_finish`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// It is a passkey of the user, shown now.
    pub verified: bool,
    /// The authenticator checked who holds it: two factors in one.
    pub user_verified: bool,
    /// The passkey's id, as base64url; absent where it was refused.
    pub credential_id: Option<String>,
    /// The authenticator's counter; 0 where it has none.
    pub sign_count: i64,
    /// The passkey is copied to other devices of the user.
    pub backed_up: bool,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let mut fields: Vec<(String, Datum)> = vec![
            ("verified".to_owned(), self.verified.give()),
            ("user_verified".to_owned(), self.user_verified.give()),
            ("sign_count".to_owned(), self.sign_count.give()),
            ("backed_up".to_owned(), self.backed_up.give()),
        ];
        give_some(&mut fields, "credential_id", self.credential_id);

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The user's answer to `webauthn_finish`.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The credential of `navigator.credentials.get`, as its `toJSON()` gives it.
    pub credential: Datum,
}

impl Answer {
    /// What was submitted; none where nothing was, or not all that is needed.
    pub fn read(input: Option<&Input>) -> Option<Self> {
        let input = input?;
        Some(Self { credential: answered(input, "credential")? })
    }
}

/// The errors of `webauthn_finish`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `not_configured`
    NotConfigured,
    /// `not_begun`
    NotBegun,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::NotBegun => "not_begun",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
