//! `issue_session` in Rust: written from `session/issue_session.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, give_some};
use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call};

#[path = "../../session/issue_session.rs"]
mod block;

pub use super::shared::AalMin;
pub use block::IssueSession;

/// The config of `issue_session`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How long it lasts, whatever is done with it.
    pub ttl: Span,
    /// How long it lasts without being used.
    pub idle: Option<Span>,
    /// The least assurance level that it takes.
    pub aal_min: AalMin,
    /// How the caller should keep the token in a browser. The outcome then names the cookie's attributes: always `Secure` and
    /// `HttpOnly`.
    pub cookie: Option<Cookie>,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            ttl: config.required("ttl")?,
            idle: config.optional("idle")?,
            aal_min: config.required("aal_min")?,
            cookie: config.optional("cookie")?,
        })
    }
}

/// The errors of `issue_session`.
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

/// SameSite: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SameSite {
    /// `"strict"`
    Strict,
    /// `"lax"`
    Lax,
    /// `"none"`
    None,
}

impl SameSite {
    /// All of them, in the order declared.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Lax, Self::None];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Lax => "lax",
            Self::None => "none",
        }
    }
}

impl Value for SameSite {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}

/// The record `cookie`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cookie {
    /// `name`
    pub name: String,
    /// `domain`
    pub domain: Option<String>,
    /// `path`
    pub path: Option<String>,
    /// `same_site`
    pub same_site: Option<SameSite>,
}

impl Value for Cookie {
    const WANTED: &'static str = "a record of the declared type";

    fn read(value: &Datum) -> Option<Self> {
        let source = Source::record(value);
        Some(Self {
            name: source.required("name").ok()?,
            domain: source.optional("domain").ok()?,
            path: source.optional("path").ok()?,
            same_site: source.optional("same_site").ok()?,
        })
    }

    fn give(self) -> Datum {
        let mut fields: Vec<(String, Datum)> = vec![("name".to_owned(), self.name.give())];
        give_some(&mut fields, "domain", self.domain);
        give_some(&mut fields, "path", self.path);
        give_some(&mut fields, "same_site", self.same_site);

        Datum::record(fields)
    }
}
