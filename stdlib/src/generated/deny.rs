//! `deny` in Rust: written from `terminal/deny.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::Source;
use admit_runtime::block::{BlockError, Call};

#[path = "../../terminal/deny.rs"]
mod block;

pub use block::Deny;

/// The config of `deny`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// A constant word for audit and for the caller's code: `invalid_credentials`.
    pub reason: String,
    /// What the user is told; without it, a general text.
    pub user_message: Option<String>,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { reason: config.required("reason")?, user_message: config.optional("user_message")? })
    }
}
