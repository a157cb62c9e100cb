//! T16: one resume token, many hands, two nodes.

use std::sync::Barrier;

use serde_json::json;

use super::{Caller, START, node, not_here, project, sign_in, times};
use crate::postgres;
use crate::served::Served;

const RACERS: usize = 8;

#[test]
fn t16_of_eight_resumes_on_two_nodes_exactly_one_wins_on_sqlite() {
    race("admit.db", times(10, 1_000));
}

#[test]
fn t16_of_eight_resumes_on_two_nodes_exactly_one_wins_on_postgres() {
    match postgres::start(false) {
        Some(server) => race(&format!("{server}/postgres"), times(10, 1_000)),
        None => not_here("races on PostgreSQL: it is not installed"),
    }
}

fn race(database: &str, races: usize) {
    let folder = project();
    let nodes = [(); 2].map(|()| Served::of(node(&folder, database)));
    let key = &nodes[0].key;
    let callers = [0, 1].map(|number| Caller::of(&nodes[number], key));
    for _ in 0..races {
        let asked = callers[0].post(START, &sign_in("de")).unwrap().json();
        let path = format!("/v1/runs/{}/resume", asked["run"].as_str().unwrap());
        let body = json!({ "resume_token": asked["resume_token"], "input": { "password": "not the right one" } });
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
