//! Errors: problem details (RFC 9457) with a code that stays the same.

pub mod codes;

use admit_runtime::context;
use admit_runtime::execute::StepError;
use admit_runtime::host::{HostError, StoreError};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of problem details.
pub const MEDIA: &str = "application/problem+json";

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Details {
    /// `urn:admit:problem:<code>`
    r#type: String,
    /// The status in words.
    title: &'static str,
    /// The status.
    #[schema(value_type = u16, minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, in a word that stays the same.
    code: &'static str,
    /// What is wrong and what to do, for people.
    detail: String,
}

/// Why a call was refused, or could not be served.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem: what is wrong and what to do, without values that may be secret.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), headers: Vec::new() }
    }

    /// With a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// To be tried again after so many seconds.
    #[must_use]
    pub fn after(self, seconds: u64) -> Self {
        self.with(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// What was sent cannot be read, or is not what is asked for.
    pub fn bad(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// What is wrong and what to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// No such thing in this tenant. The same for what another tenant has.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    /// No key, or one that opens nothing: which of them is not said.
    pub fn no_key() -> Self {
        let detail = "send a valid API key: `Authorization: Bearer admit_...`";
        Self::new(StatusCode::UNAUTHORIZED, "no_key", detail).with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// Too much at once.
    pub fn busy() -> Self {
        let detail = "as many runs as this server takes at once are under way; try again in a moment";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).after(1)
    }

    /// A fault of ours.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "this is a fault of the server; nobody was let in by it",
        )
    }

    /// The store does not answer, or not as it should. What it said is for the log.
    fn store(error: &StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found("thing"),
            StoreError::Conflict => {
                Self::new(StatusCode::CONFLICT, "conflict", "somebody else has changed this meanwhile")
            }
            StoreError::Expired | StoreError::Contended | StoreError::Unavailable(_) | StoreError::Failed(_) => {
                logged("store", &error);
                let detail = "the store does not answer; nothing was done; try again";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).after(1)
            }
        }
    }
}

/// What is wrong, for whoever runs the server.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::store(&error)
    }
}

impl From<HostError> for Problem {
    fn from(error: HostError) -> Self {
        logged("host", &error);
        let detail = "something that this server needs does not answer; nothing was done; try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }
}

impl From<StepError> for Problem {
    fn from(error: StepError) -> Self {
        match &error {
            StepError::UnknownFlow(_) => Self::not_found("flow"),
            StepError::Event(_) => Self::bad("bad_event", error.to_string()),
            StepError::Input(_) => Self::bad("bad_input", error.to_string()),
            // Forged, used, expired, of another tenant: refused alike.
            StepError::NoRun | StepError::Taken => {
                let detail = "this resume token resumes no run: it was used, its time is over, or it never did";
                Self::new(StatusCode::CONFLICT, "not_resumable", detail)
            }
            StepError::NeedsRecords => {
                let detail = "this run would wait or write, and this server keeps no records (`--records none`)";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "needs_records", detail)
            }
            StepError::Record(_) | StepError::NoBundle => {
                logged("run", &error);
                Self::new(StatusCode::CONFLICT, "not_resumable", "this run cannot go on; start it anew")
            }
            StepError::Store(error) => Self::store(error),
        }
    }
}

/// What the caller is not told.
fn logged(what: &'static str, error: &dyn std::fmt::Display) {
    let context = context::current();
    let request_id = context.as_ref().map(|context| context.request_id.as_str());
    tracing::warn!(request_id, what, problem = error.to_string().as_str(), "a call could not be served");
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let details = Details {
            r#type: format!("urn:admit:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
        };
        // Texts and a number: it cannot fail.
        let body = serde_json::to_vec(&details).unwrap_or_default();
        let mut response = (self.status, [(CONTENT_TYPE, MEDIA)], body).into_response();
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
