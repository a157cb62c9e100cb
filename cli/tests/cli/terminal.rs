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

/// What a terminal showed, and the exit code; none where there is no Python to make one.
fn on_terminal(folder: &Folder, answers: &[&str], args: &str, no_color: bool) -> Option<(i32, String)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/terminal.py");
    let mut command = std::process::Command::new("python3");
    command.args([script, "25"]).args(answers).args(["--", env!("CARGO_BIN_EXE_admit")]).args(args.split(' '));
    command.current_dir(folder.path()).env("TERM", "xterm-256color").env_remove("NO_COLOR").env_remove("ADMIT_FORMAT");
    if no_color {
        command.env("NO_COLOR", "1");
    }
    match command.output() {
        Ok(done) => Some((done.status.code().unwrap_or(-1), String::from_utf8(done.stdout).unwrap())),
        Err(why) => {
            println!("1 case did not run: python3: {why}");
            None
        }
    }
}

#[test]
fn a_terminal_is_asked_for_what_the_flow_wants_and_shows_no_secret() {
    let folder = Folder::example("fraud-webhook-branch");
    let password = "correct horse battery staple";
    let code = crate::totp::code();
    let answers = ["identifier: ", "alice@cymmetri.com", "password: ", password, "code: ", "wrong!", "code: ", &code];
    let args = "run login --event events/office.json --users users.jsonl --database memory --trace";
    let Some((exit, shown)) = on_terminal(&folder, &answers, args, false) else { return };
    assert_eq!(exit, 0, "{shown}");
    for text in
        ["identifier: alice@cymmetri.com", "\u{1b}[1;32msession\u{1b}[0m", "\"attempts_left\":2", "\"aal\":\"aal2\""]
    {
        assert!(shown.contains(text), "no `{text}` in\n{shown}");
    }
    for secret in [password, "wrong!", &code] {
        assert!(!shown.contains(secret), "`{secret}` in\n{shown}");
    }
    // A wrong password ends in a deny, a flow that nobody may ask for waits.
    let answers = ["identifier: ", "alice@cymmetri.com", "password: ", "not the password"];
    let (exit, shown) = on_terminal(&folder, &answers, args, true).unwrap();
    assert!(exit == 1 && shown.contains("outcome: deny invalid_credentials"), "{shown}");
    assert!(!shown.contains('\u{1b}') && !shown.contains("not the password"), "{shown}");
    let args = format!("{args} --no-input --input inputs/alice.json");
    let (exit, shown) = on_terminal(&folder, &[], &args, true).unwrap();
    assert!(exit == 0 && shown.contains("outcome: suspended at mfa"), "{shown}");
}

#[test]
fn a_fast_run_shows_no_bar_and_colours_heed_no_color() {
    let folder = Folder::example("step-up-mfa-on-risk");
    let Some((exit, shown)) = on_terminal(&folder, &[], "test", false) else { return };
    assert!(exit == 0 && shown.contains("\u{1b}[32mok\u{1b}[0m"), "{shown:?}");
    assert!(!shown.contains("tests\r") && !shown.contains("\u{1b}[2K"), "{shown:?}");
    let (exit, shown) = on_terminal(&folder, &[], "test", true).unwrap();
    assert!(exit == 0 && !shown.contains('\u{1b}'), "{shown:?}");
}
