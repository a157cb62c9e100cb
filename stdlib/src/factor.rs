//! Second factors: their words, and which of them a user has. What each shows and how it is compared is in the files below.
//!
//! A code by mail can be asked for where a second factor is, but it is none: it never raises the assurance level (NIST SP
//! 800-63B-4 section 3.1.3.1).

use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Event};
use admit_runtime::message::Channel;
use admit_runtime::unit::AuditEntry;

use crate::config::{Fields, invalid, record, text};
use crate::{passkey, receiver};

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
    /// Codes by text message to a number that was proved (SP 800-63B-4 section 3.1.3.3: restricted).
    Sms,
    /// Codes to the user's mailbox: no second factor.
    Email,
}

/// All that are second factors.
pub(crate) const ALL: [Factor; 4] = [Factor::Totp, Factor::WebAuthn, Factor::BackupCode, Factor::Sms];

impl Factor {
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "totp" => Some(Self::Totp),
            "webauthn" => Some(Self::WebAuthn),
            "backup_code" => Some(Self::BackupCode),
            "sms" => Some(Self::Sms),
            "email" => Some(Self::Email),
            _ => None,
        }
    }

    /// As flows, challenges and `event.authentication.methods` say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::WebAuthn => passkey::KIND,
            Self::BackupCode => "backup_code",
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }

    /// How its codes reach the user, where they are sent.
    pub fn channel(self) -> Option<Channel> {
        match self {
            Self::Totp | Self::WebAuthn | Self::BackupCode => None,
            Self::Sms => Some(Channel::Sms),
            Self::Email => Some(Channel::Mail),
        }
    }

    /// The kinds of credentials that it is shown with; none for the mailbox, which is the address that was verified.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Totp => &["totp", "hotp"],
            Self::WebAuthn => &[passkey::KIND],
            Self::BackupCode => &["backup_code"],
            Self::Sms => &["sms"],
            Self::Email => &[],
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
    let mailbox = match among.contains(&Factor::Email) {
        true => mailbox(call, user_id).await?,
        false => None,
    };
    let has = |factor: &&Factor| match factor {
        Factor::Email => mailbox.is_some(),
        Factor::Totp | Factor::WebAuthn | Factor::BackupCode | Factor::Sms => {
            known.iter().any(|credential| factor.kinds().contains(&credential.kind.as_str()))
        }
    };
    Ok(among.iter().filter(has).copied().collect())
}

/// Where codes of a factor go: the number that was enrolled last, or the address that was verified.
pub(crate) async fn address(call: &Call<'_>, user_id: &str, factor: Factor) -> Result<Option<String>, BlockError> {
    match factor {
        Factor::Sms => Ok(numbers(call, user_id).await?.pop()),
        Factor::Email => mailbox(call, user_id).await,
        Factor::Totp | Factor::WebAuthn | Factor::BackupCode => Ok(None),
    }
}

/// The numbers that the user has enrolled, in the order in which they were.
pub(crate) async fn numbers(call: &Call<'_>, user_id: &str) -> Result<Vec<String>, BlockError> {
    let mut known = call.credentials(user_id, "sms").await?;
    known.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    let number =
        |known: &admit_runtime::host::Credential| std::str::from_utf8(known.material.expose()).ok().map(str::to_owned);
    Ok(known.iter().filter_map(number).collect())
}

async fn mailbox(call: &Call<'_>, user_id: &str) -> Result<Option<String>, BlockError> {
    let user = call.user(user_id).await?;
    let verified = user.filter(|user| Fields(user).boolean("email_verified") == Ok(true));
    Ok(verified.and_then(|user| Fields(&user).optional_text("email").ok().flatten().and_then(receiver::mail)))
}

/// Whether this factor and what was shown before it are two factors (SP 800-63B-4 section 2.2.1): something that the user
/// knows, or what a provider has checked, and another thing that they have; or a passkey that has checked who holds it. The
/// same authenticator twice is one factor, and so are two that are both only held (an app and a number: one stolen phone has
/// both). A mailbox is no authenticator, before or now.
pub(crate) fn makes_two(event: &dyn Event, factor: Factor, user_verified: bool) -> bool {
    let known = |methods: &[Datum]| methods.iter().any(|method| matches!(method.as_str(), Some("password" | "social")));
    let before = matches!(event.get("authentication.methods"), Some(Datum::List(methods)) if known(&methods));
    match factor {
        Factor::Email => false,
        Factor::WebAuthn => before || user_verified,
        Factor::Totp | Factor::BackupCode | Factor::Sms => before,
    }
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
