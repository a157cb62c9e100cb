//! The API: every call belongs to one tenant, taken from its key.

mod actions;
mod audit;
mod auth;
mod bundles;
mod clients;
mod connections;
mod deliveries;
pub mod document;
mod erase;
mod extract;
mod guard;
mod health;
mod keys;
mod live;
mod management;
mod once;
mod page;
mod params;
mod places;
mod precondition;
mod problem;
mod rate;
mod runs;
mod secrets;
mod sessions;
mod settings;
mod simulate;
mod stream;
mod tenancy;
mod tenants;
mod time;
mod users;
mod webhooks;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use admit_host::RealHost;
use admit_runtime::block::Registry;
use admit_store::SqlStore;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsAcceptor;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::metrics::Metrics;
use crate::spans::Spans;
use auth::Callers;
use connections::Port;
use live::Live;
use places::Places;
use problem::Problem;
use rate::Rates;
use stream::Streams;
use tenancy::Tenancies;

pub use live::deploy;
pub use tenancy::{Formats, Kept, Setup, StubDefaults};

/// How often what was measured is put in order, also where nobody asks for it.
const UPKEEP: Duration = Duration::from_secs(5);

/// The most that a body may hold, but for bundles.
pub const LARGEST_BODY: usize = 256 * 1024;

/// Fills in what an event leaves out of its request and feeds know: the event, and whether its flow reads the device. None
/// where there is nothing to add.
pub type Complete = dyn Fn(&[u8], bool) -> Option<Vec<u8>> + Send + Sync;

/// What a server is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: SqlStore,
    /// Everything outside a run that all tenants share.
    pub host: Arc<RealHost>,
    /// The blocks.
    pub registry: Registry,
    /// Reads what tenants are set up with.
    pub formats: Arc<dyn Formats>,
    /// Fills in events.
    pub complete: Arc<Complete>,
    /// Runs at once; more are told to come back.
    pub most_runs: usize,
    /// Runs are recorded. Where they are not, one that would suspend, write or queue is refused.
    pub records: bool,
    /// Calls a second that a key may make on this node; none: as many as it likes.
    pub rate_per_key: Option<u32>,
    /// What it says of itself.
    pub operation: Operation,
}

/// What a server says of itself, and to whom.
#[derive(Default)]
pub struct Operation {
    /// What counts, of [`crate::metrics::install`]; none: nothing is counted.
    pub prometheus: Option<PrometheusHandle>,
    /// Sets gauges of what the server does not know, when metrics are asked for.
    pub observe: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Where spans go.
    pub spans: Option<Arc<Spans>>,
    /// A line in the log for each request, not for failures alone.
    pub log_requests: bool,
}

/// How a server is served.
pub struct Serving {
    /// The public port.
    pub public: TcpListener,
    /// Metrics, liveness and readiness on a port of their own, and then there alone.
    pub management: Option<TcpListener>,
    /// TLS of the public port.
    pub tls: Option<TlsAcceptor>,
    /// How long it still accepts requests, no longer ready, so that whoever distributes them sees it.
    pub drain: Duration,
    /// How long requests that are under way then may take.
    pub stop_after: Duration,
}

/// A server.
pub struct Server {
    parts: Parts,
    live: Live,
    callers: Callers,
    tenancies: Tenancies,
    runs: Arc<Places>,
    metrics: Metrics,
    is_stopping: AtomicBool,
    rates: Rates,
    streams: Arc<Streams>,
    stopping: watch::Sender<bool>,
}

impl Server {
    /// Makes one. Bundles are loaded when they are first asked for.
    pub fn new(parts: Parts) -> Arc<Self> {
        let runs = Places::new(parts.most_runs);
        let metrics = Metrics::new(parts.operation.prometheus.clone());
        let tenancies = Tenancies::default();
        let rates = Rates::new(parts.rate_per_key);
        let (stopping, _) = watch::channel(false);
        Arc::new(Self {
            parts,
            live: Live::default(),
            callers: Callers::default(),
            tenancies,
            runs,
            metrics,
            is_stopping: AtomicBool::new(false),
            rates,
            streams: Arc::default(),
            stopping,
        })
    }

    /// Its routes; with those of the management port where it has none.
    ///
    /// # Errors
    /// The OpenAPI document cannot be written as JSON.
    pub fn router(self: &Arc<Self>, is_alone: bool) -> Result<Router, serde_json::Error> {
        let (router, document) = calls(is_alone);
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
            .layer(middleware::from_fn_with_state(Arc::clone(self), guard::around))
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
        let (drain, stop_after) = (Duration::ZERO, connections::LAST);
        self.serve_on(Serving { public: listener, management: None, tls: None, drain, stop_after }, stop).await?;
        Ok(())
    }

    /// As [`Self::serve`], on these ports. False where requests were still under way when the time for them was over.
    ///
    /// # Errors
    /// The OpenAPI document cannot be written as JSON.
    pub async fn serve_on(
        self: Arc<Self>,
        on: Serving,
        stop: impl Future<Output = ()> + Send,
    ) -> std::io::Result<bool> {
        let router = self.router(on.management.is_none()).map_err(std::io::Error::other)?;
        let ended = Arc::new(Notify::new());
        let management = on.management.map(|listener| {
            let (server, ended) = (Arc::clone(&self), Arc::clone(&ended));
            tokio::spawn(async move {
                let port = Port { listener, tls: None, last: Duration::from_secs(1) };
                connections::serve(port, server.management(), &server.metrics, ended.notified()).await
            })
        });
        let upkeep = tokio::spawn({
            let server = Arc::clone(&self);
            async move {
                loop {
                    tokio::time::sleep(UPKEEP).await;
                    server.metrics.upkeep();
                }
            }
        });
        let stop = async {
            stop.await;
            self.is_stopping.store(true, Ordering::Relaxed);
            tokio::time::sleep(on.drain).await;
            // Streams have no end of their own.
            self.stopping.send_replace(true);
        };
        let port = Port { listener: on.public, tls: on.tls, last: on.stop_after };
        let all = connections::serve(port, router, &self.metrics, stop).await;
        ended.notify_one();
        if let Some(management) = management {
            let _ = management.await;
        }
        upkeep.abort();
        Ok(all)
    }

    /// What it is made of.
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }
}

/// The OpenAPI document of the API.
pub fn openapi() -> OpenApi {
    calls(true).1
}

/// Every call, and the document that says so. A call stands here or it does not exist.
fn calls(is_alone: bool) -> (Router<Arc<Server>>, OpenApi) {
    let large = DefaultBodyLimit::max(admit_plan::encode::MAX_BYTES);
    let (router, mut document) = OpenApiRouter::with_openapi(document::begin())
        .routes(routes!(runs::start))
        .routes(routes!(runs::list))
        .routes(routes!(runs::one))
        .routes(routes!(runs::resume))
        .routes(routes!(simulate::simulate))
        .routes(routes!(audit::list))
        .routes(routes!(stream::stream))
        .routes(routes!(bundles::list))
        .routes(routes!(bundles::put).layer(large))
        .routes(routes!(bundles::check).layer(large))
        .routes(routes!(bundles::check_kept))
        .routes(routes!(bundles::activate))
        .routes(routes!(settings::show, settings::put))
        .routes(routes!(params::list))
        .routes(routes!(params::show, params::put, params::remove))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::put, secrets::remove))
        .routes(routes!(clients::list))
        .routes(routes!(clients::show, clients::put, clients::remove))
        .routes(routes!(clients::secret))
        .routes(routes!(actions::list))
        .routes(routes!(actions::show, actions::patch))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::show, users::patch))
        .routes(routes!(sessions::list, sessions::revoke_all))
        .routes(routes!(sessions::show, sessions::revoke))
        .routes(routes!(tenants::list, tenants::create))
        .routes(routes!(tenants::show, tenants::patch))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(erase::erase))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::read_one, webhooks::change, webhooks::remove))
        .routes(routes!(webhooks::attempt))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::retry))
        .routes(routes!(health::key_set))
        .merge(if is_alone { management::routes() } else { OpenApiRouter::new() })
        .split_for_parts();
    document::finish(&mut document);
    (router, document)
}
