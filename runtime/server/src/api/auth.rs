//! Who calls: the tenant and scopes of an API key.
//!
//! A key that was found is believed for a second: so long may one go on that another node has revoked. What is revoked
//! here is forgotten at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use admit_eval::datum::Datum;
use admit_runtime::context::current;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::AuditEntry;
use admit_store::CONTEXT;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

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

impl Caller {
    /// An audit entry of what the caller does: the actor is its key.
    pub fn entry(&self, kind: &str, target: &str, data: Datum) -> AuditEntry {
        let mut fields = if let Datum::Map(fields) = data { fields } else { Vec::new() };
        fields.extend(current().map(|context| (Datum::Str(CONTEXT.into()), context.record())));
        AuditEntry {
            kind: kind.to_owned(),
            actor: self.key_id.clone(),
            target: target.to_owned(),
            outcome: "success".to_owned(),
            data: Datum::Map(fields),
        }
    }
}

/// How long a caller may be taken from memory.
const FRESH: Duration = Duration::from_secs(1);
/// Callers in memory; all are forgotten where there would be more.
const MOST: usize = 4_096;

/// Callers that were found and when, by the SHA-256 of what they showed.
type Known = HashMap<[u8; 32], (Instant, Arc<Caller>)>;

/// Callers that were found a moment ago.
#[derive(Default)]
pub struct Callers(Mutex<Known>);

impl Callers {
    /// Keys are looked for anew.
    pub fn forget(&self) {
        self.known().clear();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, shown: &[u8; 32]) -> Option<Arc<Caller>> {
        self.known().get(shown).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, caller)| Arc::clone(caller))
    }

    fn keep(&self, shown: [u8; 32], since: Instant, caller: &Arc<Caller>) {
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(shown, (since, Arc::clone(caller)));
    }
}

/// A caller whose key may start and resume runs.
pub struct Runner(pub Arc<Caller>);

impl FromRequestParts<Arc<Server>> for Runner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Problem> {
        caller(server, &parts.headers, Scope::Run).await.map(Self)
    }
}

/// The caller, where its key has the scope.
pub async fn caller(server: &Arc<Server>, headers: &HeaderMap, scope: Scope) -> Result<Arc<Caller>, Problem> {
    let shown = headers.get(AUTHORIZATION).ok_or_else(Problem::no_key)?;
    let hash = Sha256::digest(shown.as_bytes()).into();
    let caller = match server.callers.get(&hash) {
        Some(caller) => caller,
        None => {
            // What is asked is as old as the question.
            let since = Instant::now();
            let caller = Arc::new(found(server, shown.to_str().map_err(|_| Problem::no_key())?).await?);
            server.callers.keep(hash, since, &caller);
            caller
        }
    };
    // Before the scope: a key that asks for what it may not costs as much.
    server.rates.take(&caller.key_id, Instant::now()).map_err(|wait| too_many(server, wait))?;
    if !caller.scopes.contains(&scope) {
        let detail = format!("this key does not have the scope `{}`", scope.word());
        return Err(Problem::new(StatusCode::FORBIDDEN, "missing_scope", detail));
    }
    served(server, caller, headers.get(TENANT)).await
}

async fn found(server: &Server, text: &str) -> Result<Caller, Problem> {
    let key = text.strip_prefix("Bearer ").and_then(|key| ApiKey::parse(key.trim())).ok_or_else(Problem::no_key)?;
    let row = server.parts.store.api_key(key.tenant(), key.id()).await?;
    let row = row.filter(|row| row.revoked_at.is_none() && row.secret_hash == key.secret_hash());
    let row = row.ok_or_else(Problem::no_key)?;
    let scopes = row.scopes.iter().filter_map(|word| Scope::of(word)).collect();
    Ok(Caller { tenant: key.tenant().clone(), key_id: row.id, scopes })
}

/// Names the tenant that a key with the scope `operate` acts in.
const TENANT: HeaderName = HeaderName::from_static("admit-tenant");

/// The caller in the tenant that is meant: the key's own, or the one that whoever operates the server names. In a disabled tenant
/// nobody else is served.
async fn served(server: &Server, caller: Arc<Caller>, named: Option<&HeaderValue>) -> Result<Arc<Caller>, Problem> {
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
    Ok(Arc::new(Caller { tenant, key_id: caller.key_id.clone(), scopes: caller.scopes.clone() }))
}

/// Headers of draft-ietf-httpapi-ratelimit-headers beside `Retry-After` (RFC 9110 section 10.2.3).
fn too_many(server: &Server, wait: Duration) -> Problem {
    let rate = server.rates.per_second().unwrap_or_default();
    let seconds = wait.as_secs().saturating_add(1);
    let detail = format!("this key may make {rate} calls a second; wait {seconds} s");
    let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_calls", detail).after(seconds);
    let limits =
        [("ratelimit-policy", format!("\"key\";q={rate};w=1")), ("ratelimit", format!("\"key\";r=0;t={seconds}"))];
    for (name, value) in limits {
        if let Ok(value) = HeaderValue::from_str(&value) {
            problem = problem.with(HeaderName::from_static(name), value);
        }
    }
    problem
}
