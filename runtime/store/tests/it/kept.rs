//! What else is kept, on both databases: signing keys, failures, bundles, sessions in use and families that end.

use admit_runtime::host::{Secret, Store, StoreError, WaitingRun};
use admit_runtime::keys::{KeyState, Keys, StoredKey};
use admit_runtime::session::Sessions as _;
use admit_runtime::unit::{Family, Session, Unit, Write};
use admit_store::{SqlStore, Status};

use crate::support::*;

on_both! {
    signing_keys_rotate_once_and_go_when_no_session_needs_them,
    failures_are_told_newest_first_and_forgotten,
    bundles_stay_for_the_runs_that_wait_for_them,
    a_session_in_use_lives_until_it_idles_or_its_user_is_blocked,
    a_family_that_ends_takes_its_session_along,
}

fn stored_key(id: &str, state: KeyState) -> StoredKey {
    let private = Secret::new(id.as_bytes());
    StoredKey { id: id.to_owned(), algorithm: "EdDSA".to_owned(), state, private, created_at: at(1), retired_at: None }
}

async fn write(store: &SqlStore, run: &str, outcome: &str, writes: Vec<Write>) -> Result<(), StoreError> {
    let mut run = commit(run, 0, outcome);
    run.unit = Unit { writes, audit: Vec::new() }.into();
    store.commit(&tenant("local"), run).await
}

/// Idle for at most 100 seconds.
fn session(id: &str) -> Write {
    Write::InsertSession(Session {
        id: id.to_owned(),
        user_id: "usr_alice".to_owned(),
        aal: "aal1".to_owned(),
        methods: vec!["password".to_owned()],
        issued_at: at(1_000),
        expires_at: at(9_000),
        client_id: None,
        idle_seconds: Some(100),
    })
}

async fn world(place: &Place) -> SqlStore {
    let store = place.open().await;
    store.add_user(&tenant("local"), &alice(), at(1)).await.unwrap();
    store
}

async fn signing_keys_rotate_once_and_go_when_no_session_needs_them(place: Place) {
    let (store, local) = (world(&place).await, tenant("local"));
    let first = || [stored_key("k1", KeyState::Current), stored_key("k2", KeyState::Next)];
    store.add_first_keys(&local, first(), at(1)).await.unwrap();
    store
        .add_first_keys(&local, [stored_key("k8", KeyState::Current), stored_key("k9", KeyState::Next)], at(1))
        .await
        .unwrap();
    write(&store, "run_1", "session", vec![session("ses_1")]).await.unwrap();
    let rotations: Vec<_> = (3..11)
        .map(|number| {
            let store = store.clone();
            let next = stored_key(&format!("k{number}"), KeyState::Next);
            tokio::spawn(async move { store.rotate_keys(&tenant("local"), "k1", next, at(1_100)).await })
        })
        .collect();
    let mut rotated = 0;
    for rotation in rotations {
        match rotation.await.unwrap() {
            Ok(()) => rotated += 1,
            Err(error) => assert_eq!(error, StoreError::Conflict),
        }
    }
    assert_eq!(rotated, 1);
    let keys = Keys::keys(&store, &local).await.unwrap();
    let of =
        |state: KeyState| keys.iter().filter(|key| key.state == state).map(|key| key.id.as_str()).collect::<Vec<_>>();
    assert_eq!((of(KeyState::Retired), of(KeyState::Current), of(KeyState::Next).len()), (vec!["k1"], vec!["k2"], 1));
    assert!(keys.iter().all(|key| key.private.expose() == key.id.as_bytes()));
    assert_eq!(
        store.prune_keys(&local, at(5_000)).await.unwrap(),
        Vec::<String>::new(),
        "the session may hold a token"
    );
    assert_eq!(store.prune_keys(&local, at(10_000)).await.unwrap(), ["k1"]);
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(5));
}

async fn failures_are_told_newest_first_and_forgotten(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    for second in [10, 30, 20] {
        store.note_failure(&local, "a", at(second)).await.unwrap();
    }
    store.note_failure(&local, "b", at(40)).await.unwrap();
    assert_eq!(store.failures(&local, "a", at(20), 9).await.unwrap(), [at(30), at(20)]);
    assert_eq!(store.failures(&local, "a", at(0), 1).await.unwrap(), [at(30)]);
    assert_eq!(store.failures(&tenant("other"), "a", at(0), 9).await.unwrap(), []);
    store.note_failure(&local, "a", at(300_000)).await.unwrap();
    assert_eq!(store.failures(&local, "a", at(0), 9).await.unwrap(), [at(300_000)], "old ones go");
    store.forget_failures(&local, "a").await.unwrap();
    assert_eq!(store.failures(&local, "a", at(0), 9).await.unwrap(), []);
    assert_eq!(store.failures(&local, "b", at(0), 9).await.unwrap(), [at(40)]);
}

async fn bundles_stay_for_the_runs_that_wait_for_them(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    store.put_bundle(&local, [3; 32], b"first", at(1)).await.unwrap();
    store.put_bundle(&local, [3; 32], b"second", at(2)).await.unwrap();
    assert_eq!(store.bundle(&local, [3; 32]).await.unwrap(), Some(b"first".to_vec()));
    assert_eq!(store.bundle(&tenant("other"), [3; 32]).await.unwrap(), None);
    store.commit(&local, suspended("run_1", 0, 1)).await.unwrap();
    let waiting = WaitingRun { run_id: "run_1".to_owned(), bundle: [3; 32] };
    assert_eq!(store.waiting_run(&local, [1; 32]).await.unwrap(), Some(waiting));
    store.take_run(&local, [1; 32], at(1_500)).await.unwrap();
    assert_eq!(store.waiting_run(&local, [1; 32]).await.unwrap(), None);
}

async fn a_session_in_use_lives_until_it_idles_or_its_user_is_blocked(place: Place) {
    let (store, local) = (world(&place).await, tenant("local"));
    write(&store, "run_1", "session", vec![session("ses_1"), session("ses_2")]).await.unwrap();
    let used = async |id: &str, second: i64| store.use_session(&local, id, at(second)).await.unwrap().is_some();
    assert!(used("ses_1", 1_090).await && used("ses_1", 1_180).await);
    assert!(!used("ses_2", 1_180).await, "it has idled");
    let live = store.live_sessions(&local, "usr_alice", at(1_190)).await.unwrap();
    assert_eq!(live.iter().map(|session| session.id.as_str()).collect::<Vec<_>>(), ["ses_1"]);
    store.set_status(&local, "usr_alice", Status::Blocked).await.unwrap();
    assert!(!used("ses_1", 1_200).await);
    store.set_status(&local, "usr_alice", Status::Active).await.unwrap();
    assert!(used("ses_1", 1_200).await);
    store.erase_user(&local, "usr_alice", at(1_210)).await.unwrap();
    assert_eq!(store.set_status(&local, "usr_alice", Status::Active).await, Err(StoreError::NotFound));
    assert!(!used("ses_1", 1_220).await);
}

async fn a_family_that_ends_takes_its_session_along(place: Place) {
    let (store, local) = (world(&place).await, tenant("local"));
    let family = Family {
        id: "fam_1".to_owned(),
        session_id: "ses_1".to_owned(),
        client_id: "app".to_owned(),
        audience: "api".to_owned(),
        scopes: vec!["a".to_owned(), "b".to_owned()],
        expires_at: at(8_000),
    };
    let first = Write::InsertFamily(family.clone(), [1; 32]);
    write(&store, "run_1", "tokens", vec![session("ses_1"), first]).await.unwrap();
    let token = store.sessions().refresh_token(&local, [1; 32], at(1_050)).await.unwrap().unwrap();
    assert_eq!((token.is_live, token.generation, token.family), (true, 0, family));
    let end = Write::RevokeFamily { family_id: "fam_1".to_owned(), session_id: "ses_1".to_owned() };
    write(&store, "run_2", "deny", vec![end]).await.unwrap();
    let token = store.sessions().refresh_token(&local, [1; 32], at(1_050)).await.unwrap().unwrap();
    assert!(!token.is_live);
    assert_eq!(store.session(&local, "ses_1", at(1_050)).await, Ok(None));
}
