//! `password_policy` in Rust: written from `risk/password_policy.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../risk/password_policy.rs"]
mod block;

pub use super::shared::Class;
pub use block::PasswordPolicy;

/// The config of `password_policy`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
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
    /// Least zxcvbn score: 0 guessed at once, 1 below 10^6 guesses, 2 below 10^8, 3 below 10^10, 4 more.
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
            min_length: config.within("min_length", 8..=64)?,
            max_length: config.ranged("max_length", 64..=1024)?,
            with_mfa: config.required("with_mfa")?,
            classes: config.required("classes")?,
            blocklist: config.required("blocklist")?,
            min_score: config.ranged("min_score", 0..=4)?,
        })
    }
}

/// The outputs of `password_policy`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// It may be used.
    pub ok: bool,
    /// Why not: `personal` is one of the user's own words, `listed` one of `blocklist`, `weak` below `min_score`.
    pub violations: Vec<Violation>,
    /// The same in words for the user.
    pub reasons: Vec<String>,
    /// The zxcvbn score of its first 64 characters.
    pub score: i64,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![
            ("ok".to_owned(), self.ok.give()),
            ("violations".to_owned(), self.violations.give()),
            ("reasons".to_owned(), self.reasons.give()),
            ("score".to_owned(), self.score.give()),
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

/// The errors of `password_policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `no_password`
    NoPassword,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoPassword => "no_password",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}

/// Violation: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Violation {
    /// `"too_short"`
    TooShort,
    /// `"too_long"`
    TooLong,
    /// `"no_lower"`
    NoLower,
    /// `"no_upper"`
    NoUpper,
    /// `"no_digit"`
    NoDigit,
    /// `"no_symbol"`
    NoSymbol,
    /// `"common"`
    Common,
    /// `"personal"`
    Personal,
    /// `"listed"`
    Listed,
    /// `"weak"`
    Weak,
}

impl Violation {
    /// All of them, in the order declared.
    pub const ALL: [Self; 10] = [
        Self::TooShort,
        Self::TooLong,
        Self::NoLower,
        Self::NoUpper,
        Self::NoDigit,
        Self::NoSymbol,
        Self::Common,
        Self::Personal,
        Self::Listed,
        Self::Weak,
    ];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::NoLower => "no_lower",
            Self::NoUpper => "no_upper",
            Self::NoDigit => "no_digit",
            Self::NoSymbol => "no_symbol",
            Self::Common => "common",
            Self::Personal => "personal",
            Self::Listed => "listed",
            Self::Weak => "weak",
        }
    }
}

impl Value for Violation {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
