//! T15, T16, T17, T22: commits are whole and durable, and of racing writers exactly one goes on.

use std::collections::HashSet;
use std::sync::Arc;

use admit_runtime::host::{Store, StoreError};
use admit_runtime::unit::{Unit, Write};

use crate::support::*;

on_both! {
    f1_a_killed_writer_loses_nothing_acknowledged,
    t16_of_racing_resumes_exactly_one_goes_on,
    t15_a_token_is_bound_to_its_tenant_time_and_bits,
    a_run_goes_on_only_in_order_and_only_by_its_taker,
    t17_a_totp_step_is_taken_once_however_many_race,
    counters_are_exact_under_many_writers_and_start_anew_after_their_window,
    a_commit_that_fails_in_its_last_write_leaves_nothing,
    t16_of_racing_processes_exactly_one_goes_on,
}

const RACERS: usize = 48;

async fn t16_of_racing_resumes_exactly_one_goes_on(place: Place) {
    let store = place.open().await;
    // A second pool on the same file, as another process has.
    let second = place.open().await;
    store.commit(&tenant("local"), suspended("run_1", 0, 1)).await.unwrap();
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(RACERS));
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| {
            let store = if racer % 2 == 0 { store.clone() } else { second.clone() };
            let barrier = barrier.clone();
            tokio::spawn(async move {
                barrier.wait().await;
                let run = store.take_run(&tenant("local"), [1; 32], at(1_500)).await?;
                assert_eq!((run.record.as_slice(), run.seq, run.bundle), (&b"canary-record"[..], 1, [3; 32]));
                store.commit(&tenant("local"), commit("run_1", run.seq, "session")).await
            })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        match racer.await.unwrap() {
            Ok(()) => won += 1,
            Err(error) => assert_eq!(error, StoreError::Conflict),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(store.verify_audit(&tenant("local")).await.unwrap(), Ok(2));
    assert_eq!(store.runs(&tenant("local"), 9).await.unwrap()[0].outcome, "session");
}

async fn t15_a_token_is_bound_to_its_tenant_time_and_bits(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    store.commit(&local, suspended("run_1", 0, 1)).await.unwrap();
    let take = async |tenant_slug: &str, hash: [u8; 32], now: i64| {
        store.take_run(&tenant(tenant_slug), hash, at(now)).await.map(|run| run.run_id)
    };
    assert_eq!(take("other", [1; 32], 1_500).await, Err(StoreError::NotFound));
    for bit in 0..256 {
        let mut hash = [1; 32];
        hash[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(take("local", hash, 1_500).await, Err(StoreError::NotFound));
    }
    assert_eq!(take("local", [1; 32], 2_000).await, Err(StoreError::Expired));
    assert_eq!(take("local", [1; 32], 1_999).await, Ok("run_1".to_owned()));
    assert_eq!(take("local", [1; 32], 1_999).await, Err(StoreError::Conflict));
    assert_eq!(take("local", [1; 32], 3_000).await, Err(StoreError::Conflict));
}

async fn a_run_goes_on_only_in_order_and_only_by_its_taker(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    store.commit(&local, suspended("run_1", 0, 1)).await.unwrap();
    assert_eq!(store.commit(&local, suspended("run_1", 0, 2)).await, Err(StoreError::Conflict), "seq 0 twice");
    assert_eq!(store.commit(&local, commit("run_1", 1, "session")).await, Err(StoreError::Conflict), "not taken");
    let run = store.take_run(&local, [1; 32], at(1_500)).await.unwrap();
    assert_eq!(store.commit(&local, commit("run_1", 2, "session")).await, Err(StoreError::Conflict), "ahead");
    let mut other_bundle = commit("run_1", 1, "session");
    other_bundle.bundle = [4; 32];
    assert_eq!(store.commit(&local, other_bundle).await, Err(StoreError::Conflict), "another bundle");
    assert_eq!(store.commit(&tenant("other"), commit("run_1", 1, "session")).await, Err(StoreError::Conflict));
    store.commit(&local, commit("run_1", run.seq, "deny")).await.unwrap();
    assert_eq!(store.commit(&local, commit("run_1", 2, "session")).await, Err(StoreError::Conflict), "ended");
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(2));
}

async fn t17_a_totp_step_is_taken_once_however_many_race(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    store.add_user(&local, &alice(), at(1)).await.unwrap();
    let credential = store.credentials(&local, "usr_alice", "totp").await.unwrap().remove(0).id;
    let tasks: Vec<_> = (0..16)
        .map(|racer| {
            let (store, credential) = (store.clone(), credential.clone());
            tokio::spawn(async move {
                let mut run = commit(&format!("run_{racer}"), 0, "session");
                run.unit =
                    Unit { writes: vec![Write::TakeTotpStep { credential_id: credential, step: 77 }], audit: vec![] }
                        .into();
                store.commit(&tenant("local"), run).await
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!(won, 1);
    for (step, expected) in [(76, Err(StoreError::Conflict)), (77, Err(StoreError::Conflict)), (78, Ok(()))] {
        let mut run = commit(&format!("run_step_{step}"), 0, "session");
        Arc::make_mut(&mut run.unit).writes.push(Write::TakeTotpStep { credential_id: credential.clone(), step });
        assert_eq!(store.commit(&local, run).await, expected, "{step}");
    }
    assert_eq!(store.credentials(&local, "usr_alice", "totp").await.unwrap()[0].last_step, Some(78));
}

async fn counters_are_exact_under_many_writers_and_start_anew_after_their_window(place: Place) {
    let store = place.open().await;
    let second = place.open().await;
    let tasks: Vec<_> = (0..64)
        .map(|writer| {
            let store = if writer % 2 == 0 { store.clone() } else { second.clone() };
            tokio::spawn(async move { store.count(&tenant("local"), "k", 60, at(1_000)).await.unwrap() })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=64).collect::<Vec<u64>>());
    let local = tenant("local");
    assert_eq!(store.count(&local, "k", 60, at(1_059)).await, Ok(65));
    let counted = store.count_in(&local, "windows", 60, at(1_000)).await.unwrap();
    assert_eq!((counted.count, counted.ends_at), (1, at(1_060)));
    let later = store.count_in(&local, "windows", 60, at(1_059)).await.unwrap();
    assert_eq!((later.count, later.ends_at, later.seconds_left(at(1_059), 60)), (2, at(1_060), 1));
    assert_eq!(later.seconds_left(at(0), 60), 60, "T36: a clock set back makes nobody wait longer than a window");
    assert_eq!(store.count(&local, "k", 60, at(500)).await, Ok(66), "T36: a clock set back does not reset it");
    assert_eq!(store.count(&local, "k", 60, at(1_060)).await, Ok(1));
    assert_eq!(store.count(&tenant("other"), "k", 60, at(1_060)).await, Ok(1));
    store.reset_count(&local, "k").await.unwrap();
    assert_eq!(store.count(&local, "k", 60, at(1_061)).await, Ok(1));
}

async fn a_commit_that_fails_in_its_last_write_leaves_nothing(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    let mut run = suspended("run_1", 0, 1);
    Arc::make_mut(&mut run.unit).writes.push(Write::TakeTotpStep { credential_id: "crd_none".to_owned(), step: 1 });
    assert_eq!(store.commit(&local, run).await, Err(StoreError::Conflict));
    assert!(store.runs(&local, 10).await.unwrap().is_empty());
    assert!(store.traces(&local, "run_1").await.unwrap().is_empty());
    assert_eq!(store.take_run(&local, [1; 32], at(1_500)).await.err(), Some(StoreError::NotFound));
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(0));
}

/// Not a test by itself: what `f1_a_killed_writer_loses_nothing_acknowledged` runs and kills.
#[tokio::test]
async fn f1_writer_process() {
    let (Some(store), Ok(slug)) = (own_store().await, std::env::var("ADMIT_TEST_TENANT")) else { return };
    // Several at once, so that they go in groups.
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (store, slug) = (store.clone(), slug.clone());
            tokio::spawn(async move {
                for number in 0_u32.. {
                    let run = format!("run_{writer}_{number}");
                    store.commit(&tenant(&slug), commit(&run, 0, "deny")).await.unwrap();
                    println!("\nacknowledged {run}");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn f1_a_killed_writer_loses_nothing_acknowledged(place: Place) {
    use std::io::BufRead as _;
    for kill_after in [1, 7, 23] {
        let slug = format!("killed-{kill_after}");
        let mut writer = process(&place, "runs::f1_writer_process").env("ADMIT_TEST_TENANT", &slug).spawn().unwrap();
        let lines = std::io::BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut acknowledged = Vec::new();
        for line in lines.map_while(Result::ok) {
            if let Some(run) = line.strip_prefix("acknowledged ") {
                acknowledged.push(run.to_owned());
                if acknowledged.len() == kill_after {
                    writer.kill().unwrap();
                }
            }
        }
        writer.wait().unwrap();
        assert!(acknowledged.len() >= kill_after);
        let store = place.open().await;
        let entries = store.verify_audit(&tenant(&slug)).await.unwrap().unwrap();
        let runs: HashSet<String> =
            store.runs(&tenant(&slug), 100_000).await.unwrap().into_iter().map(|run| run.id).collect();
        assert_eq!(runs.len() as u64, entries);
        for run in acknowledged {
            assert!(runs.contains(&run), "{run} was acknowledged and is not on disk");
        }
        store.close().await;
    }
}

/// Not a test by itself: what `t16_of_racing_processes_exactly_one_goes_on` runs.
#[tokio::test]
async fn t16_taker_process() {
    let Some(store) = racer().await else { return };
    match store.take_run(&tenant("local"), [1; 32], at(1_500)).await {
        Ok(_) => println!("\ntaken"),
        Err(error) => println!("\n{error}"),
    }
}

async fn t16_of_racing_processes_exactly_one_goes_on(place: Place) {
    let store = place.open().await;
    store.commit(&tenant("local"), suspended("run_1", 0, 1)).await.unwrap();
    let said = race(&place, "runs::t16_taker_process", 4);
    let count = |word: &str| said.iter().filter(|text| text.lines().any(|line| line == word)).count();
    assert_eq!((count("taken"), count("conflict")), (1, 3), "{said:?}");
}
