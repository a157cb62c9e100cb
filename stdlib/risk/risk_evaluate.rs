//! `risk_evaluate`: signals, their strengths and the score. Deterministic: the same event, history and counters give
//! the same score.
//!
//! score = min(100, sum over the signals asked for of weight x strength, rounded down per signal), where a strength is
//! 0 to 100 percent. Severity and recommendation: below 60 low and allow, below 80 medium and challenge, else high and
//! deny.

use admit_eval::value::Instant;
use admit_runtime::block::{Block, BlockError, Call, Done, Event};
use admit_runtime::feeds::AddressFacts;
use admit_runtime::host::{BoxFuture, SignIn, StoreError};

use super::{Config, Outputs, Recommendation, Severity, Signal, Weights};
use crate::bots;
use crate::breached::sightings;
use crate::config::{event_double, event_flag, event_text, secret_input};
use crate::facts::facts;
use crate::failures::{self, Limits};

const MEDIUM: i64 = 60;
const HIGH: i64 = 80;
/// Past sign-ins that a request is compared with.
const HISTORY: u32 = 50;
/// Faster than an airliner, in km/h.
const TRAVEL_SPEED: f64 = 900.0;
/// Geolocation by address errs by as much, in km.
const TRAVEL_SLACK: f64 = 100.0;
const EARTH_RADIUS: f64 = 6_371.0;
const VELOCITY_WINDOW: u64 = 10 * 60;
/// Evaluations within the window that are usual for one user, and for one address.
const USUAL_PER_USER: u64 = 5;
const USUAL_PER_ADDRESS: u64 = 20;
/// Failed sign-ins that fire `brute_force` in full; from half as many on it fires by half.
const FAILURES: Limits = Limits { limit: 10, window: 15 * 60, lockout: 15 * 60 };

/// See `risk_evaluate.admit`.
pub struct RiskEvaluate;

impl Block for RiskEvaluate {
    fn name(&self) -> &'static str {
        "risk_evaluate"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let user_id = event_text(call.event, "user.id");
    let history = match &user_id {
        Some(id) => call.host.store().sign_ins(call.tenant, id, HISTORY).await?,
        None => Vec::new(),
    };
    let velocity = match config.signals.contains(&Signal::Velocity) {
        true => velocity(&call, user_id.as_deref()).await?,
        false => 0,
    };
    let (_, facts) = facts(call.host, call.event);
    let mut score = 0;
    let mut reasons = Vec::new();
    for signal in Signal::ALL {
        if !config.signals.contains(&signal) {
            continue;
        }
        let strength = match signal {
            Signal::IpReputation => percent(!facts.lists.is_empty()),
            Signal::BruteForce => brute_force(&call).await?,
            Signal::BreachedPassword => breached(&call).await?,
            Signal::BotDetection => percent(bots::assess(call.host, call.event).await?.is_some()),
            Signal::NewDevice => new_device(call.event, &history),
            Signal::NewCountry => new_country(facts.country.as_deref(), &history),
            Signal::ImpossibleTravel => impossible_travel(call.event, facts.position, &history, call.now),
            Signal::Velocity => velocity,
            Signal::Anonymizer => anonymizer(&facts),
        };
        if strength > 0 {
            score += weight(signal, &config.weights) * strength / 100;
            reasons.push(signal);
        }
    }
    let score = score.clamp(0, 100);
    let (severity, recommendation) = match score {
        HIGH.. => (Severity::High, Recommendation::Deny),
        MEDIUM.. => (Severity::Medium, Recommendation::Challenge),
        _ => (Severity::Low, Recommendation::Allow),
    };
    Ok(Done::Output(Outputs { score, severity, recommendation, reasons }.into()))
}

/// Points of a signal: the flow's, else the usual ones.
fn weight(signal: Signal, weights: &Weights) -> i64 {
    let (own, usual) = match signal {
        Signal::IpReputation => (weights.ip_reputation, 60),
        Signal::BruteForce => (weights.brute_force, 60),
        Signal::BreachedPassword => (weights.breached_password, 60),
        Signal::BotDetection => (weights.bot_detection, 40),
        Signal::NewDevice => (weights.new_device, 25),
        Signal::NewCountry => (weights.new_country, 35),
        Signal::ImpossibleTravel => (weights.impossible_travel, 60),
        Signal::Velocity => (weights.velocity, 40),
        Signal::Anonymizer => (weights.anonymizer, 60),
    };
    own.unwrap_or(usual)
}

/// The caller knows that the device is new, or the user has signed in before and never from it. A first sign-in has
/// nothing to be compared with.
fn new_device(event: &dyn Event, history: &[SignIn]) -> i64 {
    let device = event_text(event, "request.device.id").filter(|id| !id.is_empty());
    let unseen = !history.is_empty() && !history.iter().any(|past| past.device == device);
    percent(event_flag(event, "request.device.is_new") || (unseen && device.is_some()))
}

fn new_country(country: Option<&str>, history: &[SignIn]) -> i64 {
    let Some(country) = country else { return 0 };
    let mut known = history.iter().filter_map(|past| past.country.as_deref()).peekable();
    percent(known.peek().is_some() && known.all(|past| !past.eq_ignore_ascii_case(country)))
}

/// Farther from the last sign-in with a position than anyone travels in the time since. A clock set back counts as no
/// time at all.
fn impossible_travel(event: &dyn Event, known: Option<(f64, f64)>, history: &[SignIn], now: Instant) -> i64 {
    let here = event_double(event, "request.geo.lat").zip(event_double(event, "request.geo.long")).or(known);
    let last = history.iter().find_map(|past| past.position.map(|position| (past.at, position)));
    let (Some(here), Some((at, there))) = (here, last) else { return 0 };
    #[expect(clippy::cast_precision_loss, reason = "hours between two sign-ins")]
    let hours = now.seconds.saturating_sub(at.seconds).max(0) as f64 / 3_600.0;
    percent(distance(here, there) > TRAVEL_SLACK + hours * TRAVEL_SPEED)
}

/// Great-circle distance in km of two positions in degrees (haversine).
fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (a.0.to_radians(), b.0.to_radians());
    let (lat, long) = ((b.0 - a.0).to_radians() / 2.0, (b.1 - a.1).to_radians() / 2.0);
    let chord = lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * long.sin().powi(2);
    2.0 * EARTH_RADIUS * chord.clamp(0.0, 1.0).sqrt().asin()
}

/// Tor or an address that nobody should send from in full, a VPN or proxy two thirds, a hosting provider one third.
fn anonymizer(facts: &AddressFacts) -> i64 {
    if facts.is_tor || facts.is_bogon {
        100
    } else if facts.is_vpn || facts.is_proxy {
        67
    } else if facts.is_hosting {
        34
    } else {
        0
    }
}

/// In full where the account or the network is locked by failures, by half where it is half way there.
async fn brute_force(call: &Call<'_>) -> Result<i64, StoreError> {
    let found = failures::assess(call, FAILURES, true, true).await?;
    let half = i64::try_from(FAILURES.limit / 2).unwrap_or(i64::MAX);
    Ok(if found.blocked {
        100
    } else if found.failures >= half {
        50
    } else {
        0
    })
}

/// In full where the password that was sent was seen in a breach; not at all where none was sent with this request.
async fn breached(call: &Call<'_>) -> Result<i64, BlockError> {
    match secret_input(call.input, "password") {
        Some(password) => Ok(percent(sightings(call, password).await?.count > 0)),
        None => Ok(0),
    }
}

/// Counts this evaluation: in full where it is unusual for the user or the address, this one included.
async fn velocity(call: &Call<'_>, user_id: Option<&str>) -> Result<i64, StoreError> {
    let store = call.host.store();
    let mut unusual = false;
    if let Some(id) = user_id {
        let count = store.count(call.tenant, &format!("risk:user:{id}"), VELOCITY_WINDOW, call.now).await?;
        unusual |= count > USUAL_PER_USER;
    }
    if let Some(ip) = event_text(call.event, "request.ip") {
        let count = store.count(call.tenant, &format!("risk:ip:{ip}"), VELOCITY_WINDOW, call.now).await?;
        unusual |= count > USUAL_PER_ADDRESS;
    }
    Ok(percent(unusual))
}

fn percent(fires: bool) -> i64 {
    if fires { 100 } else { 0 }
}

#[cfg(test)]
mod tests {
    use admit_eval::datum::Datum;

    use super::*;
    use crate::config::text;

    struct Fixed(Vec<(&'static str, Datum)>);

    impl Event for Fixed {
        fn get(&self, path: &str) -> Option<Datum> {
            self.0.iter().find(|(known, _)| *known == path).map(|(_, value)| value.clone())
        }
    }

    fn past(at: i64, device: &str, country: &str, position: Option<(f64, f64)>) -> SignIn {
        SignIn {
            at: Instant { seconds: at, nanos: 0 },
            device: Some(device.to_owned()),
            country: Some(country.to_owned()),
            position,
            ip: "203.0.113.9".to_owned(),
        }
    }

    const PARIS: (f64, f64) = (48.85, 2.35);
    const PUNE: (f64, f64) = (18.52, 73.86);

    fn at(position: (f64, f64)) -> Fixed {
        Fixed(vec![("request.geo.lat", Datum::Double(position.0)), ("request.geo.long", Datum::Double(position.1))])
    }

    #[test]
    fn distances_are_those_of_the_globe() {
        for (a, b, km) in [
            (PARIS, PUNE, 7_126.0),
            (PARIS, PARIS, 0.0),
            ((0.0, 0.0), (0.0, 180.0), 20_015.1),
            ((90.0, 0.0), (-90.0, 0.0), 20_015.1),
            ((0.0, 179.5), (0.0, -179.5), 111.2),
        ] {
            let found = distance(a, b);
            assert!((found - km).abs() < 1.0, "{a:?} {b:?} {found}");
        }
    }

    #[test]
    fn travel_is_impossible_only_faster_than_an_airliner() {
        let now = |hours: i64| Instant { seconds: hours * 3_600, nanos: 0 };
        let history = [past(0, "d", "IN", Some(PUNE))];
        assert_eq!(impossible_travel(&at(PARIS), None, &history, now(7)), 100);
        assert_eq!(impossible_travel(&at(PARIS), None, &history, now(8)), 0);
        assert_eq!(impossible_travel(&at(PARIS), None, &history, now(-9)), 100, "a clock set back does not help");
        assert_eq!(impossible_travel(&at((18.9, 73.9)), None, &history, now(0)), 0, "within the slack");
        assert_eq!(impossible_travel(&at(PARIS), None, &[], now(0)), 0);
        assert_eq!(impossible_travel(&Fixed(vec![]), None, &history, now(0)), 0);
    }

    #[test]
    fn a_device_or_country_is_new_only_against_a_history() {
        let here = Fixed(vec![("request.device.id", text("dev_1")), ("request.geo.country", text("FR"))]);
        let known = [past(0, "dev_2", "IN", None), past(0, "dev_1", "fr", None)];
        let others = [past(0, "dev_2", "IN", None)];
        assert_eq!((new_device(&here, &[]), new_country(Some("FR"), &[])), (0, 0));
        assert_eq!((new_device(&here, &known), new_country(Some("FR"), &known)), (0, 0));
        assert_eq!((new_device(&here, &others), new_country(Some("FR"), &others)), (100, 100));
        let flagged = Fixed(vec![("request.device.is_new", Datum::Bool(true))]);
        assert_eq!((new_device(&flagged, &[]), new_country(None, &others)), (100, 0));
    }

    #[test]
    fn the_worst_kind_of_network_counts() {
        for (facts, strength) in [
            (AddressFacts::default(), 0),
            (AddressFacts { is_hosting: true, ..AddressFacts::default() }, 34),
            (AddressFacts { is_hosting: true, is_vpn: true, ..AddressFacts::default() }, 67),
            (AddressFacts { is_proxy: true, ..AddressFacts::default() }, 67),
            (AddressFacts { is_vpn: true, is_tor: true, ..AddressFacts::default() }, 100),
            (AddressFacts { is_bogon: true, ..AddressFacts::default() }, 100),
        ] {
            assert_eq!(anonymizer(&facts), strength, "{facts:?}");
        }
    }
}
