//! `issue_session` in Rust: written from `session/issue_session.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call};

#[path = "../../session/issue_session.rs"]
mod block;

pub use block::IssueSession;

/// The config of `issue_session`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How long it lasts.
    pub ttl: Span,
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
        Ok(Self { ttl: config.required("ttl")?, aal_min: config.required("aal_min")? })
    }
}

/// The words of `aal min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AalMin {
    /// `"aal1"`
    Aal1,
    /// `"aal2"`
    Aal2,
    /// `"aal3"`
    Aal3,
}

impl AalMin {
    /// All of them, in the order declared.
    pub const ALL: [Self; 3] = [Self::Aal1, Self::Aal2, Self::Aal3];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
            Self::Aal3 => "aal3",
        }
    }
}

impl Value for AalMin {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
