//! What a tenant is set up with changes by compare-and-set, all or nothing, and is nobody else's; tenants are made once.

use admit_eval::datum::Datum;
use admit_runtime::host::StoreError;
use admit_runtime::unit::{AuditEntry, Change, UserChanges};
use admit_store::{ConfigChange, ConfigKind, Expected, Sessions, TenantState, UserPatch};

use crate::support::*;

on_both! {
    entries_change_by_compare_and_set_with_their_audit_entries,
    of_racing_changes_exactly_one_wins,
    an_entry_is_sealed_where_it_lies_and_is_not_there_for_others,
    tenants_are_made_once_listed_and_disabled,
    a_user_changes_only_from_what_was_seen,
}

fn entry(kind: &str) -> AuditEntry {
    AuditEntry {
        kind: kind.to_owned(),
        actor: "key_1".to_owned(),
        target: "x".to_owned(),
        outcome: "success".to_owned(),
        data: Datum::Null,
    }
}

fn change<'a>(kind: ConfigKind, name: &'a str, value: Option<&'a [u8]>, expected: Expected) -> ConfigChange<'a> {
    ConfigChange { kind, name, value, expected }
}

async fn entries_change_by_compare_and_set_with_their_audit_entries(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    assert_eq!(store.config(&local).await.unwrap().0, 0);
    let put = |value, expected| [change(ConfigKind::Param, "limit", Some(value), expected)];
    let audit = [entry("param.changed")];
    assert_eq!(store.change_config(&local, &put(b"1", Expected::Absent), &audit, at(1)).await, Ok(1));
    let again = store.change_config(&local, &put(b"2", Expected::Absent), &audit, at(2)).await;
    assert_eq!(again, Err(StoreError::Conflict));
    assert_eq!(store.change_config(&local, &put(b"2", Expected::Version(1)), &audit, at(2)).await, Ok(2));
    let stale = store.change_config(&local, &put(b"3", Expected::Version(1)), &audit, at(3)).await;
    assert_eq!(stale, Err(StoreError::Conflict));
    // All or none: the second is in conflict.
    let two = [
        change(ConfigKind::Secret, "key", Some(b"s"), Expected::Any),
        change(ConfigKind::Param, "limit", Some(b"4"), Expected::Absent),
    ];
    assert_eq!(store.change_config(&local, &two, &audit, at(3)).await, Err(StoreError::Conflict));
    let (version, entries) = store.config(&local).await.unwrap();
    assert_eq!((version, entries.len(), entries[0].value.as_slice(), entries[0].version), (2, 1, &b"2"[..], 2));
    let gone = [change(ConfigKind::Param, "limit", None, Expected::Version(2))];
    assert_eq!(store.change_config(&local, &gone, &audit, at(4)).await, Ok(3));
    assert_eq!(store.change_config(&local, &gone, &audit, at(4)).await, Err(StoreError::NotFound));
    assert!(store.config_entry(&local, ConfigKind::Param, "limit").await.unwrap().is_none());
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(3), "what was refused has left nothing");
}

async fn of_racing_changes_exactly_one_wins(place: Place) {
    let (store, second) = (place.open().await, place.open().await);
    let local = tenant("local");
    let first = [change(ConfigKind::Settings, "", Some(b"{}"), Expected::Absent)];
    store.change_config(&local, &first, &[], at(1)).await.unwrap();
    let racers = (0..12_u8).map(|racer| {
        let store = if racer % 2 == 0 { store.clone() } else { second.clone() };
        let local = local.clone();
        tokio::spawn(async move {
            let value = [racer];
            let one = [change(ConfigKind::Settings, "", Some(&value), Expected::Version(1))];
            store.change_config(&local, &one, &[entry("settings.changed")], at(2)).await
        })
    });
    let mut won = 0;
    for racer in racers.collect::<Vec<_>>() {
        match racer.await.unwrap() {
            Ok(version) => {
                won += 1;
                assert_eq!(version, 2);
            }
            Err(error) => assert_eq!(error, StoreError::Conflict),
        }
    }
    assert_eq!((won, store.verify_audit(&local).await.unwrap()), (1, Ok(1)));
}

async fn an_entry_is_sealed_where_it_lies_and_is_not_there_for_others(place: Place) {
    let store = place.open().await;
    let (local, other) = (tenant("local"), tenant("other"));
    for name in ["a", "b", "c"] {
        let put = [change(ConfigKind::Secret, name, Some(b"canary"), Expected::Any)];
        store.change_config(&local, &put, &[], at(1)).await.unwrap();
    }
    let page = store.config_entries(&local, ConfigKind::Secret, Some("a"), 1).await.unwrap();
    assert_eq!((page.len(), page[0].name.as_str(), page[0].value.as_slice()), (1, "b", &b"canary"[..]));
    assert!(store.config_entries(&local, ConfigKind::Client, None, 9).await.unwrap().is_empty());
    assert!(store.config_entries(&other, ConfigKind::Secret, None, 9).await.unwrap().is_empty());
    assert!(store.config_entry(&other, ConfigKind::Secret, "a").await.unwrap().is_none());
    assert_eq!(store.config(&other).await.unwrap().0, 0);
    assert_eq!(store.tenant_state(&tenant("nobody")).await.unwrap(), None, "asking makes no tenant");
}

async fn tenants_are_made_once_listed_and_disabled(place: Place) {
    let store = place.open().await;
    let (acme, globex) = (tenant("acme"), tenant("globex"));
    store.make_tenant(&globex, &entry("tenant.created"), at(1)).await.unwrap();
    store.make_tenant(&acme, &entry("tenant.created"), at(2)).await.unwrap();
    let again = store.make_tenant(&acme, &entry("tenant.created"), at(3)).await;
    assert_eq!(again, Err(StoreError::Conflict));
    // Its key is the one that what it keeps is sealed under.
    let put = [change(ConfigKind::Secret, "key", Some(b"s"), Expected::Absent)];
    place.open().await.change_config(&acme, &put, &[], at(3)).await.unwrap();
    assert_eq!(store.config(&acme).await.unwrap().1.len(), 1);
    let all = store.all_tenants(None, 9).await.unwrap();
    assert_eq!(all.iter().map(|row| row.tenant.as_str()).collect::<Vec<_>>(), ["acme", "globex"]);
    assert_eq!(store.all_tenants(Some("acme"), 9).await.unwrap().len(), 1);
    store.set_tenant_disabled(&acme, true, &entry("tenant.disabled"), at(4)).await.unwrap();
    store.set_tenant_disabled(&acme, true, &entry("tenant.disabled"), at(5)).await.unwrap();
    let state = store.tenant_state(&acme).await.unwrap();
    assert_eq!(state, Some(TenantState { is_disabled: true, version: 1 }));
    assert_eq!(store.tenant(&acme).await.unwrap().unwrap().disabled_at, Some(at(4)));
    store.set_tenant_disabled(&acme, false, &entry("tenant.enabled"), at(6)).await.unwrap();
    assert!(!store.tenant_state(&acme).await.unwrap().unwrap().is_disabled);
    assert_eq!(store.verify_audit(&acme).await.unwrap(), Ok(3));
    let nobody = store.set_tenant_disabled(&tenant("nobody"), true, &entry("tenant.disabled"), at(6)).await;
    assert_eq!(nobody, Err(StoreError::NotFound));
}

async fn a_user_changes_only_from_what_was_seen(place: Place) {
    let store = place.open().await;
    let local = tenant("local");
    let id = store.create_user(&local, &alice(), entry("user.created"), at(1)).await.unwrap();
    let (_, seen) = store.tagged_user(&local, &id).await.unwrap().unwrap();
    let patch = |name: &str| UserPatch {
        changes: UserChanges {
            email: Change::Keep,
            phone: Change::Keep,
            username: Change::Keep,
            name: Change::Set(name.to_owned()),
            groups: Change::Keep,
            roles: Change::Keep,
            app_metadata: None,
            user_metadata: None,
        },
        blocked: Some(true),
    };
    let audit = [entry("user.updated")];
    store.patch_user(&local, (&id, Some(&seen)), &patch("A"), &audit, at(2)).await.unwrap();
    let stale = store.patch_user(&local, (&id, Some(&seen)), &patch("B"), &audit, at(3)).await;
    assert!(stale.is_err());
    let (user, now) = store.tagged_user(&local, &id).await.unwrap().unwrap();
    assert_eq!((user.profile.unwrap().name.as_deref(), user.status.as_str()), (Some("A"), "blocked"));
    assert_ne!(now, seen);
    assert!(store.tagged_user(&tenant("other"), &id).await.unwrap().is_none());
    assert_eq!(store.users_before(&local, None, 9).await.unwrap().len(), 1);
    assert!(store.users_before(&local, Some(&id), 9).await.unwrap().is_empty());
    let revoked = store.revoke_sessions(&local, Sessions::OfUser(&id), &entry("session.revoked"), at(4)).await;
    assert_eq!(revoked, Ok(Vec::new()));
    assert_eq!(store.verify_audit(&local).await.unwrap(), Ok(2));
}
