//! T21, T39: no secret and no personal value lies in the database files in any form.

use std::sync::Arc;

use admit_runtime::execute::job::JobEnd;
use admit_runtime::host::{Store, StoreError};
use admit_runtime::unit::{Unit, Write};
use admit_store::JobNext;

use crate::support::*;

on_both! {
    t21_canaries_are_nowhere_in_the_files,
}

fn forms(canary: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = canary.iter().map(|byte| format!("{byte:02x}")).collect();
    let lower: Vec<u8> = canary.to_ascii_lowercase();
    vec![canary.to_vec(), lower, hex.to_uppercase().into_bytes(), hex.into_bytes()]
}

async fn t21_canaries_are_nowhere_in_the_files(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    store.add_user(&local, &alice(), at(1)).await.unwrap();
    let mut run = suspended("run_1", 0, 5);
    run.user_id = Some("usr_alice".to_owned());
    Arc::make_mut(&mut run.unit).audit.push(entry("canary-audit-note"));
    Arc::make_mut(&mut run.unit).writes.push(Write::RecordSignIn {
        user_id: "usr_alice".to_owned(),
        at: at(1),
        device: Some("canary-device".to_owned()),
        country: Some("IN".to_owned()),
        position: Some((18.52, 73.85)),
        ip: "203.0.113.77".to_owned(),
    });
    Arc::make_mut(&mut run.unit).writes.push(Write::Enqueue {
        key: "run_1/audit-log/0".to_owned(),
        kind: "block".to_owned(),
        payload: b"canary-payload".to_vec(),
    });
    store.commit(&local, run).await.unwrap();
    store.count(&local, "password:canary-counter-key", 60, at(1)).await.unwrap();

    let bytes = place.bytes().await;
    assert!(bytes.windows(5).any(|window| window == b"run_1"), "the files were not read");
    let seed = b"Hello!\xde\xad\xbe\xefHello!\xde\xad\xbe\xef";
    for canary in [
        SEED_CANARY.as_bytes(),
        seed,
        HASH_CANARY.as_bytes(),
        b"Y2FuYXJ5Y2FuYXJ5",
        b"canary-mail",
        b"canaryalice",
        b"5550199",
        b"canary-trace",
        b"canary-record",
        b"canary-audit-note",
        b"canary-device",
        b"203.0.113.77",
        b"canary-payload",
        b"canary-counter-key",
    ] {
        for form in forms(canary) {
            let found = bytes.windows(form.len()).any(|window| window == form);
            assert!(!found, "{}", String::from_utf8_lossy(&form));
        }
    }
    assert_eq!(store.sign_ins(&local, "usr_alice", 5).await.unwrap()[0].ip, "203.0.113.77");
    let job = store.take_job(&local, at(1_002), 30).await.unwrap().unwrap();
    assert_eq!((job.payload.as_slice(), job.attempt), (&b"canary-payload"[..], 1));
    assert_eq!(store.take_job(&local, at(1_002), 30).await, Ok(None));
    let again = store.take_job(&local, at(1_040), 30).await.unwrap().unwrap();
    assert_eq!(again.attempt, 2, "a lease that ran out is taken again");
    let unit = Unit { writes: Vec::new(), audit: vec![entry("by the job")] };
    let left = JobEnd { unit, ..JobEnd::default() };
    let late = (job.key.as_str(), job.attempt);
    let failed = JobNext::Again { due: at(1_041) };
    let taken = store.end_job(&local, late, &failed, &left, at(1_041)).await;
    assert_eq!(taken, Err(StoreError::Conflict), "a try that failed after its lease leaves the job to its new taker");
    let held = (again.key.as_str(), again.attempt);
    store.renew_job(&local, held, at(1_041), 30).await.unwrap();
    assert_eq!(store.take_job(&local, at(1_070), 30).await, Ok(None), "a renewed lease holds");
    store.end_job(&local, held, &JobNext::Done, &left, at(1_071)).await.unwrap();
    assert_eq!(store.end_job(&local, held, &JobNext::Done, &left, at(1_071)).await, Err(StoreError::Conflict));
    let audit = store.audit(&local, 0, 10).await.unwrap();
    assert_eq!(audit.last().map(|row| (row.run_id.as_str(), &row.entry)), Some(("run_1", &entry("by the job"))));
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(3));
    assert_eq!(store.take_job(&local, at(1_400), 30).await, Ok(None));
}
