//! Loads the configuration again on request, and brings what lies outside of the engine up to it, whoever asked.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, Request, State};
use serde::Deserialize;
use tokio::task::spawn_blocking;
use tracing::warn;

use crate::engine::{Engine, Error, Reloaded};
use crate::server::caller::check_admin;
use crate::server::error::Rejection;
use crate::server::state::{App, Arrival};
use crate::server::tls::Certificates;
use crate::telemetry::LogHandle;

/// Reloads what a server runs on, for signals and the watched file. Cheap to clone.
#[derive(Clone)]
pub struct Reloader(pub(super) Engine);

impl Reloader {
    /// As [`Engine::reload`]; certificate and log follow, as they do whoever asks. Reads files: not for a thread that
    /// serves requests.
    pub fn reload(&self, check: bool) -> Result<Reloaded, Vec<String>> {
        self.0.reload(check)
    }
}

/// Certificate, log level and what the log masks follow every reload of `engine` from now on.
pub(super) fn follow(engine: &Engine, certificates: Option<Arc<Certificates>>, log: Option<LogHandle>) {
    if let Some(log) = &log {
        log.set_secrets(engine.snapshot().config.secrets());
    }
    engine.on_reload(Box::new(move |snapshot| {
        let config = &snapshot.config;
        if let Some(certificates) = &certificates
            && let Some(files) = &config.server.tls
            && let Err(error) = certificates.reload(files)
        {
            warn!(%error, "certificate not reloaded; the old one stays");
        }
        if let Some(log) = &log {
            log.set_secrets(config.secrets());
            if let Err(error) = log.set_level(config.logging.level) {
                warn!(%error, "log level not changed");
            }
        }
    }));
}

/// `?check=true`
#[derive(Deserialize)]
struct Options {
    #[serde(default)]
    check: bool,
}

/// `POST /reload`
pub(super) async fn reload(State(app): State<Arc<App>>, request: Request) -> Result<Json<Reloaded>, Rejection> {
    let (mut parts, _) = request.into_parts();
    let arrival = Arrival::take(&mut parts)?;
    check_admin(&arrival.snapshot.config, &parts.headers, arrival.client)?;
    let Query(Options { check }) = Query::try_from_uri(&parts.uri)
        .map_err(|_| Error::InvalidRequest { message: "`check` is `true` or `false`".to_owned(), param: Some("check".to_owned()) })?;
    // It reads files, which must not hold up the requests of this thread.
    let engine = app.engine.clone();
    let reloaded = spawn_blocking(move || engine.reload(check)).await.map_err(|error| Error::Internal(error.to_string()))?;
    reloaded.map(Json).map_err(Rejection::InvalidConfig)
}
