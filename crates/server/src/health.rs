//! `/healthz`: the process answers. `/readyz`: it can do its work; a load balancer sends nothing before. `/metrics`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::get,
};

use crate::Metrics;

/// Whether the process can do its work; set by whoever starts and stops it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says so.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    /// Whether it was said.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The probes and the metrics, for coordinators and workers alike.
pub fn health_router(ready: Readiness, metrics: Arc<Metrics>) -> Router {
    let readyz = async |State(ready): State<Readiness>| match ready.is_ready() {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    };
    let metrics_page = async move |State(ready): State<Readiness>, headers: HeaderMap| {
        metrics.set_ready(ready.is_ready());
        let accepts = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let (kind, page) = if accepts.contains("application/openmetrics-text") {
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", metrics.render())
        } else {
            ("text/plain; version=0.0.4; charset=utf-8", metrics.render_plain())
        };
        ([(header::CONTENT_TYPE, kind)], page).into_response()
    };
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_page))
        .with_state(ready)
}
