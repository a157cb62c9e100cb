//! OpenTelemetry: a span for each request and one for each block that it ran, sent to a collector over OTLP/HTTP with JSON bodies
//! (OpenTelemetry Protocol 1.x). A collector that is slow or away costs nobody anything: what it does not take is counted and dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use admit_host::Exporter;
use admit_runtime::context::{TraceParent, text};
use admit_runtime::trace::{BlockEnd, Trace, TraceEvent};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Spans that wait to be sent; more are dropped.
const WAITING: usize = 8_192;
/// Spans of one message.
const AT_ONCE: usize = 512;
/// How long a span waits for others to go with.
const PAUSE: Duration = Duration::from_secs(1);
/// How long is waited for the last message when the server stops.
const LAST: Duration = Duration::from_secs(5);

/// The spans of a server.
pub struct Spans {
    sender: mpsc::Sender<Value>,
    dropped: Arc<AtomicU64>,
    /// Of how many traces that begin here one is recorded, as a share of all ids.
    share: u64,
}

/// A request that has begun.
pub struct Span {
    context: TraceParent,
    parent: Option<[u8; 8]>,
    began: SystemTime,
}

/// What sends, until every `Spans` is gone.
pub struct Sender(tokio::task::JoinHandle<()>);

impl Spans {
    /// Sends to this collector from now on. `share`: of traces that begin here, 0 to 1.
    pub fn start(exporter: Exporter, share: f64) -> (Arc<Self>, Sender) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let sending = tokio::spawn(send(exporter, receiver, Arc::clone(&dropped)));
        // Saturates, as it should.
        let share = (share.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
        (Arc::new(Self { sender, dropped, share }), Sender(sending))
    }

    /// A request begins, in the trace that its caller named or in a new one.
    pub fn begin(&self, parent: Option<TraceParent>) -> Span {
        let mut ids = [0; 24];
        // Without randomness spans are alike: traces are muddled, and nothing else.
        let _ = getrandom::fill(&mut ids);
        let (trace, span) = ids.split_at(16);
        let (mut trace_id, mut span_id) = ([0; 16], [0; 8]);
        trace_id.copy_from_slice(trace);
        span_id.copy_from_slice(span);
        let is_sampled = match parent {
            Some(parent) => parent.is_sampled,
            None => ids.first_chunk().is_some_and(|first| u64::from_be_bytes(*first) <= self.share),
        };
        let trace_id = parent.map_or(trace_id, |parent| parent.trace_id);
        let context = TraceParent { trace_id, span_id, is_sampled };
        Span { context, parent: parent.map(|parent| parent.span_id), began: SystemTime::now() }
    }

    /// It has ended.
    pub fn end(&self, span: Span, name: &str, status: u16, took: Duration) {
        if !span.context.is_sampled {
            return;
        }
        let mut value = json!({
            "traceId": text(&span.context.trace_id),
            "spanId": text(&span.context.span_id),
            "name": name,
            "kind": 2,
            "startTimeUnixNano": nanos(span.began),
            "endTimeUnixNano": nanos(span.began + took),
            "attributes": [{ "key": "http.response.status_code", "value": { "intValue": status.to_string() } }],
            "status": { "code": if status >= 500 { 2 } else { 0 } },
        });
        if let (Some(parent), Value::Object(fields)) = (span.parent, &mut value) {
            fields.insert("parentSpanId".to_owned(), text(&parent).into());
        }
        self.push(value);
    }

    /// What a request of a run did: a span of each block below the request's, by the trace. Names and labels alone, no value.
    pub fn run(&self, within: TraceParent, trace: &Trace) {
        if !within.is_sampled {
            return;
        }
        let length = |event: &TraceEvent| match event {
            TraceEvent::Ended { nanos, .. } => *nanos,
            _ => 0,
        };
        // Blocks run one after another, and now they have: so this is when they began, but for what lies between them.
        let total: u64 = trace.events.iter().map(length).sum();
        let mut at = SystemTime::now() - Duration::from_nanos(total);
        let mut started = None;
        for event in &trace.events {
            if let TraceEvent::Started { label, block, .. } = event {
                started = Some((label, block));
            }
            let TraceEvent::Ended { nanos: took, end, .. } = event else { continue };
            let until = at + Duration::from_nanos(*took);
            if let Some((label, block)) = started.take() {
                let mut span_id = [0; 8];
                let _ = getrandom::fill(&mut span_id);
                let failed = matches!(end, BlockEnd::Failed(_));
                self.push(json!({
                    "traceId": text(&within.trace_id),
                    "spanId": text(&span_id),
                    "parentSpanId": text(&within.span_id),
                    "name": block.as_str(),
                    "kind": 1,
                    "startTimeUnixNano": nanos(at),
                    "endTimeUnixNano": nanos(until),
                    "attributes": [{ "key": "admit.label", "value": { "stringValue": label.as_str() } }],
                    "status": { "code": if failed { 2 } else { 0 } },
                }));
            }
            at = until;
        }
    }

    fn push(&self, span: Value) {
        if self.sender.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Span {
    /// As those that it asks see it.
    pub fn context(&self) -> TraceParent {
        self.context
    }
}

impl Sender {
    /// Waits for what was left to be sent, for a few seconds at most. Every `Spans` must be gone.
    pub async fn end(self) {
        let _ = tokio::time::timeout(LAST, self.0).await;
    }
}

async fn send(exporter: Exporter, mut receiver: mpsc::Receiver<Value>, dropped: Arc<AtomicU64>) {
    let mut said = false;
    loop {
        let mut spans = Vec::new();
        if receiver.recv_many(&mut spans, AT_ONCE).await == 0 {
            return;
        }
        if spans.len() < AT_ONCE {
            let more = tokio::time::timeout(PAUSE, async {
                while spans.len() < AT_ONCE {
                    match receiver.recv().await {
                        Some(span) => spans.push(span),
                        None => break,
                    }
                }
            });
            let _ = more.await;
        }
        let count = spans.len() as u64;
        let service = json!({ "key": "service.name", "value": { "stringValue": "admit" } });
        let body = json!({ "resourceSpans": [{
            "resource": { "attributes": [service] },
            "scopeSpans": [{ "scope": { "name": "admit", "version": env!("CARGO_PKG_VERSION") }, "spans": spans }],
        }] });
        match exporter.post(body.to_string().into_bytes()).await {
            Ok(()) => {
                let lost = dropped.swap(0, Ordering::Relaxed);
                if std::mem::take(&mut said) || lost > 0 {
                    tracing::info!(lost, "the collector of traces takes spans");
                }
            }
            Err(problem) => {
                dropped.fetch_add(count, Ordering::Relaxed);
                // Once, until it works again.
                if !std::mem::replace(&mut said, true) {
                    tracing::warn!(problem = problem.as_str(), "the collector of traces takes no spans");
                }
            }
        }
    }
}

/// Nanoseconds since 1970 as JSON has 64-bit numbers in OTLP: as text.
fn nanos(at: SystemTime) -> String {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}
