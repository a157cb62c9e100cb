//! The cases of the public CEL conformance suite: each compiles, checked or not as it asks.

use std::path::{Path, PathBuf};

use admit_compiler::cases;

#[test]
fn every_conformance_case_compiles() {
    let Some(text) = conformance() else { return };
    let cases = cases::load(&text).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        if let Err(why) = cases::compile(case) {
            wrong.push(format!("{}/{}/{}: {}\n    {why}", case.file, case.section, case.name, case.expr));
        }
    }
    assert!(wrong.is_empty(), "{} of {} do not compile:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
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
