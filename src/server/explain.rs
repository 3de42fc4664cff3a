//! `GET /admin/api/explain?model=NAME`: the plan for a model as a request would get it now, for administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, Request, State};
use serde::Deserialize;

use crate::engine::{Error, Explanation};
use crate::server::caller::check_admin;
use crate::server::error::Rejection;
use crate::server::state::{App, Arrival};

/// `?model=gpt-4`
#[derive(Deserialize)]
struct Options {
    #[serde(default)]
    model: String,
}

/// `GET /admin/api/explain`
pub(super) async fn explain(State(app): State<Arc<App>>, request: Request) -> Result<Json<Explanation>, Rejection> {
    let (mut parts, _) = request.into_parts();
    let arrival = Arrival::take(&mut parts)?;
    check_admin(&arrival.snapshot.config, &parts.headers, arrival.client)?;
    let asked = Query::try_from_uri(&parts.uri).map(|Query(Options { model })| model).unwrap_or_default();
    if asked.is_empty() {
        let message = "name one model: `?model=NAME`".to_owned();
        return Err(Error::InvalidRequest { message, param: Some("model".to_owned()) }.into());
    }
    Ok(Json(app.engine.explain(&asked).await?))
}
