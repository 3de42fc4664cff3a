//! `GET /config`: the configuration in force, with secrets masked, for administrators.

use axum::Json;
use axum::extract::Request;
use serde_json::Value;

use crate::server::caller::check_admin;
use crate::server::error::Rejection;
use crate::server::state::Arrival;

/// `GET /config`
pub(super) async fn show(request: Request) -> Result<Json<Value>, Rejection> {
    let (mut parts, _) = request.into_parts();
    let arrival = Arrival::take(&mut parts)?;
    check_admin(&arrival.snapshot.config, &parts.headers, arrival.client)?;
    Ok(Json(arrival.snapshot.config.to_json()))
}
