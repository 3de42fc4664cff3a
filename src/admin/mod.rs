//! The dashboard, and its twin for scripts: pages that are made here, and the same data as JSON.
//!
//! [`Dashboard::answer`] takes a request that the server has read. [`gate`] says who may, [`routes`] is every path in one
//! table; a file in `views` is one subject: its data, its page over that data, and what can be done to it. Knows HTTP, but
//! no sockets; asks the engine for everything, and keeps nothing but sessions.

mod assets;
mod chart;
mod clock;
mod error;
pub mod format;
pub mod gate;
mod page;
mod picture;
mod routes;
mod session;
mod texts;
mod throttle;
mod views;
mod visit;

use std::net::IpAddr;
use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::admin::session::{Csrf, Sessions};
use crate::admin::throttle::Throttle;
use crate::admin::views::live;
use crate::engine::{Engine, RequestId, Snapshot};
use crate::telemetry::Lines;

pub use error::Error;

/// The largest body that a page or a script sends: a long prompt to try.
pub const MAX_BODY: usize = 4 * 1024 * 1024;

/// Where the dashboard is on a port that serves more than it.
pub const MOUNT: &str = "/admin";

/// A request for administration, read whole.
pub struct Arrived {
    /// Its id.
    pub id: RequestId,
    /// From where.
    pub client: IpAddr,
    /// When.
    pub received: Instant,
    /// The configuration that it keeps to its end.
    pub snapshot: Arc<Snapshot>,
    /// What stands before the dashboard's own paths: [`MOUNT`], or nothing.
    pub mount: &'static str,
    /// It came over TLS.
    pub is_secure: bool,
    /// Its head.
    pub parts: Parts,
    /// Its body.
    pub body: Bytes,
}

/// The dashboard of one server.
pub struct Dashboard(Arc<Desk>);

/// What all requests to it share.
struct Desk {
    engine: Engine,
    sessions: Arc<Sessions>,
    csrf: Csrf,
    throttle: Throttle,
    /// The last lines of the log, where they are kept.
    lines: Option<Lines>,
    /// Places for those who follow what happens.
    followers: Arc<Semaphore>,
    /// The server is about to end: nobody is kept waiting for what happens.
    closing: CancellationToken,
}

/// What scripts can ask, below the root of the server; a star is one segment or several.
pub fn api() -> impl Iterator<Item = String> {
    routes::api().map(|path| format!("{MOUNT}/{path}"))
}

impl Dashboard {
    /// Of a server that runs `engine` and keeps the last lines of its log. Sessions end when a reload changes the key they began with.
    pub fn new(engine: Engine, lines: Option<Lines>) -> Dashboard {
        let sessions = Arc::new(Sessions::default());
        let kept = Arc::clone(&sessions);
        engine.on_reload(Box::new(move |config| {
            let (key, sessions) = (config.admin.key.clone(), Arc::clone(&kept));
            Ok(Box::new(move || sessions.keep_those_of(key.as_ref())))
        }));
        Dashboard(Arc::new(Desk {
            engine,
            sessions,
            csrf: Csrf::new(),
            throttle: Throttle::default(),
            lines,
            followers: Arc::new(Semaphore::new(live::MOST)),
            closing: CancellationToken::new(),
        }))
    }

    /// Answers a request. What goes wrong with a page is a page; what goes wrong for a script is the error.
    pub async fn answer(&self, arrived: Arrived) -> Result<Response, Error> {
        routes::answer(&self.0, arrived).await
    }

    /// Ends what follows what happens.
    pub fn close(&self) {
        self.0.closing.cancel();
    }
}
