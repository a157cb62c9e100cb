//! `risk_evaluate` in Rust: written from `risk/risk_evaluate.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, give_some};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../risk/risk_evaluate.rs"]
mod block;

pub use block::RiskEvaluate;

/// The config of `risk_evaluate`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What to look at.
    pub signals: Vec<Signal>,
    /// Points per signal, where they differ from the usual ones.
    pub weights: Weights,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { signals: config.required("signals")?, weights: config.required("weights")? })
    }
}

/// The outputs of `risk_evaluate`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// From 0, nothing unusual, to 100.
    pub score: i64,
    /// The score in three steps.
    pub severity: Severity,
    /// What most flows would do.
    pub recommendation: Recommendation,
    /// The signals that fired.
    pub reasons: Vec<Signal>,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![
            ("score".to_owned(), self.score.give()),
            ("severity".to_owned(), self.severity.give()),
            ("recommendation".to_owned(), self.recommendation.give()),
            ("reasons".to_owned(), self.reasons.give()),
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

/// The errors of `risk_evaluate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `unavailable`
    Unavailable,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}

/// Signal: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// `"ip_reputation"`
    IpReputation,
    /// `"brute_force"`
    BruteForce,
    /// `"breached_password"`
    BreachedPassword,
    /// `"bot_detection"`
    BotDetection,
    /// `"new_device"`
    NewDevice,
    /// `"new_country"`
    NewCountry,
    /// `"impossible_travel"`
    ImpossibleTravel,
    /// `"velocity"`
    Velocity,
    /// `"anonymizer"`
    Anonymizer,
}

impl Signal {
    /// All of them, in the order declared.
    pub const ALL: [Self; 9] = [
        Self::IpReputation,
        Self::BruteForce,
        Self::BreachedPassword,
        Self::BotDetection,
        Self::NewDevice,
        Self::NewCountry,
        Self::ImpossibleTravel,
        Self::Velocity,
        Self::Anonymizer,
    ];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::IpReputation => "ip_reputation",
            Self::BruteForce => "brute_force",
            Self::BreachedPassword => "breached_password",
            Self::BotDetection => "bot_detection",
            Self::NewDevice => "new_device",
            Self::NewCountry => "new_country",
            Self::ImpossibleTravel => "impossible_travel",
            Self::Velocity => "velocity",
            Self::Anonymizer => "anonymizer",
        }
    }
}

impl Value for Signal {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}

/// The record `weights`.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// `ip_reputation`
    pub ip_reputation: Option<i64>,
    /// `brute_force`
    pub brute_force: Option<i64>,
    /// `breached_password`
    pub breached_password: Option<i64>,
    /// `bot_detection`
    pub bot_detection: Option<i64>,
    /// `new_device`
    pub new_device: Option<i64>,
    /// `new_country`
    pub new_country: Option<i64>,
    /// `impossible_travel`
    pub impossible_travel: Option<i64>,
    /// `velocity`
    pub velocity: Option<i64>,
    /// `anonymizer`
    pub anonymizer: Option<i64>,
}

impl Value for Weights {
    const WANTED: &'static str = "a record of the declared type";

    fn read(value: &Datum) -> Option<Self> {
        let source = Source::record(value);
        Some(Self {
            ip_reputation: source.within("ip_reputation", 0..=100).ok()?,
            brute_force: source.within("brute_force", 0..=100).ok()?,
            breached_password: source.within("breached_password", 0..=100).ok()?,
            bot_detection: source.within("bot_detection", 0..=100).ok()?,
            new_device: source.within("new_device", 0..=100).ok()?,
            new_country: source.within("new_country", 0..=100).ok()?,
            impossible_travel: source.within("impossible_travel", 0..=100).ok()?,
            velocity: source.within("velocity", 0..=100).ok()?,
            anonymizer: source.within("anonymizer", 0..=100).ok()?,
        })
    }

    fn give(self) -> Datum {
        let mut fields: Vec<(String, Datum)> = Vec::new();
        give_some(&mut fields, "ip_reputation", self.ip_reputation);
        give_some(&mut fields, "brute_force", self.brute_force);
        give_some(&mut fields, "breached_password", self.breached_password);
        give_some(&mut fields, "bot_detection", self.bot_detection);
        give_some(&mut fields, "new_device", self.new_device);
        give_some(&mut fields, "new_country", self.new_country);
        give_some(&mut fields, "impossible_travel", self.impossible_travel);
        give_some(&mut fields, "velocity", self.velocity);
        give_some(&mut fields, "anonymizer", self.anonymizer);

        Datum::record(fields)
    }
}

/// Severity: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// `"low"`
    Low,
    /// `"medium"`
    Medium,
    /// `"high"`
    High,
}

impl Severity {
    /// All of them, in the order declared.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl Value for Severity {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}

/// Recommendation: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recommendation {
    /// `"allow"`
    Allow,
    /// `"challenge"`
    Challenge,
    /// `"deny"`
    Deny,
}

impl Recommendation {
    /// All of them, in the order declared.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Challenge, Self::Deny];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Challenge => "challenge",
            Self::Deny => "deny",
        }
    }
}

impl Value for Recommendation {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
