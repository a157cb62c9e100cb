//! T23: the audit chain names the first row that was deleted, swapped, edited or cut off.

use admit_runtime::host::Store;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::support::*;

/// Ten entries, then the statements as somebody with write access to the file would run them.
async fn after(statements: &[&'static str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    for run in 0..10 {
        store.commit(&tenant("local"), commit(&format!("run_{run}"), 0, "deny")).await.unwrap();
    }
    let options = SqliteConnectOptions::new().filename(dir.path().join("admit.db"));
    let mut intruder: SqliteConnection = options.connect().await.unwrap();
    for statement in ["DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"].iter().chain(statements) {
        sqlx::query(AssertSqlSafe(*statement)).execute(&mut intruder).await.unwrap();
    }
    intruder.close().await.unwrap();
    match store.verify_audit(&tenant("local")).await.unwrap() {
        Ok(entries) => format!("{entries} entries"),
        Err(fault) => fault.to_string(),
    }
}

#[tokio::test]
async fn t23_an_untouched_chain_verifies() {
    assert_eq!(after(&[]).await, "10 entries");
}

#[tokio::test]
async fn t23_every_kind_of_tampering_is_named() {
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
        assert_eq!(after(&statements).await, found, "{statements:?}");
    }
}

#[tokio::test]
async fn t23_the_database_itself_refuses_to_change_entries() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    store.commit(&tenant("local"), commit("run_1", 0, "deny")).await.unwrap();
    let options = SqliteConnectOptions::new().filename(dir.path().join("admit.db"));
    let mut intruder: SqliteConnection = options.connect().await.unwrap();
    for statement in ["UPDATE audit SET outcome = 'success'", "DELETE FROM audit"] {
        let error = sqlx::query(statement).execute(&mut intruder).await.unwrap_err().to_string();
        assert!(error.contains("audit is append-only"), "{error}");
    }
}

#[tokio::test]
async fn chains_of_tenants_are_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
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
