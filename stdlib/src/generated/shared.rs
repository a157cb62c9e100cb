//! Words that several blocks have: written from their declarations by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::Value;
use admit_eval::datum::Datum;

/// AalMin: one of these words.
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

/// Channel: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// `"email"`
    Email,
    /// `"sms"`
    Sms,
}

impl Channel {
    /// All of them, in the order declared.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

impl Value for Channel {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}

/// Class: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `"lower"`
    Lower,
    /// `"upper"`
    Upper,
    /// `"digit"`
    Digit,
    /// `"symbol"`
    Symbol,
}

impl Class {
    /// All of them, in the order declared.
    pub const ALL: [Self; 4] = [Self::Lower, Self::Upper, Self::Digit, Self::Symbol];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Digit => "digit",
            Self::Symbol => "symbol",
        }
    }
}

impl Value for Class {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}

/// Factor: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// `"totp"`
    Totp,
    /// `"webauthn"`
    Webauthn,
    /// `"backup_code"`
    BackupCode,
    /// `"sms"`
    Sms,
    /// `"email"`
    Email,
}

impl Factor {
    /// All of them, in the order declared.
    pub const ALL: [Self; 5] = [Self::Totp, Self::Webauthn, Self::BackupCode, Self::Sms, Self::Email];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Webauthn => "webauthn",
            Self::BackupCode => "backup_code",
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }
}

impl Value for Factor {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}

/// Which: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// `"current"`
    Current,
    /// `"all"`
    All,
    /// `"others"`
    Others,
}

impl Which {
    /// All of them, in the order declared.
    pub const ALL: [Self; 3] = [Self::Current, Self::All, Self::Others];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::All => "all",
            Self::Others => "others",
        }
    }
}

impl Value for Which {
    const WANTED: &'static str = "one of its words";

    fn read(value: &Datum) -> Option<Self> {
        let word = value.as_str()?;
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    fn give(self) -> Datum {
        Datum::Str(self.word().into())
    }
}
