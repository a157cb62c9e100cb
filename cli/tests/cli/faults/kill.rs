//! F1, F2, T22: nodes are killed at random under load.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::books::Told;
use super::{Caller, START, deploy_in_turn, node, not_here, plans, sign_in, times};
use crate::admit::Folder;
use crate::postgres;
use crate::served::Served;

/// Kills for each database: its books are looked through after each.
const KILLS: usize = 10;
const WORKERS: usize = 6;

#[test]
fn f1_t22_a_node_killed_under_load_loses_nothing_acknowledged_on_sqlite() {
    let kills = times(3, 100);
    for first in (0..kills).step_by(KILLS) {
        let folder = plans();
        let database = folder.file("admit.db").to_str().unwrap().to_owned();
        campaign(&folder, &database, 1, KILLS.min(kills - first));
    }
}

#[test]
fn f2_t22_one_of_two_nodes_killed_under_load_loses_nothing_acknowledged_on_postgres() {
    let kills = times(2, 30);
    for first in (0..kills).step_by(KILLS) {
        // Durable: what a killed node has been told must be on the disk of the server too.
        let Some(server) = postgres::start(true) else { return not_here("kills on PostgreSQL: it is not installed") };
        campaign(&plans(), &format!("{server}/postgres"), 2, KILLS.min(kills - first));
    }
}

fn campaign(folder: &Folder, database: &str, count: usize, kills: usize) {
    let (mut told, mut key, mut resumed) = (Told::default(), String::new(), 0);
    for _ in 0..kills {
        let mut nodes: Vec<Served> = (0..count).map(|_| Served::of(node(folder, database))).collect();
        if key.is_empty() {
            key.clone_from(&nodes[0].key);
        }
        let callers: Vec<Caller> = nodes.iter().map(|node| Caller::of(node, &key)).collect();
        // What waited when the last node was killed goes on.
        for (run, token) in std::mem::take(&mut told.waiting) {
            let reply = resume(&callers[0], &run, &token).unwrap();
            assert_eq!(reply.status, 200, "{run} waited and cannot go on: {}", reply.body);
            note(&reply.json(), &mut told);
            resumed += 1;
        }
        told.add(load_until_killed(folder, &mut nodes, &callers));
        drop(nodes);
        told.check(database, &folder.file("admit.key"));
    }
    assert!(resumed > 0 && !told.ended.is_empty() && !told.deploys.is_empty(), "there was no load");
}

/// Load on all nodes, one of which is killed at a random time; others must go on.
fn load_until_killed(folder: &Folder, nodes: &mut [Served], callers: &[Caller]) -> Told {
    let (is_over, has_begun) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut told = Told::default();
    std::thread::scope(|scope| {
        let (is_over, has_begun) = (&is_over, &has_begun);
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| scope.spawn(move || work(&callers[worker % callers.len()], is_over, has_begun)))
            .collect();
        let pipeline = scope.spawn(move || deploy_in_turn(folder.path(), callers, is_over, usize::MAX));
        // Not before there is something to lose.
        while !has_begun.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(random(600)));
        let victim = usize::try_from(random(nodes.len() as u64)).unwrap();
        // SIGKILL: nothing is told, nothing is flushed.
        nodes[victim].child.kill().unwrap();
        nodes[victim].child.wait().unwrap();
        if let Some(other) = (0..nodes.len()).find(|other| *other != victim) {
            let reply = callers[other].post(START, &sign_in("fr")).unwrap();
            assert_eq!(reply.status, 200, "the other node goes on: {}", reply.body);
            note(&reply.json(), &mut told);
        }
        is_over.store(true, Ordering::Relaxed);
        for worker in workers {
            told.add(worker.join().unwrap());
        }
        told.add(pipeline.join().unwrap());
    });
    told
}

/// Starts runs of both kinds and resumes some of those that wait, until the node is gone or all is over. What was sent and not
/// answered may have happened or not.
fn work(caller: &Caller, is_over: &AtomicBool, has_begun: &AtomicBool) -> Told {
    let mut told = Told::default();
    for number in 0_u32.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let reply = match number % 8 {
            7 => match told.waiting.pop() {
                Some((run, token)) => resume(caller, &run, &token),
                None => continue,
            },
            2 | 5 => caller.post(START, &sign_in("de")),
            _ => caller.post(START, &sign_in("fr")),
        };
        let Ok(reply) = reply else { break };
        assert!(matches!(reply.status, 200 | 503), "{} {}", reply.status, reply.body);
        if reply.status == 200 {
            note(&reply.json(), &mut told);
        }
        if !told.waiting.is_empty() && !told.ended.is_empty() {
            has_begun.store(true, Ordering::Relaxed);
        }
    }
    told
}

fn resume(caller: &Caller, run: &str, token: &str) -> std::io::Result<crate::served::Reply> {
    let body = json!({ "resume_token": token, "input": { "password": "not the right one" } });
    caller.post(&format!("/v1/runs/{run}/resume"), &body)
}

fn note(answer: &Value, told: &mut Told) {
    let run = answer["run"].as_str().unwrap().to_owned();
    match answer["resume_token"].as_str() {
        Some(token) => told.waiting.push((run, token.to_owned())),
        None => drop(told.ended.insert(run)),
    }
}

/// Below so much; another one each time.
fn random(below: u64) -> u64 {
    RandomState::new().hash_one(below) % below
}
