//! Whether the gateway lives, is ready, and has somebody to ask.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::engine::HealthReport;
use crate::server::state::App;

/// What can be asked, in the order of the documentation.
const ENDPOINTS: [&str; 26] = [
    "POST /v1/chat/completions",
    "POST /v1/completions",
    "POST /v1/responses",
    "GET /v1/responses/{id}",
    "DELETE /v1/responses/{id}",
    "GET /v1/responses/{id}/input_items",
    "POST /v1/messages",
    "POST /v1/messages/count_tokens",
    "POST /v1/embeddings",
    "POST /v1/moderations",
    "POST /v1/images/*",
    "POST /v1/audio/*",
    "POST /v1/rerank",
    "GET /v1/models",
    "GET /v1/models/{id}",
    "POST /v1/models/{id}/test",
    "ANY /v1/*",
    "ANY /providers/{name}/*",
    "GET /health",
    "GET /healthz",
    "GET /readyz",
    "GET /status",
    "GET /metrics",
    "GET /config",
    "GET /admin/api/explain",
    "POST /reload",
];

/// `GET /`
pub(super) async fn index() -> Json<Value> {
    Json(json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION"), "endpoints": ENDPOINTS }))
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
pub(super) struct Answer {
    status: &'static str,
}
