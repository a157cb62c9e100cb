//! What the project says of its tenant goes into the database where nothing is there yet, and again when the project says something
//! else, as long as nobody has changed it by API: what was, is the tenant's own from then on.

use admit_eval::datum::Datum;
use admit_runtime::host::StoreError;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;
use admit_server::api::Kept;
use admit_store::{ConfigChange, ConfigKind, Expected, SqlStore};
use serde_json::Value;

use crate::failure::Failure;
use crate::host::{HostArgs, formats};
use crate::project::Loaded;
use crate::world;

/// Puts settings, clients and params of the project.
pub async fn seed(store: &SqlStore, tenant: &TenantId, args: &HostArgs, loaded: &Loaded) -> Result<(), Failure> {
    let fail = |error: StoreError| Failure::new(error.to_string());
    let (settings, clients) = formats::of_project(args, loaded)?;
    let params = loaded.project.tenants.get(tenant.as_str()).map(|tenant| tenant.written.clone()).unwrap_or_default();
    let mut wanted = vec![(ConfigKind::Settings, String::new(), Value::Object(settings))];
    wanted.extend(clients.into_iter().map(|(id, client)| (ConfigKind::Client, id, client)));
    wanted.extend(params.into_iter().map(|(name, value)| (ConfigKind::Param, name, value)));
    let (_, entries) = store.config(tenant).await.map_err(fail)?;
    let mut changes: Vec<(ConfigKind, String, Option<Vec<u8>>, Expected)> = Vec::new();
    for (kind, name, document) in &wanted {
        let stands = entries.iter().find(|entry| entry.kind == *kind && entry.name == *name);
        let kept: Option<Kept> = stands.and_then(|entry| serde_json::from_slice(&entry.value).ok());
        let expected = stands.map_or(Expected::Absent, |entry| Expected::Version(entry.version));
        match kept {
            Some(kept) if kept.document == *document => {}
            Some(kept) if !kept.of_project => {
                let what = if name.is_empty() { kind.word().to_owned() } else { format!("{} `{name}`", kind.word()) };
                let (tenant, what) = (tenant.as_str(), what.as_str());
                tracing::warn!(tenant, what, "the tenant has its own in the database: that of the project is not used");
            }
            kept => {
                let secret_hash = kept.and_then(|kept| kept.secret_hash);
                let kept = Kept { of_project: true, document: document.clone(), secret_hash };
                changes.push((*kind, name.clone(), Some(kept.bytes()), expected));
            }
        }
    }
    // What the project does not say any more, and nobody else has said.
    for entry in &entries {
        let is_wanted = wanted.iter().any(|(kind, name, _)| *kind == entry.kind && *name == entry.name);
        let of_project = matches!(entry.kind, ConfigKind::Settings | ConfigKind::Client | ConfigKind::Param)
            && serde_json::from_slice::<Kept>(&entry.value).is_ok_and(|kept| kept.of_project);
        if of_project && !is_wanted {
            changes.push((entry.kind, entry.name.clone(), None, Expected::Version(entry.version)));
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let entry = |(kind, name, value, _): &(ConfigKind, String, Option<Vec<u8>>, Expected)| AuditEntry {
        kind: format!("{}.{}", kind.word(), if value.is_some() { "changed" } else { "removed" }),
        actor: super::ACTOR.to_owned(),
        target: if name.is_empty() { kind.word().to_owned() } else { name.clone() },
        outcome: "success".to_owned(),
        data: Datum::Null,
    };
    let audit: Vec<AuditEntry> = changes.iter().map(entry).collect();
    let stored: Vec<ConfigChange<'_>> = changes
        .iter()
        .map(|(kind, name, value, expected)| ConfigChange {
            kind: *kind,
            name,
            value: value.as_deref(),
            expected: *expected,
        })
        .collect();
    match store.change_config(tenant, &stored, &audit, world::now()).await {
        // Another server of the same project was first; what it has put counts.
        Ok(_) | Err(StoreError::Conflict | StoreError::NotFound) => Ok(()),
        Err(error) => Err(fail(error)),
    }
}
