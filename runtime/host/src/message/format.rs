//! A message as mail (RFC 5322, MIME).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use admit_runtime::message::{Message, SendError};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message as Mail};

/// The mail. Its `Message-ID` is the message's id below the sender's domain: the same at every try. Parts are encoded by the
/// library, header fields too (RFC 2047), so that no value can end its line.
pub(super) fn mail(message: &Message, from: &Mailbox, reply_to: Option<&Mailbox>) -> Result<Mail, SendError> {
    let to: Address = message.to.parse().map_err(|_| SendError::for_good("the receiver is not a mail address"))?;
    let since = Duration::from_secs(u64::try_from(message.at.seconds).unwrap_or(0));
    let mut mail = Mail::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(message.content.subject.as_str())
        .date(UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH))
        .message_id(Some(format!("<{}@{}>", message.id, from.email.domain())));
    if let Some(reply_to) = reply_to {
        mail = mail.reply_to(reply_to.clone());
    }
    // Nobody's vacation notice is wanted in return (RFC 3834 section 5).
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    mail = mail.raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    if let Some(locale) = &message.content.locale {
        let language = HeaderName::new_from_ascii_str("Content-Language");
        mail = mail.raw_header(HeaderValue::new(language, locale.clone()));
    }
    let text = message.content.text.clone();
    let mail = match &message.content.html {
        Some(html) => mail.multipart(MultiPart::alternative_plain_html(text, html.clone())),
        None => mail.singlepart(SinglePart::plain(text)),
    };
    mail.map_err(|error| SendError::for_good(format!("the mail cannot be written: {error}")))
}
