//! Servers whose ground gives way: killed under load, raced, cut off from their database.
//!
//! A few times in the test run; the whole campaign is `ADMIT_FAULTS=whole cargo test --workspace --test cli faults`.

#[path = "faults/books.rs"]
mod books;
#[path = "faults/full.rs"]
mod full;
#[path = "faults/kill.rs"]
mod kill;
#[path = "faults/races.rs"]
mod races;
#[path = "faults/reload.rs"]
mod reload;
#[path = "faults/restart.rs"]
mod restart;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::admit::Folder;
use super::served::{Reply, Served, request, try_exchange};
use books::Told;

/// Where runs are started.
const START: &str = "/v1/flows/login/runs";

/// A node and what a caller of it needs to know: it can be handed to other threads.
#[derive(Clone)]
struct Caller {
    address: String,
    key: String,
}

/// How often: in the test run, and in the whole campaign.
fn times(few: usize, whole: usize) -> usize {
    if std::env::var("ADMIT_FAULTS").is_ok_and(|asked| asked == "whole") { whole } else { few }
}

/// The project of the load figures: what it decides on, and a password that it asks for.
fn project() -> Folder {
    Folder::project(include_str!("../../benches/load/project/flows/login.admit"))
}

/// The command of a node of that project.
fn node(folder: &Folder, database: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_admit"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--key-file", "admit.key", "--database", database]);
    command.current_dir(folder.path());
    command
}

/// A sign-in that is decided at once (`fr`), or waits for the password.
fn sign_in(language: &str) -> Value {
    json!({
        "event": { "request": {
            "ip": "203.0.113.9", "method": "POST", "path": "/login", "user_agent": "x", "language": language,
            "device": { "id": "dev_1", "type": "desktop" }, "geo": { "country": "FR" },
            "asn": { "number": 3215, "is_tor": false, "is_vpn": false, "is_proxy": false, "is_hosting": false, "is_bogon": false },
        }, "client": { "id": "app_1", "name": "x", "type": "spa", "first_party": true } },
        "input": { "identifier": "nobody@example.com" },
    })
}

/// The project, and two plans of it to deploy in turn.
fn plans() -> Folder {
    let folder = project();
    folder.admit("build -o 0.admitplan").code(0);
    let from = "\"step_up_needed\"";
    folder.replace("flows/login.admit", from, "\"step_up_demanded\"");
    folder.admit("build -o 1.admitplan").code(0);
    folder
}

/// Deploys the one plan over the other, again and again, so often at most.
fn deploy_in_turn(folder: &Path, callers: &[Caller], is_over: &AtomicBool, most: usize) -> Told {
    let plans = ["0.admitplan", "1.admitplan"].map(|name| std::fs::read(folder.join(name)).unwrap());
    let mut told = Told::default();
    for number in 0..most {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let caller = &callers[number % callers.len()];
        let Ok(listed) = caller.call("GET", "/v1/bundles", &[], b"") else { break };
        let Some(tag) = listed.header("etag") else { continue };
        let Ok(reply) = caller.call("PUT", "/v1/bundles", &[("if-match", tag)], &plans[number % 2]) else { break };
        if reply.status == 200 {
            told.deploys.push(reply.json()["bundle"].as_str().unwrap().to_owned());
        }
    }
    told
}

impl Caller {
    fn of(served: &Served, key: &str) -> Self {
        Self { address: served.address.clone(), key: key.to_owned() }
    }

    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> std::io::Result<Reply> {
        let key = format!("Bearer {}", self.key);
        let headers = [&[("authorization", key.as_str())], headers].concat();
        try_exchange(&self.address, &request(&self.address, method, path, &headers, body))
    }

    fn post(&self, path: &str, body: &Value) -> std::io::Result<Reply> {
        self.call("POST", path, &[], body.to_string().as_bytes())
    }
}

/// Says, so that it is seen also where tests pass, what could not be tried here.
fn not_here(what: &str) {
    use std::io::Write as _;
    std::io::stderr().write_all(format!("not tried: {what}\n").as_bytes()).unwrap();
}
