//! Many writers on one store, from two pools as two processes have: each thing is done once, and nothing is lost.

use std::collections::HashSet;
use std::future::Future;

use admit_runtime::host::{RunCommit, Store, StoreError};
use admit_runtime::unit::{AuditEntry, Family, Material, Rotation, Session, Unit, Write};
use admit_store::SqlStore;

use crate::support::*;

on_both! {
    t16_of_eight_resumes_exactly_one_goes_on_each_time,
    of_a_thousand_raced_refreshes_one_has_a_child,
    counters_are_exact_from_many_connections,
    t23_the_chain_verifies_after_concurrent_commits,
    each_job_is_leased_once_and_none_is_left,
    commits_in_a_group_do_not_fail_for_their_neighbours,
    a_commit_whose_caller_has_gone_leaves_others_alone,
    t23_text_that_not_every_database_can_hold_verifies,
    connections_that_are_cut_under_load_lose_nothing_that_was_acknowledged,
}

/// Runs so many of it at once; answers their ends.
async fn at_once<T, F>(count: usize, mut what: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|number| tokio::spawn(what(number))).collect();
    let mut ends = Vec::with_capacity(count);
    for task in tasks {
        ends.push(task.await.unwrap());
    }
    ends
}

fn won<T>(ends: &[Result<T, StoreError>]) -> usize {
    assert!(ends.iter().all(|end| matches!(end, Ok(_) | Err(StoreError::Conflict))), "something else than a conflict");
    ends.iter().filter(|end| end.is_ok()).count()
}

fn with(run: &str, outcome: &str, writes: Vec<Write>) -> RunCommit {
    RunCommit { unit: Unit { writes, audit: vec![entry(run)] }.into(), ..commit(run, 0, outcome) }
}

fn session(id: &str) -> Write {
    Write::InsertSession(Session {
        id: id.to_owned(),
        user_id: "usr_alice".to_owned(),
        aal: "aal1".to_owned(),
        methods: vec!["password".to_owned()],
        issued_at: at(1_000),
        expires_at: at(9_000),
        client_id: None,
        idle_seconds: None,
    })
}

async fn two(place: &Place) -> [SqlStore; 2] {
    [place.open().await, place.open().await]
}

async fn t16_of_eight_resumes_exactly_one_goes_on_each_time(place: Place) {
    let stores = two(&place).await;
    for race in 0..25_u8 {
        let run = format!("run_{race}");
        stores[0].commit(&tenant("local"), suspended(&run, 0, race)).await.unwrap();
        let ends = at_once(8, |racer| {
            let store = stores[racer % 2].clone();
            async move {
                let run = store.take_run(&tenant("local"), [race; 32], at(1_500)).await?;
                store.commit(&tenant("local"), commit(&run.run_id, run.seq, "session")).await
            }
        });
        assert_eq!(won(&ends.await), 1);
    }
    assert_eq!(stores[1].verify_audit(&tenant("local")).await.unwrap(), Ok(50));
}

async fn of_a_thousand_raced_refreshes_one_has_a_child(place: Place) {
    let (stores, local) = (two(&place).await, tenant("local"));
    stores[0].add_user(&local, &alice(), at(1)).await.unwrap();
    let family = Family {
        id: "fam_1".to_owned(),
        session_id: "ses_1".to_owned(),
        client_id: "app".to_owned(),
        audience: "api".to_owned(),
        scopes: Vec::new(),
        expires_at: at(8_000),
    };
    let writes = vec![session("ses_1"), Write::InsertFamily(family, [1; 32])];
    stores[0].commit(&local, with("run_first", "tokens", writes)).await.unwrap();
    let child = |racer: usize| *blake3::hash(&racer.to_be_bytes()).as_bytes();
    let ends = at_once(1_000, |racer| {
        let store = stores[racer % 2].clone();
        async move {
            let rotation = Write::RotateRefresh(Box::new(Rotation {
                family_id: "fam_1".to_owned(),
                session_id: "ses_1".to_owned(),
                user_id: "usr_alice".to_owned(),
                old: [1; 32],
                new: child(racer),
                binding: [7; 32],
                pair: Material::new(&b"pair"[..]),
            }));
            store.commit(&tenant("local"), with(&format!("run_{racer}"), "tokens", vec![rotation])).await
        }
    })
    .await;
    assert_eq!(won(&ends), 1);
    let mut children = 0;
    for (racer, end) in ends.iter().enumerate() {
        let token = stores[0].sessions().refresh_token(&local, child(racer), at(1_600)).await.unwrap();
        assert_eq!(token.is_some(), end.is_ok());
        children += usize::from(token.is_some());
    }
    assert_eq!(children, 1);
    assert_eq!(stores[0].verify_audit(&local).await.unwrap(), Ok(2), "those that lost have left nothing");
}

async fn counters_are_exact_from_many_connections(place: Place) {
    let stores = two(&place).await;
    let mut seen = at_once(16, |writer| {
        let store = stores[writer % 2].clone();
        async move {
            let mut seen = Vec::new();
            for _ in 0..25 {
                seen.push(store.count(&tenant("local"), "k", 60, at(1_000)).await.unwrap());
            }
            seen
        }
    })
    .await
    .concat();
    seen.sort_unstable();
    assert_eq!(seen, (1..=400).collect::<Vec<u64>>());
}

async fn t23_the_chain_verifies_after_concurrent_commits(place: Place) {
    let stores = two(&place).await;
    let ends = at_once(400, |number| {
        let store = stores[number % 2].clone();
        let slug = if number % 5 == 0 { "other" } else { "local" };
        async move { store.commit(&tenant(slug), commit(&format!("run_{number}"), 0, "deny")).await }
    });
    assert_eq!(won(&ends.await), 400);
    for (slug, count) in [("local", 320), ("other", 80)] {
        assert_eq!(stores[0].verify_audit(&tenant(slug)).await.unwrap(), Ok(count));
        assert_eq!(stores[0].runs(&tenant(slug), 1_000).await.unwrap().len() as u64, count);
        let traces = stores[0].traces(&tenant(slug), "run_5").await.unwrap();
        assert_eq!(traces.len(), usize::from(slug == "other"));
    }
}

async fn each_job_is_leased_once_and_none_is_left(place: Place) {
    let (stores, local) = (two(&place).await, tenant("local"));
    let job = |number: usize| Write::Enqueue {
        key: format!("run_1/later/{number}"),
        kind: "block".to_owned(),
        payload: number.to_string().into_bytes(),
    };
    stores[0].commit(&local, with("run_1", "allow", (0..60).map(job).collect())).await.unwrap();
    // A taker stops when there is no job for it: none may stop while there are some.
    let taken = at_once(12, |taker| {
        let store = stores[taker % 2].clone();
        async move {
            let mut taken = Vec::new();
            while let Some(job) = store.take_job(&tenant("local"), at(1_100), 600).await.unwrap() {
                assert_eq!(job.attempt, 1);
                taken.push(job.key);
            }
            taken
        }
    })
    .await
    .concat();
    assert_eq!(taken.len(), 60);
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 60);
}

async fn commits_in_a_group_do_not_fail_for_their_neighbours(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    store.add_user(&local, &alice(), at(1)).await.unwrap();
    let totp = store.credentials(&local, "usr_alice", "totp").await.unwrap().remove(0).id;
    let ends = at_once(96, |number| {
        let (store, totp) = (store.clone(), totp.clone());
        async move {
            let run = format!("run_{number}");
            let run = match number % 4 {
                0 => commit(&run, 0, "deny"),
                1 => with(&run, "session", vec![Write::TakeTotpStep { credential_id: totp, step: 5 }]),
                // A session that is there already is no conflict but an error of the database.
                2 => with(&run, "session", vec![session("ses_same")]),
                _ => with(&run, "session", vec![session(&format!("ses_{number}"))]),
            };
            store.commit(&tenant("local"), run).await
        }
    })
    .await;
    let count = |kind: usize| ends.iter().skip(kind).step_by(4).filter(|end| end.is_ok()).count();
    assert_eq!([count(0), count(1), count(2), count(3)], [24, 1, 1, 24]);
    for (kind, end) in ends.iter().enumerate() {
        match kind % 4 {
            1 => assert!(matches!(end, Ok(()) | Err(StoreError::Conflict)), "{end:?}"),
            2 => assert!(matches!(end, Ok(()) | Err(StoreError::Failed(_))), "{end:?}"),
            _ => assert_eq!(*end, Ok(())),
        }
    }
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(50));
    assert_eq!(store.runs(&local, 1_000).await.unwrap().len(), 50);
}

async fn a_commit_whose_caller_has_gone_leaves_others_alone(place: Place) {
    let store = place.open().await;
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(
                async move { store.commit(&tenant("local"), commit(&format!("run_{number}"), 0, "deny")).await },
            )
        })
        .collect();
    tokio::task::yield_now().await;
    for gone in tasks.iter().skip(1).step_by(2) {
        gone.abort();
    }
    for stays in tasks.into_iter().step_by(2) {
        stays.await.unwrap().unwrap();
    }
    store.commit(&tenant("local"), commit("run_last", 0, "deny")).await.unwrap();
    let entries = store.verify_audit(&tenant("local")).await.unwrap().unwrap();
    assert!((33..=65).contains(&entries), "{entries}");
    assert_eq!(store.runs(&tenant("local"), 1_000).await.unwrap().len() as u64, entries);
}

async fn t23_text_that_not_every_database_can_hold_verifies(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    let odd = AuditEntry { target: "a\0b".to_owned(), actor: "\u{10ffff}\0".to_owned(), ..entry("odd") };
    let mut run = commit("run_1", 0, "deny");
    run.unit = Unit { writes: Vec::new(), audit: vec![odd] }.into();
    run.detail = Some("\0".to_owned());
    store.commit(&local, run).await.unwrap();
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(1));
    assert_eq!(store.audit(&local, 0, 1).await.unwrap()[0].entry.target, "a\u{fffd}b");
    assert_eq!(store.find_user(&local, "nobody\0").await, Ok(None));
    assert_eq!(store.session(&local, "ses_\0", at(1)).await, Ok(None));
}

/// On SQLite nobody cuts anything; the rest holds there too.
async fn connections_that_are_cut_under_load_lose_nothing_that_was_acknowledged(place: Place) {
    let store = place.open().await;
    let writers = at_once(8, |writer| {
        let store = store.clone();
        async move {
            let (mut acknowledged, mut told) = (Vec::new(), 0);
            for number in 0..40 {
                let run = format!("run_{writer}_{number}");
                match store.commit(&tenant("local"), commit(&run, 0, "deny")).await {
                    Ok(()) => acknowledged.push(run),
                    Err(error) => {
                        assert!(error.is_passing(), "{error:?}");
                        told += 1;
                    }
                }
            }
            (acknowledged, told)
        }
    });
    let cuts = async {
        for _ in 0..10 {
            if place.is_postgres() {
                let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE datname = current_database() AND pid <> pg_backend_pid()";
                place.execute(&[all]).await.unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let (ends, ()) = tokio::join!(writers, cuts);
    let told: u32 = ends.iter().map(|(_, told)| told).sum();
    assert!(place.is_postgres() || told == 0);
    // The next one finds the server again.
    store.commit(&tenant("local"), commit("run_last", 0, "deny")).await.unwrap();
    let entries = store.verify_audit(&tenant("local")).await.unwrap().unwrap();
    let runs: HashSet<String> =
        store.runs(&tenant("local"), 1_000).await.unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(runs.len() as u64, entries);
    for run in ends.iter().flat_map(|(acknowledged, _)| acknowledged) {
        assert!(runs.contains(run), "{run} was acknowledged and is not there");
    }
}
