//! What `identity_lookup` and `password_check` read of a user, by who it is: nobody, a new user, one with a long history.
//! `cargo bench -p admit-store --bench lookup` prints the median of each and its difference from nobody's, which must stay
//! far below the time of one password hash (T19; the whole is measured by `cargo bench -p admit-stdlib --bench enumeration`).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot run stops")]

use std::sync::Arc;
use std::time::Instant as Clock;

use admit_eval::value::Instant;
use admit_runtime::host::{RunCommit, Store as _};
use admit_runtime::tenant::TenantId;
use admit_runtime::trace::Trace;
use admit_runtime::unit::{Unit, Write};
use admit_store::seal::SealKey;
use admit_store::{NewUser, SqlStore};

/// Sign-ins that are looked at.
const HISTORY: u32 = 50;
const CLASSES: [&str; 3] = ["nobody", "new", "returning"];

fn main() {
    // Without `--bench`, which `cargo bench` gives, it is only asked whether it runs at all.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 4_000 } else { 1 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let medians = runtime.block_on(measure(rounds));
    for (class, median) in CLASSES.iter().zip(&medians) {
        println!("{class:<10} {median:>8.1} us   {:>+8.1} us from nobody's", median - medians[0]);
    }
}

/// Microseconds, the median of each class.
async fn measure(rounds: usize) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let store = SqlStore::open(&folder.path().join("admit.db"), SealKey::new([7; 32])).await.unwrap();
    let tenant: TenantId = "local".parse().unwrap();
    for name in ["new", "returning"] {
        let user = NewUser {
            id: Some(format!("usr_{name}")),
            email: Some(format!("{name}@cymmetri.com")),
            name: Some("Somebody Else".to_owned()),
            ..NewUser::default()
        };
        store.add_user(&tenant, &user, at(1)).await.unwrap();
    }
    for number in 0..HISTORY {
        sign_in(&store, &tenant, i64::from(number)).await;
    }
    let mut times = vec![Vec::with_capacity(rounds); CLASSES.len()];
    // Interleaved, so that whatever else the machine does meets all.
    for _ in 0..rounds {
        for (class, times) in CLASSES.iter().zip(&mut times) {
            let start = Clock::now();
            once(&store, &tenant, class).await;
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    times.into_iter().map(median).collect()
}

/// The reads of both blocks where the password is wrong.
async fn once(store: &SqlStore, tenant: &TenantId, class: &str) {
    let identifier = format!("{class}@cymmetri.com");
    let user = store.user_by_identifier(tenant, &identifier).await.unwrap();
    assert_eq!(user.is_some(), class != "nobody");
    let id = format!("usr_{class}");
    store.user(tenant, &id).await.unwrap();
    store.user_by_identifier(tenant, &identifier).await.unwrap();
    store.credentials(tenant, &id, "password").await.unwrap();
    store.sign_ins(tenant, &id, HISTORY).await.unwrap();
}

/// A run that signs in, a day after the last.
async fn sign_in(store: &SqlStore, tenant: &TenantId, day: i64) {
    let at = at(day * 86_400);
    let write = Write::RecordSignIn {
        user_id: "usr_returning".to_owned(),
        at,
        device: Some("0123456789abcdef".to_owned()),
        country: Some("IN".to_owned()),
        position: None,
        ip: "203.0.113.9".to_owned(),
    };
    let run = RunCommit {
        run_id: format!("run_{day}"),
        flow: "login".to_owned(),
        bundle: [3; 32],
        seq: 0,
        user_id: Some("usr_returning".to_owned()),
        outcome: "allow".to_owned(),
        detail: None,
        suspended: None,
        context: None,
        kept: None,
        trace: Arc::new(Trace { events: Vec::new() }),
        unit: Arc::new(Unit { writes: vec![write], audit: Vec::new() }),
        at,
    };
    store.commit(tenant, run).await.unwrap();
}

fn at(seconds: i64) -> Instant {
    Instant { seconds, nanos: 0 }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
