//! `admit check`: formats of findings, exit codes, standard input and single files.

use crate::admit::{Folder, LOGIN};

/// An unknown field: one error.
fn with_error() -> String {
    LOGIN.replace("verified ->", "verifed ->")
}

/// A param that nothing reads: one warning.
fn with_warning() -> String {
    format!("{LOGIN}\nparam limit: int = 3\n")
}

#[test]
fn findings_exit_with_1_and_warnings_only_where_denied() {
    let folder = Folder::project(LOGIN);
    folder.admit("check").code(0).says("no findings in 1 flow, 0 tests");
    folder.write("flows/login.admit", with_warning());
    folder.admit("check").code(0).says("warning[");
    folder.admit("check --deny warnings").code(1);
    folder.admit("build --deny warnings").code(1);
    assert!(!folder.file("bundle.admitplan").exists());
    folder.write("flows/login.admit", with_error());
    for command in ["check", "test", "build", "emit typed login", "emit plan login", "emit clif login"] {
        folder.admit(command).code(1).says("did you mean `verified`?");
    }
    folder.admit("run login --event e.json").code(1).says("error[A0");
}

#[test]
fn each_format_is_one_document() {
    let folder = Folder::project(&with_error());
    let found = folder.admit("check --format json").code(1).json();
    let one = &found["diagnostics"][0];
    assert_eq!((&one["level"], &one["path"], &one["line"]), (&"error".into(), &"flows/login.admit".into(), &6.into()));
    assert_eq!(one["column"], 13 + "step.password-check.".len() as u64);
    assert!(
        one["end_column"].as_u64() > one["column"].as_u64() && one["help"][0].is_string() || one["help"].is_string()
    );
    let sarif = folder.admit("check --format sarif").code(1).json();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], one["code"]);
    folder.admit("check --format github").code(1).says("::error file=flows/login.admit,line=6");
    let junit = folder.admit("check --format junit").code(1);
    assert!(junit.out.starts_with("<?xml") && junit.out.contains("<failure"), "{}", junit.out);
    folder.write("flows/login.admit", LOGIN);
    assert_eq!(folder.admit("check --format json").code(0).json()["diagnostics"], serde_json::json!([]));
    assert_eq!(folder.with("check", "", &[("ADMIT_FORMAT", "json")]).code(0).json(), found_nothing());
    folder.admit("check --format xml").code(2);
}

fn found_nothing() -> serde_json::Value {
    serde_json::json!({ "diagnostics": [] })
}

#[test]
fn standard_input_and_single_files_are_checked_alone() {
    let folder = Folder::new();
    folder.with("check -", LOGIN, &[]).code(0);
    folder.with("check -", &with_error(), &[]).code(1).says("stdin.admit:6:");
    folder.with("check -", "", &[]).code(0);
    folder.write("alone.admit", with_error());
    folder.admit("check alone.admit").code(1).says("alone.admit:6:");
    folder.admit("check").code(2).says("is no project");
    folder.admit("check nowhere").code(2).says("there is no such file or folder");
    // Anywhere below a project's folder is that project.
    let project = Folder::project(LOGIN);
    project.admit("check flows").code(0).says("1 flow");
    project.admit("check flows/login.admit").code(0).says("1 flow");
}

#[test]
fn a_source_that_is_not_utf_8_is_a_finding_at_its_first_bad_byte() {
    let folder = Folder::project(LOGIN);
    folder.write("flows/bad.admit", b"param a: int = 1\nparam b\xff: int = 1\n");
    folder.admit("check").code(1).says("flows/bad.admit:2:8").says("UTF-8");
    folder.run(&["check", "-"], b"\xc3\x28", &[]).code(1).says("UTF-8");
}

#[test]
fn what_is_far_too_large_is_an_error_and_quick() {
    let folder = Folder::project(LOGIN);
    let began = std::time::Instant::now();
    folder.write("flows/deep.admit", format!("param a: int = {}", "(".repeat(100_000)));
    folder.admit("check").code(1).says("A0006");
    folder.write("flows/deep.admit", "a".repeat(50 << 20));
    folder.admit("check").code(1).says("A0007");
    folder.write("flows/deep.admit", "param a: int = 1\n".repeat(50 << 16));
    folder.admit("check --format json").code(1).says("A0007");
    folder.write("flows/deep.admit", "a".repeat(65 << 20));
    folder.admit("check").code(2).says("larger than 64 MiB");
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
}
