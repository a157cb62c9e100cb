//! `If-Match` and `ETag` of what is changed: whoever says what it has seen changes nothing that it has not.

use admit_eval::datum::Datum;
use admit_runtime::host::{Host as _, StoreError};
use admit_runtime::unit::AuditEntry;
use admit_store::{ConfigChange, ConfigKind, Expected};
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::Server;
use super::auth::Caller;
use super::problem::Problem;
use super::runs::ok;

/// A change of what a tenant is set up with, and how the audit log tells it.
pub struct Change<'a> {
    /// What it is.
    pub kind: ConfigKind,
    /// Its name among its kind.
    pub name: &'a str,
    /// Its value from now on; none: it goes.
    pub value: Option<&'a [u8]>,
    /// The entry's type.
    pub audit: &'a str,
    /// What the entry says besides; never a value.
    pub data: Datum,
}

/// What the caller takes to stand; without a word, anything may.
pub fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let value = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
    match (value(IF_MATCH), value(IF_NONE_MATCH)) {
        (None, None) => Ok(Expected::Any),
        (None, Some("*")) => Ok(Expected::Absent),
        (Some(tag), None) => {
            let version = unquoted(tag).and_then(|tag| tag.strip_prefix('v')).and_then(|tag| tag.parse::<u64>().ok());
            // What was never given is shown at version 0.
            version
                .map(|version| if version == 0 { Expected::Absent } else { Expected::Version(version) })
                .ok_or_else(bad)
        }
        _ => Err(bad()),
    }
}

/// The tag that the caller takes to stand, where it names one.
pub fn expected_tag(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let given = headers.get(IF_MATCH).map(|value| value.to_str().unwrap_or_default().trim());
    given.map(|tag| unquoted(tag).ok_or_else(bad)).transpose()
}

/// An answer with the tag of what it shows.
pub fn tagged(body: &impl Serialize, tag: &str) -> Response {
    let mut response = ok(body);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// As [`tagged`], of an entry at this version.
pub fn versioned(body: &impl Serialize, version: u64) -> Response {
    tagged(body, &format!("v{version}"))
}

/// Somebody has changed it since the caller has seen it.
pub fn changed_meanwhile() -> Problem {
    let detail = "this has been changed since you have seen it: read it again, then change it";
    Problem::new(StatusCode::PRECONDITION_FAILED, "changed_meanwhile", detail)
}

impl Server {
    /// Changes one entry of the caller's tenant with its audit entry; its version then.
    pub async fn change(&self, caller: &Caller, headers: &HeaderMap, change: Change<'_>) -> Result<u64, Problem> {
        let entry = AuditEntry {
            kind: change.audit.to_owned(),
            actor: caller.key_id.clone(),
            target: if change.name.is_empty() { change.kind.word().to_owned() } else { change.name.to_owned() },
            outcome: "success".to_owned(),
            data: change.data,
        };
        let expected = expected(headers)?;
        let stored = ConfigChange { kind: change.kind, name: change.name, value: change.value, expected };
        let done = self.parts.store.change_config(&caller.tenant, &[stored], &[entry], self.parts.host.now()).await;
        self.forget_tenancy(&caller.tenant);
        done.map_err(|error| match error {
            StoreError::Conflict => changed_meanwhile(),
            StoreError::NotFound => Problem::not_found(change.kind.word()),
            other => other.into(),
        })
    }
}

fn unquoted(tag: &str) -> Option<&str> {
    tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).filter(|tag| !tag.is_empty())
}

fn bad() -> Problem {
    Problem::bad("bad_if_match", "`If-Match` holds one tag as `ETag` gave it; `If-None-Match` is `*`")
}
