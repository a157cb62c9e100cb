//! `log_event` in Rust: written from `notification/log_event.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../notification/log_event.rs"]
mod block;

pub use block::LogEvent;

/// The config of `log_event`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What happened: words with dots between, `login.completed`.
    pub name: String,
    /// Whatever the entry should keep.
    pub data: Vec<(String, Datum)>,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { name: config.required("name")?, data: config.required("data")? })
    }
}

/// The outputs of `log_event`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The entry's id.
    pub id: String,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("id".to_owned(), self.id.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}
