//! T23: the audit chain names the first row that was deleted, swapped, edited or cut off.

use admit_runtime::host::Store;

use crate::support::*;

on_both! {
    t23_an_untouched_chain_verifies,
    t23_every_kind_of_tampering_is_named,
    t23_the_database_itself_refuses_to_change_entries,
    chains_of_tenants_are_their_own,
}

/// Ten entries, then the statements as somebody with write access to the database would run them.
async fn after(place: Place, statements: &[&'static str]) -> String {
    let store = place.open().await;
    for run in 0..10 {
        store.commit(&tenant("local"), commit(&format!("run_{run}"), 0, "deny")).await.unwrap();
    }
    let on = if place.is_postgres() { " ON audit" } else { "" };
    for trigger in ["audit_no_update", "audit_no_delete"] {
        place.execute(&[&format!("DROP TRIGGER {trigger}{on}")]).await.unwrap();
    }
    place.execute(statements).await.unwrap();
    match store.verify_audit(&tenant("local")).await.unwrap() {
        Ok(entries) => format!("{entries} entries"),
        Err(fault) => fault.to_string(),
    }
}

async fn t23_an_untouched_chain_verifies(place: Place) {
    assert_eq!(after(place, &[]).await, "10 entries");
}

async fn t23_every_kind_of_tampering_is_named(place: Place) {
    for (statements, found) in [
        (vec!["DELETE FROM audit WHERE seq = 4"], "audit entry 4: missing"),
        (vec!["DELETE FROM audit WHERE seq = 1"], "audit entry 1: missing"),
        (vec!["DELETE FROM audit WHERE seq = 10"], "audit entry 10: missing: the chain ends before its head"),
        (vec!["DELETE FROM audit"], "audit entry 1: missing: the chain ends before its head"),
        (vec!["UPDATE audit SET outcome = 'success ' WHERE seq = 6"], "audit entry 6: it was changed"),
        (vec!["UPDATE audit SET at = at - 1 WHERE seq = 6"], "audit entry 6: it was changed"),
        (vec!["UPDATE audit SET actor = '', target = actor || target WHERE seq = 6"], "audit entry 6: it was changed"),
        (vec!["UPDATE audit SET user_id = '' WHERE seq = 6"], "audit entry 6: it was changed"),
        (
            vec![
                "UPDATE audit SET seq = -1 WHERE seq = 3",
                "UPDATE audit SET seq = 3 WHERE seq = 7",
                "UPDATE audit SET seq = 7 WHERE seq = -1",
            ],
            "audit entry 3: it does not follow the entry before it",
        ),
        (
            vec![
                "INSERT INTO audit SELECT tenant, 11, id || 'x', at, kind, actor, target, outcome, run_id, user_id, \
                  sealed_data, hash, hash FROM audit WHERE seq = 10",
            ],
            "audit entry 11: it was changed",
        ),
        (
            vec![
                "DELETE FROM audit WHERE seq = 10",
                "UPDATE audit_heads SET seq = 9, hash = (SELECT hash FROM audit WHERE seq = 9)",
            ],
            "audit entry 9: the head of the chain was not written by this store",
        ),
        (vec!["DELETE FROM audit_heads"], "audit entry 10: the head of the chain is missing"),
    ] {
        assert_eq!(after(place.another().await, &statements).await, found, "{statements:?}");
    }
}

async fn t23_the_database_itself_refuses_to_change_entries(place: Place) {
    let store = place.open().await;
    store.commit(&tenant("local"), commit("run_1", 0, "deny")).await.unwrap();
    for statement in ["UPDATE audit SET outcome = 'success'", "DELETE FROM audit"] {
        let error = place.execute(&[statement]).await.unwrap_err().to_string();
        assert!(error.contains("audit is append-only"), "{error}");
    }
    if place.is_postgres() {
        let error = place.execute(&["TRUNCATE audit"]).await.unwrap_err().to_string();
        assert!(error.contains("audit is append-only"), "{error}");
    }
}

async fn chains_of_tenants_are_their_own(place: Place) {
    let store = place.open().await;
    for run in 0..3 {
        store.commit(&tenant("local"), commit(&format!("run_{run}"), 0, "deny")).await.unwrap();
        store.commit(&tenant("other"), commit(&format!("run_{run}"), 0, "deny")).await.unwrap();
    }
    for slug in ["local", "other"] {
        assert_eq!(store.verify_audit(&tenant(slug)).await.unwrap(), Ok(3));
        let rows = store.audit(&tenant(slug), 1, 1).await.unwrap();
        assert_eq!((rows.len(), rows[0].seq, &rows[0].entry), (1, 2, &entry("run_1/0")));
    }
    assert_eq!(store.verify_audit(&tenant("third")).await.unwrap(), Ok(0));
}
