//! `identity_lookup` in Rust: written from `identity/identity_lookup.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../identity/identity_lookup.rs"]
mod block;

pub use block::IdentityLookup;

/// The config of `identity_lookup`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What to look for.
    pub identifier: Option<String>,
    /// Says that the flow is for known users. It never ends the run: see above.
    pub must_exist: bool,
    /// Ends the run in deny `already_registered` if there is such a user.
    pub must_not_exist: bool,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            identifier: config.optional("identifier")?,
            must_exist: config.required("must_exist")?,
            must_not_exist: config.required("must_not_exist")?,
        })
    }
}

/// The outputs of `identity_lookup`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// There is such a user, and `event.user` holds them.
    pub found: bool,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("found".to_owned(), self.found.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}
