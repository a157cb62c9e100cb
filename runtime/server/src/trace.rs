//! Traces and explanations as JSON.

use admit_eval::json;
use admit_plan::bundle::Bundle;
use admit_runtime::explain::{Explanation, explain};
use admit_runtime::trace::{BlockEnd, Explained, Trace, TraceEvent};
use serde_json::{Value, json};

/// Events as JSON objects, in order.
pub fn as_json(trace: &Trace) -> Value {
    trace.events.iter().filter_map(event_json).collect()
}

/// Explanations as JSON objects.
pub fn explained_json(trace: &Trace, bundle: &Bundle) -> Value {
    let one = |one: Explanation| {
        let parts: Vec<Value> = one
            .parts
            .iter()
            .filter(|part| !part.text.is_empty())
            .map(|part| match &part.value {
                Explained::Value(packed) => json!({ "text": part.text.as_str(), "value": json::to_json(&packed.0) }),
                Explained::Error(error) => json!({ "text": part.text.as_str(), "error": error }),
            })
            .collect();
        json!({ "step": one.label.as_str(), "name": one.name.as_str(), "parts": parts })
    };
    explain(trace, bundle).into_iter().map(one).collect()
}

fn event_json(event: &TraceEvent) -> Option<Value> {
    Some(match event {
        TraceEvent::Began { flow, seq, .. } => json!({ "event": "began", "flow": flow.as_str(), "request": seq }),
        TraceEvent::Stage { label, skipped } => {
            json!({ "event": "stage", "stage": label.as_str(), "skipped": skipped })
        }
        TraceEvent::Entered { label, flow } => {
            json!({ "event": "entered", "label": label.as_str(), "flow": flow.as_str() })
        }
        TraceEvent::Left { label } => json!({ "event": "left", "label": label.as_str() }),
        TraceEvent::Started { label, block, .. } => {
            json!({ "event": "started", "label": label.as_str(), "block": block.as_str() })
        }
        TraceEvent::Ended { label, nanos, end } => {
            let (how, detail) = match end {
                BlockEnd::Output(packed) => ("output", json::to_json(&packed.0)),
                BlockEnd::Prompted => ("prompted", Value::Null),
                BlockEnd::Denied(reason) => ("denied", reason.as_str().into()),
                BlockEnd::Settled(what) => ("settled", what.as_str().into()),
                BlockEnd::Failed(why) => ("failed", why.as_str().into()),
                BlockEnd::Queued => ("queued", Value::Null),
                BlockEnd::Skipped => ("skipped", Value::Null),
            };
            json!({ "event": "ended", "label": label.as_str(), "nanos": nanos, "how": how, "detail": detail })
        }
        TraceEvent::Branch { label, branch } => {
            json!({ "event": "branch", "label": label.as_str(), "branch": branch.as_str() })
        }
        TraceEvent::Condition { label, fields } => {
            let fields: serde_json::Map<String, Value> =
                fields.iter().map(|(name, holds)| (name.to_string(), Value::Bool(*holds))).collect();
            json!({ "event": "condition", "label": label.as_str(), "fields": fields })
        }
        TraceEvent::Log { label, level, text } => {
            json!({ "event": "log", "label": label.as_str(), "level": level.word(), "text": text })
        }
        TraceEvent::Suspended { label, .. } => json!({ "event": "suspended", "label": label.as_str() }),
        TraceEvent::Outcome { outcome, detail, label } => json!({
            "event": "outcome",
            "outcome": outcome.as_str(),
            "detail": detail.as_ref().map(|detail| detail.as_str()),
            "label": label.as_ref().map(|label| label.as_str()),
        }),
        TraceEvent::Explained { .. } => return None,
    })
}
