//! Loads the configuration again, whoever asks: HTTP, a signal, the watched file. One way, so that none forgets a part.

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
use crate::telemetry::events::ReloadFinished;

/// Reloads the engine, the certificate and the log level. Cheap to clone.
#[derive(Clone)]
pub struct Reloader {
    pub(super) engine: Engine,
    pub(super) certificates: Option<Arc<Certificates>>,
    pub(super) log: Option<LogHandle>,
}

impl Reloader {
    /// Loads the configuration again and says so in the log. A bad one changes nothing; `check` never does.
    ///
    /// Reads files: not for a thread that serves requests.
    pub fn reload(&self, check: bool) -> Result<Reloaded, Vec<String>> {
        let reloaded = self.engine.reload(check);
        if check {
            return reloaded;
        }
        match &reloaded {
            Ok(Reloaded { changed, restart_required, .. }) => {
                self.follow();
                ReloadFinished::Done { changed, restart_required }.emit();
            }
            Err(diagnostics) => ReloadFinished::Refused { diagnostics }.emit(),
        }
        reloaded
    }

    /// Brings what lies outside of the engine up to its configuration.
    fn follow(&self) {
        let snapshot = self.engine.snapshot();
        if let Some(certificates) = &self.certificates
            && let Some(files) = &snapshot.config.server.tls
            && let Err(error) = certificates.reload(files)
        {
            warn!(%error, "certificate not reloaded; the old one stays");
        }
        if let Some(log) = &self.log
            && let Err(error) = log.set_level(snapshot.config.logging.level)
        {
            warn!(%error, "log level not changed");
        }
    }
}

/// `?check=true`
#[derive(Deserialize)]
pub(super) struct Options {
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
    let reloader = app.reloader.clone();
    let reloaded = spawn_blocking(move || reloader.reload(check)).await.map_err(|error| Error::Internal(error.to_string()))?;
    reloaded.map(Json).map_err(Rejection::InvalidConfig)
}
