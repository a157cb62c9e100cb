//! Traces and explanations as JSON.

use std::collections::BTreeMap;

use admit_eval::json;
use admit_plan::bundle::Bundle;
use admit_runtime::explain::{Explanation, Part, explain};
use admit_runtime::trace::{BlockEnd, Explained, Trace, TraceEvent};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What happened in a request of a run, in order; values are masked by their labels.
#[derive(Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A request of the run began.
    Began {
        /// The flow.
        flow: String,
        /// Number of the request in the run, 0 first.
        request: u32,
    },
    /// A stage began, or was skipped by its contract's condition.
    Stage {
        /// Its name.
        stage: String,
        /// Its condition was false.
        skipped: bool,
    },
    /// A custom flow began.
    Entered {
        /// Label of the `run flow`.
        label: String,
        /// The custom flow.
        flow: String,
    },
    /// Control went back from a custom flow.
    Left {
        /// Label of the `run flow`.
        label: String,
    },
    /// A block began.
    Started {
        /// Its label.
        label: String,
        /// Its type.
        block: String,
    },
    /// A block ended.
    Ended {
        /// Its label.
        label: String,
        /// Engine time that it took, in nanoseconds; 0 for a block that waits for nothing.
        nanos: u64,
        /// How: `output`, `prompted`, `denied`, `settled`, `failed`, `queued`, `skipped`.
        how: &'static str,
        /// Its output, masked; or why.
        detail: Value,
    },
    /// A decision took a branch.
    Branch {
        /// The decision.
        label: String,
        /// The branch.
        branch: String,
    },
    /// A condition was evaluated.
    Condition {
        /// Its label.
        label: String,
        /// Its fields.
        fields: BTreeMap<String, bool>,
    },
    /// A line of the run's log.
    Log {
        /// The step that it is about.
        label: String,
        /// How bad it is.
        level: &'static str,
        /// The line.
        text: String,
    },
    /// The run waits for the user.
    Suspended {
        /// The prompting block.
        label: String,
    },
    /// The request's outcome.
    Outcome {
        /// `session`, `tokens`, `allow`, `finalized`, `deny`, `suspended`, `error`
        outcome: String,
        /// Reason, error id or label, as the outcome has it.
        detail: Option<String>,
        /// The step that it came from.
        label: Option<String>,
    },
}

/// A decision's case or a condition's field, explained: the value of each part that was evaluated.
#[derive(Serialize, ToSchema)]
pub struct ExplainedStep {
    /// The step.
    pub step: String,
    /// The case's branch or the field's name.
    pub name: String,
    /// Its parts, the whole first.
    pub parts: Vec<ExplainedPart>,
}

/// A part of an expression: it has `value`, or `error`.
#[derive(Serialize, ToSchema)]
pub struct ExplainedPart {
    /// As written.
    pub text: String,
    /// What it gave, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Why it gave nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
}

/// Events in order.
pub fn events(trace: &Trace) -> Vec<Event> {
    trace.events.iter().filter_map(event).collect()
}

/// What a trace explains, with the text from the bundle that the run walked.
pub fn explained(trace: &Trace, bundle: &Bundle) -> Vec<ExplainedStep> {
    let part = |part: &Part| {
        let (value, error) = match &part.value {
            Explained::Value(packed) => (Some(json::to_json(&packed.0)), None),
            Explained::Error(error) => (None, Some(error.clone())),
        };
        ExplainedPart { text: part.text.to_string(), value, error }
    };
    let step = |one: Explanation| ExplainedStep {
        step: one.label.to_string(),
        name: one.name.to_string(),
        parts: one.parts.iter().filter(|part| !part.text.is_empty()).map(part).collect(),
    };
    explain(trace, bundle).into_iter().map(step).collect()
}

/// Events as JSON objects, in order.
pub fn as_json(trace: &Trace) -> Value {
    // Text keys and JSON values alone: it cannot fail.
    serde_json::to_value(events(trace)).unwrap_or_default()
}

/// Explanations as JSON objects.
pub fn explained_json(trace: &Trace, bundle: &Bundle) -> Value {
    serde_json::to_value(explained(trace, bundle)).unwrap_or_default()
}

fn event(event: &TraceEvent) -> Option<Event> {
    Some(match event {
        TraceEvent::Began { flow, seq, .. } => Event::Began { flow: flow.to_string(), request: *seq },
        TraceEvent::Stage { label, skipped } => Event::Stage { stage: label.to_string(), skipped: *skipped },
        TraceEvent::Entered { label, flow } => Event::Entered { label: label.to_string(), flow: flow.to_string() },
        TraceEvent::Left { label } => Event::Left { label: label.to_string() },
        TraceEvent::Started { label, block, .. } => {
            Event::Started { label: label.to_string(), block: block.to_string() }
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
            Event::Ended { label: label.to_string(), nanos: *nanos, how, detail }
        }
        TraceEvent::Branch { label, branch } => Event::Branch { label: label.to_string(), branch: branch.to_string() },
        TraceEvent::Condition { label, fields } => Event::Condition {
            label: label.to_string(),
            fields: fields.iter().map(|(name, holds)| (name.to_string(), *holds)).collect(),
        },
        TraceEvent::Log { label, level, text } => {
            Event::Log { label: label.to_string(), level: level.word(), text: text.clone() }
        }
        TraceEvent::Suspended { label, .. } => Event::Suspended { label: label.to_string() },
        TraceEvent::Outcome { outcome, detail, label } => Event::Outcome {
            outcome: outcome.to_string(),
            detail: detail.as_ref().map(ToString::to_string),
            label: label.as_ref().map(ToString::to_string),
        },
        TraceEvent::Explained { .. } => return None,
    })
}
