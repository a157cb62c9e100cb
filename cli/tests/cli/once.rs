//! `Idempotency-Key` from outside: what is sent twice is done once.

use serde_json::{Value, json};

use super::admit::Folder;
use super::served::{Reply, Served};
use super::sweep::two_tenants;

const START: &str = "/v1/flows/login/runs";

fn waiting_folder() -> Folder {
    let folder = Folder::example("cymmetri");
    folder.replace("flows/login.admit", "step.risk.severity == \"medium\"", "step.risk.severity == \"low\"");
    folder
}

fn send(served: &Served, path: &str, key: &str, body: &str) -> Reply {
    served.with_key("POST", path, &[("idempotency-key", key)], body.as_bytes())
}

fn runs(served: &Served) -> usize {
    served.get("/v1/runs?limit=100").json()["runs"].as_array().unwrap().len()
}

#[test]
fn a_call_that_is_sent_twice_is_done_once_and_answered_alike_over_a_restart() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &[]);
    let body = folder.read("requests/login.json");
    let first = send(&served, START, "\"a-1\"", &body);
    assert_eq!((first.status, first.json()["outcome"].as_str()), (200, Some("session")), "{}", first.body);
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = send(&served, START, "a-1", &body);
    assert_eq!((again.status, &again.body, again.header("idempotency-replayed")), (200, &first.body, Some("true")));
    assert_eq!(runs(&served), 1);
    // Another body, another call, another key.
    let other = send(&served, START, "a-1", &body.replace("fr-FR", "fr"));
    assert_eq!((other.status, other.json()["code"].as_str()), (422, Some("idempotency_mismatch")));
    assert_eq!(send(&served, "/v1/runs/run_1/resume", "a-1", &body).status, 422);
    assert_ne!(send(&served, START, "a-2", &body).body, first.body);
    for bad in ["", "\"\"", "a b", "\"a", &"x".repeat(256)] {
        let refused = send(&served, START, bad, &body);
        assert_eq!((refused.status, refused.json()["code"].as_str()), (400, Some("bad_idempotency_key")), "{bad}");
    }
    // What was refused may be sent again, put right.
    assert_eq!(send(&served, "/v1/flows/nothing/runs", "a-3", &body).status, 404);
    assert_eq!(send(&served, "/v1/flows/nothing/runs", "a-3", &body).status, 404);
    assert_eq!(send(&served, START, "a-3", &body).status, 200);

    let key = served.key.clone();
    assert!(served.stop());
    // At rest the token is sealed.
    let token = first.json()["token"].as_str().unwrap().to_owned();
    for file in ["admit.db", "admit.db-wal"] {
        let kept = std::fs::read(folder.file(file)).unwrap_or_default();
        assert!(!kept.windows(token.len()).any(|part| part == token.as_bytes()), "{file}");
    }
    let mut served = Served::start(&folder, &[]);
    served.key = key;
    assert_eq!(send(&served, START, "a-1", &body).body, first.body);
}

#[test]
fn of_calls_that_race_under_one_key_one_is_done_and_all_that_answer_answer_alike() {
    let folder = waiting_folder();
    let served = Served::start(&folder, &[]);
    let body = folder.read("requests/login.json");
    let race = |path: &str, key: &str, body: &str| -> Vec<Reply> {
        std::thread::scope(|scope| {
            let racers: Vec<_> = (0..8).map(|_| scope.spawn(|| send(&served, path, key, body))).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        })
    };
    let alike = |replies: &[Reply]| -> Value {
        let done: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 200).collect();
        assert!(!done.is_empty() && done.iter().all(|reply| reply.body == done[0].body));
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            assert_eq!((reply.status, reply.json()["code"].as_str()), (409, Some("idempotency_in_progress")));
            assert!(reply.header("retry-after").is_some());
        }
        done[0].json()
    };
    let started = alike(&race(START, "start", &body));
    assert_eq!(started["outcome"], "suspended", "{started}");
    assert_eq!(runs(&served), 1);
    // A resume token is good once; the same call under the same key is answered again all the same.
    let path = format!("/v1/runs/{}/resume", started["run"].as_str().unwrap());
    let answer = json!({ "resume_token": started["resume_token"], "input": { "code": "000000" } }).to_string();
    let resumed = alike(&race(&path, "resume", &answer));
    assert_eq!(resumed["outcome"], "suspended", "{resumed}");
    assert_eq!(send(&served, &path, "resume", &answer).json(), resumed);
    assert_eq!(send(&served, &path, "another", &answer).status, 409);
    assert_eq!(served.get(&format!("/v1/runs/{}", started["run"].as_str().unwrap())).json()["requests"], 2);
}

#[test]
fn t1_a_key_of_one_tenant_says_nothing_to_another() {
    let folder = waiting_folder();
    let (acme, served) = two_tenants(&folder);
    let body = folder.read("requests/login.json");
    let auth = format!("Bearer {acme}");
    let theirs = served.call("POST", START, &[("authorization", &auth), ("idempotency-key", "one")], body.as_bytes());
    let ours = send(&served, START, "one", &body);
    assert_eq!((theirs.status, ours.status, ours.header("idempotency-replayed")), (200, 200, None));
    assert_ne!(theirs.json()["run"], ours.json()["run"]);
}
