//! `set_custom_claim` in Rust: written from `control/set_custom_claim.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::Source;
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call};

#[path = "../../control/set_custom_claim.rs"]
mod block;

pub use block::SetCustomClaim;

/// The config of `set_custom_claim`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The claim's name, written out; a URL of yours keeps it apart from those of others.
    pub name: String,
    /// What it holds: any JSON value.
    pub value: Datum,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { name: config.required("name")?, value: config.required("value")? })
    }
}

/// The errors of `set_custom_claim`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `claim_too_large`
    ClaimTooLarge,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaimTooLarge => "claim_too_large",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
