//! F6: PostgreSQL is restarted under load: callers are told to come back, and the node finds it again by itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::books::Told;
use super::{Caller, START, node, not_here, project, sign_in, times};
use crate::postgres;
use crate::served::Served;

#[test]
fn f6_postgres_restarted_under_load_is_told_with_503_and_found_again() {
    for _ in 0..times(1, 5) {
        let Some(server) = postgres::start(true) else { return not_here("a restart: PostgreSQL is not installed") };
        restarted(&server);
    }
}

fn restarted(server: &str) {
    let (folder, database) = (project(), format!("{server}/postgres"));
    let served = Served::of(node(&folder, &database));
    let caller = Caller::of(&served, &served.key);
    let is_over = AtomicBool::new(false);
    let mut told = Told::default();
    let refused: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(|| work(&caller, &is_over))).collect();
        std::thread::sleep(Duration::from_millis(500));
        restart(&folder_of(server));
        std::thread::sleep(Duration::from_secs(1));
        // By itself, and for good: a run of answers without a refusal.
        let (start, mut well) = (Instant::now(), 0);
        while well < 20 {
            let reply = caller.post(START, &sign_in("fr")).unwrap();
            well = if reply.status == 200 { well + 1 } else { 0 };
            assert!(
                start.elapsed() < Duration::from_secs(40),
                "the node does not find PostgreSQL again: {}",
                reply.body
            );
        }
        is_over.store(true, Ordering::Relaxed);
        let ends = workers.into_iter().map(|worker| worker.join().unwrap());
        ends.map(|(of_worker, refused)| {
            told.add(of_worker);
            refused
        })
        .sum()
    });
    assert!(refused > 0, "a restart was not noticed");
    assert!(served.stop());
    told.check(&database, &folder.file("admit.key"));
}

fn work(caller: &Caller, is_over: &AtomicBool) -> (Told, usize) {
    let (mut told, mut refused) = (Told::default(), 0);
    while !is_over.load(Ordering::Relaxed) {
        let reply = caller.post(START, &sign_in("fr")).unwrap();
        match reply.status {
            200 => drop(told.ended.insert(reply.json()["run"].as_str().unwrap().to_owned())),
            503 => {
                assert_eq!(reply.header("retry-after"), Some("1"), "{}", reply.head);
                refused += 1;
            }
            _ => panic!("{} {}", reply.status, reply.body),
        }
    }
    (told, refused)
}

/// Where the server's cluster lies, out of its address.
fn folder_of(server: &str) -> PathBuf {
    let host = server.split('@').nth(1).unwrap();
    let bytes = host.split('%').skip(1).map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    PathBuf::from(String::from_utf8(bytes).unwrap())
}

/// A fast shutdown, and a start after a second.
fn restart(folder: &Path) {
    std::fs::write(folder.join("again"), "").unwrap();
    let state = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    assert!(Command::new("kill").args(["-INT", state.lines().next().unwrap()]).status().unwrap().success());
}
