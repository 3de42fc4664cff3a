//! `GET /config`: the configuration in force, with secrets masked, for administrators.

use axum::Json;
use axum::extract::Request;
use serde::Serialize;
use serde_json::Value;

use crate::server::caller::check_admin;
use crate::server::error::Rejection;
use crate::server::state::Arrival;

/// As the file has it.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Configuration, value_type = Object))]
pub(super) struct Shown(Value);

/// `GET /config`
pub(super) async fn show(request: Request) -> Result<Json<Shown>, Rejection> {
    let (mut parts, _) = request.into_parts();
    let arrival = Arrival::take(&mut parts)?;
    check_admin(&arrival.snapshot.config, &parts.headers, arrival.client)?;
    Ok(Json(Shown(arrival.snapshot.config.to_json())))
}
