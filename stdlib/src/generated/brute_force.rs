//! `brute_force` in Rust: written from `risk/brute_force.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value};
use admit_eval::datum::Datum;
use admit_eval::value::Span;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../risk/brute_force.rs"]
mod block;

pub use block::BruteForce;

/// The config of `brute_force`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whose failures to look at: the account's, those of the request's network, or whichever are worse.
    pub by: By,
    /// So many failures lock.
    pub limit: i64,
    /// Within this time; at most a day.
    pub window: Span,
    /// For this long after the last of them; at most a day.
    pub lockout: Span,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            by: config.required("by")?,
            limit: config.ranged("limit", 1..=1000)?,
            window: config.required("window")?,
            lockout: config.required("lockout")?,
        })
    }
}

/// The outputs of `brute_force`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// It is locked now.
    pub blocked: bool,
    /// Failures within the window.
    pub failures: i64,
    /// Seconds until it is not; 0 where it is not.
    pub retry_after: i64,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![
            ("blocked".to_owned(), self.blocked.give()),
            ("failures".to_owned(), self.failures.give()),
            ("retry_after".to_owned(), self.retry_after.give()),
        ];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// By: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// `"user"`
    User,
    /// `"ip"`
    Ip,
    /// `"both"`
    Both,
}

impl By {
    /// All of them, in the order declared.
    pub const ALL: [Self; 3] = [Self::User, Self::Ip, Self::Both];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Ip => "ip",
            Self::Both => "both",
        }
    }
}

impl Value for By {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
