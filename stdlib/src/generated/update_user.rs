//! `update_user` in Rust: written from `identity/update_user.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../identity/update_user.rs"]
mod block;

pub use block::UpdateUser;

/// The config of `update_user`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The new e-mail address.
    pub email: Option<String>,
    /// The new phone number, in the form +49301234567.
    pub phone: Option<String>,
    /// The new user name.
    pub username: Option<String>,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            email: config.optional("email")?,
            phone: config.optional("phone")?,
            username: config.optional("username")?,
        })
    }
}

/// The outputs of `update_user`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// Something is other than it was.
    pub updated: bool,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("updated".to_owned(), self.updated.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `update_user`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `no_user`
    NoUser,
    /// `invalid_identifier`
    InvalidIdentifier,
    /// `identifier_taken`
    IdentifierTaken,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoUser => "no_user",
            Self::InvalidIdentifier => "invalid_identifier",
            Self::IdentifierTaken => "identifier_taken",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
