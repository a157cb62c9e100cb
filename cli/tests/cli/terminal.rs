//! Colours and bars belong on a terminal.

use crate::admit::{Folder, LOGIN};

#[test]
fn colours_are_only_where_they_are_wanted() {
    let folder = Folder::project(&LOGIN.replace("verified ->", "verifed ->"));
    folder.write("flows/a.admit", "param  a: int = 1\n");
    let escape = "\u{1b}[";
    for command in ["check", "fmt --diff", "test"] {
        folder.admit(command).code(1).hides(escape);
        folder.with(command, "", &[("NO_COLOR", "1")]).code(1).hides(escape);
        folder.admit(&format!("{command} --color never")).code(1).hides(escape);
    }
    folder.admit("check --color always").code(1).says(escape);
    folder.admit("check --color always --format json").code(1).hides(escape);
    folder.admit("check --color sometimes").code(2);
}

#[test]
fn a_reader_that_goes_away_ends_the_output_quietly() {
    let folder = Folder::new();
    let admit = env!("CARGO_BIN_EXE_admit");
    let done = std::process::Command::new("sh")
        .args(["-c", &format!("'{admit}' explain | head -n 1")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn usage_is_printed_on_request_and_for_mistakes() {
    let folder = Folder::new();
    for command in ["new", "check", "fmt", "test", "build", "run", "user", "emit", "graph", "eval", "explain"] {
        folder.admit(&format!("{command} --help")).code(0).says("Usage: admit");
        folder.admit(&format!("{command} --no-such-option")).code(2).says("--no-such-option");
    }
    folder.admit("--version").code(0).says("admit 0.");
    folder.admit("").code(2).says("Usage: admit");
    folder.admit("chek").code(2).says("check");
}
