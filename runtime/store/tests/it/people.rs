//! Users whom runs make and change: pending until the run ends well, gone where it does not, identifiers unique.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_runtime::host::{Store, StoreError};
use admit_runtime::unit::{Change, NewUser, Proved, Session, Unit, UserChanges, Write};
use admit_store::{SqlStore, Status};

use crate::support::*;

on_both! {
    a_user_of_a_run_that_ends_well_is_there_and_may_have_a_session,
    a_pending_user_is_seen_by_its_run_alone_and_takes_nothing_from_anybody,
    a_run_that_goes_on_and_ends_well_activates_its_user,
    deny_discards_the_user_and_keeps_the_record_of_the_run_readable,
    users_pending_for_long_are_purged,
    changed_identifiers_are_unique_and_no_longer_verified,
    of_racing_sign_ups_with_one_address_one_ends_well,
}

fn carol() -> Write {
    Write::InsertUser(Box::new(NewUser {
        id: "usr_carol".to_owned(),
        email: Some("Carol@canary-mail.example".to_owned()),
        name: Some("Carol".to_owned()),
        user_metadata: Datum::record([("theme", Datum::Str("dark".into()))]),
        ..NewUser::default()
    }))
}

fn changed(user_id: &str, changes: UserChanges) -> Write {
    Write::UpdateUser { user_id: user_id.to_owned(), changes: Box::new(changes) }
}

fn session_of(user_id: &str) -> Write {
    Write::InsertSession(Session {
        client_id: None,
        idle_seconds: None,
        id: "ses_1".to_owned(),
        user_id: user_id.to_owned(),
        aal: "aal1".to_owned(),
        methods: vec!["password".to_owned()],
        issued_at: at(1_000),
        expires_at: at(2_000),
    })
}

async fn commit_of(
    store: &SqlStore,
    (run, seq, outcome): (&str, u32, &str),
    writes: Vec<Write>,
) -> Result<(), StoreError> {
    let mut run = if outcome == "suspended" {
        suspended(run, seq, u8::try_from(seq).unwrap() + run.bytes().last().unwrap())
    } else {
        commit(run, seq, outcome)
    };
    run.unit = Unit { writes, audit: vec![entry("x")] }.into();
    run.user_id = Some("usr_carol".to_owned());
    store.commit(&tenant("local"), run).await
}

async fn resumed(store: &SqlStore, run: &str, seq: u32) {
    let token = u8::try_from(seq).unwrap() + run.bytes().last().unwrap();
    store.take_run(&tenant("local"), [token; 32], at(1_500)).await.unwrap();
}

async fn email_of(store: &SqlStore, identifier: &str) -> Option<String> {
    let user = store.user_by_identifier(&tenant("local"), identifier).await.unwrap()?;
    user.get("id").and_then(Datum::as_str).map(str::to_owned)
}

async fn a_user_of_a_run_that_ends_well_is_there_and_may_have_a_session(place: Place) {
    let store = place.open().await;
    commit_of(&store, ("run_1", 0, "session"), vec![carol(), session_of("usr_carol")]).await.unwrap();
    let user = store.user_by_identifier(&tenant("local"), "carol@CANARY-mail.example").await.unwrap().unwrap();
    assert_eq!(user.get("id"), Some(&Datum::Str("usr_carol".into())));
    assert_eq!(user.get("name"), Some(&Datum::Str("Carol".into())));
    assert_eq!(user.get("created_at"), Some(&Datum::Timestamp(at(1_000))));
    assert_eq!(user.get("user_metadata"), Some(&Datum::record([("theme", Datum::Str("dark".into()))])));
    assert_eq!(store.traces(&tenant("local"), "run_1").await.unwrap(), [Some(trace().encode().unwrap())]);
    let session = store.session(&tenant("local"), "ses_1", at(1_500)).await.unwrap().unwrap();
    assert_eq!((session.user_id.as_str(), session.aal.as_str()), ("usr_carol", "aal1"));
    assert_eq!(store.session(&tenant("local"), "ses_1", at(2_000)).await, Ok(None), "its time is over");
    assert_eq!(store.session(&tenant("other"), "ses_1", at(1_500)).await, Ok(None));
    store.set_status(&tenant("local"), "usr_carol", Status::Blocked).await.unwrap();
    assert_eq!(store.session(&tenant("local"), "ses_1", at(1_500)).await, Ok(None), "its user may not sign in");
}

async fn a_pending_user_is_seen_by_its_run_alone_and_takes_nothing_from_anybody(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    commit_of(&store, ("run_1", 0, "suspended"), vec![carol()]).await.unwrap();
    assert_eq!(store.user(&local, "usr_carol").await, Ok(None));
    assert_eq!(email_of(&store, "carol@canary-mail.example").await, None);
    for key in ["usr_carol", " CAROL@canary-mail.example"] {
        assert!(store.pending_user(&local, "run_1", key).await.unwrap().is_some(), "{key}");
        assert_eq!(store.pending_user(&local, "run_2", key).await, Ok(None));
        assert_eq!(store.pending_user(&tenant("other"), "run_1", key).await, Ok(None));
    }
    assert_eq!(
        commit_of(&store, ("run_2", 0, "session"), vec![session_of("usr_carol")]).await,
        Err(StoreError::Conflict),
        "nobody else signs a pending user in"
    );
    let twin = NewUser {
        id: "usr_twin".to_owned(),
        email: Some("carol@canary-mail.example".to_owned()),
        ..NewUser::default()
    };
    commit_of(&store, ("run_3", 0, "finalized"), vec![Write::InsertUser(Box::new(twin))]).await.unwrap();
    assert_eq!(email_of(&store, "carol@canary-mail.example").await.as_deref(), Some("usr_twin"));
    resumed(&store, "run_1", 0).await;
    assert_eq!(
        commit_of(&store, ("run_1", 1, "finalized"), Vec::new()).await,
        Err(StoreError::Conflict),
        "the identifier is somebody else's by now"
    );
    commit_of(&store, ("run_1", 1, "error"), Vec::new()).await.unwrap();
    assert_eq!(store.pending_user(&local, "run_1", "usr_carol").await, Ok(None));
}

async fn a_run_that_goes_on_and_ends_well_activates_its_user(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    commit_of(&store, ("run_1", 0, "suspended"), vec![carol()]).await.unwrap();
    resumed(&store, "run_1", 0).await;
    let named = UserChanges { username: Change::Set("carol".to_owned()), ..UserChanges::default() };
    commit_of(&store, ("run_1", 1, "session"), vec![changed("usr_carol", named), session_of("usr_carol")])
        .await
        .unwrap();
    for name in ["carol@canary-mail.example", "CAROL"] {
        assert_eq!(email_of(&store, name).await.as_deref(), Some("usr_carol"));
    }
    assert!(store.session(&local, "ses_1", at(1_500)).await.unwrap().is_some());
    assert_eq!(store.find_user(&local, "usr_carol").await.unwrap().unwrap().status, Status::Active);
}

async fn deny_discards_the_user_and_keeps_the_record_of_the_run_readable(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    let password = Write::SetPassword {
        user_id: "usr_carol".to_owned(),
        credential_id: "crd_1".to_owned(),
        hash: admit_runtime::unit::Material::new(HASH_CANARY.as_bytes()),
    };
    commit_of(&store, ("run_1", 0, "suspended"), vec![carol(), password]).await.unwrap();
    resumed(&store, "run_1", 0).await;
    commit_of(&store, ("run_1", 1, "deny"), Vec::new()).await.unwrap();
    assert_eq!(store.pending_user(&local, "run_1", "usr_carol").await, Ok(None));
    assert_eq!(store.user(&local, "usr_carol").await, Ok(None));
    assert!(store.credentials(&local, "usr_carol", "password").await.unwrap().is_empty());
    assert!(store.users(&local, None, 10).await.unwrap().is_empty());
    assert_eq!(store.set_status(&local, "usr_carol", Status::Active).await, Err(StoreError::NotFound));
    let trace = Some(trace().encode().unwrap());
    assert_eq!(store.traces(&local, "run_1").await.unwrap(), [trace.clone(), trace]);
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(2));
    commit_of(
        &store,
        ("run_2", 0, "finalized"),
        vec![Write::InsertUser(Box::new(NewUser {
            id: "usr_new".to_owned(),
            email: Some("carol@canary-mail.example".to_owned()),
            ..NewUser::default()
        }))],
    )
    .await
    .unwrap();
}

async fn users_pending_for_long_are_purged(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    commit_of(&store, ("run_1", 0, "suspended"), vec![carol()]).await.unwrap();
    assert_eq!(store.purge_pending(&local, at(1_000), at(5_000)).await, Ok(0), "not older than that");
    assert_eq!(store.purge_pending(&local, at(1_001), at(5_000)).await, Ok(1));
    assert_eq!(store.pending_user(&local, "run_1", "usr_carol").await, Ok(None));
    assert_eq!(store.purge_pending(&local, at(9_001), at(9_000)).await, Ok(0));
}

async fn changed_identifiers_are_unique_and_no_longer_verified(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    store.add_user(&local, &alice(), at(100)).await.unwrap();
    commit_of(&store, ("run_1", 0, "finalized"), vec![carol()]).await.unwrap();
    let verified = |value: &str| Write::SetVerified {
        user_id: "usr_carol".to_owned(),
        what: Proved::Email,
        value: value.to_owned(),
    };
    commit_of(&store, ("run_2", 0, "finalized"), vec![verified("CAROL@canary-mail.example")]).await.unwrap();
    let flag = async || {
        let user = store.user(&local, "usr_carol").await.unwrap().unwrap();
        user.get("email_verified").cloned()
    };
    assert_eq!(flag().await, Some(Datum::Bool(true)));
    let email = |text: &str| UserChanges { email: Change::Set(text.to_owned()), ..UserChanges::default() };
    assert_eq!(
        commit_of(&store, ("run_3", 0, "finalized"), vec![changed("usr_carol", email("alice@CANARY-mail.example"))])
            .await,
        Err(StoreError::Conflict)
    );
    let patch = UserChanges {
        user_metadata: Some(Datum::record([("theme", Datum::Null), ("size", Datum::Int(2))])),
        ..email("carol@new.example")
    };
    commit_of(&store, ("run_4", 0, "finalized"), vec![changed("usr_carol", patch)]).await.unwrap();
    assert_eq!(flag().await, Some(Datum::Bool(false)));
    assert_eq!(email_of(&store, "carol@new.example").await.as_deref(), Some("usr_carol"));
    assert_eq!(email_of(&store, "carol@canary-mail.example").await, None, "the old one is free");
    let user = store.user(&local, "usr_carol").await.unwrap().unwrap();
    assert_eq!(user.get("user_metadata"), Some(&Datum::record([("size", Datum::Int(2))])));
    assert_eq!(
        commit_of(&store, ("run_5", 0, "finalized"), vec![verified("carol@canary-mail.example")]).await,
        Err(StoreError::Conflict),
        "what was proved is not theirs any more"
    );
    let large = UserChanges {
        app_metadata: Some(Datum::record([("x", Datum::Str("x".repeat(70_000).into()))])),
        ..UserChanges::default()
    };
    assert_eq!(
        commit_of(&store, ("run_6", 0, "finalized"), vec![changed("usr_carol", large)]).await,
        Err(StoreError::Conflict)
    );
}

async fn of_racing_sign_ups_with_one_address_one_ends_well(place: Place) {
    let store = Arc::new(place.open().await);
    let mut racers = Vec::new();
    for number in 0..8 {
        let store = Arc::clone(&store);
        racers.push(tokio::spawn(async move {
            let user = NewUser {
                id: format!("usr_{number}"),
                email: Some(if number % 2 == 0 { "Same@x.example" } else { "same@X.example" }.to_owned()),
                ..NewUser::default()
            };
            commit_of(&store, (&format!("run_{number}"), 0, "finalized"), vec![Write::InsertUser(Box::new(user))]).await
        }));
    }
    let mut ended = Vec::new();
    for racer in racers {
        ended.push(racer.await.unwrap());
    }
    assert_eq!(ended.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(ended.iter().filter(|result| **result == Err(StoreError::Conflict)).count(), 7);
}
