//! The operator's side door: `/health`, `/ready`, `/metrics`, on an address of its own that is never the public one.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::metrics::Metrics;

/// Something that must work before a node may be asked.
pub trait Readiness: Send + Sync + fmt::Debug {
    /// What it is.
    fn name(&self) -> &'static str;
    /// Why it is not ready, in words for an operator; nothing when it is.
    fn trouble(&self) -> Option<String>;
}

#[derive(Clone, Debug)]
struct Door {
    metrics: Arc<Metrics>,
    checks: Arc<[Arc<dyn Readiness>]>,
    stop: watch::Receiver<bool>,
}

/// Serves the side door until `stop` turns true.
pub async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    checks: Vec<Arc<dyn Readiness>>,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mut ended = stop.clone();
    let door = Door { metrics, checks: checks.into(), stop };
    let router = Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/ready", get(ready))
        .route("/metrics", get(render))
        .with_state(door);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            let _sender_gone = ended.wait_for(|stop| *stop).await;
        })
        .await
}

async fn ready(State(door): State<Door>) -> (StatusCode, String) {
    if *door.stop.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".into());
    }
    let troubles: Vec<String> = door
        .checks
        .iter()
        .filter_map(|check| check.trouble().map(|trouble| format!("{}: {trouble}\n", check.name())))
        .collect();
    if troubles.is_empty() {
        (StatusCode::OK, "ready\n".into())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, troubles.concat())
    }
}

async fn render(State(door): State<Door>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], door.metrics.render())
}
