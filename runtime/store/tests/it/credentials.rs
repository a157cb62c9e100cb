//! Credentials and sessions as runs write them: sealed, counted once, replaced, revoked.

use admit_eval::datum::Datum;
use admit_runtime::host::{Store, StoreError};
use admit_runtime::unit::{Material, NewCredential, Revoke, Session, Unit, Write};
use admit_store::SqlStore;

use crate::support::*;

on_both! {
    a_credential_comes_back_with_its_data_and_is_a_factor,
    what_counts_once_counts_once,
    a_new_password_takes_the_place_of_the_old_one,
    sessions_are_revoked_one_all_or_all_others,
}

fn credential(id: &str, kind: &str, external: Option<&[u8]>) -> Write {
    Write::InsertCredential(Box::new(NewCredential {
        id: id.to_owned(),
        user_id: "usr_alice".to_owned(),
        kind: kind.to_owned(),
        material: Material::new(*b"canary-material"),
        data: Datum::record([("label", Datum::Str("canary-label".into()))]),
        counter: Some(4),
        external_id: external.map(<[u8]>::to_vec),
    }))
}

async fn world(place: &Place) -> SqlStore {
    let store = place.open().await;
    store.add_user(&tenant("local"), &alice(), at(100)).await.unwrap();
    store
}

async fn write(store: &SqlStore, run: &str, outcome: &str, writes: Vec<Write>) -> Result<(), StoreError> {
    let mut run = commit(run, 0, outcome);
    run.unit = Unit { writes, audit: Vec::new() }.into();
    store.commit(&tenant("local"), run).await
}

async fn factors(store: &SqlStore) -> Datum {
    store.user(&tenant("local"), "usr_alice").await.unwrap().unwrap().get("factors").unwrap().clone()
}

async fn a_credential_comes_back_with_its_data_and_is_a_factor(place: Place) {
    let (store, local) = (world(&place).await, tenant("local"));
    write(&store, "run_1", "finalized", vec![credential("crd_key", "webauthn", Some(b"raw-id"))]).await.unwrap();
    let stored = store.credentials(&local, "usr_alice", "webauthn").await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].material.expose(), stored[0].counter), (&b"canary-material"[..], Some(4)));
    assert_eq!(stored[0].data.get("label"), Some(&Datum::Str("canary-label".into())));
    assert_eq!(stored[0].created_at, at(1_000));
    let named = store.credential_by_external_id(&local, "webauthn", b"raw-id").await.unwrap().unwrap();
    assert_eq!((named.id.as_str(), named.user_id.as_str()), ("crd_key", "usr_alice"));
    assert!(store.credential_by_external_id(&local, "social", b"raw-id").await.unwrap().is_none());
    assert!(store.credential_by_external_id(&tenant("other"), "webauthn", b"raw-id").await.unwrap().is_none());
    assert_eq!(factors(&store).await, Datum::List(vec![Datum::Str("totp".into()), Datum::Str("webauthn".into())]));
    let list = store.credential_list(&local, "usr_alice").await.unwrap();
    let kinds: Vec<&str> = list.iter().map(|credential| credential.kind.as_str()).collect();
    assert_eq!(kinds.len(), 3);
    assert!(["password", "totp", "webauthn"].iter().all(|kind| kinds.contains(kind)));
    assert_eq!(
        write(&store, "run_2", "finalized", vec![credential("crd_twin", "webauthn", Some(b"raw-id"))]).await,
        Err(StoreError::Conflict),
        "an authenticator's id is registered once"
    );
    let other = Datum::record([("label", Datum::Str("blue".into()))]);
    let (user_id, credential_id) = ("usr_alice".to_owned(), "crd_key".to_owned());
    let update =
        Write::UpdateCredential { user_id: user_id.clone(), credential_id: credential_id.clone(), data: other };
    write(&store, "run_3", "finalized", vec![update]).await.unwrap();
    let stored = store.credentials(&local, "usr_alice", "webauthn").await.unwrap();
    assert_eq!(stored[0].data.get("label"), Some(&Datum::Str("blue".into())));
    write(&store, "run_4", "finalized", vec![Write::DeleteCredential { user_id, credential_id }]).await.unwrap();
    assert_eq!(factors(&store).await, Datum::List(vec![Datum::Str("totp".into())]));
}

async fn what_counts_once_counts_once(place: Place) {
    let store = world(&place).await;
    let codes = vec![credential("crd_a", "backup_code", None), credential("crd_b", "backup_code", None)];
    write(&store, "run_1", "finalized", codes).await.unwrap();
    let take = || vec![Write::TakeCredential { credential_id: "crd_a".to_owned() }];
    let mut racers = Vec::new();
    for number in 0..8 {
        let store = store.clone();
        racers.push(tokio::spawn(async move { write(&store, &format!("run_r{number}"), "session", take()).await }));
    }
    let mut taken = 0;
    for racer in racers {
        taken += usize::from(racer.await.unwrap().is_ok());
    }
    assert_eq!(taken, 1);
    assert_eq!(store.credentials(&tenant("local"), "usr_alice", "backup_code").await.unwrap().len(), 1);
    write(&store, "run_2", "deny", take()).await.unwrap();

    write(&store, "run_3", "finalized", vec![credential("crd_h", "hotp", None)]).await.unwrap();
    let advance = |to| vec![Write::AdvanceCounter { credential_id: "crd_h".to_owned(), to }];
    assert_eq!(write(&store, "run_4", "session", advance(4)).await, Err(StoreError::Conflict));
    write(&store, "run_5", "session", advance(7)).await.unwrap();
    assert_eq!(write(&store, "run_6", "session", advance(6)).await, Err(StoreError::Conflict));
    assert_eq!(store.credentials(&tenant("local"), "usr_alice", "hotp").await.unwrap()[0].counter, Some(7));
}

async fn a_new_password_takes_the_place_of_the_old_one(place: Place) {
    let (store, local) = (world(&place).await, tenant("local"));
    let set = Write::SetPassword {
        user_id: "usr_alice".to_owned(),
        credential_id: "crd_new".to_owned(),
        hash: Material::new(*b"$argon2id$new"),
    };
    assert!(!format!("{set:?}").contains("argon2id"), "printing a write gives nothing secret");
    write(&store, "run_1", "finalized", vec![set]).await.unwrap();
    let stored = store.credentials(&local, "usr_alice", "password").await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].id.as_str(), stored[0].material.expose()), ("crd_new", &b"$argon2id$new"[..]));
}

async fn sessions_are_revoked_one_all_or_all_others(place: Place) {
    let (store, local) = (world(&place).await, tenant("local"));
    let session = |id: &str| {
        Write::InsertSession(Session {
            client_id: None,
            idle_seconds: None,
            id: id.to_owned(),
            user_id: "usr_alice".to_owned(),
            aal: "aal1".to_owned(),
            methods: vec!["password".to_owned()],
            issued_at: at(1),
            expires_at: at(9_000),
        })
    };
    let all = ["ses_1", "ses_2", "ses_3", "ses_4"];
    write(&store, "run_1", "finalized", all.iter().map(|id| session(id)).collect()).await.unwrap();
    let left = async || {
        let mut left = Vec::new();
        for id in all {
            left.extend(store.session(&local, id, at(2_000)).await.unwrap().map(|session| session.id));
        }
        left
    };
    let revoke = |user: &str, which| vec![Write::RevokeSessions { user_id: user.to_owned(), which }];
    write(&store, "run_2", "finalized", revoke("usr_bob", Revoke::All)).await.unwrap();
    assert_eq!(left().await, all, "another user's stay");
    write(&store, "run_3", "finalized", revoke("usr_alice", Revoke::One("ses_1".to_owned()))).await.unwrap();
    assert_eq!(left().await, ["ses_2", "ses_3", "ses_4"]);
    write(&store, "run_4", "finalized", revoke("usr_alice", Revoke::Others("ses_3".to_owned()))).await.unwrap();
    assert_eq!(left().await, ["ses_3"]);
    write(&store, "run_5", "finalized", revoke("usr_alice", Revoke::All)).await.unwrap();
    assert!(left().await.is_empty());
}
