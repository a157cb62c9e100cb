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

fn conformance() -> Option<String> {
    let shared = std::env::var_os("ADMIT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let text = std::fs::read_to_string(shared.join("conformance/cel.json")).ok();
    if text.is_none() {
        println!("conformance/cel.json is not there: 995 cases did not run");
    }
    text
}
