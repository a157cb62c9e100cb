//! What is taken from a request, refused as a problem.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{self, FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The time that a body may take. A bundle of 64 MiB comes in by then at 2 MiB a second.
const LONGEST: Duration = Duration::from_secs(30);

/// The body.
pub struct Body(pub Bytes);

/// What follows the `?`.
pub struct Asked<T>(pub T);

/// What the address names. What is no name at all names nothing.
pub struct Path<T>(pub T);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Ok(read) = tokio::time::timeout(LONGEST, Bytes::from_request(request, state)).await else {
            let detail = "the body took longer than 30 seconds to arrive";
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail));
        };
        read.map(Self).map_err(|refused| match refused.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is larger than this call takes")
            }
            _ => Problem::bad("bad_body", "the body could not be read to its end"),
        })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(asked) = Query::from_request_parts(parts, state)
            .await
            .map_err(|refused| Problem::bad("bad_query", refused.body_text()))?;
        Ok(Self(asked))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|extract::Path(named)| Self(named)).map_err(|_| Problem::not_found("thing"))
    }
}

/// The deepest that a body may nest: the events and inputs in it 32 deep.
const DEEPEST: usize = 33;

/// Whether brackets nest no deeper than [`DEEPEST`]. What is no JSON is found out by whoever reads it.
fn is_shallow(body: &[u8]) -> bool {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => depth += 1,
            b'}' | b']' if !is_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return false;
        }
    }
    true
}

/// Reads a body. What it says of a fault names places, never values: they may be passwords.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    if !is_shallow(body) {
        return Err(Problem::bad("bad_body", "the body nests deeper than 32 levels"));
    }
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = match error.classify() {
            serde_json::error::Category::Data => {
                format!("is not of the form that is asked for: {}", first_words(&error))
            }
            serde_json::error::Category::Eof => "ends too early".to_owned(),
            serde_json::error::Category::Io | serde_json::error::Category::Syntax => "is not JSON".to_owned(),
        };
        Problem::bad("bad_body", format!("the body {what} (line {line}, column {column})"))
    })
}

/// What serde says of fields, which are ours; of values it says nothing here.
fn first_words(error: &serde_json::Error) -> String {
    let said = error.to_string();
    match ["missing field", "unknown field", "duplicate field"].iter().any(|known| said.starts_with(known)) {
        true => said.split(" at line").next().unwrap_or_default().to_owned(),
        false => "a value has another type".to_owned(),
    }
}

/// The longest name of a param or a secret, in bytes.
const LONGEST_NAME: usize = 100;

/// A name as flows write it, of these things.
///
/// # Errors
/// It is none.
pub fn check_name(things: &str, name: &str) -> Result<(), Problem> {
    let is_name = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_name {
        return Ok(());
    }
    Err(Problem::bad("bad_name", format!("names of {things} are lower-case words with `-` between")))
}
