//! `issue_tokens` in Rust: written from `session/issue_tokens.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::Source;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call};

#[path = "../../session/issue_tokens.rs"]
mod block;

pub use super::shared::AalMin;
pub use block::IssueTokens;

/// The config of `issue_tokens`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whom the access token is for; without, `event.transaction.audience`, else the tenant's issuer.
    pub audience: Option<String>,
    /// What it may be used for. Refreshing cannot add any; without, those that were granted first.
    pub scopes: Option<Vec<String>>,
    /// How long the access token lasts.
    pub ttl: Span,
    /// How long the session lasts that is made, and with it the refresh tokens.
    pub session_ttl: Span,
    /// How long the session lasts without being used.
    pub idle: Option<Span>,
    /// Gives a refresh token too.
    pub refresh: bool,
    /// The least assurance level that it takes.
    pub aal_min: AalMin,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            audience: config.optional("audience")?,
            scopes: config.optional("scopes")?,
            ttl: config.required("ttl")?,
            session_ttl: config.required("session_ttl")?,
            idle: config.optional("idle")?,
            refresh: config.required("refresh")?,
            aal_min: config.required("aal_min")?,
        })
    }
}

/// The errors of `issue_tokens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `invalid_config`
    InvalidConfig,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidConfig => "invalid_config",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
