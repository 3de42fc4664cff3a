//! `GET /status`: how the gateway and its upstreams are, for administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use serde::Serialize;

use crate::engine;
use crate::server::caller::check_admin;
use crate::server::error::Rejection;
use crate::server::state::{App, Arrival};

/// The engine's, and how full the server is.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(super) struct Status {
    #[serde(flatten)]
    engine: engine::Status,
    connections: Load,
    /// Of clients, whatever they ask for; `in_flight` are those that the engine has.
    requests: Load,
}

/// How many there are, and may be.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
struct Load {
    now: usize,
    max: usize,
}

/// `GET /status`
pub(super) async fn status(State(app): State<Arc<App>>, request: Request) -> Result<Json<Status>, Rejection> {
    let (mut parts, _) = request.into_parts();
    let arrival = Arrival::take(&mut parts)?;
    check_admin(&arrival.snapshot.config, &parts.headers, arrival.client)?;
    let room = app.room(&arrival.snapshot.config);
    let connections = Load { now: app.crowd.len(), max: room.connections };
    let requests = Load { now: app.requests.len(), max: room.requests };
    Ok(Json(Status { engine: app.engine.status(), connections, requests }))
}
