//! What is taken from a request, refused as a problem.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The time that a body may take. A bundle of 64 MiB comes in by then at 2 MiB a second.
const LONGEST: Duration = Duration::from_secs(30);

/// The body.
pub struct Body(pub Bytes);

/// What follows the `?`.
pub struct Asked<T>(pub T);

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
