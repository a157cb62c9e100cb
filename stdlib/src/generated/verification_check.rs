//! `verification_check` in Rust: written from `identity/verification_check.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, answered_secret};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Input, Output};
use admit_runtime::host::Secret;

#[path = "../../identity/verification_check.rs"]
mod block;

pub use block::VerificationCheck;

/// The config of `verification_check`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What the link must be for: to prove an address or number, or to let somebody choose a new password.
    pub purpose: Purpose,
    /// The challenge that it must be of; left out: whichever the token is of.
    pub challenge: Option<String>,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { purpose: config.required("purpose")?, challenge: config.optional("challenge")? })
    }
}

/// The outputs of `verification_check`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The token is right.
    pub verified: bool,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("verified".to_owned(), self.verified.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The user's answer to `verification_check`.
pub struct Answer<'a> {
    /// The token: the parameter `token` of the link.
    pub token: &'a Secret,
}

impl<'a> Answer<'a> {
    /// What was submitted; none where nothing was, or not all that is needed.
    pub fn read(input: Option<&'a Input>) -> Option<Self> {
        let input = input?;
        Some(Self { token: answered_secret(input, "token")? })
    }
}

/// Purpose: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// `"address"`
    Address,
    /// `"recovery"`
    Recovery,
}

impl Purpose {
    /// All of them, in the order declared.
    pub const ALL: [Self; 2] = [Self::Address, Self::Recovery];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Recovery => "recovery",
        }
    }
}

impl Value for Purpose {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
