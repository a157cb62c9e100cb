//! `breached_password` in Rust: written from `risk/breached_password.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../risk/breached_password.rs"]
mod block;

pub use block::BreachedPassword;

/// The config of `breached_password`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// So many sightings make it a breached one.
    pub min_count: i64,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { min_count: config.ranged("min_count", 1..=1000000)? })
    }
}

/// The outputs of `breached_password`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// It was seen as often, or more.
    pub breached: bool,
    /// How often it was seen; of the offline set above 15 rounded up, by at most an eighth.
    pub count: i64,
    /// Lines of the service's answer that could not be read.
    pub skipped: i64,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![
            ("breached".to_owned(), self.breached.give()),
            ("count".to_owned(), self.count.give()),
            ("skipped".to_owned(), self.skipped.give()),
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

/// The errors of `breached_password`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `no_password`
    NoPassword,
    /// `unavailable`
    Unavailable,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoPassword => "no_password",
            Self::Unavailable => "unavailable",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
