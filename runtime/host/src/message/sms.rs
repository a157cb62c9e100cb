//! Text messages over an HTTP gateway: one POST of JSON through the guarded client.

use std::fmt::Write as _;

use admit_runtime::host::{HttpError, HttpRequest};
use admit_runtime::message::{Message, SendError};
use ring::hmac;
use serde_json::Value;

use super::Means;
use crate::egress::Egress;

/// Longest time of a try, in milliseconds.
const LIMIT: u64 = 5_000;
/// The header field that a signed request carries.
const SIGNATURE: &str = "x-admit-signature";

/// A gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct SmsGateway {
    /// Where messages are posted.
    pub url: String,
    /// What is posted. In its strings `{{ to }}`, `{{ text }}` and `{{ id }}` are replaced.
    pub body: Value,
    /// The name of the secret that signs in.
    pub secret: Option<String>,
    /// The secret signs the body (HMAC-SHA-256 as `call_webhook` does) and is not sent; else it is sent as a bearer token.
    pub signs: bool,
    /// Beginnings of the numbers that may be written to (`+49`); empty: every number.
    pub countries: Vec<String>,
}

/// What gateways get where nothing else is said.
pub fn default_body() -> Value {
    serde_json::json!({ "to": "{{ to }}", "text": "{{ text }}", "id": "{{ id }}" })
}

/// Sends one message.
pub(super) async fn send(
    gateway: &SmsGateway,
    peers: &Egress,
    means: Means<'_>,
    message: &Message,
) -> Result<(), SendError> {
    if !gateway.countries.is_empty() && !gateway.countries.iter().any(|start| message.to.starts_with(start.as_str())) {
        return Err(SendError::for_good("the number is of no country that `[sms] countries` names"));
    }
    let mut body = gateway.body.clone();
    fill(&mut body, message);
    let body = body.to_string();
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        // The same at every try, so that the gateway can send each message once.
        ("idempotency-key".to_owned(), message.id.clone()),
    ];
    if let Some(secret) = &means.secret {
        if gateway.signs {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
            let at = message.at.seconds;
            let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
            let mut value = format!("t={at},v1=");
            for byte in tag.as_ref() {
                // Writing to a string does not fail.
                let _ = write!(value, "{byte:02x}");
            }
            headers.push((SIGNATURE.to_owned(), value));
        } else {
            let token = std::str::from_utf8(secret.expose()).map_err(|_| SendError::again("the token is not text"))?;
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
    }
    let url = gateway.url.clone();
    let request =
        HttpRequest { method: "POST", url, headers, body: Some(body.into_bytes()), timeout: LIMIT, hosts: None };
    let answer = means.client.send(peers, request).await.map_err(|error| match error {
        HttpError::Refused(_) | HttpError::TimedOut(_) | HttpError::TooLarge(_) | HttpError::Failed(_) => {
            SendError::again(format!("the gateway does not answer: {error}"))
        }
    })?;
    match answer.status {
        200..=299 => Ok(()),
        // Not yet, not so often, or not with this token: all of these mend without the message.
        401 | 403 | 408 | 409 | 425 | 429 => Err(SendError::again(format!("the gateway answered {}", answer.status))),
        400..=499 => Err(SendError::for_good(format!("the gateway refuses the message: {}", answer.status))),
        status => Err(SendError::again(format!("the gateway answered {status}"))),
    }
}

/// Replaces the holes in every string. The JSON is built before and written after, so that no value can change its form.
fn fill(value: &mut Value, message: &Message) {
    match value {
        Value::String(text) => *text = filled(text, message),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, message)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, message)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// In one pass: what was put in is not looked at again.
fn filled(template: &str, message: &Message) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, behind)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        match name.trim() {
            "to" => out.push_str(&message.to),
            "text" => out.push_str(message.content.sms.as_ref().unwrap_or(&message.content.text)),
            "id" => out.push_str(&message.id),
            _ => {
                let _ = write!(out, "{{{{{name}}}}}");
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use admit_eval::value::Instant;
    use admit_runtime::message::{Channel, Content};

    use super::*;

    #[test]
    fn t28_a_text_changes_no_json_and_is_not_filled_again() {
        let content = Content { text: "a\"}, {\"to\": \"+1\" {{ to }}\n".to_owned(), ..Content::default() };
        let at = Instant { seconds: 0, nanos: 0 };
        let message =
            Message::new(Channel::Sms, "msg_1".to_owned(), "+49301234567".to_owned(), content, ("f", "s"), at);
        let mut body =
            serde_json::json!({ "messages": [{ "to": "{{to}}", "body": "x {{ text }} {{ other }} {{", "n": 1 }] });
        fill(&mut body, &message);
        let back: Value = serde_json::from_str(&body.to_string()).unwrap();
        let one = back.pointer("/messages/0").unwrap();
        assert_eq!(one.get("to").unwrap(), "+49301234567");
        assert_eq!(one.get("body").unwrap(), "x a\"}, {\"to\": \"+1\" {{ to }}\n {{ other }} {{");
        assert_eq!(one.as_object().unwrap().len(), 3);
    }
}
