//! The audit log as it grows: server-sent events (HTML, section 9.2).
//!
//! The store is asked what is new, so that entries of other nodes come too; the number of an entry is the id of its event, and
//! whoever comes back with the last one that it saw misses none.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use admit_runtime::tenant::TenantId;
use admit_store::AuditRow;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use utoipa::IntoParams;

use super::Server;
use super::audit::shown;
use super::auth::{Caller, caller};
use super::extract::Asked;
use super::problem::Problem;
use crate::key::Scope;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Streams at once: of all tenants, and of one.
const MOST: usize = 256;
const MOST_OF_TENANT: usize = 16;
/// How often the store is asked.
const EVERY: Duration = Duration::from_millis(500);
/// How often something is sent, so that nobody between takes the connection for dead.
const ALIVE: Duration = Duration::from_secs(15);
/// How often the key is looked at again: one that is revoked hears nothing more.
const KEY: Duration = Duration::from_secs(10);
/// Entries that are asked for at once.
const BATCH: u32 = 100;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Streaming {
    /// Of this type, `flow.deployed`; or of this family, `flow.*`
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Which streams there are.
#[derive(Default)]
pub struct Streams {
    tenants: Mutex<HashMap<TenantId, usize>>,
}

/// A stream's place; given back when it is dropped.
struct Place {
    streams: Arc<Streams>,
    tenant: TenantId,
}

impl Streams {
    fn take(self: &Arc<Self>, tenant: &TenantId) -> Option<Place> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.values().sum::<usize>() >= MOST {
            return None;
        }
        let count = tenants.entry(tenant.clone()).or_default();
        if *count >= MOST_OF_TENANT {
            return None;
        }
        *count += 1;
        Some(Place { streams: Arc::clone(self), tenant: tenant.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut tenants = self.streams.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = tenants.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                tenants.remove(&self.tenant);
            }
        }
    }
}

/// What a stream goes on with.
struct Reading {
    server: Arc<Server>,
    headers: HeaderMap,
    caller: Arc<Caller>,
    looked: Instant,
    kind: Option<String>,
    /// The number of the last entry that was looked at.
    after: u64,
    found: VecDeque<AuditRow>,
    stopping: watch::Receiver<bool>,
    _place: Place,
}

/// Hear audit entries
///
/// Server-sent events: each entry as `data`, its number as `id`. With `Last-Event-ID` it goes on after that entry (0: from the first);
/// without it, it begins with what comes. Ends when the server stops or the key is revoked.
#[utoipa::path(
    get, path = "/v1/audit/stream", operation_id = "streamAudit", tag = "audit",
    params(
        Streaming,
        ("Last-Event-ID" = Option<u64>, Header, description = "Number of the last entry that was seen."),
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "The stream.", body = String, content_type = "text/event-stream")),
)]
pub async fn stream(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Streaming>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Read).await?;
    let after = match headers.get(LAST_EVENT_ID) {
        Some(given) => {
            let number = given.to_str().ok().and_then(|text| text.trim().parse().ok());
            number.ok_or_else(|| Problem::bad("bad_last_event_id", "`Last-Event-ID` is the number of an entry"))?
        }
        None => server.parts.store.audit_head(&caller.tenant).await?,
    };
    let place = server.streams.take(&caller.tenant).ok_or_else(|| {
        let detail = format!("a tenant has at most {MOST_OF_TENANT} streams at once on a server, all together {MOST}");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail).after(5)
    })?;
    let stopping = server.stopping.subscribe();
    let reading = Reading {
        server,
        headers,
        caller,
        looked: Instant::now(),
        kind: asked.kind,
        after,
        found: VecDeque::new(),
        stopping,
        _place: place,
    };
    let events = stream::unfold(reading, |mut reading: Reading| async move {
        let row = reading.next().await?;
        Some((Ok::<_, Infallible>(event(&row)), reading))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE).text("still here")).into_response())
}

fn event(row: &AuditRow) -> Event {
    // Text keys and JSON values alone: it cannot fail.
    let data = serde_json::to_string(&shown(row)).unwrap_or_default();
    Event::default().id(row.seq.to_string()).data(data)
}

impl Reading {
    /// The next entry; none ends the stream.
    async fn next(&mut self) -> Option<AuditRow> {
        loop {
            if let Some(row) = self.found.pop_front() {
                return Some(row);
            }
            if *self.stopping.borrow() {
                return None;
            }
            if self.looked.elapsed() >= KEY {
                self.caller = caller(&self.server, &self.headers, Scope::Read).await.ok()?;
                self.looked = Instant::now();
            }
            // Where the store does not answer the client comes back later.
            self.look().await.ok()?;
            if self.found.is_empty() {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    // A sender that is gone is a server that is gone.
                    _ = self.stopping.changed() => {}
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), Problem> {
        let store = &self.server.parts.store;
        let head = store.audit_head(&self.caller.tenant).await?;
        if head <= self.after {
            return Ok(());
        }
        let rows = store.audit_after(&self.caller.tenant, self.kind.as_deref(), self.after, BATCH).await?;
        let last = rows.last().map_or(self.after, |row| row.seq);
        // All up to the head was looked at where the batch is not full.
        let is_full = u32::try_from(rows.len()).is_ok_and(|count| count >= BATCH);
        self.after = if is_full { last } else { last.max(head) };
        self.found = rows.into();
        Ok(())
    }
}
