//! Deploys switch by compare-and-set; API keys open nothing once they are revoked, and make no tenant.

use admit_eval::datum::Datum;
use admit_runtime::host::StoreError;
use admit_runtime::unit::AuditEntry;
use admit_store::NewApiKey;

use crate::support::*;

on_both! {
    of_racing_deploys_exactly_one_wins,
    only_a_bundle_that_is_kept_goes_live,
    api_keys_are_found_in_their_tenant_until_they_are_revoked,
}

const RACERS: u8 = 12;

fn entry(kind: &str) -> AuditEntry {
    AuditEntry {
        kind: kind.to_owned(),
        actor: "key_1".to_owned(),
        target: "login".to_owned(),
        outcome: "success".to_owned(),
        data: Datum::Null,
    }
}

async fn of_racing_deploys_exactly_one_wins(place: Place) {
    let (store, second) = (place.open().await, place.open().await);
    let local = tenant("local");
    for number in 0..=RACERS {
        store.put_bundle(&local, [number; 32], b"plan", at(1)).await.unwrap();
    }
    store.deploy(&local, None, ([RACERS; 32], "key_1"), &[entry("flow.deployed")], at(2)).await.unwrap();
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(usize::from(RACERS)));
    let racers = (0..RACERS).map(|racer| {
        let store = if racer % 2 == 0 { store.clone() } else { second.clone() };
        let (barrier, local) = (barrier.clone(), local.clone());
        tokio::spawn(async move {
            barrier.wait().await;
            let entries = [entry("flow.deployed")];
            store.deploy(&local, Some([RACERS; 32]), ([racer; 32], "key_1"), &entries, at(3)).await
        })
    });
    let mut won = Vec::new();
    for racer in racers.collect::<Vec<_>>() {
        match racer.await.unwrap() {
            Ok(deploy) => won.push(deploy),
            Err(error) => assert_eq!(error, StoreError::Conflict),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!((won[0].seq, store.live(&local).await.unwrap().as_ref()), (2, Some(&won[0])));
    let history = store.deploys(&local, Some(2), 9).await.unwrap();
    assert_eq!((history.len(), history[0].bundle), (1, [RACERS; 32]));
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(2), "who lost has left nothing");
}

async fn only_a_bundle_that_is_kept_goes_live(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    store.put_bundle(&tenant("other"), [1; 32], b"plan", at(1)).await.unwrap();
    let done = store.deploy(&local, None, ([1; 32], "key_1"), &[entry("flow.deployed")], at(2)).await;
    assert_eq!(done, Err(StoreError::NotFound), "another tenant's bundle is not this one's");
    assert_eq!(store.live(&local).await.unwrap(), None);
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(0));
}

async fn api_keys_are_found_in_their_tenant_until_they_are_revoked(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    let key = NewApiKey {
        id: "key_1".to_owned(),
        secret_hash: [7; 32],
        name: "pipeline".to_owned(),
        scopes: vec!["run".to_owned(), "deploy".to_owned()],
    };
    store.add_api_key(&local, &key, &entry("key.created"), at(1)).await.unwrap();
    assert_eq!(store.add_api_key(&local, &key, &entry("key.created"), at(1)).await, Err(StoreError::Conflict));
    let found = store.api_key(&local, "key_1").await.unwrap().unwrap();
    assert_eq!((found.secret_hash, &found.scopes, found.revoked_at), ([7; 32], &key.scopes, None));
    // Whoever asks for a tenant that is not there does not make it.
    assert_eq!(store.api_key(&tenant("nobody"), "key_1").await.unwrap(), None);
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(1));
    store.revoke_api_key(&local, "key_1", &entry("key.revoked"), at(2)).await.unwrap();
    assert_eq!(store.revoke_api_key(&local, "key_1", &entry("key.revoked"), at(3)).await, Err(StoreError::NotFound));
    assert_eq!(store.api_keys(&local).await.unwrap()[0].revoked_at, Some(at(2)));
}
