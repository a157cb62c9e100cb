//! Messages from the command line: queued with the run, delivered before it ends, kept while nobody takes them.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::admit::Folder;

const FLOW: &str = r#"system flow login {
  stage pre-login {
    identity_lookup
    password_check
    decision password-result {
      when !step.password-check.verified -> wrong {
        send_email as to-nobody { to: "nobody@example.com", template: "signed-in", data: {"who": "x"} }
        deny { reason: "invalid_credentials" }
      }
      default -> verified
    }
  }
  stage post-auth {}
  stage post-login {
    send_email { to: "ops@example.com", template: "signed-in", data: {"who": event.identifier} }
    issue_session
  }
}
"#;

fn project() -> Folder {
    let folder = Folder::project(FLOW);
    folder.write("templates/signed-in.txt", "Subject: Sign-in\nData: who: string\n\nIt was {{ who }}.\n");
    folder.write("templates/signed-in.html", "<p title=\"{{ who }}\">It was {{ who }}.</p>\n");
    folder.write("templates/de/signed-in.txt", "Subject: Anmeldung\n\nEs war {{ who }}.\n");
    folder.write("event.json", include_str!("../../src/command/new_project/event.json"));
    let user = r#"{"email": "alice@example.com", "password": "correct horse battery staple"}"#;
    folder.write("users.jsonl", user);
    folder.write("right.json", r#"{"identifier": "alice@example.com", "password": "correct horse battery staple"}"#);
    folder.write("wrong.json", r#"{"identifier": "alice@example.com", "password": "incorrect"}"#);
    folder.admit("user import users.jsonl").code(0);
    folder
}

/// Files of the mailbox, as text.
fn mails(folder: &Folder) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder.file("mail")) else { return Vec::new() };
    entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

const RUN: &str = "run login --event event.json --input right.json --no-input";

#[test]
fn a_mail_goes_into_the_mailbox_and_the_run_says_so() {
    let folder = project();
    folder
        .admit(&format!("{RUN} --mailbox mail"))
        .code(0)
        .says("outcome: session")
        .says("sent a mail of `send-email` in `login`");
    let [mail] = mails(&folder).try_into().unwrap();
    for line in ["Subject: Sign-in", "To: ops@example.com", "It was alice@example.com."] {
        assert!(mail.contains(line), "{line}: {mail}");
    }
    assert!(mail.contains("<p title=\"alice@example.com\">"), "{mail}");
}

#[test]
fn a_run_that_is_denied_sends_nothing() {
    let folder = project();
    folder.admit("run login --event event.json --input wrong.json --no-input --mailbox mail").code(1).says("deny");
    assert_eq!(mails(&folder), Vec::<String>::new());
}

#[test]
fn without_an_outlet_the_run_fails_and_says_what_to_set() {
    let folder = project();
    folder.admit(&format!("{RUN} --trace")).code(1).says("outcome: error").says("not_configured").says("--mailbox DIR");
}

#[test]
fn f13_a_mail_waits_while_its_server_is_down_and_f1_survives_a_kill() {
    let folder = project();
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let smtp = format!("\n[smtp]\nhost = \"localhost:{port}\"\nsecurity = \"none\"\nfrom = \"a@example.com\"\n");
    folder.write("admit.toml", format!("[project]\nname = \"x\"\ncatalogue = \"1\"\n{smtp}"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_admit"))
        .args(RUN.split(' '))
        .args(["--allow-egress", &format!("localhost:{port}")])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The mail server was called: the run is committed, the mail not sent.
    let (_called, _) = silent.accept().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    // As soon as the lease of the killed process has run out, whoever comes delivers it.
    let wrong = "run login --event event.json --input wrong.json --no-input --mailbox mail";
    for _ in 0..40 {
        folder.admit(wrong).code(1);
        if !mails(&folder).is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    folder.admit(wrong).code(1);
    let [mail] = mails(&folder).try_into().unwrap();
    assert!(mail.contains("It was alice@example.com."), "{mail}");
}

#[test]
fn texts_that_do_not_fit_are_found_where_they_stand() {
    let folder = project();
    folder.replace("templates/de/signed-in.txt", "{{ who }}", "{{ whom }}");
    folder.admit("check").code(1).says("A0930").says("templates/de/signed-in.txt");
    let folder = project();
    folder.replace("templates/signed-in.html", "title=\"{{ who }}\"", "onclick=\"{{ who }}\"");
    folder.admit("check").code(1).says("A0930").says("no value is safe");
    let folder = project();
    folder.replace("flows/login.admit", "{\"who\": \"x\"}", "{\"who\": 1}");
    folder.admit("check").code(1).says("A0932").says("takes `who` as a string");
    let folder = project();
    folder.replace(
        "flows/login.admit",
        "\"signed-in\", data: {\"who\": \"x\"}",
        "\"signed-on\", data: {\"who\": \"x\"}",
    );
    folder.admit("check").code(1).says("A0931").says("did you mean `signed-in`");
}
