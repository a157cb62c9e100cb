//! `verification_send`: a link with a token from the CSPRNG, kept as a challenge and queued with the run.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;
use admit_runtime::message::Channel as Way;
use admit_runtime::unit::{Challenge, Material, Write};

use super::{Channel, Config, Error, Outputs};
use crate::challenge::{self, ADDRESS};
use crate::config::{fresh_id, record, text};
use crate::message::{self, Draft};

const LONGEST: i64 = 7 * 24 * 60 * 60;

/// See `verification_send.admit`.
pub struct VerificationSend;

impl Block for VerificationSend {
    fn name(&self) -> &'static str {
        "verification_send"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let channel = match config.channel {
        Channel::Email => Way::Mail,
        Channel::Sms => Way::Sms,
    };
    let (expires_at, minutes) = challenge::expiry(call.now, config.ttl, LONGEST)?;
    message::may_send(&call, channel)?;
    let subject = challenge::subject(&call).await?;
    let to = subject.receiver(channel);
    let sent = challenge::may_receive(&call, channel, to.as_deref().unwrap_or(subject.typed())).await?;
    let (token, bytes) = challenge::token(call.host);
    let link = with_token(&config.url, &token)
        .ok_or_else(|| Error::InvalidUrl.because(format!("`{}` is not an absolute http URL", config.url)))?;
    let id = fresh_id(call.host, "chl");
    call.unit.writes.push(Write::InsertChallenge(Box::new(Challenge {
        id: id.clone(),
        kind: ADDRESS.to_owned(),
        run_id: None,
        user_id: subject.id().map(str::to_owned),
        secret: Material::new(bytes),
        by_secret: true,
        data: record([("channel", text(config.channel.word())), ("to", text(to.as_deref().unwrap_or_default()))]),
        max_attempts: 1,
        expires_at,
    })));
    let data = record([("link", text(&link)), ("minutes", Datum::Int(minutes))]);
    // Written for nobody too: a text that does not fit, and the time that it takes, tell nobody who is there.
    message::render(&call, &config.template, &data)?;
    if let (true, Some(to)) = (sent, to) {
        let draft = Draft {
            channel,
            to: &to,
            template: &config.template,
            data: &data,
            number: &id,
            user_id: subject.id(),
            expires_at: Some(expires_at),
        };
        message::enqueue(&mut call, draft)?;
    }
    Ok(Done::Output(Outputs { sent, challenge: id }.into()))
}

/// The URL with the token among its parameters, before a fragment.
fn with_token(url: &str, token: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    if rest.is_empty() || rest.starts_with(['/', '?', '#']) || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let (page, fragment) = url.split_once('#').map_or((url, String::new()), |(page, rest)| (page, format!("#{rest}")));
    let join = if page.contains('?') { '&' } else { '?' };
    Some(format!("{page}{join}token={token}{fragment}"))
}

#[cfg(test)]
mod tests {
    use super::with_token;

    #[test]
    fn a_token_is_added_to_what_the_url_has() {
        for (url, link) in [
            ("https://x.example/v", "https://x.example/v?token=T"),
            ("https://x.example/v?a=1#top", "https://x.example/v?a=1&token=T#top"),
            ("http://localhost:3000/", "http://localhost:3000/?token=T"),
        ] {
            assert_eq!(with_token(url, "T").as_deref(), Some(link));
        }
        for url in ["", "javascript:alert(1)", "/v", "https://", "https:///v", "https://x.example/a b"] {
            assert_eq!(with_token(url, "T"), None, "{url}");
        }
    }
}
