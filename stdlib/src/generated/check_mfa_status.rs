//! `check_mfa_status` in Rust: written from `auth/check_mfa_status.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::Value;
use admit_eval::datum::Datum;
use admit_runtime::block::Output;

#[path = "../../auth/check_mfa_status.rs"]
mod block;

pub use block::CheckMfaStatus;

/// The outputs of `check_mfa_status`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The user has a second factor.
    pub enrolled: bool,
    /// Which ones.
    pub factors: Vec<Factor>,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> =
            vec![("enrolled".to_owned(), self.enrolled.give()), ("factors".to_owned(), self.factors.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
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
}

impl Factor {
    /// All of them, in the order declared.
    pub const ALL: [Self; 4] = [Self::Totp, Self::Webauthn, Self::BackupCode, Self::Sms];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Webauthn => "webauthn",
            Self::BackupCode => "backup_code",
            Self::Sms => "sms",
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
