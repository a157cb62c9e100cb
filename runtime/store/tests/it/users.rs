//! Users: identifiers are unique and made equal, imports are all or nothing, tenants do not see each other.

use admit_eval::datum::Datum;
use admit_runtime::host::{Store, StoreError};
use admit_runtime::unit::{Session, Unit, Write};
use admit_store::{NewUser, Passwords, Status, UserError, parse_users};

use crate::support::*;

on_both! {
    a_user_is_found_by_each_identifier_however_it_is_typed,
    identifiers_are_unique_in_a_tenant,
    credentials_come_back_as_they_were_given,
    an_import_is_all_or_nothing_and_names_its_lines,
    blocked_users_get_no_session_and_pending_ones_are_not_there,
    erasing_a_user_leaves_the_chain_whole_and_the_data_unreadable,
}

fn text_field(user: &Datum, name: &str) -> Option<String> {
    let Datum::Map(fields) = user else { panic!("a user is a record") };
    fields.iter().find(|(key, _)| *key == Datum::Str(name.into())).map(|(_, value)| match value {
        Datum::Str(text) => text.to_string(),
        other => format!("{other:?}"),
    })
}

async fn a_user_is_found_by_each_identifier_however_it_is_typed(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    store.add_user(&local, &alice(), at(100)).await.unwrap();
    for typed in
        ["alice@canary-mail.EXAMPLE", " Alice@Canary-Mail.example ", "+91205550199", "+91 (20) 555 0199", "CanaryAlice"]
    {
        let user = store.user_by_identifier(&local, typed).await.unwrap().unwrap_or_else(|| panic!("{typed}"));
        assert_eq!(text_field(&user, "id").as_deref(), Some("usr_alice"));
        assert_eq!(text_field(&user, "email").as_deref(), Some("Alice@Canary-Mail.example"));
        assert_eq!(text_field(&user, "factors").as_deref(), Some("List([Str(\"totp\")])"));
        assert_eq!(text_field(&user, "name"), None);
    }
    assert_eq!(store.user_by_identifier(&local, "bob@canary-mail.example").await, Ok(None));
    // T1: another tenant does not see it.
    assert_eq!(store.user_by_identifier(&tenant("other"), "canaryalice").await, Ok(None));
    assert_eq!(store.user(&tenant("other"), "usr_alice").await, Ok(None));
    assert!(store.credentials(&tenant("other"), "usr_alice", "password").await.unwrap().is_empty());
}

async fn identifiers_are_unique_in_a_tenant(place: Place) {
    let store = place.open().await;
    store.add_user(&tenant("local"), &alice(), at(100)).await.unwrap();
    let twin = NewUser { id: None, username: Some("CANARYALICE".to_owned()), ..NewUser::default() };
    assert_eq!(store.add_user(&tenant("local"), &twin, at(100)).await, Err(UserError::Taken("CANARYALICE".to_owned())));
    store.add_user(&tenant("other"), &twin, at(100)).await.unwrap();
    assert_eq!(store.users(&tenant("local"), None, 10).await.unwrap().len(), 1);
}

async fn credentials_come_back_as_they_were_given(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    store.add_user(&local, &alice(), at(100)).await.unwrap();
    let password = store.credentials(&local, "usr_alice", "password").await.unwrap();
    assert_eq!(password[0].material.expose(), HASH_CANARY.as_bytes());
    let totp = store.credentials(&local, "usr_alice", "totp").await.unwrap();
    assert_eq!(totp[0].material.expose(), b"Hello!\xde\xad\xbe\xefHello!\xde\xad\xbe\xef");
    assert_eq!(totp[0].last_step, None);
}

async fn an_import_is_all_or_nothing_and_names_its_lines(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    let passwords = Passwords { hash: &|password| Ok(format!("$argon2id${}", password.len())), fault: &|_| None };
    let text = "{\"email\":\"a@x.example\"}\n\n{\"email\":\"b@x.example\",\"shoe_size\":9}\n{\"name\":\"nobody\"}\n{\"email\":\"A@X.example\"}\n{\"email\":\n{\"email\":\"c@x.example\",\"groups\":\"hunter2\"}\n{\"email\":\"d@x.example\",\"password\":\"x\",\"password_hash\":\"y\"}";
    let faults: Vec<String> = parse_users(text, &passwords).err().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 6, "{faults:#?}");
    assert!(faults[0].starts_with("line 3: unknown field `shoe_size`"), "{faults:#?}");
    assert!(faults[1].starts_with("line 4: a user needs"), "{faults:#?}");
    assert!(faults[2].starts_with("line 5: `A@X.example` is on line 1 already"), "{faults:#?}");
    assert!(faults[3].starts_with("line 6: "), "{faults:#?}");
    assert_eq!(faults[4], "line 7: a value is of the wrong type: expected a sequence (column 41)");
    assert_eq!(faults[5], "line 8: write `password` or `password_hash`, not both");
    let with_password = parse_users("{\"email\":\"a@x.example\",\"password\":\"four\"}", &passwords).ok().unwrap();
    assert_eq!(with_password[0].1.password_hash.as_deref(), Some("$argon2id$4"));
    assert!(with_password[0].1.password.is_none());

    store.add_user(&local, &alice(), at(1)).await.unwrap();
    let users = parse_users("{\"email\":\"a@x.example\"}\n{\"username\":\"canaryalice\"}", &passwords).ok().unwrap();
    let fault = store.import_users(&local, &users, at(2)).await.unwrap_err();
    assert_eq!(fault.to_string(), "line 2: `canaryalice` belongs to another user");
    assert_eq!(store.users(&local, None, 10).await.unwrap().len(), 1);
    let users = parse_users("{\"email\":\"a@x.example\"}\n{\"username\":\"bob\"}", &passwords).ok().unwrap();
    assert_eq!(store.import_users(&local, &users, at(2)).await, Ok(2));
}

async fn blocked_users_get_no_session_and_pending_ones_are_not_there(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    store.add_user(&local, &alice(), at(100)).await.unwrap();
    let session = Session {
        client_id: None,
        idle_seconds: None,
        id: "ses_1".to_owned(),
        user_id: "usr_alice".to_owned(),
        aal: "aal1".to_owned(),
        methods: vec!["password".to_owned()],
        issued_at: at(1),
        expires_at: at(2),
    };
    let mut run = commit("run_1", 0, "session");
    run.unit = Unit { writes: vec![Write::InsertSession(session)], audit: vec![entry("x")] }.into();
    store.set_status(&local, "usr_alice", Status::Blocked).await.unwrap();
    assert_eq!(store.commit(&local, run.clone()).await, Err(StoreError::Conflict));
    assert!(store.runs(&local, 10).await.unwrap().is_empty(), "nothing of a failed commit stays");
    assert!(store.audit(&local, 0, 10).await.unwrap().is_empty());
    let user = store.user(&local, "usr_alice").await.unwrap().unwrap();
    assert_eq!(text_field(&user, "blocked").as_deref(), Some("Bool(true)"));

    store.set_status(&local, "usr_alice", Status::Pending).await.unwrap();
    assert_eq!(store.user(&local, "usr_alice").await, Ok(None));
    assert_eq!(store.commit(&local, run.clone()).await, Err(StoreError::Conflict));

    store.set_status(&local, "usr_alice", Status::Active).await.unwrap();
    store.commit(&local, run).await.unwrap();
    assert_eq!(store.set_status(&local, "usr_nobody", Status::Active).await, Err(StoreError::NotFound));
}

async fn erasing_a_user_leaves_the_chain_whole_and_the_data_unreadable(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    store.add_user(&local, &alice(), at(100)).await.unwrap();
    let mut run = suspended("run_1", 0, 9);
    run.user_id = Some("usr_alice".to_owned());
    store.commit(&local, run).await.unwrap();
    assert_eq!(store.traces(&local, "run_1").await.unwrap(), [Some(trace().encode().unwrap())]);
    store.erase_user(&local, "usr_alice", at(200)).await.unwrap();
    assert_eq!(store.user(&local, "usr_alice").await, Ok(None));
    assert_eq!(store.user_by_identifier(&local, "canaryalice").await, Ok(None));
    assert_eq!(store.traces(&local, "run_1").await.unwrap(), [None]);
    assert_eq!(store.audit(&local, 0, 10).await.unwrap()[0].entry.data, Datum::Null);
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(1));
    assert_eq!(store.take_run(&local, [9; 32], at(1_500)).await.err(), Some(StoreError::NotFound));
    assert_eq!(store.set_status(&local, "usr_alice", Status::Active).await, Err(StoreError::NotFound));
}
