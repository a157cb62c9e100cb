//! SARIF 2.1.0 (OASIS), the subset that code scanning reads. Fingerprints hold no line numbers, so that an alert stays
//! the same when code above it moves.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, BuildHasherDefault};

use rustc_hash::FxHasher;
use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Label};
use crate::render::position::position;
use crate::render::sanitize;
use crate::source::{Sources, Span};

/// Renders one log with one run.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let codes: BTreeSet<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    let rules: Vec<Value> = codes.iter().map(|code| json!({ "id": code })).collect();
    let mut seen = BTreeMap::new();
    let results: Vec<Value> = diagnostics.iter().map(|diagnostic| result(diagnostic, sources, &mut seen)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "admit", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{}\n", sanitize::json(&log))
}

fn result(diagnostic: &Diagnostic, sources: &Sources, seen: &mut BTreeMap<String, u32>) -> Value {
    let help = diagnostic.help.iter().map(|help| format!("\nhelp: {help}"));
    let text: String = std::iter::once(diagnostic.message.clone()).chain(help).collect();
    let related: Vec<Value> = diagnostic.secondary.iter().map(|label| related(label, sources)).collect();
    let base = fingerprint(diagnostic, sources);
    let count = seen.entry(base.clone()).or_insert(0);
    *count += 1;
    json!({
        "ruleId": diagnostic.code,
        "level": super::level_word(diagnostic.level),
        "message": { "text": text },
        "locations": [{ "physicalLocation": physical(diagnostic.primary.span, sources) }],
        "relatedLocations": related,
        "partialFingerprints": { "primaryLocationLineHash": format!("{base}:{count}") },
    })
}

fn related(label: &Label, sources: &Sources) -> Value {
    json!({ "physicalLocation": physical(label.span, sources), "message": { "text": label.message } })
}

fn physical(span: Span, sources: &Sources) -> Value {
    let place = position(span, sources);
    json!({
        "artifactLocation": { "uri": uri(&place.path) },
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        },
    })
}

/// A relative URI reference: what RFC 3986 allows in a path stays, the rest is percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// A hash of the code, the file and the text of the line, without its number.
fn fingerprint(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let span = diagnostic.primary.span;
    let line = sources.get(span.file).map_or("", |source| {
        let start = span.start as usize;
        let before = source.text.get(..start).unwrap_or_default();
        let from = before.rfind('\n').map_or(0, |at| at + 1);
        source.text.get(from..).unwrap_or_default().lines().next().unwrap_or_default().trim()
    });
    let name = sources.get(span.file).map_or("", |source| source.name.as_str());
    let hash = BuildHasherDefault::<FxHasher>::default().hash_one((diagnostic.code, name, line));
    format!("{hash:016x}")
}
