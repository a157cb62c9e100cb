//! Links of messages: a token of 256 random bits that counts once, kept as the hash that a challenge has.

use admit_eval::value::{Instant, Span};
use admit_runtime::block::{BlockError, Call};
use admit_runtime::host::HostError;
use admit_runtime::unit::{Challenge, Material, Write};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::{fresh_id, record, text};

/// Shortest and longest life of a link, in seconds: a minute, a week.
const LIFE: std::ops::RangeInclusive<i64> = 60..=7 * 24 * 60 * 60;

/// What a link is made of.
pub(crate) struct Wanted<'a> {
    /// What the challenge is for: `address`, `recovery`, as `verification_check` looks for it.
    pub kind: &'static str,
    /// Whose; none: nobody's, so that an unknown user looks like a known one.
    pub user_id: Option<&'a str>,
    /// Where it leads below the base: `/reset-password`.
    pub path: &'a str,
    /// How long it works.
    pub ttl: Span,
    /// The address that whoever opens it has proved to be theirs.
    pub to: &'a str,
}

/// A link that was made.
pub(crate) struct Link {
    /// The URL, its token in the query.
    pub url: String,
    /// The challenge's id.
    pub challenge: String,
    /// Whole minutes that it works.
    pub minutes: i64,
    /// Until when.
    pub expires_at: Instant,
}

/// Where links lead. Asked before anything is looked up, so that a host without it answers alike for everybody.
///
/// # Errors
/// `not_configured`
pub(crate) fn base(call: &Call<'_>) -> Result<String, BlockError> {
    call.host.link_base(call.tenant).map_err(|error| match error {
        HostError::NotFound(detail) => BlockError::Named { name: "not_configured", detail },
        HostError::Overloaded | HostError::Failed(_) => error.into(),
    })
}

/// Makes a link and queues its challenge with the writes of this request.
///
/// # Errors
/// `out_of_range`: `ttl` is under a minute or over a week.
pub(crate) fn make(call: &mut Call<'_>, base: &str, wanted: Wanted<'_>) -> Result<Link, BlockError> {
    let life = wanted.ttl.seconds;
    if !LIFE.contains(&life) {
        let detail = "`ttl` is not between a minute and a week".to_owned();
        return Err(BlockError::Named { name: "out_of_range", detail });
    }
    let mut token = [0; 32];
    call.host.random(&mut token);
    let expires_at = Instant { seconds: call.now.seconds.saturating_add(life), nanos: call.now.nanos };
    let challenge = fresh_id(call.host, "chl");
    call.unit.writes.push(Write::InsertChallenge(Box::new(Challenge {
        id: challenge.clone(),
        kind: wanted.kind.to_owned(),
        run_id: None,
        user_id: wanted.user_id.map(str::to_owned),
        secret: Material::new(token),
        by_secret: true,
        data: record([("channel", text("email")), ("to", text(wanted.to))]),
        max_attempts: 1,
        expires_at,
    })));
    let path = wanted.path.trim_start_matches('/');
    let url =
        format!("{base}/{path}{}token={}", if path.contains('?') { '&' } else { '?' }, URL_SAFE_NO_PAD.encode(token));
    Ok(Link { url, challenge, minutes: life / 60, expires_at })
}
