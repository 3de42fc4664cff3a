//! Hands requests to the dashboard, read whole, and puts what it refuses into the server's envelope.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;

use crate::admin::{self, Arrived, MAX_BODY, MOUNT};
use crate::server::body::{self, Limits};
use crate::server::error::Rejection;
use crate::server::state::{App, Arrival};

/// `/admin` and what is below it.
pub(super) async fn mounted(State(app): State<Arc<App>>, request: Request) -> Result<Response, Rejection> {
    answer(&app, MOUNT, request).await
}

/// The same at the root of a port that serves nothing else.
pub(super) async fn at_root(State(app): State<Arc<App>>, request: Request) -> Result<Response, Rejection> {
    answer(&app, "", request).await
}

async fn answer(app: &App, mount: &'static str, request: Request) -> Result<Response, Rejection> {
    let (mut parts, body) = request.into_parts();
    let arrival = Arrival::take(&mut parts)?;
    let body = body::read(&mut parts.headers, body, Limits { size: MAX_BODY, ..Limits::of(&arrival) }).await?;
    let Arrival { id, client, received, snapshot } = arrival;
    let arrived = Arrived { id, client, received, snapshot, mount, is_secure: app.is_secure, parts, body };
    Ok(app.dashboard.answer(arrived).await?)
}

impl From<admin::Error> for Rejection {
    fn from(error: admin::Error) -> Rejection {
        match error {
            admin::Error::Engine(error) => Rejection::Engine(error),
            admin::Error::Key(message) => Rejection::AdminKey(message),
            admin::Error::Closed(message) => Rejection::Forbidden(message.to_owned()),
            admin::Error::Forged => Rejection::Forbidden(error.to_string()),
            admin::Error::NotFound { path } => Rejection::NotFound { path },
            admin::Error::MethodNotAllowed { method, path, .. } => Rejection::MethodNotAllowed { method, path },
            admin::Error::Unreadable(reason) => Rejection::Engine(crate::engine::Error::Internal(reason)),
            admin::Error::Crowded(limit) => Rejection::Crowded(limit),
            admin::Error::InvalidConfig(mistakes) => Rejection::InvalidConfig(mistakes),
        }
    }
}
