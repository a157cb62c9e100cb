//! `social_oidc_callback` in Rust: written from `session/social_oidc_callback.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, answered, give_some};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Input, Output};

#[path = "../../session/social_oidc_callback.rs"]
mod block;

pub use block::SocialOidcCallback;

/// The config of `social_oidc_callback`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The provider's name in `admit.toml`.
    pub provider: String,
    /// What is asked for; without, what `admit.toml` says.
    pub scopes: Option<Vec<String>>,
    /// What becomes of somebody who is not known: `none`, `verified_email`, `create`, or `verified_email_or_create`.
    pub link: Link,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            provider: config.required("provider")?,
            scopes: config.optional("scopes")?,
            link: config.required("link")?,
        })
    }
}

/// The outputs of `social_oidc_callback`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The provider has shown who it is, and there is a user of ours.
    pub verified: bool,
    /// The provider says that the e-mail address is theirs.
    pub email_verified: bool,
    /// Who it is, at the provider.
    pub subject: Option<String>,
    /// What the ID token says of them.
    pub claims: Option<Datum>,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let mut fields: Vec<(String, Datum)> = vec![
            ("verified".to_owned(), self.verified.give()),
            ("email_verified".to_owned(), self.email_verified.give()),
        ];
        give_some(&mut fields, "subject", self.subject);
        give_some(&mut fields, "claims", self.claims);

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The user's answer to `social_oidc_callback`.
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

/// The errors of `social_oidc_callback`.
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

/// Link: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// `"none"`
    None,
    /// `"verified_email"`
    VerifiedEmail,
    /// `"create"`
    Create,
    /// `"verified_email_or_create"`
    VerifiedEmailOrCreate,
}

impl Link {
    /// All of them, in the order declared.
    pub const ALL: [Self; 4] = [Self::None, Self::VerifiedEmail, Self::Create, Self::VerifiedEmailOrCreate];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::VerifiedEmail => "verified_email",
            Self::Create => "create",
            Self::VerifiedEmailOrCreate => "verified_email_or_create",
        }
    }
}

impl Value for Link {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
