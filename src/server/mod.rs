//! HTTP in: decodes, asks the engine, answers. Knows no retries.
//!
//! A connection goes through [`accept`], a request through [`layers`] and [`router`] to a handler, and what the engine
//! hands back through [`reply`] or [`error`]. [`Server::bind`] opens the ports, [`Server::run`] serves until a
//! [`Shutdown`] ends it.

mod accept;
mod admit;
mod body;
mod caller;
mod chat;
mod config;
mod dashboard;
mod docs;
mod error;
mod forward;
mod health;
mod inherited;
mod keepalive;
mod layers;
mod listen;
mod metrics;
mod models;
mod reload;
mod reply;
mod responses;
mod router;
mod shutdown;
mod state;
mod status;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::config::Config;
use crate::engine::Engine;
use crate::server::accept::{Acceptor, Spread};
use crate::server::layers::Edge;
use crate::server::listen::Place;
use crate::server::router::{Paths, Surface};
use crate::server::shutdown::Stage;
use crate::server::state::App;
use crate::server::tls::Certificates;
use crate::telemetry::{Lines, LogHandle};

pub use inherited::{Inherited, InheritedError};
pub use listen::{Address, ListenError};
pub use reload::Reloader;
pub use shutdown::{Shutdown, Signal, Signals, signals};
pub use tls::TlsError;

/// For streams to tell their clients that they are cut.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Where and how to listen: the configuration's, unless the command line says otherwise.
#[derive(Clone)]
pub struct Options {
    /// Address or name.
    pub host: String,
    /// TCP port; 0 lets the system choose.
    pub port: u16,
    /// A listener of its own for administration.
    pub admin_port: Option<u16>,
    /// A public host without keys is allowed.
    pub insecure: bool,
    /// Sockets that listen already, instead of ports that would be opened.
    pub inherited: Vec<Inherited>,
    /// The log, whose level and files follow reloads.
    pub log: Option<LogHandle>,
    /// Runtimes that serve connections beside the one that accepts them.
    pub workers: Vec<Handle>,
}

impl Options {
    /// What `config` says.
    pub fn from_config(config: &Config) -> Options {
        Options {
            host: config.server.host.clone(),
            port: config.server.port,
            admin_port: config.admin.port,
            insecure: config.server.insecure,
            inherited: Vec::new(),
            log: None,
            workers: Vec::new(),
        }
    }
}

/// Why a server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No port.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Not with what was handed over.
    #[error(transparent)]
    Inherited(#[from] InheritedError),
    /// No certificate.
    #[error("cannot use the certificate of `server.tls`: {0}")]
    Certificate(#[from] TlsError),
    /// No TLS at all.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// Whoever reaches the host could spend the owner's money.
    #[error(
        "refusing to listen on {host}, which others can reach, without `auth.keys`\nhint: add keys, listen on 127.0.0.1, or allow it with `--insecure` (`server.insecure: true`)"
    )]
    PublicWithoutKeys {
        /// As configured.
        host: String,
    },
    /// The system does not say which address was bound.
    #[error("cannot listen: {0}")]
    Io(#[from] io::Error),
}

/// Ports that are open, and what will be served there.
pub struct Server {
    engine: Engine,
    ports: Vec<Port>,
    certificates: Option<Arc<Certificates>>,
    insecure: bool,
    lines: Option<Lines>,
    spread: Arc<Spread>,
}

struct Port {
    listener: TcpListener,
    address: SocketAddr,
    surface: Surface,
}

impl Server {
    /// Opens the ports, or takes over those that are open, and reads the certificate. Clients may connect from now on; [`Server::run`] answers them.
    /// Certificate and log follow the engine's reloads.
    pub async fn bind(engine: Engine, options: Options) -> Result<Server, ServeError> {
        let snapshot = engine.snapshot();
        let certificates = snapshot.config.server.tls.as_ref().map(Certificates::load).transpose()?;
        let is_for_all = options.insecure || !snapshot.keys.is_open();
        let mut ports = Vec::new();
        let handed = inherited::assign(&options.inherited, options.admin_port.is_some())?;
        for (place, surface) in places(&options) {
            let mut listeners = adopt(handed.iter().filter(|(_, its)| *its == surface).map(|(socket, _)| socket), is_for_all)?;
            if listeners.is_empty() {
                listeners = open(place, is_for_all).await?;
            }
            for listener in listeners {
                let address = listener.local_addr()?;
                ports.push(Port { listener, address, surface });
            }
        }
        let lines = options.log.as_ref().and_then(LogHandle::lines).cloned();
        reload::follow(&engine, certificates.clone(), options.log);
        Ok(Server { engine, ports, certificates, insecure: options.insecure, lines, spread: Spread::over(&options.workers) })
    }

    /// Where it can be reached, one a listener.
    pub fn addresses(&self) -> Vec<Address> {
        let tls = self.certificates.is_some();
        self.ports.iter().map(|port| Address { address: port.address, tls, admin: port.surface == Surface::Admin }).collect()
    }

    /// The last lines of its log, if it was given one that keeps them.
    pub fn lines(&self) -> Option<&Lines> {
        self.lines.as_ref()
    }

    /// Reloads what this server runs on.
    pub fn reloader(&self) -> Reloader {
        Reloader(self.engine.clone())
    }

    /// Serves until `shutdown` has come to its end: not ready any more, then, after `server.drain`, nothing new, then
    /// gone with the last request or after `server.shutdown_grace`; streams cut by then still say so. Dropping the future cuts everything.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), ServeError> {
        let app = App::new(self.engine.clone(), shutdown.clone(), self.insecure, self.lines.clone());
        let tls = self.certificates.as_ref().map(Certificates::acceptor).transpose()?;
        let mut listening = JoinSet::new();
        for Port { listener, surface, .. } in self.ports {
            let handler = Edge::new(Arc::clone(&app), Paths::new(surface, Arc::clone(&app)));
            let acceptor = Acceptor {
                listener,
                tls: tls.clone(),
                handler: Arc::new(handler),
                shutdown: shutdown.clone(),
                crowd: Arc::clone(&app.crowd),
                spread: Arc::clone(&self.spread),
            };
            listening.spawn(acceptor.run());
        }
        shutdown.reached(Stage::Draining).await;
        app.dashboard.close();
        let served = async {
            let (drain, grace) = limits(&self.engine);
            info!(?drain, ?grace, "shutting down");
            sleep(drain).await;
            shutdown.advance(Stage::Closing);
            let all = async { while listening.join_next().await.is_some() {} };
            if timeout(grace, all).await.is_err() {
                warn!(?grace, "requests were still running; cutting them");
            }
        };
        tokio::select! {
            // First, because what is told to end may be gone before this is looked at.
            biased;
            () = shutdown.reached(Stage::Ended) => warn!("ended at once"),
            () = served => shutdown.advance(Stage::Ended),
        }
        let all = async { while listening.join_next().await.is_some() {} };
        let _ = timeout(LAST_WORDS, all).await;
        Ok(())
    }
}

/// Listens at `place`. Opens nothing that others can reach unless it `is_for_all`.
async fn open(place: Place<'_>, is_for_all: bool) -> Result<Vec<TcpListener>, ServeError> {
    let addresses = listen::resolve(place).await?;
    if !is_for_all && !addresses.iter().all(is_private) {
        return Err(ServeError::PublicWithoutKeys { host: place.host.to_owned() });
    }
    Ok(listen::bind(place, &addresses)?)
}

/// Takes over sockets that listen already, by the same rule.
fn adopt<'a>(sockets: impl Iterator<Item = &'a Inherited>, is_for_all: bool) -> Result<Vec<TcpListener>, ServeError> {
    let listeners = sockets.map(inherited::adopt).collect::<Result<Vec<_>, _>>()?;
    for listener in &listeners {
        let address = listener.local_addr()?;
        if !is_for_all && !is_private(&address) {
            return Err(ServeError::PublicWithoutKeys { host: address.to_string() });
        }
    }
    Ok(listeners)
}

fn is_private(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// What listens where; administration moves to its own port if it has one.
fn places(options: &Options) -> Vec<(Place<'_>, Surface)> {
    let main = Place { host: &options.host, port: options.port, key: "server.port" };
    let Some(port) = options.admin_port else { return vec![(main, Surface::All)] };
    vec![(main, Surface::Public), (Place { host: &options.host, port, key: "admin.port" }, Surface::Admin)]
}

/// How long draining and finishing may take, as configured now.
fn limits(engine: &Engine) -> (Duration, Duration) {
    let snapshot = engine.snapshot();
    (snapshot.config.server.drain, snapshot.config.server.shutdown_grace)
}

#[cfg(test)]
mod tests;
