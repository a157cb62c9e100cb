//! `call_webhook`: one guarded HTTP call; the answer's body is checked against `expect`.

use admit_eval::coerce::coerce_lenient;
use admit_eval::datum::Datum;
use admit_eval::json;
use admit_plan::types::Type;
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::{BoxFuture, HttpRequest, HttpResponse, Secret};
use ring::hmac;

use super::{Config, Error, Method, Outputs};
use crate::config::{invalid, text};

const SIGNATURE: &str = "x-admit-signature";

/// See `call_webhook.admit`.
pub struct CallWebhook;

impl Block for CallWebhook {
    fn name(&self) -> &'static str {
        "call_webhook"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let body = config.body.map(|body| json::to_json(&body).to_string().into_bytes());
    let mut headers = headers(&config.headers)?;
    if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    if let Some(key) = &config.sign {
        let signature = signature(key, call.now.seconds, body.as_deref().unwrap_or_default());
        headers.push((SIGNATURE.to_owned(), signature));
    }
    let request = HttpRequest {
        method: method(config.method),
        url: config.url,
        headers,
        body,
        timeout: call.time_left,
        hosts: None,
    };
    let response = call.host.http(call.tenant, request).await?;
    let body = match &config.expect {
        Some(expected) => typed_body(expected, &response)?,
        None => untyped_body(&response),
    };
    let outputs = Outputs { status: response.status.into(), headers: response_headers(&response), body };
    Ok(Done::Output(outputs.into()))
}

/// `t=<seconds since the epoch>,v1=<hex>`: HMAC-SHA-256 over the time, a dot and the body, so that a receiver can
/// refuse an old request that is sent again.
fn signature(key: &Secret, at: i64, body: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()));
    context.update(format!("{at}.").as_bytes());
    context.update(body);
    let mut header = format!("t={at},v1=");
    for byte in context.sign().as_ref() {
        // Writing to a string does not fail.
        let _ = write!(header, "{byte:02x}");
    }
    header
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
    }
}

/// Header fields of the config as text.
fn headers(fields: &[(String, Secret)]) -> Result<Vec<(String, String)>, BlockError> {
    let mut headers = Vec::with_capacity(fields.len());
    for (name, secret) in fields {
        // The value itself is never in a message.
        let value = std::str::from_utf8(secret.expose()).map_err(|_| invalid(&format!("headers.{name}"), "text"))?;
        headers.push((name.clone(), value.to_owned()));
    }
    Ok(headers)
}

/// By name; a field that stands twice is joined as RFC 9110 section 5.2 says.
fn response_headers(response: &HttpResponse) -> Vec<(String, String)> {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for (name, value) in &response.headers {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, joined)) => {
                joined.push_str(", ");
                joined.push_str(value);
            }
            None => fields.push((name, value.clone())),
        }
    }
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The JSON body as a value of the type; fields that it does not name are left out.
fn typed_body(expected: &Type, response: &HttpResponse) -> Result<Datum, BlockError> {
    let unexpected = |detail: String| Error::UnexpectedBody.because(detail);
    let body = serde_json::from_slice(&response.body)
        .map_err(|error| unexpected(format!("the answer (status {}) is not JSON: {error}", response.status)))?;
    coerce_lenient(expected, json::from_json(&body)).map_err(|mismatch| {
        // Where and what was expected; the value found may be personal, so only the place is said.
        unexpected(format!(
            "the answer (status {}) does not fit `expect` at `body{}`",
            response.status,
            place(&mismatch.path)
        ))
    })
}

/// Without `expect` the body is dyn: its JSON, null where it is empty, else its text.
fn untyped_body(response: &HttpResponse) -> Datum {
    if response.body.is_empty() {
        return Datum::Null;
    }
    match serde_json::from_slice(&response.body) {
        Ok(body) => json::from_json(&body),
        Err(_) => text(String::from_utf8_lossy(&response.body)),
    }
}

fn place(path: &str) -> String {
    if path.is_empty() || path.starts_with('[') { path.to_owned() } else { format!(".{path}") }
}
