//! `admit serve` from outside: the process, its address and what a caller with a key may do.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::admit::Folder;
use super::served::{Reply, Served, connect};

fn login(folder: &Folder) -> Value {
    serde_json::from_str(&folder.read("requests/login.json")).unwrap()
}

#[test]
fn the_line_that_it_prints_signs_in_and_what_happened_can_be_read() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &[]);
    let line = served.said.iter().find_map(|line| line.strip_prefix("try: ")).unwrap();
    let curl = Command::new("sh").args(["-c", line]).current_dir(folder.path()).output().unwrap();
    let answer: Value = serde_json::from_slice(&curl.stdout).unwrap_or_else(|_| panic!("{line}: {curl:?}"));
    assert_eq!(answer["outcome"], "session", "{answer}");
    let run = answer["run"].as_str().unwrap();

    let one = served.get(&format!("/v1/runs/{run}")).json();
    assert_eq!((one["flow"].as_str(), one["outcome"].as_str()), (Some("login"), Some("session")));
    let trace = one["trace"].to_string();
    assert!(trace.contains("password-check") && !trace.contains("correct horse"), "{trace}");
    let listed = served.get("/v1/runs?flow=login&outcome=session").json();
    assert_eq!((listed["runs"][0]["id"].as_str(), listed["runs"].as_array().unwrap().len()), (Some(run), 1));
    assert_eq!(served.get("/v1/runs?outcome=deny").json()["runs"], json!([]));
    let audit = served.get("/v1/audit").json();
    let kinds: Vec<&str> = audit["entries"].as_array().unwrap().iter().filter_map(|one| one["type"].as_str()).collect();
    for kind in ["flow.deployed", "key.created", "flow.run_completed"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    assert_eq!(served.get("/.well-known/jwks.json").json()["keys"].as_array().map(Vec::is_empty), Some(false));
    assert!(served.stop(), "it ends well when it is told to stop");
}

#[test]
fn a_server_that_cannot_begin_says_why_and_changes_nothing() {
    let folder = Folder::example("cymmetri");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    folder
        .admit(&format!("serve --listen {address} --users users.jsonl"))
        .code(2)
        .says(&format!("cannot listen on {address}"))
        .says("--listen ADDRESS:PORT");
    assert!(!folder.file("admit.db").exists() && !folder.file("admit.db.key").exists());
    folder.admit("serve --listen nonsense").code(2).says("--listen");
    let free = "--listen 127.0.0.1:0 --database memory";
    folder.admit(&format!("serve {free} --users nobody.jsonl")).code(2).says("nobody.jsonl");
    folder.admit(&format!("serve {free} --project nowhere")).code(2).says("there is no such file or folder");
    Folder::new().admit(&format!("serve {free}")).code(2).says("is no project").says("admit new NAME");
    folder.replace("flows/login.admit", "password_check\n", "\n");
    folder.admit(&format!("serve {free}")).code(1).says("A0258");
}

#[test]
fn a_path_with_blanks_and_quotes_is_a_word_of_the_line_that_it_prints() {
    let folder = Folder::new();
    let project = folder.file("it's a project");
    super::admit::copy(Folder::example("cymmetri").path(), &project);
    let project = project.to_str().unwrap();
    folder.write("users.jsonl", std::fs::read(format!("{project}/users.jsonl")).unwrap());
    let served = Served::start(&folder, &["--project", project, "--database", "memory"]);
    let line = served.said.iter().find_map(|line| line.strip_prefix("try: ")).unwrap();
    let curl = Command::new("sh").args(["-c", line]).current_dir(folder.path()).output().unwrap();
    let answer: Value = serde_json::from_slice(&curl.stdout).unwrap_or_else(|_| panic!("{line}: {curl:?}"));
    assert_eq!(answer["outcome"], "session", "{answer}");
}

#[test]
fn without_a_key_that_fits_everything_is_refused_alike() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &["--database", "memory"]);
    let (own, secret) = served.key.rsplit_once('.').unwrap();
    let wrong = format!("{own}.{}", secret.chars().rev().collect::<String>());
    let elsewhere = served.key.replacen("admit_local.", "admit_acme.", 1);
    let keys =
        ["", "Bearer", "Bearer x", &format!("Bearer {wrong}"), &format!("Bearer {elsewhere}"), &format!("Basic {own}")];
    let refused: Vec<(u16, String)> = keys
        .iter()
        .map(|key| served.call("GET", "/v1/runs", &[("authorization", key)], b""))
        .map(|reply| (reply.status, reply.body))
        .collect();
    assert_eq!(refused[0].0, 401);
    assert!(refused.iter().all(|one| *one == refused[0]), "{refused:?}");
    // What needs no key says nothing of anybody.
    assert_eq!(served.call("GET", "/healthz", &[], b"").status, 200);
    assert_eq!(served.call("GET", "/readyz", &[], b"").json(), json!({ "status": "ready" }));
    let nowhere = served.call("GET", "/v1/nothing", &[], b"");
    assert_eq!((nowhere.status, nowhere.header("content-type")), (404, Some("application/problem+json")));
    assert_eq!(served.call("DELETE", "/v1/runs", &[], b"").status, 405);
}

#[test]
fn what_cannot_be_read_is_told_without_its_values() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &["--database", "memory"]);
    let key = format!("Bearer {}", served.key);
    let path = "/v1/flows/login/runs";
    let bodies: [(&[u8], u16, &str); 7] = [
        (b"", 400, "bad_body"),
        (b"{\"event\": {}, \"input\": {\"password\": \"canary\"}", 400, "bad_body"),
        (b"{\"event\": {}, \"inputs\": {}}", 400, "bad_body"),
        (b"{\"event\": {\"request\": {}, \"request\": {}}}", 400, "bad_event"),
        (b"{\"event\": {}, \"input\": {\"password\": 7, \"identifier\": \"canary\"}}", 400, "bad_event"),
        (b"{\"event\": 7}", 400, "bad_event"),
        (b"\xff\xfe", 400, "bad_body"),
    ];
    for (body, status, code) in bodies {
        let reply = served.call("POST", path, &[("authorization", &key)], body);
        let shown = String::from_utf8_lossy(body);
        assert_eq!((reply.status, reply.header("content-type")), (status, Some("application/problem+json")), "{shown}");
        assert!(!reply.body.contains("canary"), "{}", reply.body);
        let found = reply.json()["code"].as_str().unwrap().to_owned();
        assert!(found == code || found == "bad_input", "{shown}: {}", reply.body);
    }
    let large = vec![b' '; 300 * 1024];
    let refused = served.call("POST", path, &[("authorization", &key)], &large);
    assert_eq!((refused.status, refused.json()["code"].as_str()), (413, Some("too_large")));
    let asked = served.get("/v1/runs?limit=many");
    assert_eq!((asked.status, asked.json()["code"].as_str()), (400, Some("bad_query")));
    assert_eq!(served.post("/v1/flows/nothing/runs", &login(&folder)).status, 404);
    let resumed = served.post("/v1/runs/run_1/resume", &json!({ "resume_token": "x".repeat(43) }));
    assert_eq!((resumed.status, resumed.json()["code"].as_str().unwrap()), (409, "not_resumable"));
}

#[test]
fn a_deploy_goes_live_only_over_what_its_pipeline_has_seen() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &[]);
    let key = format!("Bearer {}", served.key);
    let first = served.get("/v1/bundles");
    let tag = first.header("etag").unwrap().to_owned();
    // Another plan: whoever is of low risk is denied.
    folder.replace("flows/login.admit", "step.risk.severity == \"high\"", "step.risk.severity == \"low\"");
    folder.admit("build -o next.admitplan").code(0);
    let plan = std::fs::read(folder.file("next.admitplan")).unwrap();
    let put = |headers: &[(&str, &str)], body: &[u8]| {
        let headers = [&[("authorization", key.as_str())], headers].concat();
        served.call("PUT", "/v1/bundles", &headers, body)
    };
    assert_eq!(put(&[], &plan).status, 428, "without a precondition");
    assert_eq!(put(&[("if-none-match", "*")], &plan).status, 412);
    assert_eq!(put(&[("if-match", &format!("\"{}\"", "0".repeat(64)))], &plan).status, 412);
    let mut damaged = plan.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(put(&[("if-match", &tag)], &damaged).status, 422);
    assert_eq!(served.post("/v1/flows/login/runs", &login(&folder)).json()["outcome"], "session");
    let deployed = put(&[("if-match", &tag)], &plan);
    assert_eq!(deployed.status, 200, "{}", deployed.body);
    assert_eq!(put(&[("if-match", &tag)], &plan).status, 412, "who comes second has to look again");
    assert_eq!(served.post("/v1/flows/login/runs", &login(&folder)).json()["reason"], "high_risk");
    // And back.
    let back = format!("/v1/bundles/{}/activate", tag.trim_matches('"'));
    let now = deployed.header("etag").unwrap().to_owned();
    let activate = |tag: &str| served.call("POST", &back, &[("authorization", &key), ("if-match", tag)], b"");
    assert_eq!(activate(&tag).status, 412);
    assert_eq!(activate(&now).status, 200);
    assert_eq!(served.post("/v1/flows/login/runs", &login(&folder)).json()["outcome"], "session");
    let audit = served.get("/v1/audit?limit=100").json().to_string();
    assert!(audit.contains("flow.rolled_back"), "{audit}");
    assert_eq!(served.get("/v1/bundles").json()["deploys"].as_array().unwrap().len(), 3);
}

#[test]
fn a_run_that_waits_is_resumed_over_a_restart() {
    let folder = Folder::example("cymmetri");
    // Whoever is of medium risk is asked for a second factor; here whoever is of low risk.
    folder.replace("flows/login.admit", "step.risk.severity == \"medium\"", "step.risk.severity == \"low\"");
    let served = Served::start(&folder, &[]);
    let asked = served.post("/v1/flows/login/runs", &login(&folder)).json();
    assert_eq!(asked["outcome"], "suspended", "{asked}");
    let (run, token) = (asked["run"].as_str().unwrap().to_owned(), asked["resume_token"].as_str().unwrap().to_owned());
    let key = served.key.clone();
    assert!(served.stop());
    let mut served = Served::start(&folder, &[]);
    assert_eq!(served.key, "", "the first key is shown once");
    served.key = key;
    let path = format!("/v1/runs/{run}/resume");
    let body = json!({ "resume_token": token, "input": { "code": "000000" } });
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8).map(|_| scope.spawn(|| served.post(&path, &body))).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    let won: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(won.len(), 1, "{:?}", replies.iter().map(|reply| &reply.body).collect::<Vec<_>>());
    assert!(replies.iter().all(|reply| reply.status == 200 || reply.status == 409));
    assert_eq!(won[0].json()["outcome"], "suspended", "a wrong code is asked for again");
}

#[test]
fn keys_are_made_with_less_are_held_to_it_and_revoked() {
    let folder = Folder::example("cymmetri");
    let mut served = Served::start(&folder, &["--database", "memory"]);
    let make = |served: &Served, scopes: &[&str]| served.post("/v1/keys", &json!({ "name": "one", "scopes": scopes }));
    let made = make(&served, &["run", "manage"]).json();
    let first = std::mem::replace(&mut served.key, made["key"].as_str().unwrap().to_owned());
    assert_eq!(served.post("/v1/flows/login/runs", &login(&folder)).json()["outcome"], "session");
    for (reply, code) in [
        (served.get("/v1/runs"), "missing_scope"),
        (make(&served, &["run", "deploy"]), "missing_scope"),
        (make(&served, &["everything"]), "bad_scopes"),
        (make(&served, &[]), "bad_scopes"),
    ] {
        assert_eq!(reply.json()["code"], code, "{}", reply.body);
    }
    let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    let delete = |served: &Served| served.with_key("DELETE", &path, &[], b"").status;
    assert_eq!((delete(&served), delete(&served)), (200, 401), "it revoked itself");
    served.key = first;
    assert_eq!(delete(&served), 404);
    let listed = served.get("/v1/keys");
    assert_eq!(listed.json()["keys"].as_array().unwrap().len(), 2);
    assert!(!listed.body.contains(made["key"].as_str().unwrap().rsplit('.').next().unwrap()));
    let audit = served.get("/v1/audit").body;
    assert!(audit.contains("key.created") && audit.contains("key.revoked"));
}

#[test]
fn a_client_that_is_slow_is_hung_up_on_and_costs_nobody_else() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &["--database", "memory"]);
    let slow: Vec<TcpStream> = (0..64)
        .map(|_| {
            let mut socket = connect(&served.address);
            socket.write_all(b"POST /v1/flows/login/runs HTTP/1.1\r\nhost: x\r\n").unwrap();
            socket
        })
        .collect();
    assert_eq!(served.post("/v1/flows/login/runs", &login(&folder)).json()["outcome"], "session");
    for mut socket in slow {
        socket.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
        let mut said = Vec::new();
        // It is closed, with 408 or without a word.
        let read = socket.read_to_end(&mut said);
        assert!(read.is_ok() || read.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
        assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 408"), "{said:?}");
    }
    let fields: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    let many = served.raw(format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{fields}\r\n").as_bytes());
    assert_eq!(many.status, 431);
}
