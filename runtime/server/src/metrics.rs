//! Metrics in the text format of Prometheus. Labels have few values: routes, flows, outcomes, blocks; never a tenant, a user or a run.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use admit_eval::value::Instant;
use admit_runtime::trace::{Trace, TraceEvent};
use admit_runtime::when::hot;
use admit_store::SqlStore;
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use smol_str::SmolStr;

/// Bounds of histograms of requests, runs and commits, in seconds.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Bounds for single blocks, most of which take microseconds.
const BLOCK_SECONDS: [f64; 12] =
    [0.000_001, 0.000_01, 0.000_05, 0.0001, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0];
/// Flows that have a label of their own; others are counted as `other`, so that no number of tenants makes too many series.
const MOST_FLOWS: usize = 200;

/// What a server counts. Handles are looked for once each: to count is then a few atomic additions.
pub struct Metrics {
    handle: Option<PrometheusHandle>,
    requests: Known<(SmolStr, u16), Histogram>,
    runs: Known<(SmolStr, SmolStr), Counter>,
    blocks: Known<SmolStr, Histogram>,
    open: Arc<AtomicU64>,
}

/// Handles by what they are for.
struct Known<K, V>(RwLock<HashMap<K, V>>);

/// An open connection, counted until it is dropped.
pub struct Open(Arc<AtomicU64>);

/// Counts in this process from now on. Once; without it nothing is counted, and nothing is lost by that.
///
/// # Errors
/// A recorder is there already.
pub fn install() -> Result<PrometheusHandle, String> {
    let said = |error: BuildError| error.to_string();
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("admit_block_seconds".to_owned()), &BLOCK_SECONDS)
        .map_err(said)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .map_err(said)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;
    describe();
    Ok(handle)
}

fn describe() {
    describe_histogram!("admit_http_request_seconds", Unit::Seconds, "Time of requests, by route and status");
    describe_counter!("admit_runs_total", "Requests of runs, by flow and outcome");
    describe_histogram!("admit_block_seconds", Unit::Seconds, "Time of blocks, by block");
    describe_histogram!("admit_store_commit_seconds", Unit::Seconds, "Time until a group of commits is on disk");
    describe_gauge!("admit_connections_open", "Open connections");
    describe_gauge!("admit_queue_depth", "Jobs that are still to be done");
    describe_gauge!("admit_queue_age_seconds", Unit::Seconds, "Since when the job that was due first is due");
    describe_counter!("admit_jit_compiled_total", "Flows that got machine code");
    describe_gauge!("admit_jit_compile_seconds_sum", Unit::Seconds, "Time that making machine code took in all");
    describe_gauge!("admit_action_workers", "Worker processes of Actions, by state");
    describe_counter!("admit_action_worlds_used_total", "Invocations of Actions that got a worker");
    describe_counter!("admit_action_workers_killed_total", "Workers that were killed or died during an invocation");
    describe_gauge!("admit_feed_age_seconds", Unit::Seconds, "Since when a feed's file was not written, by feed");
    describe_counter!("admit_log_lines_lost_total", "Lines of the log that could not be written");
    describe_gauge!("admit_ready", "1 while requests are wanted here");
}

impl Metrics {
    /// None is known yet.
    pub fn new(handle: Option<PrometheusHandle>) -> Self {
        Self {
            handle,
            requests: Known::default(),
            runs: Known::default(),
            blocks: Known::default(),
            open: Arc::default(),
        }
    }

    /// A request was answered. `route` is its pattern, never the path.
    pub fn request(&self, route: &str, status: u16, took: Duration) {
        if self.handle.is_none() {
            return;
        }
        self.requests.with(
            (SmolStr::new(route), status),
            |(route, status)| {
                // Not every reader of the format takes braces within a label.
                let route = route.replace('{', ":").replace('}', "");
                histogram!("admit_http_request_seconds", "route" => route, "status" => status.to_string())
            },
            |known| known.record(took),
        );
    }

    /// A request of a run has ended: a fold over its trace.
    pub fn run(&self, trace: &Trace) {
        if self.handle.is_none() {
            return;
        }
        let mut flow: Option<&SmolStr> = None;
        let mut block: Option<&SmolStr> = None;
        for event in &trace.events {
            match event {
                TraceEvent::Began { flow: began, .. } => flow = Some(began),
                TraceEvent::Started { block: started, .. } => block = Some(started),
                TraceEvent::Ended { nanos, .. } => {
                    if let Some(block) = block.take() {
                        let name = |block: &SmolStr| histogram!("admit_block_seconds", "block" => block.to_string());
                        self.blocks.with(block.clone(), name, |known| known.record(Duration::from_nanos(*nanos)));
                    }
                }
                TraceEvent::Outcome { outcome, .. } => {
                    let flow = flow.cloned().unwrap_or_default();
                    let flow = if self.runs.is_full(&flow) { SmolStr::new_static("other") } else { flow };
                    let name = |(flow, outcome): &(SmolStr, SmolStr)| counter!("admit_runs_total", "flow" => flow.to_string(), "outcome" => outcome.to_string());
                    self.runs.with((flow, outcome.clone()), name, |known| known.increment(1));
                }
                TraceEvent::Stage { .. }
                | TraceEvent::Entered { .. }
                | TraceEvent::Left { .. }
                | TraceEvent::Branch { .. }
                | TraceEvent::Condition { .. }
                | TraceEvent::Log { .. }
                | TraceEvent::Suspended { .. }
                | TraceEvent::Explained { .. } => {}
            }
        }
    }

    /// One more connection.
    pub fn connection(&self) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(&self.open))
    }

    /// Makes room for what comes: to be called every few seconds, also where nobody asks.
    pub fn upkeep(&self) {
        if let Some(handle) = &self.handle {
            handle.run_upkeep();
        }
    }

    /// The text, with what is looked up when it is asked for. None where nothing is counted.
    pub async fn render(&self, store: &SqlStore, now: Instant, is_ready: bool) -> Option<String> {
        let handle = self.handle.as_ref()?;
        gauge!("admit_connections_open").set(self.open.load(Ordering::Relaxed) as f64);
        gauge!("admit_ready").set(if is_ready { 1.0 } else { 0.0 });
        let (flows, took) = hot::compiled();
        counter!("admit_jit_compiled_total").absolute(flows);
        gauge!("admit_jit_compile_seconds_sum").set(took.as_secs_f64());
        // Where the store does not answer, its two gauges stay as they were.
        if let Ok((depth, due)) = store.queue_depth().await {
            let age = due.map_or(0, |due| now.seconds.saturating_sub(due.seconds).max(0));
            gauge!("admit_queue_depth").set(depth as f64);
            gauge!("admit_queue_age_seconds").set(age as f64);
        }
        Some(handle.render())
    }
}

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, V> Known<K, V> {
    fn with(&self, key: K, make: impl FnOnce(&K) -> V, then: impl FnOnce(&V)) {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return then(known);
        }
        let made = make(&key);
        then(self.0.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(made));
    }
}

impl<V> Known<(SmolStr, SmolStr), V> {
    /// Whether this flow comes too late to have a label of its own.
    fn is_full(&self, flow: &SmolStr) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // Six outcomes at most for each.
        known.len() >= MOST_FLOWS && !known.keys().any(|(known, _)| known == flow)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_beyond_the_most_are_counted_together() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let counted = Metrics::new(Some(recorder.handle()));
        ::metrics::with_local_recorder(&recorder, || {
            for flow in 0..300 {
                let at = Instant { seconds: 0, nanos: 0 };
                let began = TraceEvent::Began { flow: format!("flow-{flow}").into(), seq: 0, at };
                let ended = TraceEvent::Outcome { outcome: "allow".into(), detail: None, label: None };
                counted.run(&Trace { events: vec![began, ended] });
            }
        });
        let text = recorder.handle().render();
        let series: Vec<&str> = text.lines().filter(|line| line.starts_with("admit_runs_total{")).collect();
        assert_eq!(series.len(), MOST_FLOWS + 1);
        assert!(series.contains(&"admit_runs_total{flow=\"other\",outcome=\"allow\"} 100"), "{text}");
    }
}
