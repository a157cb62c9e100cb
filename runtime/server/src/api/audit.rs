//! The audit log.

use std::sync::Arc;

use admit_eval::json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Server;
use super::auth::caller;
use super::extract::Asked;
use super::problem::Problem;
use super::runs::ok;
use super::time::text;
use crate::key::Scope;

/// The most entries that one page holds.
const PAGE: u32 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    after: Option<u64>,
    limit: Option<u32>,
}

/// `GET /v1/audit`: entries in order, after the number `after`.
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Read).await?;
    let limit = asked.limit.unwrap_or(100).clamp(1, PAGE);
    let rows = server.parts.store.audit(&caller.tenant, asked.after.unwrap_or(0), limit).await?;
    let next = rows.last().map(|row| row.seq);
    let entries: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "seq": row.seq,
                "id": row.id,
                "type": row.entry.kind,
                "occurred_at": text(row.at),
                "actor": row.entry.actor,
                "target": row.entry.target,
                "outcome": row.entry.outcome,
                "run": row.run_id,
                "data": json::to_json(&row.entry.data),
            })
        })
        .collect();
    Ok(ok(&json!({ "entries": entries, "next_after": next })))
}
