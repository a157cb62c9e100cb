//! `admit test`: what passed, what failed and where, in each format.

use crate::admit::{Folder, LOGIN};

const TESTS: &str = r#"test "good" of login {
  stub identity_lookup { found: true, user: { id: "usr_1" } }
  stub password_check { verified: true }
  expect session
}

test "bad" of login {
  stub identity_lookup { found: true, user: { id: "usr_1" } }
  stub password_check { verified: false }
  expect session
}
"#;

fn project() -> Folder {
    let folder = Folder::project(LOGIN);
    folder.write("tests/login.admit", TESTS);
    folder
}

#[test]
fn a_failed_test_exits_with_1_and_says_where() {
    let folder = project();
    folder.admit("test").code(1).says("ok  login: good").says("tests/login.admit:7").says("1 passed, 1 failed");
    folder.admit("test --trace").code(1).says("password-result  -> wrong");
    folder.admit("test --filter good").code(0).says("1 passed, 0 failed");
    folder.admit("test --filter nothing").code(0).says("0 passed");
    folder.admit("test --filter nothing --fail-on-empty").code(1);
    folder.admit("test nowhere").code(2);
}

#[test]
fn each_format_is_one_document() {
    let folder = project();
    let report = folder.admit("test --format json").code(1).json();
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &1.into()));
    assert_eq!(report["tests"][1]["line"], 7);
    assert_eq!(report["tests"][1]["outcome"], "deny");
    let sarif = folder.admit("test --format sarif").code(1).json();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "test-failed");
    folder.admit("test --format github").code(1).says("::error file=tests/login.admit,line=7");
    let junit = folder.admit("test --format junit").code(1).out;
    assert!(junit.starts_with("<?xml") && junit.matches("<?xml").count() == 1, "{junit}");
    assert!(junit.contains("tests=\"2\"") && junit.contains("failures=\"1\""), "{junit}");
}

#[test]
fn warnings_do_not_spoil_the_report() {
    let folder = project();
    folder.write("flows/unused.admit", "param limit: int = 3\n");
    let done = folder.admit("test --format json --filter good").code(0).says("warning[");
    assert_eq!(done.json()["passed"], 1);
    folder.admit("test --deny warnings --filter good").code(1);
}
