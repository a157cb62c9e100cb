//! Deliveries of a webhook: listed, and made again.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_runtime::host::{Host as _, StoreError};
use admit_store::Delivery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::Server;
use super::auth::caller;
use super::extract::{Asked, Path};
use super::page::Listing;
use super::problem::Problem;
use super::runs::ok;
use super::time::text;
use super::webhooks::one;
use crate::key::Scope;

/// A delivery.
#[derive(Serialize, ToSchema)]
pub struct DeliveryShown {
    /// `whd_...`: the `webhook-id` that the receiver sees, the same at every try.
    id: String,
    /// The number of the audit entry.
    seq: u64,
    /// The type of the audit entry.
    r#type: String,
    /// `waiting`, `delivered`, `given_up`
    state: &'static str,
    /// How often it was tried.
    tries: u32,
    /// The status of the last answer; null where there was none.
    status: Option<u16>,
    /// Why the last try failed; null where it did not.
    problem: Option<String>,
    /// When it was queued.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it arrived; null where it has not.
    #[schema(format = DateTime)]
    delivered_at: Option<String>,
}

/// A page of deliveries, newest first.
#[derive(Serialize, ToSchema)]
pub struct DeliveryPage {
    /// The deliveries.
    deliveries: Vec<DeliveryShown>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// List deliveries of a webhook
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/webhooks/{webhook}/deliveries", operation_id = "listDeliveries", tag = "webhooks",
    params(("webhook" = String, Path, description = "`whk_...`"), Listing),
    security(("key" = ["manage"])),
    responses((status = 200, description = "A page of deliveries.", body = DeliveryPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Path(webhook): Path<String>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let page = asked.page::<u64>()?;
    one(&server, &caller, &webhook).await?;
    let mut deliveries = server.parts.store.deliveries(&caller.tenant, &webhook, page.after, page.ask()).await?;
    let next_cursor = page.cut(&mut deliveries, |delivery| delivery.seq);
    Ok(ok(&DeliveryPage { deliveries: deliveries.into_iter().map(shown).collect(), next_cursor }))
}

/// Deliver again
///
/// The delivery is queued anew, also where it has arrived: under the same id, so that a receiver can tell.
#[utoipa::path(
    post, path = "/v1/webhooks/{webhook}/deliveries/{delivery}/retry", operation_id = "redeliver", tag = "webhooks",
    params(
        ("webhook" = String, Path, description = "`whk_...`"),
        ("delivery" = String, Path, description = "`whd_...`"),
    ),
    security(("key" = ["manage"])),
    responses((status = 200, description = "It is queued.", body = DeliveryShown)),
)]
pub async fn retry(
    State(server): State<Arc<Server>>,
    Path((webhook, delivery)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    one(&server, &caller, &webhook).await?;
    let (store, now) = (&server.parts.store, server.parts.host.now());
    let entry = super::webhooks::entry("webhook.redelivered", &caller, &delivery, Datum::Null);
    store.redeliver(&caller.tenant, &webhook, &delivery, &entry, now).await.map_err(missing)?;
    let queued = store.delivery(&caller.tenant, &delivery).await?.ok_or_else(|| Problem::not_found("delivery"))?;
    Ok(ok(&shown(queued)))
}

fn missing(error: StoreError) -> Problem {
    match error {
        StoreError::NotFound => Problem::not_found("delivery"),
        other => other.into(),
    }
}

fn shown(delivery: Delivery) -> DeliveryShown {
    let state = match (delivery.delivered_at, delivery.failed_at) {
        (Some(_), _) => "delivered",
        (None, Some(_)) => "given_up",
        (None, None) => "waiting",
    };
    DeliveryShown {
        id: delivery.id,
        seq: delivery.seq,
        r#type: delivery.kind,
        state,
        tries: delivery.attempts,
        status: delivery.status,
        problem: delivery.problem,
        created_at: text(delivery.created_at),
        delivered_at: delivery.delivered_at.map(text),
    }
}
