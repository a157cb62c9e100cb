//! What is for whoever operates the server: liveness and readiness, and metrics, which tell of all tenants and are on a port of their
//! own alone.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use admit_runtime::context;
use admit_runtime::host::Host as _;
use admit_runtime::trace::Trace;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::{Server, health};

/// What both ports may have: the public one where there is no other.
pub fn routes() -> OpenApiRouter<Arc<Server>> {
    OpenApiRouter::new().routes(routes!(health::live)).routes(routes!(health::ready))
}

/// `GET /metrics`: the text format of Prometheus.
async fn metrics(State(server): State<Arc<Server>>) -> Result<Response, Problem> {
    if let Some(observe) = &server.parts.operation.observe {
        observe();
    }
    let is_ready = !server.is_stopping.load(Ordering::Relaxed);
    let text = server.metrics.render(&server.parts.store, server.parts.host.now(), is_ready).await;
    let text = text.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "this server counts nothing: it was started without metrics")
    })?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

impl Server {
    /// The routes of a management port.
    pub(super) fn management(self: &Arc<Self>) -> Router {
        let nowhere = async || Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here");
        routes().split_for_parts().0.route("/metrics", get(metrics)).fallback(nowhere).with_state(Arc::clone(self))
    }

    /// A request of a run has ended: metrics and spans are folds over its trace.
    pub(super) fn observe(&self, trace: &Trace) {
        self.metrics.run(trace);
        let within = context::current().and_then(|context| context.trace);
        if let (Some(spans), Some(within)) = (&self.parts.operation.spans, within) {
            spans.run(within, trace);
        }
    }
}
