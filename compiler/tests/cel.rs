//! The cases of the public CEL conformance suite: each compiles, checked or not as it asks, and gives its value.

use std::path::{Path, PathBuf};

use admit_compiler::cases;

#[test]
fn every_conformance_case_passes_through_the_interpreter() {
    let Some(text) = conformance() else { return };
    let cases = cases::load(&text).unwrap();
    let report = cases::run(&cases, &|program, values| program.interpret(values));
    assert_eq!((report.passed, report.failed.len()), (cases.len(), 0), "{report}");
}

#[test]
fn names_are_resolved_in_containers_and_shadowed_by_variables() {
    let int = |name: &str| format!(r#"{{"name": "{name}", "ident": {{"type": {{"primitive": "INT64"}}}}}}"#);
    let case = |expr: &str, container: &str, checked: bool, value: &str| {
        let names = ["x.y", "y", "com.example.y", "com.example.y.z", "y.z"];
        let types: Vec<String> = names.iter().map(|name| int(name)).collect();
        let bindings: Vec<String> = (0..)
            .zip(names)
            .map(|(index, name)| format!(r#""{name}": {{"value": {{"int64_value": "{index}"}}}}"#))
            .collect();
        let (types, bindings) = (types.join(","), bindings.join(","));
        let disable = !checked;
        format!(
            r#"{{"name": "{expr} in {container}", "expr": "{expr}", "container": "{container}", "disable_check": {disable},
                "type_env": [{types}], "bindings": {{{bindings}}}, "value": {value}}}"#
        )
    };
    let mut text = Vec::new();
    for checked in [true, false] {
        for (expr, container, value) in [
            ("y", "", r#"{"int64_value": "1"}"#),
            ("y", "x", r#"{"int64_value": "0"}"#),
            ("y", "com.example", r#"{"int64_value": "2"}"#),
            ("y", "com.example.deeper", r#"{"int64_value": "2"}"#),
            (".y", "com.example", r#"{"int64_value": "1"}"#),
            ("y.z", "com.example", r#"{"int64_value": "3"}"#),
            (".y.z", "com.example", r#"{"int64_value": "4"}"#),
            ("[0].exists(y, y == 0)", "com.example", r#"{"bool_value": true}"#),
            ("[{'z': 9}].exists(y, y.z == 9)", "com.example", r#"{"bool_value": true}"#),
            ("[{'z': 9}].exists(y, .y.z == 4)", "com.example", r#"{"bool_value": true}"#),
            ("[1].exists(y, [0].exists(y, y == 0))", "com.example", r#"{"bool_value": true}"#),
            ("type(timestamp(0)) == Timestamp", "google.protobuf", r#"{"bool_value": true}"#),
            ("greatest(1, 2)", "math", r#"{"int64_value": "2"}"#),
        ] {
            text.push(case(expr, container, checked, value));
        }
    }
    let cases = cases::load(&format!("[{}]", text.join(","))).unwrap();
    let report = cases::run(&cases, &|program, values| program.interpret(values));
    assert!(report.failed.is_empty(), "{report}");
}

fn conformance() -> Option<String> {
    let shared = std::env::var_os("ADMIT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let text = std::fs::read_to_string(shared.join("conformance/cel.json")).ok();
    if text.is_none() {
        println!("conformance/cel.json is not there: 995 cases did not run");
    }
    text
}
