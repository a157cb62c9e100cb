//! `delay` in Rust: written from `notification/delay.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../notification/delay.rs"]
mod block;

pub use block::Delay;

/// The config of `delay`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How long, at most five seconds.
    pub duration: Span,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { duration: config.required("duration")? })
    }
}

/// The outputs of `delay`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// How long it waited, in milliseconds.
    pub waited: i64,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("waited".to_owned(), self.waited.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `delay`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `out_of_range`
    OutOfRange,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::OutOfRange => "out_of_range",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
