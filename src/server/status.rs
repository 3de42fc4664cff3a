//! `GET /status`: how the gateway and its upstreams are, for administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};

use crate::engine::Status;
use crate::server::caller::check_admin;
use crate::server::error::Rejection;
use crate::server::state::{App, Arrival};

/// `GET /status`
pub(super) async fn status(State(app): State<Arc<App>>, request: Request) -> Result<Json<Status>, Rejection> {
    let (mut parts, _) = request.into_parts();
    let arrival = Arrival::take(&mut parts)?;
    check_admin(&arrival.snapshot.config, &parts.headers, arrival.client)?;
    Ok(Json(app.engine.status()))
}
