//! The queue and what jobs leave: tries that are told, jobs that are given up, patches over what is there now.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_runtime::execute::job::JobEnd;
use admit_runtime::host::{Store, StoreError};
use admit_runtime::trace::Trace;
use admit_runtime::unit::{Unit, Write};
use admit_store::JobNext;

use crate::support::*;

on_both! {
    a_patch_is_laid_over_what_the_store_holds_then,
    each_try_is_told_and_a_job_that_is_given_up_stays_to_be_looked_at,
    a_job_that_is_done_leaves_its_writes_and_forgets_what_it_was,
}

fn text(text: &str) -> Datum {
    Datum::Str(text.into())
}

fn patch(fields: &[(&str, Datum)]) -> Datum {
    Datum::Map(fields.iter().map(|(name, value)| (text(name), value.clone())).collect())
}

fn patched(patches: Vec<Datum>) -> Write {
    Write::PatchAppMetadata { user_id: "usr_alice".to_owned(), patches }
}

fn left(writes: Vec<Write>) -> JobEnd {
    let trace = Trace::clone(&trace());
    let unit = Unit { writes, audit: vec![entry("by the job")] };
    JobEnd { unit, trace, user_id: Some("usr_alice".to_owned()), failure: None }
}

/// A store with alice and the job `run_1/later/3`.
async fn queued(place: &Place) -> admit_store::SqlStore {
    let (store, local) = (place.open().await, tenant("local"));
    store.add_user(&local, &alice(), at(100)).await.unwrap();
    let mut run = commit("run_1", 0, "deny");
    let (key, kind, payload) = ("run_1/later/3".to_owned(), "block".to_owned(), b"canary".to_vec());
    Arc::make_mut(&mut run.unit).writes.push(Write::Enqueue { key, kind, payload });
    store.commit(&local, run).await.unwrap();
    store
}

async fn a_patch_is_laid_over_what_the_store_holds_then(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    store.add_user(&local, &alice(), at(100)).await.unwrap();
    for (number, patches) in [
        vec![patch(&[("plan", text("free")), ("old", Datum::Bool(true))])],
        vec![patch(&[("plan", text("pro"))]), patch(&[("old", Datum::Null), ("seats", Datum::Int(3))])],
    ]
    .into_iter()
    .enumerate()
    {
        let mut run = commit(&format!("run_{number}"), 0, "allow");
        Arc::make_mut(&mut run.unit).writes.push(patched(patches));
        store.commit(&local, run).await.unwrap();
    }
    let user = store.user(&local, "usr_alice").await.unwrap().unwrap();
    assert_eq!(user.get("app_metadata"), Some(&patch(&[("plan", text("pro")), ("seats", Datum::Int(3))])));
    assert_eq!(user.get("email"), Some(&text("Alice@Canary-Mail.example")), "nothing else has changed");

    let mut large = commit("run_large", 0, "allow");
    Arc::make_mut(&mut large.unit).writes.push(patched(vec![patch(&[("x", text(&"x".repeat(70_000)))])]));
    assert_eq!(store.commit(&local, large).await, Err(StoreError::Conflict));

    store.erase_user(&local, "usr_alice", at(200)).await.unwrap();
    let mut late = commit("run_late", 0, "allow");
    Arc::make_mut(&mut late.unit).writes.push(patched(vec![patch(&[("plan", text("back"))])]));
    store.commit(&local, late).await.unwrap();
    assert_eq!(store.user(&local, "usr_alice").await, Ok(None), "an erased user stays erased");
}

async fn each_try_is_told_and_a_job_that_is_given_up_stays_to_be_looked_at(place: Place) {
    let (store, local) = (queued(&place).await, tenant("local"));
    let first = store.take_job(&local, at(1_001), 30).await.unwrap().unwrap();
    let again = JobNext::Again { due: at(1_100) };
    let end = left(Vec::new());
    store.end_job(&local, (&first.key, first.attempt), &again, &end, at(1_002)).await.unwrap();
    assert_eq!(store.take_job(&local, at(1_099), 30).await, Ok(None), "it is not due yet");
    let second = store.take_job(&local, at(1_100), 30).await.unwrap().unwrap();
    assert_eq!((second.attempt, second.payload.as_slice()), (2, &b"canary"[..]));
    let why = "the peer is gone".to_owned();
    let given_up = JobNext::GivenUp { why };
    store.end_job(&local, (&second.key, second.attempt), &given_up, &end, at(1_101)).await.unwrap();
    assert_eq!(store.take_job(&local, at(9_999), 30).await, Ok(None));
    assert_eq!(store.open_jobs(&local).await, Ok(0));
    let failed = store.failed_jobs(&local, 10).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].key.as_str(), failed[0].attempts), ("run_1/later/3", 2));
    assert_eq!((failed[0].why.as_str(), failed[0].failed_at), ("the peer is gone", at(1_101)));
    let traces = store.job_traces(&local, "run_1").await.unwrap();
    let expected = ("run_1/later/3".to_owned(), trace().encode().unwrap());
    assert_eq!(traces, [expected.clone(), expected]);
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(3));
    store.erase_user(&local, "usr_alice", at(2_000)).await.unwrap();
    assert_eq!(store.job_traces(&local, "run_1").await.unwrap(), [], "what it logged goes with the user");
    assert_eq!(store.failed_jobs(&tenant("other"), 10).await.unwrap(), []);
    // Asked for, it gets one more try.
    assert_eq!(store.retry_job(&tenant("other"), "run_1/later/3", at(3_000)).await, Err(StoreError::NotFound));
    store.retry_job(&local, "run_1/later/3", at(3_000)).await.unwrap();
    let open = store.list_open_jobs(&local, 10).await.unwrap();
    assert_eq!((open[0].key.as_str(), open[0].attempts, open[0].due), ("run_1/later/3", 2, at(3_000)));
    assert_eq!(store.failed_jobs(&local, 10).await.unwrap(), []);
    assert_eq!(store.take_job(&local, at(3_000), 30).await.unwrap().unwrap().attempt, 3);
    let held = store.retry_job(&local, "run_1/later/3", at(3_001)).await;
    assert_eq!(held, Err(StoreError::NotFound), "somebody works on it");
}

async fn a_job_that_is_done_leaves_its_writes_and_forgets_what_it_was(place: Place) {
    let (store, local) = (queued(&place).await, tenant("local"));
    let job = store.take_job(&local, at(1_001), 30).await.unwrap().unwrap();
    let end = left(vec![patched(vec![patch(&[("welcomed", Datum::Bool(true))])])]);
    store.end_job(&local, (&job.key, job.attempt), &JobNext::Done, &end, at(1_002)).await.unwrap();
    let user = store.user(&local, "usr_alice").await.unwrap().unwrap();
    assert_eq!(user.get("app_metadata"), Some(&patch(&[("welcomed", Datum::Bool(true))])));
    let held = (job.key.as_str(), job.attempt);
    assert_eq!(store.renew_job(&local, held, at(1_003), 30).await, Err(StoreError::Conflict));
    let given_up = JobNext::GivenUp { why: String::new() };
    assert_eq!(store.end_job(&local, held, &given_up, &end, at(1_003)).await, Err(StoreError::Conflict));
}
