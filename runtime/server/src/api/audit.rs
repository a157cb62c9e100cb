//! The audit log.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_store::{AuditFilter, AuditRow};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Server;
use super::auth::caller;
use super::extract::Asked;
use super::page::Page;
use super::problem::Problem;
use super::runs::ok;
use super::time::{self, text};
use crate::key::Scope;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Of this type, `flow.deployed`; or of this family, `flow.*`
    #[serde(rename = "type")]
    kind: Option<String>,
    /// That happened then or later.
    #[param(format = DateTime)]
    since: Option<String>,
    /// That happened before then.
    #[param(format = DateTime)]
    until: Option<String>,
    /// Of this actor: a key, a run's flow, ...
    actor: Option<String>,
    /// About this target: a user, a bundle, ...
    target: Option<String>,
    /// With this outcome: `success`, `failure`, `denied`, `partial`
    outcome: Option<String>,
    /// Most entries of the page; 50 where it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// An audit entry.
#[derive(Serialize, ToSchema)]
pub struct Entry {
    /// Its number in the tenant, 1 first, without gaps.
    seq: u64,
    /// `aud_...`
    id: String,
    /// `flow.deployed`, `user.created`, ...
    r#type: String,
    /// When.
    #[schema(format = DateTime)]
    occurred_at: String,
    /// Who.
    actor: String,
    /// What it was done to.
    target: String,
    /// `success`, `failure`, `denied`, `partial`
    outcome: String,
    /// In which run; empty where no run did it.
    run: String,
    /// What else belongs to it; null where its user was erased.
    data: Value,
    /// Where the request came from: `ip` (its network: the first 24 bits, of IPv6 48), `user_agent`, `request_id`, `geo`; null where that is
    /// not known.
    context: Value,
}

/// A page of entries, newest first.
#[derive(Serialize, ToSchema)]
pub struct EntryPage {
    /// The entries.
    entries: Vec<Entry>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// List audit entries
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "listAudit", tag = "audit",
    params(Listing),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page of entries.", body = EntryPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Read).await?;
    let page = Page::of(asked.limit, asked.cursor.as_deref())?;
    let filter = AuditFilter {
        kind: asked.kind,
        since: time::read("since", asked.since.as_deref())?,
        until: time::read("until", asked.until.as_deref())?,
        actor: asked.actor,
        target: asked.target,
        outcome: asked.outcome,
        before: page.after,
    };
    let mut rows = server.parts.store.audit_where(&caller.tenant, &filter, page.ask()).await?;
    let next_cursor = page.cut(&mut rows, |row| row.seq);
    Ok(ok(&EntryPage { entries: rows.iter().map(shown).collect(), next_cursor }))
}

/// An entry as callers see it.
pub fn shown(row: &AuditRow) -> Entry {
    Entry {
        seq: row.seq,
        id: row.id.clone(),
        r#type: row.entry.kind.clone(),
        occurred_at: text(row.at),
        actor: row.entry.actor.clone(),
        target: row.entry.target.clone(),
        outcome: row.entry.outcome.clone(),
        run: row.run_id.clone(),
        data: json::to_json(&row.entry.data),
        context: context(&row.context),
    }
}

/// As it is kept, but for the address: that is personal, and its network is enough to see what belongs together.
fn context(kept: &Datum) -> Value {
    let mut shown = json::to_json(kept);
    if let Some(ip) = shown.get_mut("ip") {
        *ip = match ip.as_str().and_then(|ip| ip.parse().ok()) {
            Some(IpAddr::V4(ip)) => format!("{}/24", Ipv4Addr::from_bits(ip.to_bits() & 0xffff_ff00)).into(),
            Some(IpAddr::V6(ip)) => format!("{}/48", Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 80))).into(),
            None => Value::Null,
        };
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_its_network() {
        let shown = |ip: &str| context(&Datum::record([("ip", Datum::Str(ip.into()))]))["ip"].clone();
        assert_eq!(shown("203.0.113.9"), "203.0.113.0/24");
        assert_eq!(shown("2001:db8:1:2::3"), "2001:db8:1::/48");
        assert_eq!((shown("elsewhere"), context(&Datum::Null)), (Value::Null, Value::Null));
    }
}
