//! Failed sign-ins: where blocks that check a credential note them, and what `brute_force` and `risk_evaluate` read.
//!
//! A failure is noted for the account and for the network that it came from (an IPv4 address, or a /64 of IPv6, which one
//! customer has whole). Failures from a device that the user has signed in from are noted apart, so that strangers cannot
//! lock a user out of it (T37).

use std::net::{IpAddr, Ipv6Addr};

use admit_eval::value::Instant;
use admit_runtime::block::Call;
use admit_runtime::host::StoreError;

use crate::config::{Fields, event_text};

/// Sign-ins that a device is looked for in.
const HISTORY: u32 = 50;
/// Failures that are looked at; more do not change the answer of any limit that a flow may set.
const MOST: u32 = 2_000;

/// The account of a run that nobody was named in: a passkey that is of no user.
const NOBODY: &str = "typed:";

/// When failures lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// So many failures
    pub limit: usize,
    /// within so many seconds
    pub window: i64,
    /// lock for so many seconds, from the last of them.
    pub lockout: i64,
}

/// What failures mean under limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// It is locked.
    pub blocked: bool,
    /// Failures within the window.
    pub failures: i64,
    /// Seconds until it is not, rounded up; 0 where it is not.
    pub retry_after: i64,
}

/// What was shown wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// A password.
    Password,
    /// A code or a passkey. Noted apart: who has the password sets its failures back as often as they like, and must not set
    /// back those of their guesses at the second factor.
    Factor,
}

/// Whose failures: counter keys without their purpose.
struct Keys {
    /// The account, or what was typed where there is none; on a known device, that device. None: nobody was named.
    account: Option<String>,
    /// The network of the request; none where its address is none.
    network: Option<String>,
}

/// Finds whom the run is about, with the same reads whether there is such a user or not.
async fn keys(call: &Call<'_>) -> Result<Keys, StoreError> {
    let identifier = event_text(call.event, "identifier").unwrap_or_default();
    let known = event_text(call.event, "user.id");
    let found = call.host.store().user_by_identifier(call.tenant, &identifier).await?;
    let id = match known {
        Some(id) => Some(id),
        None => found.as_ref().and_then(|user| Fields(user).optional_text("id").ok().flatten()).map(str::to_owned),
    };
    let account = match &id {
        Some(id) => format!("user:{id}"),
        None => format!("typed:{}", identifier.trim().to_lowercase()),
    };
    keys_of(call, &account, id.as_deref()).await
}

/// The same where the account is known: `user:<id>` or `typed:<identifier>`.
async fn keys_of(call: &Call<'_>, account: &str, user_id: Option<&str>) -> Result<Keys, StoreError> {
    let store = call.host.store();
    let past = store.sign_ins(call.tenant, user_id.unwrap_or("usr_none"), HISTORY).await?;
    let device = event_text(call.event, "request.device.id").filter(|id| !id.is_empty());
    let known = device.filter(|id| past.iter().any(|past| past.device.as_deref() == Some(id)));
    let named = account != NOBODY;
    Ok(Keys {
        account: named.then(|| match known {
            Some(device) => format!("account:{account}:device:{device}"),
            None => format!("account:{account}"),
        }),
        network: event_text(call.event, "request.ip").and_then(|ip| network(&ip)).map(|net| format!("network:{net}")),
    })
}

impl Keys {
    /// The keys of the account's failures of each kind.
    fn of_account(&self) -> Option<[String; 2]> {
        self.account.as_ref().map(|account| [account.clone(), of_factor(account)])
    }
}

fn of_factor(account: &str) -> String {
    format!("factor:{account}")
}

/// The account that a run is about, for [`note`] and [`forget`]: of this user, or else of what was typed.
pub(crate) fn account(call: &Call<'_>, user_id: Option<&str>) -> String {
    match user_id {
        Some(id) => format!("user:{id}"),
        None => format!("typed:{}", event_text(call.event, "identifier").unwrap_or_default().trim().to_lowercase()),
    }
}

/// Notes a failure of the account.
pub(crate) async fn note(call: &Call<'_>, account: &str, shown: Shown) -> Result<(), StoreError> {
    let keys = keys_of(call, account, account.strip_prefix("user:")).await?;
    let store = call.host.store();
    if let Some(network) = &keys.network {
        store.note_failure(call.tenant, network, call.now).await?;
    }
    match (keys.account, shown) {
        (Some(account), Shown::Password) => store.note_failure(call.tenant, &account, call.now).await,
        (Some(account), Shown::Factor) => store.note_failure(call.tenant, &of_factor(&account), call.now).await,
        (None, _) => Ok(()),
    }
}

/// Forgets the failures of the account, on this device: those of passwords where a password was right, all of them where
/// something else was. Those of the network stay: who has one password of many could else go on guessing.
pub(crate) async fn forget(call: &Call<'_>, account: &str, shown: Shown) -> Result<(), StoreError> {
    let keys = keys_of(call, account, account.strip_prefix("user:")).await?;
    let Some([passwords, factors]) = keys.of_account() else { return Ok(()) };
    let store = call.host.store();
    store.forget_failures(call.tenant, &passwords).await?;
    match shown {
        Shown::Password => Ok(()),
        Shown::Factor => store.forget_failures(call.tenant, &factors).await,
    }
}

/// How the account, the network or the worse of both stands.
pub(crate) async fn assess(call: &Call<'_>, limits: Limits, user: bool, ip: bool) -> Result<Standing, StoreError> {
    let keys = keys(call).await?;
    let mut worst = Standing::default();
    let account = keys.of_account().filter(|_| user).map(Vec::from);
    let network = keys.network.filter(|_| ip).map(|network| vec![network]);
    for keys in [account, network].into_iter().flatten() {
        let found = standing(call, &keys, limits).await?;
        worst = Standing {
            blocked: worst.blocked || found.blocked,
            failures: worst.failures.max(found.failures),
            retry_after: worst.retry_after.max(found.retry_after),
        };
    }
    Ok(worst)
}

/// How failures under these keys stand together.
async fn standing(call: &Call<'_>, keys: &[String], limits: Limits) -> Result<Standing, StoreError> {
    let span = limits.window.saturating_add(limits.lockout);
    let since = Instant { seconds: call.now.seconds.saturating_sub(span), nanos: 0 };
    let mut times = Vec::new();
    for key in keys {
        times.extend(call.host.store().failures(call.tenant, key, since, MOST).await?);
    }
    times.sort_unstable_by(|one, other| other.cmp(one));
    Ok(stand(&times, limits, call.now))
}

/// `times` are newest first. A clock that was set back ends no lock early.
fn stand(times: &[Instant], limits: Limits, now: Instant) -> Standing {
    let within = |time: &&Instant| after(**time, limits.window) > now;
    let failures = times.iter().filter(within).count();
    let limit = limits.limit.max(1);
    // The newest failure that was the last of enough within the window.
    let last = times.windows(limit).find_map(|run| {
        let (newest, oldest) = (run.first()?, run.last()?);
        (after(*oldest, limits.window) > *newest).then_some(*newest)
    });
    let until = last.map(|last| after(last, limits.lockout)).filter(|until| *until > now);
    let wait = until.map_or(0, |until| {
        let whole = until.seconds.saturating_sub(now.seconds);
        whole.saturating_add(i64::from(until.nanos > now.nanos)).max(1)
    });
    Standing { blocked: until.is_some(), failures: i64::try_from(failures).unwrap_or(i64::MAX), retry_after: wait }
}

fn after(time: Instant, seconds: i64) -> Instant {
    Instant { seconds: time.seconds.saturating_add(seconds), nanos: time.nanos }
}

/// The address, or its /64; IPv6 forms of IPv4 addresses are these (RFC 4291 section 2.5.5.2). None for what is none.
pub(crate) fn network(ip: &str) -> Option<String> {
    Some(match ip.trim().parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{}/64", Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant { seconds, nanos: 0 }
    }

    fn of(times: &[i64], now: i64) -> (bool, i64, i64) {
        let mut times: Vec<Instant> = times.iter().map(|time| at(*time)).collect();
        times.reverse();
        let found = stand(&times, Limits { limit: 3, window: 60, lockout: 300 }, at(now));
        (found.blocked, found.failures, found.retry_after)
    }

    #[test]
    fn so_many_failures_within_the_window_lock_for_as_long_as_it_says() {
        assert_eq!(of(&[], 0), (false, 0, 0));
        assert_eq!(of(&[0, 10], 20), (false, 2, 0));
        assert_eq!(of(&[0, 10, 20], 20), (true, 3, 300));
        assert_eq!(of(&[0, 10, 20], 319), (true, 0, 1));
        assert_eq!(of(&[0, 10, 20], 320), (false, 0, 0));
        assert_eq!(of(&[0, 30, 60], 60), (false, 2, 0), "not within the window");
        assert_eq!(of(&[0, 30, 59, 200], 200), (true, 1, 159), "later failures alone do not lengthen it");
        assert_eq!(of(&[0, 10, 20, 21], 30), (true, 4, 291), "more within the window do");
    }

    #[test]
    fn t36_a_clock_set_back_ends_no_lock() {
        assert!(of(&[1_000, 1_001, 1_002], 0).0);
    }

    #[test]
    fn one_customer_is_one_network() {
        for (ip, expected) in [
            ("203.0.113.9", Some("203.0.113.9")),
            ("::ffff:203.0.113.9", Some("203.0.113.9")),
            ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2::/64")),
            ("2001:db8:1:2::1", Some("2001:db8:1:2::/64")),
            ("", None),
            ("203.0.113", None),
            ("203.0.113.9, 10.0.0.1", None),
        ] {
            assert_eq!(network(ip).as_deref(), expected, "{ip}");
        }
    }
}
