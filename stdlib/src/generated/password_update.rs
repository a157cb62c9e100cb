//! `password_update` in Rust: written from `auth/password_update.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, answered_secret};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Input, Output};
use admit_runtime::host::Secret;

#[path = "../../auth/password_update.rs"]
mod block;

pub use super::shared::Class;
pub use block::PasswordUpdate;

/// The config of `password_update`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How often the user may try in one run.
    pub attempts: i64,
    /// Least length, in code points; 15, or 8 with `with_mfa`, where it is left out.
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

/// The outputs of `password_update`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The password is the new one.
    pub updated: bool,
    /// Sessions of the user end with this run. How many is not said: they end in the commit, when the flow has read this
    /// already, and one that begins until then ends too.
    pub sessions_revoked: bool,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![
            ("updated".to_owned(), self.updated.give()),
            ("sessions_revoked".to_owned(), self.sessions_revoked.give()),
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

/// The user's answer to `password_update`.
pub struct Answer<'a> {
    /// The new password, every byte of it.
    pub password: &'a Secret,
}

impl<'a> Answer<'a> {
    /// What was submitted; none where nothing was, or not all that is needed.
    pub fn read(input: Option<&'a Input>) -> Option<Self> {
        let input = input?;
        Some(Self { password: answered_secret(input, "password")? })
    }
}
