//! `bot_detection` in Rust: written from `risk/bot_detection.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, give_some};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../risk/bot_detection.rs"]
mod block;

pub use block::BotDetection;

/// The config of `bot_detection`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Requests a minute from one network (an IPv4 address, a /64 of IPv6) that are usual.
    pub rate_limit: i64,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { rate_limit: config.ranged("rate_limit", 1..=100000)? })
    }
}

/// The outputs of `bot_detection`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// It looks like a program's.
    pub is_bot: bool,
    /// `crawler` and `library` say so themselves, `headless` is a browser that nobody looks at, `spoofed` contradicts
    /// itself, `flood` asks too often.
    pub kind: Kind,
    /// What gave it away; absent where nothing did.
    pub reason: Option<String>,
    /// Seconds until the minute of a network that asks too often is over; 0 where it does not.
    pub retry_after: i64,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let mut fields: Vec<(String, Datum)> = vec![
            ("is_bot".to_owned(), self.is_bot.give()),
            ("kind".to_owned(), self.kind.give()),
            ("retry_after".to_owned(), self.retry_after.give()),
        ];
        give_some(&mut fields, "reason", self.reason);

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// Kind: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `"none"`
    None,
    /// `"crawler"`
    Crawler,
    /// `"library"`
    Library,
    /// `"headless"`
    Headless,
    /// `"spoofed"`
    Spoofed,
    /// `"flood"`
    Flood,
}

impl Kind {
    /// All of them, in the order declared.
    pub const ALL: [Self; 6] = [Self::None, Self::Crawler, Self::Library, Self::Headless, Self::Spoofed, Self::Flood];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Crawler => "crawler",
            Self::Library => "library",
            Self::Headless => "headless",
            Self::Spoofed => "spoofed",
            Self::Flood => "flood",
        }
    }
}

impl Value for Kind {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
