//! Whether the gateway lives, is ready, and has somebody to ask.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::engine::HealthReport;
use crate::server::docs;
use crate::server::state::App;

/// `GET /`
pub(super) async fn index() -> Json<Index> {
    Json(Index { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION"), endpoints: docs::endpoints() })
}

/// What this is.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(super) struct Index {
    name: &'static str,
    version: &'static str,
    /// What can be asked, as `METHOD /path`; `ANY` where it is any method.
    endpoints: &'static [String],
}

/// `GET /health`
pub(super) async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<HealthReport>) {
    let report = app.engine.health();
    let status = if report.status == "unhealthy" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(report))
}

/// `GET /healthz`
pub(super) async fn live() -> Json<Answer> {
    Json(Answer { status: "ok" })
}

/// `GET /readyz`
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.shutdown.is_draining() {
        true => (StatusCode::SERVICE_UNAVAILABLE, Json(Answer { status: "draining" })).into_response(),
        false => Json(Answer { status: "ready" }).into_response(),
    }
}

/// One word.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Liveness))]
pub(super) struct Answer {
    status: &'static str,
}
