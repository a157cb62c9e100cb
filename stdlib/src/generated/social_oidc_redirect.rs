//! `social_oidc_redirect` in Rust: written from `session/social_oidc_redirect.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, answered};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Input, Output};

#[path = "../../session/social_oidc_redirect.rs"]
mod block;

pub use block::SocialOidcRedirect;

/// The config of `social_oidc_redirect`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The provider's name in `admit.toml`.
    pub provider: String,
    /// What is asked for; without, what `admit.toml` says. `openid` is always asked for.
    pub scopes: Option<Vec<String>>,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { provider: config.required("provider")?, scopes: config.optional("scopes")? })
    }
}

/// The outputs of `social_oidc_redirect`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// Where the user was sent.
    pub url: String,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("url".to_owned(), self.url.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The user's answer to `social_oidc_redirect`.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The query parameters that the provider sent the user back with.
    pub callback: Vec<(String, String)>,
}

impl Answer {
    /// What was submitted; none where nothing was, or not all that is needed.
    pub fn read(input: Option<&Input>) -> Option<Self> {
        let input = input?;
        Some(Self { callback: answered(input, "callback")? })
    }
}

/// The errors of `social_oidc_redirect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `unknown_provider`
    UnknownProvider,
    /// `provider_failed`
    ProviderFailed,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownProvider => "unknown_provider",
            Self::ProviderFailed => "provider_failed",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
