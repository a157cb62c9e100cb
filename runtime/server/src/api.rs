//! The API: every call belongs to one tenant, taken from its key.

mod audit;
mod auth;
mod bundles;
mod connections;
pub mod document;
mod extract;
mod guard;
mod health;
mod keys;
mod live;
mod page;
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
use axum::routing::get;
use smol_str::SmolStr;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

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
    ///
    /// # Errors
    /// The OpenAPI document cannot be written as JSON.
    pub fn router(self: &Arc<Self>) -> Result<Router, serde_json::Error> {
        let (router, document) = calls();
        let document: Arc<str> = document::text(&document)?.into();
        Ok(router
            .route(document::PATH, get(async move || document::served(&document)))
            .route("/docs", get(document::docs))
            .route("/docs/", get(document::docs_file))
            .route("/docs/{file}", get(document::docs_file))
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
            .with_state(Arc::clone(self)))
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
        let router = self.router().map_err(std::io::Error::other)?;
        connections::serve(listener, router, stop).await
    }
}

/// The OpenAPI document of the API.
pub fn openapi() -> OpenApi {
    calls().1
}

/// Every call, and the document that says so. A call stands here or it does not exist.
fn calls() -> (Router<Arc<Server>>, OpenApi) {
    let large = DefaultBodyLimit::max(admit_plan::encode::MAX_BYTES);
    let (router, mut document) = OpenApiRouter::with_openapi(document::begin())
        .routes(routes!(runs::start))
        .routes(routes!(runs::list))
        .routes(routes!(runs::one))
        .routes(routes!(runs::resume))
        .routes(routes!(audit::list))
        .routes(routes!(bundles::list))
        .routes(routes!(bundles::put).layer(large))
        .routes(routes!(bundles::activate))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(health::key_set))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .split_for_parts();
    document::finish(&mut document);
    (router, document)
}
