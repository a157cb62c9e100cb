//! Dry runs, on the server and on the command line: nothing is written, nobody is called.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Command;

use serde_json::{Value, json};

use crate::admit::Folder;
use crate::served::Served;

const FLOW: &str = r#"secret hook-key

system flow login {
  stage pre-login {
    identity_lookup
    password_check
    decision password-result {
      when !step.password-check.verified -> wrong { deny { reason: "invalid_credentials" } }
      default                            -> verified
    }
  }
  stage post-auth {
    call_webhook as screen {
      url: "http://localhost:PORT/screen"
      headers: { "authorization": "Bearer {{ secrets.hook-key }}" }
      body: { "user": event.user.?email.orValue("") }
      expect: { verdict: string }
    } on error continue
    decision screening {
      when step.?screen.body.verdict.orValue("ok") == "bad" -> bad { deny { reason: "screened" } }
      default                                               -> good
    }
    mfa { factors: ["totp"] }
  }
  stage post-login {
    send_email { to: "ops@example.com", template: "signed-in", data: {"who": event.identifier} }
    issue_session
  }
}
"#;

/// Every row of every table, as text.
fn dump(folder: &Folder) -> String {
    let script = "import sqlite3, sys\nfor line in sqlite3.connect(sys.argv[1]).iterdump(): print(line)";
    let dumped =
        Command::new("python3").args(["-c", script, folder.file("admit.db").to_str().unwrap()]).output().unwrap();
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    String::from_utf8(dumped.stdout).unwrap()
}

fn canary() -> TcpListener {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    canary
}

fn port(canary: &TcpListener) -> u16 {
    canary.local_addr().unwrap().port()
}

/// Nobody has called it.
#[track_caller]
fn is_silent(canary: &TcpListener) {
    assert_eq!(canary.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody was called");
}

fn project(hook: &TcpListener, mail: &TcpListener) -> Folder {
    let folder = Folder::project(&FLOW.replace("PORT", &port(hook).to_string()));
    folder.write(
        "admit.toml",
        format!(
            "[project]\nname = \"x\"\ncatalogue = \"1\"\n\n[smtp]\nhost = \"localhost:{}\"\n\
             security = \"none\"\nfrom = \"a@example.com\"\n",
            port(mail)
        ),
    );
    folder.write("templates/signed-in.txt", "Subject: Sign-in\nData: who: string\n\nIt was {{ who }}.\n");
    folder.write("users.jsonl", r#"{"email": "alice@example.com", "password": "correct horse battery staple"}"#);
    folder.write("event.json", include_str!("../../src/command/new_project/event.json"));
    folder.write("input.json", r#"{"identifier": "alice@example.com", "password": "whatever"}"#);
    folder
}

#[test]
fn a_simulation_on_a_server_writes_nothing_and_calls_nobody() {
    let (hook, mail) = (canary(), canary());
    let folder = project(&hook, &mail);
    let peers = [format!("localhost:{}", port(&hook)), format!("localhost:{}", port(&mail))];
    let served = Served::start(&folder, &["--allow-egress", &peers[0], "--allow-egress", &peers[1]]);
    let event: Value = serde_json::from_str(&folder.read("event.json")).unwrap();
    let path = "/v1/flows/login/simulate";
    let input = json!({ "identifier": "alice@example.com", "password": "whatever" });
    let plain = json!({ "event": event, "input": input, "user": "alice@example.com" });
    let stubbed = json!({
        "event": event,
        "input": input,
        "user": "alice@example.com",
        "explain": true,
        "stubs": [
            { "step": "password-check", "outputs": { "verified": true } },
            { "block": "mfa", "outputs": { "verified": true, "factor": "totp" } },
        ],
        "fetches": {},
    });
    let screened = {
        let mut body = stubbed.clone();
        let url = format!("http://localhost:{}/screen", port(&hook));
        body["fetches"] = json!({ url: { "body": { "verdict": "bad" } } });
        body
    };
    // What the server does by itself is done before.
    std::thread::sleep(std::time::Duration::from_millis(600));
    let before = dump(&folder);
    let denied = served.post(path, &plain).json();
    assert_eq!(
        (denied["outcome"].as_str(), denied["detail"].as_str()),
        (Some("deny"), Some("invalid_credentials")),
        "{denied}"
    );
    let through = served.post(path, &stubbed).json();
    assert_eq!(through["outcome"], "session", "{through}");
    let called = through["problems"].to_string();
    assert!(called.contains("/screen"), "what was not stubbed is told: {called}");
    let trace = through["trace"].to_string();
    for step in ["identity-lookup", "password-check", "screening", "send-email"] {
        assert!(trace.contains(step), "{step}: {trace}");
    }
    assert!(!through["explained"].as_array().unwrap().is_empty());
    assert!(!through.to_string().contains("token\":"), "nobody's tokens: {through}");
    let screened = served.post(path, &screened).json();
    assert_eq!((screened["detail"].as_str(), &screened["problems"]), (Some("screened"), &json!([])), "{screened}");
    for (body, status, code) in [
        (json!({ "event": 7 }), 400, "bad_event"),
        (json!({ "event": event, "user": "nobody@example.com" }), 404, "not_found"),
        (json!({ "event": event, "stubs": [{ "outputs": {} }] }), 400, "bad_body"),
        (json!({ "event": event, "now": "yesterday" }), 400, "bad_query"),
    ] {
        let refused = served.post(path, &body);
        assert_eq!((refused.status, refused.json()["code"].as_str()), (status, Some(code)), "{}", refused.body);
    }
    assert_eq!(served.post("/v1/flows/nothing/simulate", &plain).status, 404);
    assert_eq!(dump(&folder), before, "something was written");
    is_silent(&hook);
    is_silent(&mail);
}

#[test]
fn a_simulation_on_the_command_line_needs_no_database() {
    let (hook, mail) = (canary(), canary());
    let folder = project(&hook, &mail);
    let simulate = |more: &[&str]| {
        let args = ["simulate", "login", "--event", "event.json", "--input", "input.json"];
        folder.run(&[&args, more].concat(), b"", &[])
    };
    simulate(&[]).code(1).says("outcome: deny");
    let verified = "password-check={\"verified\": true}";
    let asked = simulate(&["--stub", verified]).code(1);
    asked.says("problem:").says("/screen");
    let url = format!("http://localhost:{}/screen={{\"body\": {{\"verdict\": \"good\"}}}}", port(&hook));
    let factor = "mfa={\"verified\": true, \"factor\": \"totp\"}";
    let through = simulate(&["--stub", verified, "--stub", factor, "--fetch", &url, "--explain"]).code(0);
    through.says("outcome: session").says("stage post-login").says("verdict");
    let json = simulate(&["--stub", verified, "--stub", factor, "--fetch", &url, "--format", "json"]).code(0).json();
    assert_eq!((json["outcome"].as_str(), &json["problems"]), (Some("session"), &json!([])));
    simulate(&["--stub", "password-check=nothing"]).code(2).says("is not JSON");
    folder.admit("simulate nothing --event event.json").code(2).says("nothing");
    assert!(!folder.file("admit.db").exists() && !folder.file("admit.key").exists());
    is_silent(&hook);
    is_silent(&mail);
}
