//! Loads the configuration again on request, and brings what lies outside of the engine up to it, whoever asked.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, Request, State};
use serde::Deserialize;
use tokio::task::spawn_blocking;

use crate::engine::{Engine, Error, Reloaded};
use crate::server::caller::check_admin;
use crate::server::error::Rejection;
use crate::server::state::{App, Arrival};
use crate::server::tls::{self, Certificates};
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

/// Certificate and log (level, files, what it masks) follow every reload of `engine` from now on.
pub(super) fn follow(engine: &Engine, certificates: Option<Arc<Certificates>>, log: Option<LogHandle>) {
    if let Some(log) = &log {
        log.set_secrets(engine.snapshot().config.secrets());
    }
    engine.on_reload(Box::new(move |config| {
        let pair = config.server.tls.as_ref().map(tls::read).transpose().map_err(|error| format!("server.tls: {error}"))?;
        let certificates = certificates.clone();
        let log = log.as_ref().map(|log| log.prepare(config)).transpose().map_err(|error| error.to_string())?;
        Ok(Box::new(move || {
            // A server that began without TLS gets it at its next start.
            if let (Some(certificates), Some(pair)) = (certificates, pair) {
                certificates.put(pair);
            }
            if let Some(log) = log {
                log.apply();
            }
        }))
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
