//! A run that waits is gone on with in another process, once.

use crate::admit::{Done, Folder};
use crate::totp;

/// A sign-in from a new device: risk is medium.
fn folder() -> Folder {
    let folder = Folder::example("cymmetri");
    folder.admit("user import users.jsonl").code(0);
    let home = "run login --event events/office.json --input inputs/alice.json";
    folder.admit(home).code(0);
    let event = folder.read("events/office.json");
    let event = event.replace("dev_77aa", "dev_new").replace("\"is_proxy\": false", "\"is_proxy\": true");
    folder.write("new.json", event);
    folder
}

fn suspend(folder: &Folder) -> String {
    let done = folder.admit("run login --event new.json --input inputs/alice.json --format json").code(0);
    let answer = done.json();
    assert_eq!((&answer["outcome"], &answer["label"]), (&"suspended".into(), &"mfa".into()), "{}", done.out);
    assert_eq!(answer["challenge"]["factors"][0], "totp");
    answer["resume_token"].as_str().unwrap().to_owned()
}

fn resume(folder: &Folder, token: &str, code: &str, more: &[&str]) -> Done {
    let input = format!(r#"{{"code": "{code}"}}"#);
    let args = [&["run", "--resume", token, "--input", "-"], more].concat();
    folder.run(&args, input.as_bytes(), &[])
}

#[test]
fn t15_a_token_resumes_its_run_once_in_its_tenant() {
    let folder = folder();
    let token = suspend(&folder);
    let code = totp::code();
    // Nothing that is not the token, in its tenant, resumes the run; nor does it use the token up.
    let mut near = token.clone().into_bytes();
    for at in [0, near.len() / 2, near.len() - 1] {
        let kept = near[at];
        near[at] = if kept == b'A' { b'B' } else { b'A' };
        resume(&folder, str::from_utf8(&near).unwrap(), &code, &[]).code(2).says("resumes no run");
        near[at] = kept;
    }
    for other in ["", "-", "x", &format!("{token}A"), &token[1..], &format!("{token}="), &"A".repeat(100_000)] {
        resume(&folder, other, &code, &[]).code(2).says("resumes no run");
    }
    resume(&folder, &token, &code, &["--tenant", "acme"]).code(2).says("resumes no run");
    let done = resume(&folder, &token, &code, &["--format", "json", "--trace"]).code(0);
    let answer = done.json();
    assert_eq!((&answer["outcome"], &answer["session"]["aal"]), (&"session".into(), &"aal2".into()));
    resume(&folder, &token, &code, &[]).code(2).hides("outcome: session");
    // T17: the code was taken; another run cannot be shown it again.
    folder.replace("new.json", "dev_new", "dev_newer");
    let second = suspend(&folder);
    let done = resume(&folder, &second, &code, &["--format", "json"]);
    assert_ne!(done.json()["outcome"], "session", "{}", done.out);
}

#[test]
fn a_wrong_code_asks_again_and_the_attempts_end() {
    let folder = folder();
    let mut token = suspend(&folder);
    let wrong = if totp::code() == "000000" { "111111" } else { "000000" };
    for left in [2, 1] {
        let answer = resume(&folder, &token, wrong, &["--format", "json"]).code(0).json();
        assert_eq!(answer["outcome"], "suspended");
        assert_eq!(answer["challenge"]["attempts_left"], left);
        let next = answer["resume_token"].as_str().unwrap().to_owned();
        assert_ne!(next, token);
        resume(&folder, &token, wrong, &[]).code(2).hides("outcome");
        token = next;
    }
    resume(&folder, &token, wrong, &[]).code(1).says("outcome: deny");
    resume(&folder, &token, &totp::code(), &[]).code(2).hides("session");
}

#[test]
fn an_answer_that_is_none_costs_no_attempt() {
    let folder = folder();
    let mut token = suspend(&folder);
    let answer = |token: &str, input: &str| {
        folder.run(&["run", "--resume", token, "--input", "-", "--format", "json"], input.as_bytes(), &[])
    };
    for input in ["", "{", r#"{"code": "1", "code": "2"}"#] {
        answer(&token, input).code(2).says("the input `-` is not JSON");
    }
    for (input, problem) in [
        ("[]", Some("it must be an object")),
        (r#"{"code": 5}"#, Some("`code` must be a string")),
        (r#"{"nothing": 1}"#, Some("the prompt has no input `nothing`")),
        // Every field may be left out, as there are several ways to answer: nothing is shown, so nothing is counted.
        ("{}", None),
    ] {
        let again = answer(&token, input).code(0).json();
        assert_eq!((&again["outcome"], &again["challenge"]["attempts_left"]), (&"suspended".into(), &3.into()));
        match problem {
            Some(problem) => assert!(again["problem"].as_str().unwrap().contains(problem), "{}", again["problem"]),
            None => assert_eq!(again["problem"].as_str(), None),
        }
        token = again["resume_token"].as_str().unwrap().to_owned();
    }
    resume(&folder, &token, &totp::code(), &[]).code(0).says("outcome: session");
}

#[test]
fn a_run_goes_on_with_the_bundle_that_it_began_with() {
    let folder = folder();
    let token = suspend(&folder);
    folder.replace("flows/login.admit", "issue_session { ttl: 8h }", "issue_session { ttl: 1h }");
    folder.admit("check").code(0);
    let answer = resume(&folder, &token, &totp::code(), &["--format", "json"]).code(0).json();
    let hour = |field: &str| answer["session"][field].as_str().unwrap()[11..13].parse::<u32>().unwrap();
    assert_eq!((hour("expires_at") + 24 - hour("issued_at")) % 24, 8);
}

#[test]
fn t16_of_two_that_resume_at_once_one_goes_on() {
    let folder = folder();
    let token = suspend(&folder);
    let code = totp::code();
    let outcomes = std::thread::scope(|scope| {
        let both = [(); 3].map(|()| scope.spawn(|| resume(&folder, &token, &code, &[]).out));
        both.map(|one| one.join().unwrap())
    });
    let sessions = outcomes.iter().filter(|out| out.contains("outcome: session")).count();
    assert_eq!(sessions, 1, "{outcomes:?}");
}
