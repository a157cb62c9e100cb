//! Webhooks: subscriptions of audit types to a URL, their deliveries, and a call to try one.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::json as datum;
use admit_eval::value::Instant;
use admit_runtime::context;
use admit_runtime::host::{Host as _, StoreError};
use admit_runtime::unit::AuditEntry;
use admit_store::{Delivery, NewWebhook, Webhook, WebhookChange};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Server;
use super::auth::{Caller, caller};
use super::extract::{Asked, Body};
use super::problem::Problem;
use super::runs::{ok, read};
use super::time::text;
use crate::key::Scope;
use crate::webhook;

/// Subscriptions of one tenant at most.
const MOST: usize = 50;
/// Types of one subscription at most.
const MOST_TYPES: usize = 50;
/// The longest URL, in bytes.
const LONGEST_URL: usize = 2_048;
