//! `GET /config`: the configuration in force, with secrets masked, for administrators.

use axum::Json;
use axum::extract::Request;
use serde_json::{Value, json};

use crate::config::Config;
use crate::server::caller::check_admin;
use crate::server::error::Rejection;
use crate::server::state::Arrival;

/// `GET /config`
pub(super) async fn show(request: Request) -> Result<Json<Value>, Rejection> {
    let (mut parts, _) = request.into_parts();
    let arrival = Arrival::take(&mut parts)?;
    check_admin(&arrival.snapshot.config, &parts.headers, arrival.client)?;
    Ok(Json(masked(&arrival.snapshot.config)))
}

/// What can be shown without the file's own serialiser: names and addresses, no secret.
fn masked(config: &Config) -> Value {
    let providers = config.providers.iter().map(|provider| {
        json!({ "name": &*provider.name, "type": provider.kind.as_str(), "base_url": provider.base_url.as_str(), "enabled": provider.enabled })
    });
    let models = config.models.iter().map(|model| json!({ "name": &*model.name, "enabled": model.enabled }));
    json!({
        "server": { "host": config.server.host, "port": config.server.port },
        "providers": providers.collect::<Vec<_>>(),
        "models": models.collect::<Vec<_>>(),
    })
}
