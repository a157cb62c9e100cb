//! JSON: `{"diagnostics": [{code, level, message, path, line, column, end_line, end_column, help, labels}]}`, positions
//! from 1 (runtime.md section 8). Fields may be added, never renamed.

use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Label};
use crate::render::position::position;
use crate::render::sanitize;
use crate::source::Sources;

/// Renders one JSON object on one line.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let list: Vec<Value> = diagnostics.iter().map(|diagnostic| object(diagnostic, sources)).collect();
    format!("{}\n", sanitize::json(&json!({ "diagnostics": list })))
}

fn object(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let place = position(diagnostic.primary.span, sources);
    let labels: Vec<Value> = diagnostic.secondary.iter().map(|secondary| label(secondary, sources)).collect();
    json!({
        "code": diagnostic.code,
        "level": super::level_word(diagnostic.level),
        "message": diagnostic.message,
        "label": diagnostic.primary.message,
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "help": diagnostic.help,
        "labels": labels,
    })
}

fn label(label: &Label, sources: &Sources) -> Value {
    let place = position(label.span, sources);
    json!({
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "message": label.message,
    })
}
