//! API keys of a tenant, straight in the database: how the first one is made, and one that operates the server.

use admit_eval::datum::Datum;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;
use admit_server::key::{ApiKey, Scope};
use admit_store::{ApiKeyRow, SqlStore};
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Output, print};
use crate::world::now;

/// Who is written down as having done it.
const ACTOR: &str = "admit keys";

/// Makes a key and prints it, this once.
pub async fn create(
    store: &SqlStore,
    tenant: &TenantId,
    (name, scopes): (&str, &[String]),
    output: &Output,
) -> Result<(), Failure> {
    let mut wanted: Vec<Scope> = Vec::new();
    for word in scopes {
        let scope = Scope::of(word).ok_or_else(|| {
            let known = Scope::ALL.map(Scope::word).join("`, `");
            Failure::new(format!("there is no scope `{word}`")).help(format!("scopes are `{known}`"))
        })?;
        if !wanted.contains(&scope) {
            wanted.push(scope);
        }
    }
    if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Err(Failure::new("a key's name is 1 to 100 bytes without control characters"));
    }
    let key = ApiKey::generate(tenant).map_err(|error| fail(&error))?;
    let (row, entry) = key.row(name, &wanted, ACTOR);
    store.add_api_key(tenant, &row, &entry, now()).await.map_err(|error| fail(&error))?;
    if output.human() {
        print(&format!("API key, shown this once: {key}\n"));
    } else {
        print(&format!("{}\n", json!({ "id": row.id, "scopes": row.scopes, "key": key.to_string() })));
    }
    Ok(())
}

/// Lists keys, never their secrets.
pub async fn list(store: &SqlStore, tenant: &TenantId, output: &Output) -> Result<(), Failure> {
    let keys = store.api_keys(tenant).await.map_err(|error| fail(&error))?;
    if output.human() {
        let line = |key: &ApiKeyRow| {
            let state = if key.revoked_at.is_some() { "revoked" } else { "good" };
            format!("{}  {state:<7}  {}  {}\n", key.id, key.scopes.join(","), key.name)
        };
        print(&keys.iter().map(line).collect::<String>());
        return Ok(());
    }
    let shown = |key: &ApiKeyRow| {
        json!({
            "id": key.id,
            "name": key.name,
            "scopes": key.scopes,
            "created_at": key.created_at.seconds,
            "revoked_at": key.revoked_at.map(|at| at.seconds),
        })
    };
    print(&format!("{}\n", json!({ "keys": keys.iter().map(shown).collect::<Vec<_>>() })));
    Ok(())
}

/// A key opens nothing any more: on servers within a second.
pub async fn revoke(store: &SqlStore, tenant: &TenantId, id: &str, output: &Output) -> Result<(), Failure> {
    let entry = AuditEntry {
        kind: "key.revoked".to_owned(),
        actor: ACTOR.to_owned(),
        target: id.to_owned(),
        outcome: "success".to_owned(),
        data: Datum::Null,
    };
    store.revoke_api_key(tenant, id, &entry, now()).await.map_err(|error| match error {
        StoreError::NotFound => Failure::new(format!("`{tenant}` has no key `{id}` that is not revoked"))
            .help("`admit keys list --api` shows them"),
        other => fail(&other),
    })?;
    match output.human() {
        true => print(&format!("revoked {id}\n")),
        false => print(&format!("{}\n", json!({ "id": id, "revoked": true }))),
    }
    Ok(())
}

fn fail(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
