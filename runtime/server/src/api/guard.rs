//! Around every request: its id, its place in a trace, its time in metrics and logs, and headers that every answer has.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use admit_runtime::context::{Context, TraceParent, text, within};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, USER_AGENT, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use smol_str::{SmolStr, format_smolstr};

use super::Server;
use crate::spans::Span;

/// The request's id: the caller's own, else made here.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The place in a trace (W3C Trace Context).
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
/// The longest id that is taken from a caller.
const LONGEST_ID: usize = 128;
/// The longest user agent that is kept.
const LONGEST_AGENT: usize = 256;

/// Serves it.
pub async fn around(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let parent = only(request.headers(), &TRACE_PARENT).and_then(TraceParent::parse);
    let span = server.parts.operation.spans.as_ref().map(|spans| spans.begin(parent));
    let trace = span.as_ref().map(Span::context).or(parent);
    let request_id = id(request.headers(), parent.as_ref());
    let ip = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let user_agent = only(request.headers(), &USER_AGENT).map(|agent| agent.chars().take(LONGEST_AGENT).collect());
    let context = Arc::new(Context { request_id, trace, ip, user_agent });
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("none", MatchedPath::as_str);
    let mut response = within(Arc::clone(&context), next.run(request)).await;
    let (status, took) = (response.status(), began.elapsed());
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    server.metrics.request(route, status.as_u16(), took);
    if let (Some(spans), Some(span)) = (&server.parts.operation.spans, span) {
        spans.end(span, &format!("{method} {route}"), status.as_u16(), took);
    }
    let (id, method) = (context.request_id.as_str(), method.as_str());
    let (status, micros) = (status.as_u16(), u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    if status >= 500 {
        tracing::warn!(request_id = id, method, route, status, micros, "request failed");
    } else if server.parts.operation.log_requests {
        tracing::info!(request_id = id, method, route, status, micros, "request");
    }
    response
}

/// The caller's own where it is one that logs can hold, else that of its trace, else a new one.
fn id(headers: &HeaderMap, trace: Option<&TraceParent>) -> SmolStr {
    let is_plain = |id: &&str| {
        !id.is_empty()
            && id.len() <= LONGEST_ID
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte))
    };
    match (only(headers, &REQUEST_ID).filter(is_plain), trace) {
        (Some(id), _) => SmolStr::new(id),
        (None, Some(trace)) => text(&trace.trace_id).into(),
        (None, None) => fresh(),
    }
}

/// Unlike any other of this process, and of others as far as chance goes: no secret, only a name.
fn fresh() -> SmolStr {
    static PROCESS: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let process = PROCESS.get_or_init(|| {
        let mut bytes = [0; 8];
        // Without randomness ids of processes are alike, which is a nuisance and nothing worse.
        let _ = getrandom::fill(&mut bytes);
        u64::from_le_bytes(bytes)
    });
    // So short that it needs no memory of its own.
    format_smolstr!("req_{:010x}{:08x}", process >> 24, COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A field that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
