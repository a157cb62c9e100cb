//! Servers whose ground gives way: killed under load, raced, cut off from their database, out of room.
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
#[path = "faults/restart.rs"]
mod restart;

use std::process::Command;

use serde_json::{Value, json};

use super::admit::Folder;
use super::served::{Reply, Served, exchange, request};

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

impl Caller {
    fn of(served: &Served, key: &str) -> Self {
        Self { address: served.address.clone(), key: key.to_owned() }
    }

    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> std::io::Result<Reply> {
        let key = format!("Bearer {}", self.key);
        let headers = [&[("authorization", key.as_str())], headers].concat();
        exchange(&self.address, &request(&self.address, method, path, &headers, body))
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
