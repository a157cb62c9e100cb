//! F23: what is not a whole database of ours is refused with a precise message and left as it is.

use admit_store::SqlStore;
use admit_store::seal::SealKey;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::support::*;

on_both! {
    a_newer_schema_is_refused,
    another_key_file_is_noticed_before_anything_is_read,
    a_database_of_another_program_is_refused,
    nodes_that_start_at_once_make_one_schema,
}

async fn refusal(path: &std::path::Path) -> String {
    SqlStore::open(path, key()).await.err().expect("it opened").to_string()
}

async fn connect(path: &std::path::Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

#[tokio::test]
async fn f23_files_that_are_not_ours_are_refused_and_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("text.db");
    std::fs::write(&text, "this is not a database, it is a letter").unwrap();
    assert_eq!(refusal(&text).await, format!("`{}` is not a database", text.display()));
    assert_eq!(std::fs::read(&text).unwrap(), b"this is not a database, it is a letter");

    let other = dir.path().join("other.db");
    let mut connection = connect(&other).await;
    sqlx::query("CREATE TABLE bookmarks (url TEXT)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    assert_eq!(refusal(&other).await, format!("`{}` is a database of another program", other.display()));

    assert!(refusal(dir.path()).await.contains("cannot open"));
    assert!(refusal(&dir.path().join("no/such/dir.db")).await.contains("cannot open"));
}

async fn a_newer_schema_is_refused(place: Place) {
    place.open().await.close().await;
    place.execute(&["UPDATE _sqlx_migrations SET version = 99 WHERE version = 2"]).await.unwrap();
    let message = refusal(&place.address).await;
    let version = admit_store::SCHEMA_VERSION;
    let end = format!("has schema version 99; this program knows versions up to {version}: use a newer one");
    assert!(message.ends_with(&end), "{message}");
}

async fn a_database_of_another_program_is_refused(place: Place) {
    place.execute(&["CREATE TABLE bookmarks (url TEXT)"]).await.unwrap();
    assert!(refusal(&place.address).await.ends_with("is a database of another program"));
}

async fn nodes_that_start_at_once_make_one_schema(place: Place) {
    let nodes = (0..6).map(|_| {
        let address = place.address.clone();
        tokio::spawn(async move { SqlStore::open(address, key()).await.map(|_| ()) })
    });
    for node in nodes.collect::<Vec<_>>() {
        node.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_not_understood_is_named_without_its_password() {
    let address = "postgres://admit:canary-secret@127.0.0.1:1/admit";
    let message = refusal(std::path::Path::new(address)).await;
    assert!(message.starts_with("cannot connect to `postgres://admit@127.0.0.1:1/admit`: "), "{message}");
    assert!(!message.contains("canary-secret"), "{message}");
    for address in ["postgres://admit:canary-secret@host:port/admit", "postgres://[canary-secret", "postgresql://%zz"] {
        let message = refusal(std::path::Path::new(address)).await;
        assert!(!message.contains("canary-secret"), "{message}");
    }
}

#[tokio::test]
async fn f23_damaged_pages_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqlStore::open(dir.path().join("admit.db"), key()).await.unwrap();
    for run in 0..50 {
        admit_runtime::host::Store::commit(&store, &tenant("local"), commit(&format!("run_{run}"), 0, "deny"))
            .await
            .unwrap();
    }
    store.close().await;
    let path = dir.path().join("admit.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let message = refusal(&path).await;
    assert!(message.contains("is damaged"), "{message}");
}

async fn another_key_file_is_noticed_before_anything_is_read(place: Place) {
    let store = place.open().await;
    store.add_user(&tenant("local"), &alice(), at(1)).await.unwrap();
    store.close().await;
    let store = SqlStore::open(&place.address, SealKey::new([8; 32])).await.unwrap();
    let error = store.find_user(&tenant("local"), "canaryalice").await.unwrap_err().to_string();
    assert!(error.contains("the key file is not the one it was written with"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_database_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let _store = SqlStore::open(dir.path().join("admit.db"), key()).await.unwrap();
    for file in ["admit.db", "admit.db-wal"] {
        let mode = std::fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}
