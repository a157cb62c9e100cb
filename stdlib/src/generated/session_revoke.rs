//! `session_revoke` in Rust: written from `session/session_revoke.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../session/session_revoke.rs"]
mod block;

pub use super::shared::Which;
pub use block::SessionRevoke;

/// The config of `session_revoke`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which sessions end. Without a session, `current` ends none and `others` ends all.
    pub which: Which,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { which: config.required("which")? })
    }
}

/// The outputs of `session_revoke`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// How many sessions end.
    pub revoked: i64,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("revoked".to_owned(), self.revoked.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `session_revoke`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `no_user`
    NoUser,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoUser => "no_user",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
