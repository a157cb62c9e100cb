//! What the listener answers to requests.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, HeaderName, LOCATION, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::sync::oneshot;

use super::passkey::{SCRIPT, STYLE, page};
use super::{Answer, CALLBACK, Ceremony, Page};

/// One page and the place for its answer.
pub(super) struct Shared {
    pub(super) origin: String,
    pub(super) token: String,
    pub(super) page: Page,
    pub(super) answer: Mutex<Option<oneshot::Sender<Answer>>>,
}

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const COOKIE_NAME: &str = "admit_page";

/// On every answer: nothing is loaded from elsewhere, nothing inline runs, nobody frames, reads or keeps it (T30).
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)"),
];

pub(super) async fn handle(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let host = shared.origin.strip_prefix("http://").unwrap_or_default();
    if text(&headers, &HOST) != Some(host) {
        return plain(StatusCode::MISDIRECTED_REQUEST, "This is not the host that you asked for.");
    }
    if uri.path() == CALLBACK && matches!(shared.page, Page::Redirect { .. }) {
        return callback(&shared, &method, &uri, &headers);
    }
    let below = uri.path().strip_prefix('/').and_then(|path| path.split_once('/'));
    let Some((token, name)) = below else { return missing() };
    if !same(token, &shared.token) {
        return missing();
    }
    match (&shared.page, &method, name) {
        (Page::Passkey { ceremony, .. }, &Method::GET, "") => answer(StatusCode::OK, HTML, page(*ceremony)),
        (Page::Passkey { .. }, &Method::GET, "page.js") => answer(StatusCode::OK, "text/javascript", SCRIPT),
        (Page::Passkey { .. }, &Method::GET, "page.css") => answer(StatusCode::OK, "text/css", STYLE),
        (Page::Passkey { ceremony, options }, &Method::GET, "options") => {
            let wanted = if *ceremony == Ceremony::Create { "create" } else { "get" };
            let options = serde_json::json!({"ceremony": wanted, "options": options}).to_string();
            answer(StatusCode::OK, "application/json", options)
        }
        (Page::Passkey { .. }, &Method::POST, "answer") => posted(&shared, &headers, &body),
        (Page::Redirect { to, .. }, &Method::GET, "") => sent_on(&shared, to),
        _ => missing(),
    }
}

/// The page's answer: from our own origin, as JSON, once.
fn posted(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Response<Body> {
    let site = text(headers, &HeaderName::from_static("sec-fetch-site"));
    if text(headers, &ORIGIN) != Some(shared.origin.as_str()) || site.is_some_and(|site| site != "same-origin") {
        return plain(StatusCode::FORBIDDEN, "The answer came from another page.");
    }
    if text(headers, &CONTENT_TYPE) != Some("application/json") {
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The answer is not JSON.");
    }
    let given = match serde_json::from_slice(body) {
        Ok(Value::Null) => Answer::Cancelled,
        Ok(credential @ Value::Object(_)) => Answer::Passkey(credential),
        Ok(_) | Err(_) => return plain(StatusCode::BAD_REQUEST, "The answer is not the JSON of a passkey."),
    };
    take(shared, given)
}

/// Sends the browser to where the sign-in is. The cookie shows that the one that comes back is the one that went.
fn sent_on(shared: &Shared, to: &str) -> Response<Body> {
    let mut response = plain(StatusCode::SEE_OTHER, "");
    let cookie = format!("{COOKIE_NAME}={}; HttpOnly; SameSite=Lax; Path={CALLBACK}; Max-Age=900", shared.token);
    match (HeaderValue::from_str(to), HeaderValue::from_str(&cookie)) {
        (Ok(to), Ok(cookie)) => {
            response.headers_mut().insert(LOCATION, to);
            response.headers_mut().insert(SET_COOKIE, cookie);
            response
        }
        _ => missing(),
    }
}

fn callback(shared: &Shared, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response<Body> {
    if method != Method::GET {
        return missing();
    }
    let cookies = text(headers, &COOKIE).unwrap_or_default();
    let ours = cookies.split("; ").find_map(|cookie| cookie.strip_prefix(COOKIE_NAME)?.strip_prefix('='));
    if !ours.is_some_and(|token| same(token, &shared.token)) {
        return plain(StatusCode::FORBIDDEN, "This sign-in was begun in another browser.");
    }
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    take(shared, Answer::Callback(query.into_owned().collect()))
}

/// Hands the answer over, if it is the first.
fn take(shared: &Shared, given: Answer) -> Response<Body> {
    let place = shared.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    match place.map(|place| place.send(given)) {
        Some(Ok(())) => {
            plain(StatusCode::OK, "The answer was taken. Go back to the terminal; this page can be closed.")
        }
        Some(Err(_)) | None => plain(StatusCode::CONFLICT, "This page was answered before, or is too late."),
    }
}

/// Compared by their hashes, so that time says nothing of where they differ.
fn same(one: &str, other: &str) -> bool {
    digest(&SHA256, one.as_bytes()).as_ref() == digest(&SHA256, other.as_bytes()).as_ref()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

fn missing() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "There is no such page.")
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    answer(status, TEXT, text)
}

fn answer(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
