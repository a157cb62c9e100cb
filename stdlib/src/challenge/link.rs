//! Links of messages: a token that counts once, kept as the hash that a challenge has.
//!
//! One rule for all blocks: a link leads to the page below `[links] base` that the block's `path` names, unless the block
//! names a page by a `url` of its own.

use admit_eval::value::{Instant, Span};
use admit_runtime::block::{BlockError, Call};
use admit_runtime::host::HostError;
use admit_runtime::message::Channel;
use admit_runtime::unit::{Challenge, Material, Write};

use crate::challenge::out_of_band::word;
use crate::challenge::{expiry, token};
use crate::config::{fresh_id, record, text};

/// The longest life of a link, in seconds: a week.
const LONGEST: i64 = 7 * 24 * 60 * 60;

/// What a link is made of.
pub(crate) struct Wanted<'a> {
    /// What the challenge is for, as `verification_check` looks for it.
    pub kind: &'static str,
    /// Whose; none: nobody's, so that an unknown user looks like a known one.
    pub user_id: Option<&'a str>,
    /// The page that takes the token, as [`page`] gives it.
    pub page: &'a str,
    /// How long it works.
    pub ttl: Span,
    /// How it is sent.
    pub channel: Channel,
    /// The address or number that whoever opens it has proved to be theirs; empty: nobody's.
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

/// The page of a link: `url` where one is named, else `path` below the base of links. Asked before anything is looked up, so that
/// a host without a base answers alike for everybody.
///
/// # Errors
/// `not_configured` where there is no base; `invalid_url` where `url` is no absolute http URL.
pub(crate) fn page(call: &Call<'_>, url: Option<&str>, path: &str) -> Result<String, BlockError> {
    match url {
        Some(url) if is_absolute(url) => Ok(url.to_owned()),
        Some(url) => {
            Err(BlockError::Named { name: "invalid_url", detail: format!("`{url}` is not an absolute http URL") })
        }
        None => Ok(format!("{}/{}", base(call)?, path.trim_start_matches('/'))),
    }
}

/// Makes a link and queues its challenge with the writes of this request.
///
/// # Errors
/// `out_of_range`: `ttl` is under a minute or over a week.
pub(crate) fn make(call: &mut Call<'_>, wanted: &Wanted<'_>) -> Result<Link, BlockError> {
    let (expires_at, minutes) = expiry(call.now, wanted.ttl, LONGEST)?;
    let (token, bytes) = token(call.host);
    let challenge = fresh_id(call.host, "chl");
    call.unit.writes.push(Write::InsertChallenge(Box::new(Challenge {
        id: challenge.clone(),
        kind: wanted.kind.to_owned(),
        run_id: None,
        user_id: wanted.user_id.map(str::to_owned),
        secret: Material::new(bytes),
        by_secret: true,
        data: record([("channel", text(word(wanted.channel))), ("to", text(wanted.to))]),
        max_attempts: 1,
        expires_at,
    })));
    Ok(Link { url: with_token(wanted.page, &token), challenge, minutes, expires_at })
}

fn base(call: &Call<'_>) -> Result<String, BlockError> {
    call.host.link_base(call.tenant).map_err(|error| match error {
        HostError::NotFound(detail) => BlockError::Named { name: "not_configured", detail },
        HostError::Overloaded | HostError::Failed(_) => error.into(),
    })
}

fn is_absolute(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
        && url.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The page with the token among its parameters, before a fragment.
fn with_token(page: &str, token: &str) -> String {
    let (page, fragment) =
        page.split_once('#').map_or((page, String::new()), |(page, rest)| (page, format!("#{rest}")));
    let join = if page.contains('?') { '&' } else { '?' };
    format!("{page}{join}token={token}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_added_to_what_the_page_has() {
        for (page, link) in [
            ("https://x.example/v", "https://x.example/v?token=T"),
            ("https://x.example/v?a=1#top", "https://x.example/v?a=1&token=T#top"),
            ("http://localhost:3000/", "http://localhost:3000/?token=T"),
        ] {
            assert!(is_absolute(page));
            assert_eq!(with_token(page, "T"), link);
        }
        for url in ["", "javascript:alert(1)", "/v", "https://", "https:///v", "https://x.example/a b"] {
            assert!(!is_absolute(url), "{url}");
        }
    }
}
