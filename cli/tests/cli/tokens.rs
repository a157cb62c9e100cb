//! T15: resume tokens that resume nothing are refused alike, whatever is wrong with them.

use serde_json::{Value, json};

use super::admit::Folder;
use super::served::{Reply, Served};
use super::sweep::two_tenants;
use super::totp;

fn start(served: &Served, folder: &Folder, key: &str) -> Value {
    let login = folder.read("requests/login.json");
    let auth = format!("Bearer {key}");
    let waiting = served.call("POST", "/v1/flows/login/runs", &[("authorization", &auth)], login.as_bytes()).json();
    assert_eq!(waiting["outcome"], "suspended", "{waiting}");
    waiting
}

fn resume(served: &Served, key: &str, run: &str, token: &str, code: &str) -> Reply {
    let body = json!({ "resume_token": token, "input": { "code": code } }).to_string();
    let auth = format!("Bearer {key}");
    served.call("POST", &format!("/v1/runs/{run}/resume"), &[("authorization", &auth)], body.as_bytes())
}

#[test]
fn t15_tokens_that_are_forged_used_swapped_or_another_tenants_are_refused_alike_and_leave_the_run_as_it_is() {
    let folder = Folder::example("cymmetri");
    folder.replace("flows/login.admit", "step.risk.severity == \"medium\"", "step.risk.severity == \"low\"");
    let (acme, served) = two_tenants(&folder);
    let local = served.key.clone();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    let (one, two) = (start(&served, &folder, &local), start(&served, &folder, &local));
    let theirs = start(&served, &folder, &acme);
    let (run, token) = (text(&one, "run"), text(&one, "resume_token"));

    let mut refused = Vec::new();
    // Each character changed, one too few, one too many, none.
    for at in 0..token.len() {
        let mut forged: Vec<u8> = token.bytes().collect();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        refused.push(resume(&served, &local, &run, std::str::from_utf8(&forged).unwrap(), "000000"));
    }
    for forged in ["", "x", &token[1..], &format!("{token}A"), &token.to_uppercase()] {
        refused.push(resume(&served, &local, &run, forged, "000000"));
    }
    // At the address of another run, and of none.
    refused.push(resume(&served, &local, &text(&two, "run"), &token, "000000"));
    refused.push(resume(&served, &local, "run_0", &token, "000000"));
    // Another tenant's, each way.
    refused.push(resume(&served, &acme, &run, &token, "000000"));
    refused.push(resume(&served, &local, &text(&theirs, "run"), &text(&theirs, "resume_token"), "000000"));

    // None of that has used the token: it is good once, and what it gives is another one.
    let again = resume(&served, &local, &run, &token, "000000");
    assert_eq!((again.status, &again.json()["outcome"]), (200, &json!("suspended")), "{}", again.body);
    refused.push(resume(&served, &local, &run, &token, "000000"));
    let next = text(&again.json(), "resume_token");
    let done = resume(&served, &local, &run, &next, &totp::code());
    assert_eq!(done.json()["outcome"], "session", "{}", done.body);
    refused.push(resume(&served, &local, &run, &next, "000000"));

    let first = (refused[0].status, refused[0].body.clone());
    assert_eq!((first.0, refused[0].json()["code"].as_str()), (409, Some("not_resumable")));
    for (number, reply) in refused.iter().enumerate() {
        assert_eq!((reply.status, &reply.body), (first.0, &first.1), "case {number}");
    }
}
