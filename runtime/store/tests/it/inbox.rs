//! The inbox of users in the application.

use admit_runtime::host::{Store, StoreError};
use admit_runtime::unit::{InboxEntry, Unit, Write};

use super::support::*;

on_both! {
    an_inbox_is_its_users_alone_and_goes_with_the_user,
}

fn entry_of(user: &str, id: &str, second: i64) -> InboxEntry {
    InboxEntry {
        id: id.to_owned(),
        user_id: user.to_owned(),
        subject: "canary-subject".to_owned(),
        text: format!("text of {id}"),
        at: at(second),
        read_at: None,
    }
}

async fn an_inbox_is_its_users_alone_and_goes_with_the_user(place: Place) {
    let (store, a, b) = (place.open().await, tenant("a"), tenant("b"));
    store.add_user(&a, &alice(), at(1)).await.unwrap();
    let mut first = commit("run_1", 0, "allow");
    let entries = [("msg_1", 10), ("msg_2", 20), ("msg_3", 20), ("msg_1", 30)];
    let mut writes: Vec<Write> =
        entries.iter().map(|(id, at)| Write::InsertInbox(entry_of("usr_alice", id, *at))).collect();
    writes.push(Write::InsertInbox(entry_of("usr_nobody", "msg_9", 5)));
    first.unit = Unit { writes, audit: Vec::new() }.into();
    store.commit(&a, first).await.unwrap();

    let ids = |entries: Vec<InboxEntry>| entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids(store.inbox(&a, "usr_alice", None, 10).await.unwrap()), ["msg_3", "msg_2", "msg_1"]);
    assert_eq!(ids(store.inbox(&a, "usr_alice", Some("msg_3"), 1).await.unwrap()), ["msg_2"]);
    assert_eq!(ids(store.inbox(&a, "usr_alice", Some("no-such"), 9).await.unwrap()), Vec::<String>::new());
    assert_eq!(ids(store.inbox(&b, "usr_alice", None, 10).await.unwrap()), Vec::<String>::new());
    assert_eq!(ids(store.inbox(&a, "usr_nobody", None, 10).await.unwrap()), Vec::<String>::new());

    assert_eq!(store.mark_read(&b, "usr_alice", "msg_1", at(40)).await, Err(StoreError::NotFound));
    assert_eq!(store.mark_read(&a, "usr_other", "msg_1", at(40)).await, Err(StoreError::NotFound));
    store.mark_read(&a, "usr_alice", "msg_1", at(40)).await.unwrap();
    store.mark_read(&a, "usr_alice", "msg_1", at(50)).await.unwrap();
    let last = store.inbox(&a, "usr_alice", None, 10).await.unwrap().pop().unwrap();
    assert_eq!((last.text.as_str(), last.at, last.read_at), ("text of msg_1", at(10), Some(at(40))));

    let stored = place.bytes().await;
    assert!(!stored.windows(14).any(|part| part == b"canary-subject"));
    store.erase_user(&a, "usr_alice", at(60)).await.unwrap();
    assert_eq!(store.inbox(&a, "usr_alice", None, 10).await.unwrap(), []);
}
