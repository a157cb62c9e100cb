//! `admit queue`: what was given up is listed with why, and tried again when asked for; `admit test` runs what is queued.

use crate::admit::{Folder, LOGIN};

const RUN: &str = "run login --event events/office.json --input inputs/alice.json --no-input";

/// A login that ends in these steps, in a project where alice can sign in.
fn project(steps: &str) -> Folder {
    let folder = Folder::example("step-up-mfa-on-risk");
    std::fs::remove_dir_all(folder.file("tests")).unwrap();
    folder
        .write("flows/login.admit", LOGIN.replace("{ issue_session }", &format!("{{\n    issue_session\n{steps}  }}")));
    folder.admit("user import users.jsonl").code(0);
    folder
}

#[test]
fn what_was_given_up_is_listed_with_why_and_gets_one_more_try() {
    // Nobody may call this host: no further try can help.
    let folder = project("    call_webhook as tell { url: \"https://hooks.example.com/x\", method: \"POST\" } async\n");
    folder.admit("queue list").code(0).says("is empty");
    folder.admit(RUN).code(0).says("outcome: session").says("given up");
    let listed = folder.admit("queue list --failed").code(0).says("given up after 1 tries").says("egress refused");
    let key = listed.out.split_whitespace().next().unwrap().to_owned();
    assert!(key.starts_with("run_") && key.contains("/tell/"), "{key}");

    folder.admit("queue retry run_x/nothing/1").code(2).says("no job `run_x/nothing/1`").says("admit queue list");
    folder.admit(&format!("queue retry {key}")).code(0).says("1 due now");
    let waits = folder.admit("queue list --format json").code(0).json();
    assert_eq!(waits["waiting"][0]["key"], key.as_str());
    assert_eq!((&waits["waiting"][0]["tries"], &waits["given_up"]), (&1.into(), &serde_json::json!([])));
    // Another run does it, and its own.
    folder.admit(RUN).code(0).says("given up");
    let given_up = folder.admit("queue list --format json").code(0).json();
    assert_eq!(given_up["given_up"].as_array().unwrap().len(), 2);
    folder.admit("queue retry").code(0).says("2 due now");
}

const TELL: &str = r#"action tell {
  version  "1.0.0"
  source   "action.js"
  triggers login.post-login
  fetch    "hooks.example.com"
  budget   2s
}
"#;

const TESTS: &str = r#"test "it is told" of login {
  stub identity_lookup { found: true, user: { id: "usr_1" } }
  stub password_check { verified: true }
  stub fetch "https://hooks.example.com/x" { status: 200 }
  expect session
}
"#;

#[test]
fn a_queued_action_runs_in_a_test_and_fails_it_unless_a_stub_told_it_to() {
    let folder = project("    run action tell@1.0.0 async\n");
    let script = |body: &str| {
        let text = format!("export async function execute(input, api) {{\n  {body}\n}}\n");
        folder.write("actions/tell/1.0.0/action.js", text);
    };
    folder.write("actions/tell/1.0.0/action.admit", TELL);
    folder.write("tests/login.admit", TESTS);
    let fetches =
        "const answer = await api.fetch('https://hooks.example.com/x')\n  if (!answer.ok) throw new Error('not told')";
    script(fetches);
    folder.admit("test").code(0).says("1 passed, 0 failed");
    folder.replace("tests/login.admit", "status: 200", "status: 503");
    folder.admit("test").code(0).says("1 passed, 0 failed");
    folder.replace("tests/login.admit", "status: 503", "status: 200");
    script("throw new Error('no such luck')");
    folder.admit("test").code(1).says("the queued `tell` failed").says("no such luck");
    // Where a stub stands in for it, it does not run.
    folder.replace("tests/login.admit", "  expect session", "  stub tell {}\n  expect session");
    folder.admit("test").code(0).says("1 passed, 0 failed");
    folder.replace("tests/login.admit", "  stub tell {}\n", "");
    // A fetch that nobody stubbed is the test's mistake, as in a step that is not queued.
    script(fetches);
    folder.replace("tests/login.admit", "  stub fetch \"https://hooks.example.com/x\" { status: 200 }\n", "");
    folder.admit("test").code(1).says("a test sends nothing");
}
