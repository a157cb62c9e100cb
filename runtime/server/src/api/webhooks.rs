//! Webhooks: subscriptions of audit types to a URL, and a call to try one.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::json as datum;
use admit_runtime::context;
use admit_runtime::host::{Host as _, StoreError};
use admit_runtime::unit::AuditEntry;
use admit_store::{NewWebhook, Webhook, WebhookChange};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Server;
use super::auth::{Caller, caller};
use super::extract::{Asked, Body, Path, read};
use super::page::Listing;
use super::problem::Problem;
use super::runs::ok;
use super::time::text;
use crate::key::Scope;
use crate::webhook;

/// Subscriptions of one tenant at most.
const MOST: usize = 50;
/// Types of one subscription at most.
const MOST_TYPES: usize = 50;
/// The longest URL and the longest type, in bytes.
const LONGEST_URL: usize = 2_048;
const LONGEST_TYPE: usize = 100;

/// A subscription to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSubscription {
    /// Where to: https, a public host.
    #[schema(min_length = 1, max_length = 2048)]
    url: String,
    /// Audit types: `user.created`, a family `user.*`, or `*`.
    #[schema(min_items = 1, max_items = 50)]
    types: Vec<String>,
}

/// What is to change of a subscription; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionChange {
    /// Where to, from now on.
    #[schema(min_length = 1, max_length = 2048)]
    url: Option<String>,
    /// Audit types, from the next entry on.
    #[schema(min_items = 1, max_items = 50)]
    types: Option<Vec<String>>,
    /// Turned off, or on again: what happened meanwhile is not made up for.
    disabled: Option<bool>,
}

/// A subscription, without its secret.
#[derive(Serialize, ToSchema)]
pub struct Subscription {
    /// `whk_...`
    id: String,
    /// Where to.
    url: String,
    /// Audit types.
    types: Vec<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Since when no delivery has arrived; null where the last one did.
    #[schema(format = DateTime)]
    failing_since: Option<String>,
    /// Since when nothing is delivered; null: it is.
    #[schema(format = DateTime)]
    disabled_at: Option<String>,
}

/// A subscription that was made.
#[derive(Serialize, ToSchema)]
pub struct SubscriptionMade {
    /// The subscription.
    #[serde(flatten)]
    subscription: Subscription,
    /// What its deliveries are signed with (`whsec_...`), told this once.
    secret: String,
}

/// A page of subscriptions, newest first.
#[derive(Serialize, ToSchema)]
pub struct SubscriptionPage {
    /// The subscriptions.
    webhooks: Vec<Subscription>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// A subscription that was removed.
#[derive(Serialize, ToSchema)]
pub struct SubscriptionRemoved {
    /// `whk_...`
    id: String,
    /// It is.
    removed: bool,
}

/// How a delivery that was made at once went.
#[derive(Serialize, ToSchema)]
pub struct Tried {
    /// The receiver took it: it answered with a status from 200 to 299.
    delivered: bool,
    /// The status of its answer; null where there was none.
    status: Option<u16>,
    /// Why it was not delivered; null where it was.
    problem: Option<String>,
}

/// List webhooks
///
/// Newest first; never their secrets.
#[utoipa::path(
    get, path = "/v1/webhooks", operation_id = "listWebhooks", tag = "webhooks",
    params(Listing),
    security(("key" = ["manage"])),
    responses((status = 200, description = "A page of subscriptions.", body = SubscriptionPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let page = asked.page::<String>()?;
    // A tenant has few: by id, which is by time, the newest first.
    let mut webhooks = server.parts.store.webhooks(&caller.tenant).await?;
    webhooks.reverse();
    webhooks.retain(|webhook| page.after.as_ref().is_none_or(|after| webhook.id < *after));
    webhooks.truncate(usize::try_from(page.ask()).unwrap_or(usize::MAX));
    let next_cursor = page.cut(&mut webhooks, |webhook| webhook.id.clone());
    Ok(ok(&SubscriptionPage { webhooks: webhooks.into_iter().map(shown).collect(), next_cursor }))
}

/// Make a webhook
///
/// It is told of audit entries from now on. The answer has the secret that deliveries are signed with, this once.
#[utoipa::path(
    post, path = "/v1/webhooks", operation_id = "createWebhook", tag = "webhooks",
    request_body = NewSubscription,
    security(("key" = ["manage"])),
    responses((status = 200, description = "It is made.", body = SubscriptionMade)),
)]
pub async fn create(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let new: NewSubscription = read(&body)?;
    check_url(&server, &new.url)?;
    check_types(&new.types)?;
    if server.parts.store.webhooks(&caller.tenant).await?.len() >= MOST {
        let detail = format!("a tenant has {MOST} webhooks at most: remove one, or let one subscribe to more types");
        return Err(Problem::new(StatusCode::CONFLICT, "too_many", detail));
    }
    let secret = webhook::secret().map_err(|_| Problem::internal())?;
    let told = webhook::shown(&secret);
    let (now, data) = (server.parts.host.now(), types_of(&new.types));
    let new = NewWebhook { url: new.url, types: new.types, secret };
    let entry = |id: &str| entry("webhook.created", &caller, id, data);
    let id = server.parts.store.add_webhook(&caller.tenant, &new, entry, now).await?;
    let made = one(&server, &caller, &id).await?;
    Ok(ok(&SubscriptionMade { subscription: shown(made), secret: told }))
}

/// Read a webhook
#[utoipa::path(
    get, path = "/v1/webhooks/{webhook}", operation_id = "readWebhook", tag = "webhooks",
    params(("webhook" = String, Path, description = "`whk_...`")),
    security(("key" = ["manage"])),
    responses((status = 200, description = "The subscription.", body = Subscription)),
)]
pub async fn read_one(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    Ok(ok(&shown(one(&server, &caller, &id).await?)))
}

/// Change a webhook
#[utoipa::path(
    patch, path = "/v1/webhooks/{webhook}", operation_id = "changeWebhook", tag = "webhooks",
    params(("webhook" = String, Path, description = "`whk_...`")),
    request_body = SubscriptionChange,
    security(("key" = ["manage"])),
    responses((status = 200, description = "As it is now.", body = Subscription)),
)]
pub async fn change(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let change: SubscriptionChange = read(&body)?;
    if let Some(url) = &change.url {
        check_url(&server, url)?;
    }
    if let Some(types) = &change.types {
        check_types(types)?;
    }
    let mut data = change.types.as_deref().map_or(Datum::Null, types_of);
    if let Some(is_disabled) = change.disabled {
        let field = (Datum::Str("disabled".into()), Datum::Bool(is_disabled));
        match &mut data {
            Datum::Map(fields) => fields.push(field),
            other => *other = Datum::Map(vec![field]),
        }
    }
    let change = WebhookChange { url: change.url, types: change.types, is_disabled: change.disabled };
    let (entry, now) = (entry("webhook.updated", &caller, &id, data), server.parts.host.now());
    let done = server.parts.store.change_webhook(&caller.tenant, &id, &change, &entry, now).await;
    done.map_err(missing)?;
    Ok(ok(&shown(one(&server, &caller, &id).await?)))
}

/// Remove a webhook
///
/// With its deliveries, those that are still to be made too.
#[utoipa::path(
    delete, path = "/v1/webhooks/{webhook}", operation_id = "removeWebhook", tag = "webhooks",
    params(("webhook" = String, Path, description = "`whk_...`")),
    security(("key" = ["manage"])),
    responses((status = 200, description = "It is removed.", body = SubscriptionRemoved)),
)]
pub async fn remove(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let (entry, now) = (entry("webhook.removed", &caller, &id, Datum::Null), server.parts.host.now());
    server.parts.store.remove_webhook(&caller.tenant, &id, &entry, now).await.map_err(missing)?;
    Ok(ok(&SubscriptionRemoved { id, removed: true }))
}

/// Try a webhook
///
/// Sends one delivery of the type `webhook.test` at once, signed as others are, and tells how it went. It is not tried again.
#[utoipa::path(
    post, path = "/v1/webhooks/{webhook}/test", operation_id = "tryWebhook", tag = "webhooks",
    params(("webhook" = String, Path, description = "`whk_...`")),
    security(("key" = ["manage"])),
    responses((status = 200, description = "How it went.", body = Tried)),
)]
pub async fn attempt(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let webhook = one(&server, &caller, &id).await?;
    let secret = server.parts.store.webhook_secret(&caller.tenant, &id).await.map_err(missing)?;
    let now = datum::to_json(&Datum::Timestamp(server.parts.host.now()));
    let body = json!({ "type": "webhook.test", "timestamp": now, "data": { "webhook": id } });
    let mut random = [0; 8];
    server.parts.host.random(&mut random);
    let name = format!("whd_test_{}", context::text(&random));
    let end = webhook::send(&server.parts.host, &webhook.url, &secret, (&name, &body)).await;
    Ok(ok(&Tried { delivered: end.problem.is_none(), status: end.status, problem: end.problem }))
}

/// The tenant's own, or as if there were none.
pub(super) async fn one(server: &Server, caller: &Caller, id: &str) -> Result<Webhook, Problem> {
    server.parts.store.webhook(&caller.tenant, id).await?.ok_or_else(|| Problem::not_found("webhook"))
}

pub(super) fn missing(error: StoreError) -> Problem {
    match error {
        StoreError::NotFound => Problem::not_found("webhook"),
        other => other.into(),
    }
}

pub(super) fn entry(kind: &str, caller: &Caller, target: &str, data: Datum) -> AuditEntry {
    context::of_request(AuditEntry {
        kind: kind.to_owned(),
        actor: caller.key_id.clone(),
        target: target.to_owned(),
        outcome: "success".to_owned(),
        data,
    })
}

/// The URL itself stays out of the log: it may hold a token.
fn types_of(types: &[String]) -> Datum {
    Datum::record([("types", Datum::List(types.iter().map(|kind| Datum::Str(kind.as_str().into())).collect()))])
}

fn check_url(server: &Server, url: &str) -> Result<(), Problem> {
    let bad = |why: String| Problem::bad("bad_url", format!("`url` is refused: {why}"));
    if url.len() > LONGEST_URL {
        return Err(bad(format!("it is longer than {LONGEST_URL} bytes")));
    }
    server.parts.host.may_subscribe(url).map_err(bad)
}

fn check_types(types: &[String]) -> Result<(), Problem> {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let is_type = |kind: &String| {
        let family = kind.strip_suffix(".*").unwrap_or(kind);
        kind.len() <= LONGEST_TYPE && (kind == "*" || family.split('.').all(is_word))
    };
    if types.is_empty() || types.len() > MOST_TYPES || !types.iter().all(is_type) {
        let detail = format!("`types` is 1 to {MOST_TYPES} audit types: `user.created`, a family `user.*`, or `*`");
        return Err(Problem::bad("bad_types", detail));
    }
    Ok(())
}

fn shown(webhook: Webhook) -> Subscription {
    Subscription {
        id: webhook.id,
        url: webhook.url,
        types: webhook.types,
        created_at: text(webhook.created_at),
        failing_since: webhook.failing_since.map(text),
        disabled_at: webhook.disabled_at.map(text),
    }
}
