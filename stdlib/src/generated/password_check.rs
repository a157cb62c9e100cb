//! `password_check` in Rust: written from `auth/password_check.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, answered_secret};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Input, Output};
use admit_runtime::host::Secret;

#[path = "../../auth/password_check.rs"]
mod block;

pub use block::PasswordCheck;

/// The config of `password_check`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How often the user may try in one run.
    pub attempts: i64,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { attempts: config.ranged("attempts", 1..=10)? })
    }
}

/// The outputs of `password_check`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The password is the user's.
    pub verified: bool,
    /// The stored hash was of another kind, or older than the present parameters, and has been replaced.
    pub needs_rehash: bool,
    /// Too many failures: the account takes no password for now. Unknown users are locked alike.
    pub locked: bool,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![
            ("verified".to_owned(), self.verified.give()),
            ("needs_rehash".to_owned(), self.needs_rehash.give()),
            ("locked".to_owned(), self.locked.give()),
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

/// The user's answer to `password_check`.
pub struct Answer<'a> {
    /// The password, every byte of it.
    pub password: &'a Secret,
}

impl<'a> Answer<'a> {
    /// What was submitted; none where nothing was, or not all that is needed.
    pub fn read(input: Option<&'a Input>) -> Option<Self> {
        let input = input?;
        Some(Self { password: answered_secret(input, "password")? })
    }
}
