//! What blocks that send codes and links share: whom they are about, codes and tokens, budgets of what is sent (T38).

use admit_eval::datum::Datum;
use admit_eval::value::{Instant, Span};
use admit_runtime::block::{BlockError, Call};
use admit_runtime::host::{Host, HostError, StoreError};
use admit_runtime::identifier::normalise_identifier;
use admit_runtime::message::Channel;
use admit_runtime::unit::Proved;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::config::{Fields, event_text, invalid};

pub(crate) mod link;
pub(crate) mod out_of_band;

/// Kind of the challenge of a one-time code.
pub(crate) const CODE: &str = "code";
/// Kind of the challenge of a code that shows a second factor.
pub(crate) const FACTOR: &str = "factor";
/// Kind of the challenge of a code that shows a number to be the user's before it becomes a factor.
pub(crate) const PHONE: &str = "phone";
/// Kind of the challenge of a link that proves an address or number.
pub(crate) const ADDRESS: &str = "address";
/// Kind of the challenge of a link that lets somebody choose a new password.
pub(crate) const RECOVERY: &str = "recovery";

/// Most tries of one challenge, whatever a flow allows in one run (T17).
pub(crate) const TRIES: u32 = 5;
/// Tries of one account within an hour, over all its challenges: a new code does not set them back (T17).
const PER_ACCOUNT: u64 = 10;
const HOUR: u64 = 60 * 60;

/// Messages to one receiver within an hour and a day, from one address within an hour, and of a tenant within an hour.
const PER_RECEIVER: [(u64, u64); 2] = [(HOUR, 5), (24 * HOUR, 20)];
const PER_ADDRESS: u64 = 50;
const PER_TENANT_MAIL: u64 = 20_000;
const PER_TENANT_SMS: u64 = 2_000;

/// Whom a block is about.
pub(crate) struct Subject {
    /// Id and record of the user; none: there is no such user, or they are blocked.
    pub user: Option<(String, Datum)>,
    /// Names the account in counters: of a user who is there, or of what somebody typed.
    pub account: String,
    /// What was typed, in its normal form; of a user known otherwise, nothing.
    typed: String,
}

/// The user that the run is about, or whoever has the identifier. Nobody is told apart from somebody by what is read.
pub(crate) async fn subject(call: &Call<'_>) -> Result<Subject, StoreError> {
    let typed = normalise_identifier(&event_text(call.event, "identifier").unwrap_or_default()).1;
    let user = match event_text(call.event, "user.id") {
        Some(id) => call.user(&id).await?,
        None => call.user_by_identifier(&typed).await?,
    };
    let id = user.as_ref().and_then(|user| Fields(user).optional_text("id").ok().flatten()).map(str::to_owned);
    let account = id.as_ref().map_or_else(|| format!("typed:{typed}"), |id| format!("user:{id}"));
    let is_blocked = user.as_ref().is_some_and(|user| user.get("blocked") == Some(&Datum::Bool(true)));
    Ok(Subject { user: id.zip(user).filter(|_| !is_blocked), account, typed })
}

impl Subject {
    /// Their id, if they are there.
    pub fn id(&self) -> Option<&str> {
        self.user.as_ref().map(|(id, _)| id.as_str())
    }

    /// The user's address or number, if they have one that can receive something.
    pub fn receiver(&self, channel: Channel) -> Option<String> {
        let (_, user) = self.user.as_ref()?;
        let raw = Fields(user).optional_text(proved_by(channel).field()).ok().flatten()?;
        match channel {
            Channel::Mail => crate::receiver::mail(raw),
            Channel::Sms => crate::receiver::phone(raw),
        }
    }

    /// What was typed, in its normal form; of a user known otherwise, nothing.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Counts a try of the account, before anything is compared; false if there were too many.
    pub async fn may_try(&self, call: &Call<'_>) -> Result<bool, StoreError> {
        let count = call.host.store().count(call.tenant, &self.tries(), HOUR, call.now).await?;
        Ok(count <= PER_ACCOUNT)
    }

    /// A success: what was tried before is forgotten.
    pub async fn forget_tries(&self, call: &Call<'_>) -> Result<(), StoreError> {
        call.host.store().reset_count(call.tenant, &self.tries()).await
    }

    fn tries(&self) -> String {
        format!("code:{}", self.account)
    }
}

/// Counts a message to this receiver, and says whether it may still be sent. Of nobody, what was typed is counted.
pub(crate) async fn may_receive(call: &Call<'_>, channel: Channel, to: &str) -> Result<bool, StoreError> {
    let store = call.host.store();
    let (name, per_tenant) = match channel {
        Channel::Mail => ("mail", PER_TENANT_MAIL),
        Channel::Sms => ("sms", PER_TENANT_SMS),
    };
    let from = event_text(call.event, "request.ip").unwrap_or_default();
    let mut within = true;
    for (window, most) in PER_RECEIVER {
        let key = format!("send:{name}:to:{window}:{}", normalise_identifier(to).1);
        within &= store.count(call.tenant, &key, window, call.now).await? <= most;
    }
    within &= store.count(call.tenant, &format!("send:{name}:from:{from}"), HOUR, call.now).await? <= PER_ADDRESS;
    // Last, and only what is sent: whoever is over a limit of their own takes nothing from the others.
    if within {
        within &= store.count(call.tenant, &format!("send:{name}"), HOUR, call.now).await? <= per_tenant;
    }
    Ok(within)
}

/// What a message over this channel proves to be theirs.
pub(crate) fn proved_by(channel: Channel) -> Proved {
    match channel {
        Channel::Mail => Proved::Email,
        Channel::Sms => Proved::Phone,
    }
}

/// A code of this many digits, each as likely as the other.
///
/// # Errors
/// If the host gives no randomness worth the name.
pub(crate) fn code(host: &dyn Host, digits: i64) -> Result<String, BlockError> {
    let digits = u32::try_from(digits).map_err(|_| invalid("digits", "a small number"))?;
    let most = 10_u64.checked_pow(digits).ok_or_else(|| invalid("digits", "a small number"))?;
    // Numbers past the last whole multiple would make low codes likelier: drawn again, at most once in a thousand million.
    let fair = u64::MAX - u64::MAX % most;
    for _ in 0..16 {
        let mut bytes = [0; 8];
        host.random(&mut bytes);
        let drawn = u64::from_le_bytes(bytes);
        if drawn < fair {
            return Ok(format!("{:0width$}", drawn % most, width = digits as usize));
        }
    }
    Err(HostError::Failed("the host's randomness repeats itself".to_owned()).into())
}

/// A code as somebody typed it: spaces and dashes in it do not count.
pub(crate) fn typed_code(shown: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(shown.iter().copied().filter(|byte| !b" -".contains(byte)).collect())
}

/// The token of a link, 256 random bits: as text, and its bytes.
pub(crate) fn token(host: &dyn Host) -> (String, [u8; 32]) {
    let mut bytes = [0; 32];
    host.random(&mut bytes);
    (URL_SAFE_NO_PAD.encode(bytes), bytes)
}

/// The bytes of a token as somebody shows it; none if it can be none.
pub(crate) fn token_bytes(shown: &[u8]) -> Option<[u8; 32]> {
    let shown = std::str::from_utf8(shown).ok()?.trim();
    URL_SAFE_NO_PAD.decode(shown).ok()?.try_into().ok()
}

/// When a challenge that lasts so long is over, and its minutes as a text says them.
///
/// # Errors
/// `out_of_range` if it lasts shorter than a minute or longer than this, in seconds.
pub(crate) fn expiry(now: Instant, ttl: Span, longest: i64) -> Result<(Instant, i64), BlockError> {
    if !(60..=longest).contains(&ttl.seconds) {
        let detail = format!("`ttl` must be from 1 to {} minutes", longest / 60);
        return Err(BlockError::Named { name: "out_of_range", detail });
    }
    Ok((Instant { seconds: now.seconds.saturating_add(ttl.seconds), nanos: now.nanos }, ttl.seconds / 60))
}
