//! Second factors: their words, and which of them a user has. What each shows and how it is compared is in the files below.
//!
//! E-mail is not among them: a code by mail never raises the assurance level (NIST SP 800-63B-4 section 3.1.3.1).

use admit_runtime::block::{BlockError, Call};
use admit_runtime::unit::AuditEntry;

use crate::config::{invalid, record, text};
use crate::passkey;

pub(crate) mod ask;
pub(crate) mod backup;
pub(crate) mod code;
pub(crate) mod device;
pub(crate) mod enrol;
pub(crate) mod policy;

/// Failures of one account within an hour, over all its runs and factors: at most 3 x 10 of 10^6 codes.
const PER_ACCOUNT: u64 = 10;
const ACCOUNT_WINDOW: u64 = 60 * 60;

/// A factor by the word that flows know it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Factor {
    /// One-time passwords: of an app (RFC 6238) or of a token that counts (RFC 4226).
    Totp,
    /// Passkeys and security keys.
    WebAuthn,
    /// Codes to keep for when all else is lost, each used once.
    BackupCode,
}

/// All of them.
pub(crate) const ALL: [Factor; 3] = [Factor::Totp, Factor::WebAuthn, Factor::BackupCode];

impl Factor {
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "totp" => Some(Self::Totp),
            "webauthn" => Some(Self::WebAuthn),
            "backup_code" => Some(Self::BackupCode),
            _ => None,
        }
    }

    /// As flows, challenges and `event.authentication.methods` say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::WebAuthn => passkey::KIND,
            Self::BackupCode => "backup_code",
        }
    }

    /// The kinds of credentials that it is shown with.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Totp => &["totp", "hotp"],
            Self::WebAuthn => &[passkey::KIND],
            Self::BackupCode => &["backup_code"],
        }
    }

    /// From words of a config.
    pub fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, BlockError> {
        words.into_iter().map(|word| Self::of(word).ok_or_else(|| invalid("factors", "factors"))).collect()
    }
}

/// Those of these factors that the user has, in the order in which they are given.
pub(crate) async fn enrolled(call: &Call<'_>, user_id: &str, among: &[Factor]) -> Result<Vec<Factor>, BlockError> {
    let known = call.credential_list(user_id).await?;
    let has = |factor: &&Factor| known.iter().any(|credential| factor.kinds().contains(&credential.kind.as_str()));
    Ok(among.iter().filter(has).copied().collect())
}

/// Counts a try of the account before it is compared (security.md decision 6); true if there were too many.
pub(crate) async fn count(call: &Call<'_>, account: &str) -> Result<bool, BlockError> {
    Ok(call.host.store().count(call.tenant, account, ACCOUNT_WINDOW, call.now).await? > PER_ACCOUNT)
}

/// The account that tries are counted for: the user, or the run of somebody unknown.
pub(crate) fn account(call: &Call<'_>, user_id: Option<&str>) -> String {
    match user_id {
        Some(id) => format!("mfa:user:{id}"),
        None => format!("mfa:run:{}", call.run_id),
    }
}

/// An audit entry of a factor.
pub(crate) fn entry(kind: &str, who: &str, outcome: &str, label: &str, detail: &str) -> AuditEntry {
    AuditEntry {
        kind: kind.to_owned(),
        actor: who.to_owned(),
        target: who.to_owned(),
        outcome: outcome.to_owned(),
        data: record([("step", text(label)), ("detail", text(detail))]),
    }
}
