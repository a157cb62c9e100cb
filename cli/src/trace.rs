//! Traces for people.

use admit_compiler::render::sanitize;
use admit_eval::datum::Datum;
use admit_eval::json;
use admit_plan::bundle::Bundle;
use admit_runtime::explain::explain;
use admit_runtime::trace::{BlockEnd, Explained, Level, Trace, TraceEvent};

use crate::output::Output;

/// One line an event, indented by what it stands in.
pub fn human(trace: &Trace, output: &Output) -> String {
    trace.events.iter().filter_map(|event| line(event, output)).map(|line| format!("  {line}\n")).collect()
}

/// The values of the parts of each decision and condition.
pub fn human_explained(trace: &Trace, bundle: &Bundle, output: &Output) -> String {
    let mut text = String::new();
    for one in explain(trace, bundle) {
        text.push_str(&format!("  {} {}\n", output.paint("1", &one.label), one.name));
        for part in one.parts.iter().filter(|part| !part.text.is_empty()) {
            let (written, value) = (sanitize::line(&part.text), value(&part.value));
            // A literal explains itself.
            if written != value {
                text.push_str(&format!("    {written}  =  {value}\n"));
            }
        }
    }
    text
}

fn line(event: &TraceEvent, output: &Output) -> Option<String> {
    Some(match event {
        TraceEvent::Began { flow, seq, .. } if *seq == 0 => format!("{} {flow}", output.paint("1", "flow")),
        TraceEvent::Began { flow, seq, .. } => format!("{} {flow}, request {}", output.paint("1", "flow"), seq + 1),
        TraceEvent::Stage { label, skipped } => {
            format!("{} {label}{}", output.paint("1", "stage"), if *skipped { " (skipped)" } else { "" })
        }
        TraceEvent::Entered { label, flow } if label == flow => format!("  -> custom flow {flow}"),
        TraceEvent::Entered { label, flow } => format!("  -> custom flow {flow} as {label}"),
        TraceEvent::Left { label } => format!("  <- {label}"),
        TraceEvent::Ended { label, end, nanos } => format!("    {label}  {}{}", ended(end, output), took(*nanos)),
        TraceEvent::Branch { label, branch } => format!("    {label}  -> {}", output.paint("36", branch)),
        TraceEvent::Condition { label, fields } => {
            let fields: Vec<String> = fields.iter().map(|(name, holds)| format!("{name}: {holds}")).collect();
            format!("    {label}  {}", fields.join(", "))
        }
        TraceEvent::Log { label, level, text } => {
            let level = match level {
                Level::Debug | Level::Info => level.word().to_owned(),
                Level::Warning => output.paint("33", level.word()),
                Level::Error => output.paint("31", level.word()),
            };
            format!("    {label}  {level}: {}", sanitize::line(text))
        }
        TraceEvent::Suspended { label, .. } => format!("    {label}  waits for the user"),
        TraceEvent::Started { .. } | TraceEvent::Explained { .. } | TraceEvent::Outcome { .. } => return None,
    })
}

fn ended(end: &BlockEnd, output: &Output) -> String {
    match end {
        BlockEnd::Output(packed) => {
            let fields = match &packed.0 {
                Datum::Map(entries) => entries.as_slice(),
                _ => &[],
            };
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| {
                    format!("{}: {}", key.as_str().unwrap_or("?"), sanitize::line(&json::to_json(value).to_string()))
                })
                .collect();
            fields.join(", ")
        }
        BlockEnd::Prompted => "asks the user".to_owned(),
        BlockEnd::Denied(reason) => output.paint("31", &format!("deny {reason}")),
        BlockEnd::Settled(what) => output.paint("32", what),
        BlockEnd::Failed(why) => output.paint("31", &format!("failed: {}", sanitize::line(why))),
        BlockEnd::Queued => "queued".to_owned(),
        BlockEnd::Skipped => "skipped: the Action is disabled".to_owned(),
    }
}

fn took(nanos: u64) -> String {
    match nanos {
        0 => String::new(),
        1..1_000_000 => format!("  ({} us)", nanos / 1_000),
        _ => format!("  ({} ms)", nanos / 1_000_000),
    }
}

fn value(value: &Explained) -> String {
    match value {
        Explained::Value(packed) => sanitize::line(&json::to_json(&packed.0).to_string()),
        Explained::Error(error) => format!("error: {}", sanitize::line(error)),
    }
}
