//! One-time codes that reach the user another way: sent, and sent again. What `channel_otp_send`, `channel_otp_verify`, `mfa`,
//! `require_mfa` and `require_mfa_enroll` share.
//!
//! A code that is sent again takes the place of the one before in the same challenge, so that the one before is wrong from then
//! on and the tries stay counted (T17). How often and how quickly is bounded here, beside the budgets of receivers (T38).

use admit_eval::datum::Datum;
use admit_eval::value::{Instant, Span};
use admit_runtime::block::{BlockError, Call};
use admit_runtime::message::Channel;
use admit_runtime::unit::{Challenge, Material, Write};

use crate::challenge::{Subject, TRIES, code, expiry, may_receive};
use crate::config::{Fields, fresh_id, record, text};
use crate::message::{self, Draft};

/// SP 800-63B-4 section 3.1.3.2: a code is valid for at most 10 minutes.
pub(crate) const LONGEST: i64 = 10 * 60;
/// How long a code of a second factor is valid, in seconds.
pub(crate) const FACTOR_SECONDS: i64 = 5 * 60;
/// Digits of a code of a second factor.
pub(crate) const FACTOR_DIGITS: i64 = 6;
/// Most codes of one challenge, the first one included.
const MOST: i64 = 4;
/// Shortest time between two codes of one challenge, in seconds.
const INTERVAL: i64 = 30;

/// A code to be sent.
pub(crate) struct Delivery<'a> {
    pub kind: &'static str,
    pub channel: Channel,
    /// Whose; none: nobody's, which looks alike (T19).
    pub user_id: Option<&'a str>,
    /// Where to; none: to nobody.
    pub to: Option<&'a str>,
    /// What was typed by whom there is not: what is counted where `to` is none.
    pub typed: &'a str,
    pub template: &'a str,
    pub ttl: Span,
    pub digits: i64,
}

/// What was sent so far, as a block keeps it over its suspensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// `chl_...`
    pub challenge: String,
    /// How many codes.
    pub count: i64,
    /// When the last one was sent, in seconds since the epoch.
    pub at: i64,
}

/// What came of sending.
pub(crate) struct Posted {
    pub sent: Sent,
    /// Until when the code is valid.
    pub expires_at: Instant,
    /// No budget stood against it. A first code that is not sent is in its challenge all the same, where nobody can meet it.
    pub left: bool,
}

/// Sends a code: the first one with a challenge of its own, a later one in place of the one before. Where a budget stands
/// against a later one, the one before stays.
///
/// # Errors
/// `not_configured`, `invalid_template`, `invalid_config`; the store.
pub(crate) async fn send(
    call: &mut Call<'_>,
    delivery: &Delivery<'_>,
    before: Option<&Sent>,
) -> Result<Posted, BlockError> {
    let (expires_at, minutes) = expiry(call.now, delivery.ttl, LONGEST)?;
    message::may_send(call, delivery.channel)?;
    let left = may_receive(call, delivery.channel, delivery.to.unwrap_or(delivery.typed)).await?;
    let code = code(call.host, delivery.digits)?;
    let data = record([("code", text(&code)), ("minutes", Datum::Int(minutes))]);
    // Written for nobody too: a text that does not fit, and the time that it takes, tell nobody who is there.
    message::render(call, delivery.template, &data)?;
    let secret = Material::new(code.as_bytes());
    let sent = match before {
        Some(before) if !left => return Ok(Posted { sent: before.clone(), expires_at, left }),
        Some(before) => {
            let id = before.challenge.clone();
            call.unit.writes.push(Write::RenewChallenge { id: id.clone(), secret, expires_at });
            Sent { challenge: id, count: before.count.saturating_add(1), at: call.now.seconds }
        }
        None => {
            let id = fresh_id(call.host, "chl");
            call.unit.writes.push(Write::InsertChallenge(Box::new(Challenge {
                id: id.clone(),
                kind: delivery.kind.to_owned(),
                run_id: Some(call.run_id.to_owned()),
                user_id: delivery.user_id.map(str::to_owned),
                secret,
                by_secret: false,
                data: delivery.kept(),
                max_attempts: TRIES,
                expires_at,
            })));
            Sent { challenge: id, count: 1, at: call.now.seconds }
        }
    };
    if let (true, Some(to)) = (left, delivery.to) {
        let number = match sent.count {
            1 => sent.challenge.clone(),
            count => format!("{}-{count}", sent.challenge),
        };
        let draft = Draft {
            channel: delivery.channel,
            to,
            template: delivery.template,
            data: &data,
            number: &number,
            user_id: delivery.user_id,
            expires_at: Some(expires_at),
        };
        message::enqueue(call, draft)?;
    }
    Ok(Posted { sent, expires_at, left })
}

/// Sends another code, if one may be sent now; else says in words why not.
///
/// # Errors
/// As [`send`].
pub(crate) async fn send_again(
    call: &mut Call<'_>,
    delivery: &Delivery<'_>,
    before: &Sent,
) -> Result<Result<Sent, String>, BlockError> {
    match before.wait(call.now) {
        None => Ok(Err("no more codes are sent in this run".to_owned())),
        Some(0) => {
            let posted = send(call, delivery, Some(before)).await?;
            Ok(if posted.left { Ok(posted.sent) } else { Err("no more codes can be sent for now".to_owned()) })
        }
        Some(seconds) => Ok(Err(format!("another code can be sent in {seconds} seconds"))),
    }
}

impl Delivery<'_> {
    /// What is kept with its challenge: all that it takes to send another one.
    fn kept(&self) -> Datum {
        record([
            ("channel", text(word(self.channel))),
            ("to", text(self.to.unwrap_or_default())),
            ("template", text(self.template)),
            ("ttl", Datum::Int(self.ttl.seconds)),
            ("digits", Datum::Int(self.digits)),
        ])
    }

    /// What was kept with a challenge of `kind`; none where it is of a version that sent no code again.
    pub fn read<'a>(kind: &'static str, data: &'a Datum, subject: &'a Subject) -> Option<Delivery<'a>> {
        let kept = Fields(data);
        let text = |name| kept.optional_text(name).ok().flatten();
        let number = |name| kept.optional_int(name).ok().flatten();
        Some(Delivery {
            kind,
            channel: channel(text("channel")?),
            user_id: subject.id(),
            to: text("to").filter(|to| !to.is_empty() && subject.id().is_some()),
            typed: subject.typed(),
            template: text("template")?,
            ttl: Span { seconds: number("ttl")?, nanos: 0 },
            digits: number("digits")?,
        })
    }
}

impl Sent {
    /// Seconds until another code may be sent; none: no more.
    pub fn wait(&self, now: Instant) -> Option<i64> {
        (self.count < MOST).then(|| self.at.saturating_add(INTERVAL).saturating_sub(now.seconds).clamp(0, INTERVAL))
    }

    /// As the memory of a run holds it.
    pub fn record(&self) -> Datum {
        record([("challenge", text(&self.challenge)), ("count", Datum::Int(self.count)), ("at", Datum::Int(self.at))])
    }

    /// From there.
    pub fn read(memory: &Datum) -> Option<Self> {
        let fields = Fields(memory);
        Some(Self {
            challenge: fields.optional_text("challenge").ok()??.to_owned(),
            count: fields.optional_int("count").ok()??,
            at: fields.optional_int("at").ok()??,
        })
    }
}

/// As flows say it.
pub(crate) fn word(channel: Channel) -> &'static str {
    match channel {
        Channel::Mail => "email",
        Channel::Sms => "sms",
    }
}

fn channel(word: &str) -> Channel {
    if word == "sms" { Channel::Sms } else { Channel::Mail }
}
