//! What a tenant is given by other ways than the project's files, as JSON: written as TOML and read by the code that reads the
//! files, so that one and the same is taken and refused, in the same words.

use admit_eval::datum::Datum;
use admit_plan::types::Type;
use serde_json::{Map, Value};
use smol_str::SmolStr;

use super::manifest::{self, Settings};
use super::{lists, tenants};
use crate::diagnostic::{Diagnostic, Level};
use crate::source::Sources;

/// The settings of a tenant: the sections that [`manifest::PER_TENANT`] names.
///
/// # Errors
/// What is wrong with them, a line each.
pub fn settings(document: &Map<String, Value>) -> Result<Settings, Vec<String>> {
    let text = table(document).map_err(|fault| vec![fault])?;
    let mut found = Vec::new();
    let settings = manifest::sections(Sources::default().add("settings", text.as_str()), &text, &mut found);
    said(&found).map_or(Ok(settings), Err)
}

/// A value of a param of this type.
///
/// # Errors
/// What is wrong with it.
pub fn param(value: &Value, ty: &Type, name: &str) -> Result<Datum, String> {
    let text = table(&Map::from_iter([(name.to_owned(), value.clone())]))?;
    tenants::value_of(Sources::default().add("params", text.as_str()), &text, ty, name)
}

/// The entries of a list: one a line, `#` begins a comment.
///
/// # Errors
/// What is wrong with them, a line each.
pub fn list(text: &str) -> Result<Vec<SmolStr>, Vec<String>> {
    let mut found = Vec::new();
    let list = lists::read(Sources::default().add("list", text), text, &mut found);
    said(&found).map_or_else(|| Ok(list.entries.into_iter().map(|entry| entry.text).collect()), Err)
}

/// Errors in a line each, with their advice; none where there are none.
fn said(found: &[Diagnostic]) -> Option<Vec<String>> {
    let errors = found.iter().filter(|one| one.level == Level::Error);
    let lines: Vec<String> = errors
        .map(|one| match one.help.first() {
            Some(help) => format!("{}: {help}", one.message),
            None => one.message.clone(),
        })
        .collect();
    (!lines.is_empty()).then_some(lines)
}

/// A table, one line a key. What is null is not there.
fn table(document: &Map<String, Value>) -> Result<String, String> {
    let mut text = String::new();
    for (name, value) in document.iter().filter(|(_, value)| !value.is_null()) {
        text.push_str(&quoted(name));
        text.push_str(" = ");
        write(&mut text, value, 0)?;
        text.push('\n');
    }
    Ok(text)
}

/// The deepest that TOML is read.
const DEEPEST: usize = 64;

fn write(text: &mut String, value: &Value, depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("it nests deeper than {DEEPEST}"));
    }
    match value {
        Value::Null => return Err("a list holds `null`, which settings and params do not have".to_owned()),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(string) => text.push_str(&quoted(string)),
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write(text, item, depth + 1)?;
                text.push_str(", ");
            }
            text.push(']');
        }
        Value::Object(fields) => {
            text.push('{');
            for (at, (name, value)) in fields.iter().filter(|(_, value)| !value.is_null()).enumerate() {
                text.push_str(if at == 0 { " " } else { ", " });
                text.push_str(&quoted(name));
                text.push_str(" = ");
                write(text, value, depth + 1)?;
            }
            text.push_str(" }");
        }
    }
    Ok(())
}

/// As a basic string, whose escapes are those of JSON and one more.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use admit_plan::types::{Kind, Range};
    use serde_json::json;

    use super::*;

    fn read(document: Value) -> Result<Settings, Vec<String>> {
        let Value::Object(document) = document else { panic!("{document}") };
        settings(&document)
    }

    #[test]
    fn a_document_is_held_to_what_the_manifest_is_held_to() {
        let good = json!({
            "egress": { "hosts": ["api.example.com"] },
            "webauthn": { "rp_id": "example.com", "origins": ["https://example.com"], "rp_name": null },
            "smtp": { "host": "mail.example.com", "from": "A \"B\" \\ \u{7f}\t<a@example.com>" },
            "clients": { "portal": { "type": "web", "redirect_uris": ["https://a.example/cb"], "metadata": { "tier": 1 } } },
        });
        let settings = read(good.clone()).unwrap();
        assert_eq!(settings.smtp.unwrap().from, "A \"B\" \\ \u{7f}\t<a@example.com>");
        assert_eq!(settings.clients[0].kind.as_deref(), Some("web"));
        assert_eq!(settings.written["egress"], good["egress"]);
        for (bad, said) in [
            (json!({ "egress": { "hosts": ["https://x"] } }), "is not a host"),
            (json!({ "egress": { "host": [] } }), "no key `host`"),
            (json!({ "feeds": {} }), "no key `feeds`"),
            (json!({ "redirects": { "allow": [null] } }), "`null`"),
            (json!({ "redirects": 7 }), "is a table"),
            (json!({ "sms": { "url": "https://x.example", "token": "Not A Slug" } }), "never the secret itself"),
            (json!({ "clients": { "x": { "type": "robot" } } }), "is not `robot`"),
            (json!({ "clients": { "x": { "redirect_uris": ["app.example:/cb"] } } }), "is not an address"),
        ] {
            let faults = read(bad).unwrap_err().join("; ");
            assert!(faults.contains(said), "{faults}");
        }
        assert!(
            read(json!({ "clients": { "x": { "type": "native", "redirect_uris": ["app.example:/cb"] } } })).is_ok()
        );
    }

    #[test]
    fn params_are_read_by_their_type_from_json() {
        let read = |value: Value, kind: Kind| param(&value, &kind.into(), "limit");
        assert_eq!(read(json!(7), Kind::Int(Range { min: None, max: None })), Ok(Datum::Int(7)));
        assert!(matches!(read(json!("8s"), Kind::Duration), Ok(Datum::Duration(_))));
        assert!(matches!(read(json!("2026-01-31T12:00:00Z"), Kind::Timestamp), Ok(Datum::Timestamp(_))));
        assert!(matches!(read(json!({ "a": [1, true] }), Kind::Dyn), Ok(Datum::Map(_))));
        for value in [json!("7"), json!(7.5), json!(null), json!(u64::MAX), json!([])] {
            let fault = read(value, Kind::Int(Range { min: None, max: None })).unwrap_err();
            assert!(!fault.is_empty());
        }
    }

    #[test]
    fn a_list_is_one_entry_a_line() {
        assert_eq!(list("a.example # why\n\n# all\nb\n").unwrap(), ["a.example", "b"]);
        assert!(list(&"x".repeat(2_000)).unwrap_err()[0].contains("longer than"));
    }
}
