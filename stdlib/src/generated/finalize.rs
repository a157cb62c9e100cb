//! `finalize` in Rust: written from `session/finalize.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::Source;
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call};

#[path = "../../session/finalize.rs"]
mod block;

pub use block::Finalize;

/// The config of `finalize`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What the caller is given.
    pub result: Vec<(String, Datum)>,
    /// Where the user goes: an address of `[redirects] allow`, or one that the client has registered for after logging out.
    pub redirect_to: Option<String>,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { result: config.required("result")?, redirect_to: config.optional("redirect_to")? })
    }
}

/// The errors of `finalize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `redirect_refused`
    RedirectRefused,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::RedirectRefused => "redirect_refused",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
