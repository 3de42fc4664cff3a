//! What every handler can reach, and what it knows of its request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use http::Extensions;
use http::request::Parts;
use tokio::time::Instant;

use crate::admin::Dashboard;
use crate::config::Config;
use crate::engine::{Engine, RequestId, Snapshot};
use crate::server::accept::Crowd;
use crate::server::admit::{Requests, Room};
use crate::server::shutdown::Shutdown;
use crate::telemetry::Lines;

/// The server, as its handlers see it.
pub(super) struct App {
    pub engine: Engine,
    pub shutdown: Shutdown,
    /// `server.insecure` or `--insecure`: open to the world even without keys.
    pub insecure: bool,
    /// Since when models exist, as far as their list is concerned: seconds after 1970.
    pub started: u64,
    /// The connections of all ports.
    pub crowd: Arc<Crowd>,
    /// Those that are counted.
    pub requests: Arc<Requests>,
    /// Pages and JSON for administrators.
    pub dashboard: Dashboard,
    /// It speaks TLS.
    pub is_secure: bool,
    /// What the process has open files for.
    room: Room,
}

impl App {
    pub(super) fn new(engine: Engine, shutdown: Shutdown, insecure: bool, lines: Option<Lines>) -> Arc<App> {
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        Arc::new(App {
            dashboard: Dashboard::new(engine.clone(), lines),
            is_secure: engine.snapshot().config.server.tls.is_some(),
            engine,
            shutdown,
            insecure,
            started,
            crowd: Arc::default(),
            requests: Arc::default(),
            room: Room::of_process(),
        })
    }

    /// How much may go on at once.
    pub(super) fn room(&self, config: &Config) -> Room {
        self.room.or_as(&config.server)
    }
}

/// How a request came in; every request carries one, and the snapshot that it keeps to its end.
#[derive(Clone)]
pub(super) struct Arrival {
    pub id: RequestId,
    pub client: IpAddr,
    pub received: Instant,
    pub snapshot: Arc<Snapshot>,
}

impl Arrival {
    /// Takes the arrival out of a request.
    pub(super) fn take(parts: &mut Parts) -> Result<Arrival, crate::engine::Error> {
        parts.extensions.remove().ok_or_else(past_the_edge)
    }

    /// The arrival of a request that goes on.
    pub(super) fn of(extensions: &Extensions) -> Result<Arrival, crate::engine::Error> {
        extensions.get().cloned().ok_or_else(past_the_edge)
    }
}

/// The edge puts it there.
fn past_the_edge() -> crate::engine::Error {
    crate::engine::Error::Internal("a request came in past the edge".to_owned())
}

/// Marks an answer whose request the engine accounts for and logs.
#[derive(Clone, Copy)]
pub(super) struct Metered;
