//! Who calls: the tenant and scopes of an API key.

use std::sync::Arc;

use admit_runtime::tenant::TenantId;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Server;
use super::problem::Problem;
use crate::key::{ApiKey, Scope};

/// A caller whose key is good for what is asked.
pub struct Caller {
    /// Whose key it is.
    pub tenant: TenantId,
    /// The key: who did it, for audit.
    pub key_id: String,
    /// What the key may do.
    pub scopes: Vec<Scope>,
}

/// The caller, where its key has the scope.
pub async fn caller(server: &Arc<Server>, headers: &HeaderMap, scope: Scope) -> Result<Caller, Problem> {
    let text = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(Problem::no_key)?;
    let key = text.strip_prefix("Bearer ").and_then(|key| ApiKey::parse(key.trim())).ok_or_else(Problem::no_key)?;
    let row = server.parts.store.api_key(key.tenant(), key.id()).await?;
    let row = row.filter(|row| row.revoked_at.is_none() && row.secret_hash == key.secret_hash());
    let row = row.ok_or_else(Problem::no_key)?;
    let scopes: Vec<Scope> = row.scopes.iter().filter_map(|word| Scope::of(word)).collect();
    if !scopes.contains(&scope) {
        let detail = format!("this key does not have the scope `{}`", scope.word());
        return Err(Problem::new(StatusCode::FORBIDDEN, "missing_scope", detail));
    }
    let caller = Caller { tenant: key.tenant().clone(), key_id: row.id, scopes };
    served(server, caller, headers.get(TENANT)).await
}

/// Names the tenant that a key with the scope `operate` acts in.
const TENANT: HeaderName = HeaderName::from_static("admit-tenant");

/// The caller in the tenant that is meant: the key's own, or the one that whoever operates the server names. In a disabled tenant
/// nobody else is served.
async fn served(server: &Server, caller: Caller, named: Option<&HeaderValue>) -> Result<Caller, Problem> {
    let Some(named) = named else {
        return match server.tenancy(&caller.tenant).await?.is_disabled {
            false => Ok(caller),
            true => {
                let detail = "this tenant is disabled: ask who operates the server";
                Err(Problem::new(StatusCode::FORBIDDEN, "tenant_disabled", detail))
            }
        };
    };
    if !caller.scopes.contains(&Scope::Operate) {
        let detail = "this key does not have the scope `operate`, so it acts in no tenant but its own";
        return Err(Problem::new(StatusCode::FORBIDDEN, "missing_scope", detail));
    }
    let tenant: Option<TenantId> = named.to_str().ok().and_then(|slug| slug.trim().parse().ok());
    let tenant = tenant.ok_or_else(|| Problem::not_found("tenant"))?;
    server.tenancy(&tenant).await?;
    Ok(Caller { tenant, ..caller })
}
