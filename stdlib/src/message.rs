//! Messages of blocks: rendered in the receiver's language, then queued with the run (F13). One way for all of them.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::block::{BlockError, Call, Event};
use admit_runtime::host::HostError;
use admit_runtime::message::{self, Channel, Content, Message};
use admit_runtime::unit::Write;
use ring::digest;

use crate::config::event_text;
use crate::receiver;
use crate::texts;

/// Most languages of a request that are looked at.
const MOST_LOCALES: usize = 8;

/// Longest text of a message, in bytes.
const LONGEST: usize = 256 * 1024;

/// What a block wants sent.
pub(crate) struct Draft<'a> {
    /// How it leaves.
    pub channel: Channel,
    /// The address, or the number in E.164.
    pub to: &'a str,
    /// The text by name: the project's, else the library's.
    pub template: &'a str,
    /// What fills it: a record.
    pub data: &'a Datum,
    /// Tells messages of one step of one run apart: `1`, or the id of the challenge. A second message of the same number
    /// is the same message.
    pub number: &'a str,
    /// Whose it is, where that is known.
    pub user_id: Option<&'a str>,
    /// From when on nobody needs it: when the code in it runs out.
    pub expires_at: Option<Instant>,
}

/// Whether messages may leave over this channel at all. Asked before anything is looked up, so that a host without mail
/// answers alike for everybody.
///
/// # Errors
/// `not_configured`
pub(crate) fn may_send(call: &Call<'_>, channel: Channel) -> Result<(), BlockError> {
    call.host.can_send(call.tenant, channel).map_err(|error| match error {
        HostError::NotFound(detail) => BlockError::Named { name: "not_configured", detail },
        HostError::Overloaded | HostError::Failed(_) => error.into(),
    })
}

/// Queues a message with the writes of this request; its id. It is not sent where the run ends this request in deny or
/// error.
///
/// # Errors
/// `invalid_address`, `invalid_template` (no such text, or the data does not fill it), `not_configured`.
pub(crate) fn enqueue(call: &mut Call<'_>, draft: Draft<'_>) -> Result<String, BlockError> {
    queue(call, draft, false)
}

fn queue(call: &mut Call<'_>, draft: Draft<'_>, is_decoy: bool) -> Result<String, BlockError> {
    may_send(call, draft.channel)?;
    let to = receiver(draft.channel, draft.to)?;
    let content = render(call, draft.template, draft.data)?;
    let key = format!("{}/{}/{}-{}", call.run_id, call.label, word(draft.channel), draft.number);
    let id = message_id(call.tenant.as_str(), &key);
    let mut message = Message::new(draft.channel, id.clone(), to, content, (call.flow, call.label), call.now);
    message.user_id = draft.user_id.map(str::to_owned);
    message.expires_at = draft.expires_at;
    message.is_decoy = is_decoy;
    let payload = message.encode().map_err(HostError::Failed)?;
    call.unit.writes.push(Write::Enqueue { key, kind: message::KIND.to_owned(), payload });
    Ok(id)
}

/// As [`enqueue`], of a message that nobody gets: what a block does for a user that there is not (T19). The run's commit is
/// the same.
///
/// # Errors
/// As [`enqueue`].
pub(crate) fn pretend(call: &mut Call<'_>, draft: Draft<'_>) -> Result<String, BlockError> {
    queue(call, draft, true)
}

/// Counts a message to this receiver, and says whether it is within the most that may go there in an hour (T38). Counted at
/// once, whatever becomes of the run.
pub(crate) async fn within_budget(
    call: &Call<'_>,
    channel: Channel,
    what: &str,
    to: &str,
    per_hour: i64,
) -> Result<bool, BlockError> {
    let folded = to.trim().to_lowercase();
    let key = format!("message:{}:{what}:{}", word(channel), hex(&digest::digest(&digest::SHA256, folded.as_bytes())));
    let count = call.host.store().count(call.tenant, &key, 60 * 60, call.now).await?;
    Ok(i64::try_from(count).is_ok_and(|count| count <= per_hour))
}

/// The receiver as it is written on a message.
///
/// # Errors
/// `invalid_address`
pub(crate) fn receiver(channel: Channel, to: &str) -> Result<String, BlockError> {
    let (checked, wanted) = match channel {
        Channel::Mail => (receiver::mail(to), "a mail address"),
        Channel::Sms => (receiver::phone(to), "a phone number in the form +49301234567"),
    };
    // Not quoted: it is personal.
    checked
        .ok_or_else(|| BlockError::Named { name: "invalid_address", detail: format!("the receiver is not {wanted}") })
}

/// The text in the language of the request.
///
/// # Errors
/// `invalid_template`
pub(crate) fn render(call: &Call<'_>, template: &str, data: &Datum) -> Result<Content, BlockError> {
    let invalid = |detail: String| BlockError::Named { name: "invalid_template", detail };
    let locales = locales(call.event);
    let locales: Vec<&str> = locales.iter().map(String::as_str).collect();
    let own = call.texts.render(template, &locales, data).map_err(invalid)?;
    let content = match own {
        Some(content) => content,
        None => texts::render(template, &locales, data)
            .map_err(invalid)?
            .ok_or_else(|| invalid(format!("there is no text `{template}`")))?,
    };
    let length = content.text.len() + content.html.as_ref().map_or(0, String::len);
    if length > LONGEST {
        return Err(invalid(format!("the text is longer than {LONGEST} bytes")));
    }
    // A subject is one line, whatever stands in the data.
    let subject = content.subject.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    Ok(Content { subject: subject.take(250).collect(), ..content })
}

/// Languages to look for, best first: those of the transaction, then those of the request, each before its primary
/// language (BCP 47; RFC 4647 section 3.4).
fn locales(event: &dyn Event) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for path in ["transaction.locale", "request.language"] {
        let Some(given) = event_text(event, path) else { continue };
        let mut ranges: Vec<(f32, String)> = given.split(',').take(MOST_LOCALES).filter_map(range).collect();
        // Stable: of equal weight, the first one given.
        ranges.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, tag) in ranges {
            let primary = tag.split('-').next().unwrap_or_default().to_owned();
            for tag in [tag, primary] {
                if !found.contains(&tag) && found.len() < MOST_LOCALES {
                    found.push(tag);
                }
            }
        }
    }
    found
}

/// A language range and its weight, as in `Accept-Language` (RFC 9110 section 12.5.4); none where it is none or unwanted.
fn range(text: &str) -> Option<(f32, String)> {
    let (tag, weight) = text.split_once(';').unwrap_or((text, "q=1"));
    let weight: f32 = weight.trim().strip_prefix("q=")?.trim().parse().ok()?;
    let tag = tag.trim().replace('_', "-").to_ascii_lowercase();
    let is_tag = !tag.is_empty()
        && tag.len() <= 35
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && tag.starts_with(|letter: char| letter.is_ascii_lowercase());
    (is_tag && weight > 0.0).then_some((weight, tag))
}

/// Of the tenant and the key, so that whoever queues the same message again gives it the same id.
pub(crate) fn message_id(tenant: &str, key: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in ["admit message", tenant, key] {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part.as_bytes());
    }
    format!("msg_{}", hex(&context.finish()))
}

fn word(channel: Channel) -> &'static str {
    match channel {
        Channel::Mail => "mail",
        Channel::Sms => "sms",
    }
}

/// 160 bits of a digest.
fn hex(digest: &digest::Digest) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in digest.as_ref().iter().take(20) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::text;

    struct Languages(&'static str, &'static str);

    impl Event for Languages {
        fn get(&self, path: &str) -> Option<Datum> {
            match path {
                "transaction.locale" => Some(text(self.0)),
                "request.language" => Some(text(self.1)),
                _ => None,
            }
        }
    }

    #[test]
    fn the_transactions_language_comes_before_the_requests() {
        assert_eq!(locales(&Languages("de_CH", "fr;q=0.5, en-GB, *;q=0.1")), ["de-ch", "de", "en-gb", "en", "fr"]);
        for nonsense in ["../../etc", "", "x y", "de;q=0", "de;q=NaN", "1de"] {
            assert_eq!(locales(&Languages(nonsense, "")), Vec::<String>::new(), "{nonsense}");
        }
        assert!(locales(&Languages("a,b,c,d,e,f,g,h,i,j,k,l", "m,n,o")).len() <= MOST_LOCALES);
    }

    #[test]
    fn an_id_is_of_its_tenant_and_key() {
        assert_eq!(message_id("a", "b/c"), message_id("a", "b/c"));
        assert_ne!(message_id("a", "b/c"), message_id("ab", "/c"));
    }
}
