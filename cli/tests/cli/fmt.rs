//! `admit fmt`: writes, checks, shows differences, and leaves alone what does not parse.

use std::os::unix::fs::PermissionsExt;

use crate::admit::{Folder, LOGIN};

const UGLY: &str = "param   a : int=1\n";
const PRETTY: &str = "param a: int = 1\n";

#[test]
fn check_and_diff_write_nothing() {
    let folder = Folder::project(LOGIN);
    folder.admit("fmt --check").code(0);
    folder.write("flows/a.admit", UGLY);
    folder.admit("fmt --check").code(1).says("`flows/a.admit` is not formatted");
    let diff = folder.admit("fmt --diff").code(1);
    assert_eq!(diff.out, format!("--- flows/a.admit\n+++ flows/a.admit\n@@ -1 +1 @@\n-{UGLY}+{PRETTY}"));
    assert_eq!(folder.read("flows/a.admit"), UGLY);
    folder.admit("fmt").code(0).says("formatted `flows/a.admit`");
    assert_eq!(folder.read("flows/a.admit"), PRETTY);
    folder.admit("fmt --check").code(0);
    folder.admit("fmt --diff").code(0);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = Folder::new();
    assert_eq!(folder.with("fmt -", UGLY, &[]).code(0).out, PRETTY);
    assert_eq!(folder.with("fmt - --format json", UGLY, &[]).code(0).out, PRETTY);
    folder.with("fmt --check -", UGLY, &[]).code(1);
    folder.with("fmt --check -", PRETTY, &[]).code(0);
    folder.with("fmt --diff -", UGLY, &[]).code(1).says("+param a: int = 1");
    let broken = folder.with("fmt -", "param a: int =\n", &[]).code(1);
    assert_eq!(broken.out, "", "half a file was written");
    folder.with("fmt - other.admit", "", &[]).code(2);
    folder.run(&["fmt", "-"], b"\xff", &[]).code(1).says("UTF-8");
}

#[test]
fn what_does_not_parse_is_left_alone_and_the_rest_is_formatted() {
    let folder = Folder::project(LOGIN);
    folder.write("flows/broken.admit", "param   b : int=\n");
    folder.write("flows/a.admit", UGLY);
    folder.admit("fmt").code(1).says("flows/broken.admit:1:");
    assert_eq!(folder.read("flows/broken.admit"), "param   b : int=\n");
    assert_eq!(folder.read("flows/a.admit"), PRETTY);
    assert_eq!(std::fs::read_dir(folder.file("flows")).unwrap().count(), 3, "a temporary file is left");
    folder.admit("fmt nowhere.admit").code(2);
}

#[test]
fn a_file_keeps_its_mode_and_one_that_is_canonical_is_not_touched() {
    let folder = Folder::new();
    folder.write("a.admit", UGLY);
    std::fs::set_permissions(folder.file("a.admit"), std::fs::Permissions::from_mode(0o640)).unwrap();
    folder.admit("fmt a.admit").code(0);
    let written = std::fs::metadata(folder.file("a.admit")).unwrap();
    assert_eq!(written.permissions().mode() & 0o777, 0o640);
    folder.admit("fmt a.admit").code(0);
    let later = std::fs::metadata(folder.file("a.admit")).unwrap();
    assert_eq!(written.modified().unwrap(), later.modified().unwrap());
}

#[test]
fn formatting_changes_no_meaning_of_an_example() {
    for example in ["cymmetri", "step-up-mfa-on-risk", "fraud-webhook-branch"] {
        let folder = Folder::example(example);
        folder.admit("build --strip -o before.admitplan").code(0);
        folder.admit("fmt").code(0);
        folder.admit("build --strip -o after.admitplan").code(0);
        let bytes = |name| std::fs::read(folder.file(name)).unwrap();
        assert!(bytes("before.admitplan") == bytes("after.admitplan"), "{example}");
        folder.admit("test").code(0);
    }
}
