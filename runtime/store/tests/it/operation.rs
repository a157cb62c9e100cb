//! What operators do: cut off audit, remove what is old, erase a user, back everything up and move it to another database.

use std::io::Cursor;
use std::sync::Arc;

use admit_runtime::host::{Store, StoreError};
use admit_runtime::unit::Write;
use admit_store::seal::SealKey;
use admit_store::{
    BackupError, Delivered, JobNext, Kept, NewWebhook, SqlStore, WEBHOOK_JOB, WebhookChange, check_backup,
};

use crate::support::*;

on_both! {
    t23_a_chain_that_was_cut_off_verifies_and_hides_nothing,
    t23_what_does_not_verify_is_not_cut_off,
    what_is_old_goes_and_nothing_else,
    an_erased_user_is_gone_and_the_chain_is_whole,
    a_backup_moves_everything_to_either_database,
    a_backup_that_is_not_whole_changes_nothing,
    subscribers_are_told_of_each_entry_once,
    a_subscription_that_fails_for_days_is_turned_off,
    f24_a_migration_that_was_killed_is_done_by_the_next,
}

const BY: (&str, admit_eval::value::Instant) = ("test", admit_eval::value::Instant { seconds: 9_000, nanos: 0 });

/// A store with ten runs, at 1,000 seconds each.
async fn ten(place: &Place) -> SqlStore {
    let store = place.open().await;
    for run in 0..10 {
        store.commit(&tenant("local"), commit(&format!("run_{run}"), 0, "deny")).await.unwrap();
    }
    store
}

async fn t23_a_chain_that_was_cut_off_verifies_and_hides_nothing(place: Place) {
    let (store, local) = (ten(&place).await, tenant("local"));
    assert_eq!(store.prunable(&local, Kept::Audit, at(1_000)).await, Ok(0));
    assert_eq!(store.prunable(&local, Kept::Audit, at(2_000)).await, Ok(10));
    assert_eq!(store.prune_audit(&local, at(2_000), 4, BY).await, Ok(4));
    assert_eq!(store.audit_pruned(&local).await, Ok(4));
    // The cut is an entry itself.
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(11));
    let left = store.audit(&local, 0, 100).await.unwrap();
    assert_eq!((left[0].seq, left.len(), left[6].entry.kind.as_str()), (5, 7, "audit.pruned"));
    assert_eq!(store.prune_audit(&local, at(2_000), 100, BY).await, Ok(6));
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(12));
    assert_eq!(store.prune_audit(&local, at(2_000), 100, BY).await, Ok(0), "what is left is young");
    assert_eq!(store.verify_audit(&tenant("other")).await.unwrap(), Ok(0));

    // Cutting off more than was told is noticed, and so is a checkpoint of somebody else's.
    for (statements, found) in [
        (vec!["DELETE FROM audit_checkpoints"], "audit entry 1: missing"),
        (
            vec!["UPDATE audit_checkpoints SET seq = 11, hash = (SELECT hash FROM audit WHERE seq = 11)"],
            "audit entry 11: the checkpoint of the chain was not written by this store",
        ),
        (
            vec![
                "INSERT INTO audit SELECT tenant, 3, id || 'x', at, kind, actor, target, outcome, run_id, user_id, \
                 sealed_data, hash, hash FROM audit WHERE seq = 11",
            ],
            "audit entry 10: an entry lies before the checkpoint of the chain",
        ),
    ] {
        let place = place.another().await;
        let store = ten(&place).await;
        store.prune_audit(&local, at(2_000), 10, BY).await.unwrap();
        place.execute(&statements).await.unwrap();
        assert_eq!(store.verify_audit(&local).await.unwrap().unwrap_err().to_string(), found);
    }
    // Entries behind the checkpoint are as safe as they were before.
    let refused = place.execute(&["DELETE FROM audit WHERE seq = 12"]).await.unwrap_err().to_string();
    assert!(refused.contains("audit is append-only"), "{refused}");
}

async fn t23_what_does_not_verify_is_not_cut_off(place: Place) {
    let (store, local) = (ten(&place).await, tenant("local"));
    let on = if place.is_postgres() { " ON audit" } else { "" };
    let statements =
        [&format!("DROP TRIGGER audit_no_update{on}"), "UPDATE audit SET outcome = 'denied' WHERE seq = 6"];
    let statements = statements.map(|text| text.to_string());
    place.execute(&[&statements[0], &statements[1]]).await.unwrap();
    let refused = store.prune_audit(&local, at(2_000), 10, BY).await.unwrap_err();
    assert_eq!(refused, StoreError::Failed("audit entry 6: it was changed; nothing was cut off".to_owned()));
    assert_eq!(store.prune_audit(&local, at(2_000), 5, BY).await, Ok(5), "up to there it may");
    assert_eq!(store.verify_audit(&local).await.unwrap().unwrap_err().seq, 6);
}

async fn what_is_old_goes_and_nothing_else(place: Place) {
    let (store, local, other) = (ten(&place).await, tenant("local"), tenant("other"));
    store.commit(&other, commit("run_1", 0, "deny")).await.unwrap();
    let mut young = commit("run_young", 0, "deny");
    young.at = at(5_000);
    store.commit(&local, young).await.unwrap();
    // One that waits is kept as long as it may be resumed: until 2,000.
    store.commit(&local, suspended("run_waits", 0, 1)).await.unwrap();
    let mut queues = commit("run_queues", 0, "deny");
    let (key, kind) = ("run_queues/x/1".to_owned(), "block".to_owned());
    Arc::make_mut(&mut queues.unit).writes.push(Write::Enqueue { key, kind, payload: b"x".to_vec() });
    store.commit(&local, queues).await.unwrap();

    assert_eq!(store.prunable(&local, Kept::Traces, at(1_001)).await, Ok(12));
    assert_eq!(store.prune(&local, Kept::Traces, at(1_001), 100, BY).await, Ok(12));
    assert_eq!(store.prunable(&local, Kept::Runs, at(1_001)).await, Ok(11));
    assert_eq!(store.prune(&local, Kept::Runs, at(1_001), 4, BY).await, Ok(4));
    assert_eq!(store.prune(&local, Kept::Runs, at(1_001), 100, BY).await, Ok(7));
    assert!(store.run(&local, "run_waits").await.unwrap().is_some());
    assert_eq!(store.prune(&local, Kept::Runs, at(3_000), 100, BY).await, Ok(1), "now it may not be resumed any more");
    assert!(store.run(&local, "run_young").await.unwrap().is_some());
    assert!(store.run(&other, "run_1").await.unwrap().is_some());

    // A job that is to be done is kept however old it is.
    assert_eq!(store.prune(&local, Kept::Jobs, at(9_000), 100, BY).await, Ok(0));
    let job = store.take_job(&local, at(6_000), 10).await.unwrap().unwrap();
    let end = admit_runtime::execute::job::JobEnd::default();
    store.end_job(&local, (&job.key, job.attempt), &JobNext::Done, &end, at(6_001)).await.unwrap();
    assert_eq!(store.prunable(&local, Kept::Jobs, at(6_002)).await, Ok(1));
    assert_eq!(store.prune(&local, Kept::Jobs, at(6_002), 100, BY).await, Ok(1));
    for kept in [Kept::Challenges, Kept::Sessions] {
        assert_eq!(store.prunable(&local, kept, at(9_000)).await, Ok(0));
        assert_eq!(store.prune(&local, kept, at(9_000), 100, BY).await, Ok(0));
    }
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(13), "the log is cut off by itself alone");
}

async fn an_erased_user_is_gone_and_the_chain_is_whole(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    store.add_user(&local, &alice(), at(100)).await.unwrap();
    let mut run = commit("run_1", 0, "deny");
    run.user_id = Some("usr_alice".to_owned());
    store.commit(&local, run).await.unwrap();
    assert_ne!(store.audit(&local, 0, 10).await.unwrap()[0].entry.data, admit_eval::datum::Datum::Null);
    let told = admit_runtime::unit::AuditEntry { kind: "user.deleted".to_owned(), ..entry("by an operator") };
    assert_eq!(store.delete_user(&tenant("other"), "usr_alice", &told, at(200)).await, Err(StoreError::NotFound));
    assert_eq!(store.delete_user(&local, "usr_alice", &told, at(200)).await, Ok(()));
    assert_eq!(store.delete_user(&local, "usr_alice", &told, at(201)).await, Err(StoreError::NotFound), "once");
    assert!(store.find_user(&local, "alice@canary-mail.example").await.unwrap().is_none());
    let entries = store.audit(&local, 0, 10).await.unwrap();
    assert_eq!(entries[0].entry.data, admit_eval::datum::Datum::Null, "nobody can read it any more");
    assert_eq!(entries[1].entry.kind, "user.deleted");
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(2));
}

async fn a_backup_moves_everything_to_either_database(place: Place) {
    let (store, local) = (ten(&place).await, tenant("local"));
    store.add_user(&local, &alice(), at(100)).await.unwrap();
    store.commit(&local, suspended("run_waits", 0, 1)).await.unwrap();
    store.prune_audit(&local, at(2_000), 3, BY).await.unwrap();
    for number in 0..100 {
        let slug = format!("tenant-{number}");
        store.commit(&tenant(&slug), commit("run_1", 0, "deny")).await.unwrap();
    }
    let mut file = Vec::new();
    let made = store.backup(&mut file, at(7_000)).await.unwrap();
    assert_eq!(check_backup(&mut Cursor::new(&file)).unwrap(), made);
    let count = |name: &str| made.tables.iter().find(|(table, _)| table == name).unwrap().1;
    assert_eq!((count("tenants"), count("runs"), count("users")), (101, 111, 1));

    let mut places = vec![Place::sqlite()];
    places.extend(Place::postgres().await);
    for moved in places {
        let store = moved.open().await;
        assert_eq!(store.restore(&mut Cursor::new(&file)).await.unwrap(), made);
        assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(12));
        let found = store.find_user(&local, "alice@canary-mail.example").await.unwrap().unwrap();
        assert_eq!(found.id, "usr_alice");
        // It is the same, byte for byte, but for what it says of where it was made.
        let mut again = Vec::new();
        let second = store.backup(&mut again, at(7_000)).await.unwrap();
        assert_eq!(second.tables, made.tables);
        // And it goes on.
        store.commit(&local, commit("run_later", 0, "deny")).await.unwrap();
        assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(13));
        let refused = store.restore(&mut Cursor::new(&file)).await.unwrap_err();
        assert!(matches!(refused, BackupError::NotEmpty(_)), "{refused}");
        assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(13));
    }
}

async fn a_backup_that_is_not_whole_changes_nothing(place: Place) {
    let store = ten(&place).await;
    let mut file = Vec::new();
    store.backup(&mut file, at(7_000)).await.unwrap();
    let fresh = place.another().await;
    let target = fresh.open().await;
    for length in (0..file.len()).step_by(97) {
        assert!(target.restore(&mut Cursor::new(&file[..length])).await.is_err(), "cut off at {length}");
    }
    for place in (0..file.len()).step_by(61) {
        let mut bent = file.clone();
        bent[place] ^= 4;
        assert!(target.restore(&mut Cursor::new(&bent)).await.is_err(), "bent at {place}");
    }
    let longer = [file.as_slice(), b"x"].concat();
    assert!(target.restore(&mut Cursor::new(&longer)).await.is_err());
    let stranger = SqlStore::open(&fresh.address, SealKey::new([8; 32])).await.unwrap();
    let refused = stranger.restore(&mut Cursor::new(&file)).await.unwrap_err();
    assert!(matches!(refused, BackupError::OtherKey(_)), "{refused}");
    assert!(target.every_tenant().await.unwrap().is_empty(), "nothing of any of them is there");
    target.restore(&mut Cursor::new(&file)).await.unwrap();
    assert_eq!(target.verify_audit(&tenant("local")).await.unwrap(), Ok(10));
}

fn subscription(types: &[&str]) -> NewWebhook {
    NewWebhook {
        url: "https://hooks.example.com/canary-path".to_owned(),
        types: types.iter().map(ToString::to_string).collect(),
        secret: b"canary-hook-secret".to_vec().into(),
    }
}

async fn subscribed(store: &SqlStore, types: &[&str]) -> String {
    let told = |id: &str| admit_runtime::unit::AuditEntry {
        kind: "webhook.created".to_owned(),
        target: id.to_owned(),
        ..entry("")
    };
    store.add_webhook(&tenant("local"), &subscription(types), told, at(1_000)).await.unwrap()
}

async fn subscribers_are_told_of_each_entry_once(place: Place) {
    let (store, local) = (ten(&place).await, tenant("local"));
    let (all, none) = (subscribed(&store, &["flow.*"]).await, subscribed(&store, &["user.created"]).await);
    assert!(store.tenants_with_news().await.unwrap().contains(&local), "what was made in between is read, too");
    assert_eq!(store.queue_deliveries(&local, at(1_100)).await, Ok(0), "what was before is nobody's");
    for run in 10..13 {
        store.commit(&local, commit(&format!("run_{run}"), 0, "deny")).await.unwrap();
    }
    // Nodes that look at once queue each once.
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            let (store, local) = (store.clone(), local.clone());
            tokio::spawn(async move { store.queue_deliveries(&local, at(1_200)).await.unwrap() })
        })
        .collect();
    let mut queued = 0;
    for node in nodes {
        queued += node.await.unwrap();
    }
    assert_eq!(queued, 3);
    assert!(store.tenants_with_news().await.unwrap().is_empty());
    assert!(store.deliveries(&local, &none, None, 10).await.unwrap().is_empty());
    assert_eq!(store.tenants_with_jobs(at(1_200), 10).await.unwrap(), vec![local.clone()]);
    assert_eq!(store.queue_depth().await.unwrap(), (3, Some(at(1_200))));

    let job = store.take_job(&local, at(1_200), 10).await.unwrap().unwrap();
    assert_eq!((job.kind.as_str(), job.payload.as_slice()), (WEBHOOK_JOB, all.as_bytes()));
    let end = Delivered { status: Some(200), problem: None };
    let this = (all.as_str(), job.key.as_str(), job.attempt);
    store.end_delivery(&local, this, &JobNext::Done, &end, at(1_201)).await.unwrap();
    assert_eq!(store.end_delivery(&local, this, &JobNext::Done, &end, at(1_202)).await, Err(StoreError::Conflict));
    let listed = store.deliveries(&local, &all, None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.seq).collect::<Vec<_>>(), [15, 14, 13]);
    assert_eq!((listed[2].status, listed[2].delivered_at, listed[2].attempts), (Some(200), Some(at(1_201)), 1));
    // Audit that somebody has yet to be told of is not cut off: both have read all there is.
    assert_eq!(store.prunable(&local, Kept::Audit, at(9_000)).await, Ok(15));

    assert_eq!(store.redeliver(&local, &none, &job.key, &entry("again"), at(1_300)).await, Err(StoreError::NotFound));
    store.redeliver(&local, &all, &job.key, &entry("again"), at(1_300)).await.unwrap();
    let keys: Vec<String> = [
        store.take_job(&local, at(1_300), 10).await.unwrap().unwrap().key,
        store.take_job(&local, at(1_300), 10).await.unwrap().unwrap().key,
        store.take_job(&local, at(1_300), 10).await.unwrap().unwrap().key,
    ]
    .into();
    assert!(keys.contains(&job.key), "under the same name");

    let bytes = place.bytes().await;
    for canary in [b"canary-hook-secret".as_slice(), b"canary-path"] {
        assert!(!bytes.windows(canary.len()).any(|window| window == canary), "sealed at rest");
    }
    assert_eq!(store.webhook_secret(&local, &all).await.unwrap().as_slice(), b"canary-hook-secret");
    assert_eq!(store.webhook(&tenant("other"), &all).await.unwrap(), None);
    store.remove_webhook(&local, &all, &entry("removed"), at(1_400)).await.unwrap();
    assert_eq!(store.remove_webhook(&local, &all, &entry("removed"), at(1_400)).await, Err(StoreError::NotFound));
    assert_eq!(store.queue_depth().await.unwrap().0, 0);
}

async fn a_subscription_that_fails_for_days_is_turned_off(place: Place) {
    let (store, local) = (place.open().await, tenant("local"));
    let id = subscribed(&store, &["*"]).await;
    store.commit(&local, commit("run_1", 0, "deny")).await.unwrap();
    assert_eq!(store.queue_deliveries(&local, at(1_100)).await, Ok(1));
    let end = Delivered { status: Some(500), problem: Some("the receiver answered 500".to_owned()) };
    let day = 24 * 60 * 60;
    for days in 0..6 {
        let now = at(1_100 + days * day);
        let job = store.take_job(&local, now, 10).await.unwrap().unwrap();
        let next = JobNext::Again { due: at(1_100 + (days + 1) * day) };
        store.end_delivery(&local, (&id, &job.key, job.attempt), &next, &end, now).await.unwrap();
        let webhook = store.webhook(&local, &id).await.unwrap().unwrap();
        assert_eq!(webhook.failing_since, Some(at(1_100)));
        assert_eq!(webhook.disabled_at.is_some(), days == 5, "after {days} days");
    }
    let kinds: Vec<String> = store.audit(&local, 0, 10).await.unwrap().into_iter().map(|row| row.entry.kind).collect();
    assert_eq!(kinds, ["webhook.created", "flow.run_completed", "webhook.disabled"]);
    store.commit(&local, commit("run_2", 0, "deny")).await.unwrap();
    assert!(store.tenants_with_news().await.unwrap().is_empty(), "nobody listens");
    let on = WebhookChange { is_disabled: Some(false), ..WebhookChange::default() };
    store.change_webhook(&local, &id, &on, &entry("on again"), at(2_000)).await.unwrap();
    assert_eq!(store.queue_deliveries(&local, at(2_000)).await, Ok(0), "what happened meanwhile is not made up for");
    assert_eq!(store.webhook(&local, &id).await.unwrap().unwrap().disabled_at, None);
    let none = store.change_webhook(&local, "whk_none", &on, &entry("x"), at(2_000)).await;
    assert_eq!(none, Err(StoreError::NotFound));
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(5));
}

async fn f24_a_migration_that_was_killed_is_done_by_the_next(place: Place) {
    for pause in [5, 20, 35, 60, 100] {
        let place = place.another().await;
        let mut opens = process(&place, "operation::a_process_that_opens_a_store").spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(pause));
        opens.kill().unwrap();
        opens.wait().unwrap();
        let store = place.open().await;
        store.commit(&tenant("local"), commit("run_1", 0, "deny")).await.unwrap();
        assert_eq!(store.verify_audit(&tenant("local")).await.unwrap(), Ok(1), "killed after {pause} ms");
    }
}

/// What the test above kills.
#[tokio::test]
async fn a_process_that_opens_a_store() {
    let _ = own_store().await;
}
