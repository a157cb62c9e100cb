//! The API: every call belongs to one tenant, taken from its key.

mod audit;
mod auth;
mod bundles;
mod connections;
mod extract;
mod guard;
mod health;
mod keys;
mod live;
mod problem;
mod runs;
mod time;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_host::RealHost;
use admit_runtime::block::Registry;
use admit_runtime::tenant::TenantId;
use admit_store::SqlStore;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{delete, get, post, put};
use smol_str::SmolStr;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use live::Live;
use problem::Problem;

pub use live::deploy;

/// The most that a body may hold, but for bundles.
pub const LARGEST_BODY: usize = 256 * 1024;

/// Fills in what an event leaves out of its request and feeds know: the event, and whether its flow reads the device. None
/// where there is nothing to add.
pub type Complete = dyn Fn(&[u8], bool) -> Option<Vec<u8>> + Send + Sync;

/// What a server is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: SqlStore,
    /// Everything outside a run.
    pub host: Arc<RealHost>,
    /// The blocks.
    pub registry: Registry,
    /// Tenants' own values of params.
    pub params: HashMap<TenantId, Vec<(SmolStr, Datum)>>,
    /// Fills in events.
    pub complete: Arc<Complete>,
    /// Runs at once; more are told to come back.
    pub most_runs: usize,
}

/// A server.
pub struct Server {
    parts: Parts,
    live: Live,
    runs: Arc<Semaphore>,
}

impl Server {
    /// Makes one. Bundles are loaded when they are first asked for.
    pub fn new(parts: Parts) -> Arc<Self> {
        let runs = Arc::new(Semaphore::new(parts.most_runs));
        Arc::new(Self { parts, live: Live::default(), runs })
    }

    /// Its routes.
    pub fn router(self: &Arc<Self>) -> Router {
        let large = DefaultBodyLimit::max(admit_plan::encode::MAX_BYTES);
        Router::new()
            .route("/v1/flows/{flow}/runs", post(runs::start))
            .route("/v1/runs", get(runs::list))
            .route("/v1/runs/{run}", get(runs::one))
            .route("/v1/runs/{run}/resume", post(runs::resume))
            .route("/v1/audit", get(audit::list))
            .route("/v1/bundles", put(bundles::put).layer(large).get(bundles::list))
            .route("/v1/bundles/{hash}/activate", post(bundles::activate))
            .route("/v1/keys", get(keys::list).post(keys::create))
            .route("/v1/keys/{key}", delete(keys::revoke))
            .route("/.well-known/jwks.json", get(health::key_set))
            .route("/healthz", get(health::live))
            .route("/readyz", get(health::ready))
            .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here"))
            .method_not_allowed_fallback(async || {
                Problem::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "method_not_allowed",
                    "this method is not for this address",
                )
            })
            .layer(middleware::from_fn(guard::headers))
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(Arc::clone(self))
    }

    /// Serves until `stop` is done; then what runs ends, and nothing new begins.
    ///
    /// # Errors
    /// The listener failed.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        connections::serve(listener, self.router(), stop).await
    }
}
