//! F9, F10, T16: one resume token, many hands, two nodes.

use std::process::Command;
use std::sync::Barrier;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Caller, START, node, not_here, project, sign_in, times};
use crate::postgres;
use crate::served::Served;

const RACERS: usize = 8;

#[test]
fn f9_t16_of_eight_resumes_on_two_nodes_exactly_one_wins_on_sqlite() {
    race("admit.db", times(10, 1_000));
}

#[test]
fn f9_t16_of_eight_resumes_on_two_nodes_exactly_one_wins_on_postgres() {
    match postgres::start(false) {
        Some(server) => race(&format!("{server}/postgres"), times(10, 1_000)),
        None => not_here("races on PostgreSQL: it is not installed"),
    }
}

/// A node that stands still in the midst of a resume, for so long that another one has answered, wins or loses; never both.
#[test]
fn f10_a_node_that_was_paused_and_one_that_was_not_do_not_both_go_on() {
    let folder = project();
    let nodes = [(); 2].map(|()| Served::of(node(&folder, "admit.db")));
    let callers = [0, 1].map(|number| Caller::of(&nodes[number], &nodes[0].key));
    let signal = |name: &str| {
        let process = nodes[0].child.id().to_string();
        assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
    };
    for pause in 0..times(6, 60) {
        let (path, body) = waiting(&callers[1]);
        let (caller, path, body) = (&callers[0], &path, &body);
        let ends = std::thread::scope(|scope| {
            let paused = scope.spawn(move || caller.post(path, body).unwrap().status);
            std::thread::sleep(Duration::from_millis(pause as u64 % 20 * 3));
            signal("-STOP");
            // On SQLite the one that stands still may hold the lock: then this one is told to come back.
            let other = callers[1].post(path, body).unwrap().status;
            signal("-CONT");
            [paused.join().unwrap(), other]
        });
        let count = |wanted: u16| ends.iter().filter(|status| **status == wanted).count();
        // Whoever was told 503 may have taken the run and not got further: then nobody goes on with it.
        assert!(count(200) == 1 || (count(200) == 0 && count(503) > 0), "{ends:?}");
        assert_eq!(count(200) + count(409) + count(503), 2, "{ends:?}");
    }
}

/// A run that waits: where it is resumed, and with what.
fn waiting(caller: &Caller) -> (String, Value) {
    let asked = caller.post(START, &sign_in("de")).unwrap().json();
    let path = format!("/v1/runs/{}/resume", asked["run"].as_str().unwrap());
    (path, json!({ "resume_token": asked["resume_token"], "input": { "password": "not the right one" } }))
}

fn race(database: &str, races: usize) {
    let folder = project();
    let nodes = [(); 2].map(|()| Served::of(node(&folder, database)));
    let key = &nodes[0].key;
    let callers = [0, 1].map(|number| Caller::of(&nodes[number], key));
    for _ in 0..races {
        let (path, body) = waiting(&callers[0]);
        let start = Barrier::new(RACERS);
        let mut ends: Vec<(u16, String)> = std::thread::scope(|scope| {
            let racer = |number: usize| {
                let (caller, start, path, body) = (&callers[number % 2], &start, &path, &body);
                scope.spawn(move || {
                    start.wait();
                    let reply = caller.post(path, body).unwrap();
                    (reply.status, reply.body)
                })
            };
            let racers: Vec<_> = (0..RACERS).map(racer).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        ends.sort();
        assert_eq!(ends[0].0, 200, "{ends:?}");
        assert!(ends[1..].iter().all(|(status, body)| *status == 409 && body.contains("not_resumable")), "{ends:?}");
    }
}
