//! Accepts connections and speaks HTTP on them, until told to stop.
//!
//! An own loop, because a gateway's needs differ from a web server's: a head that never ends, a connection that says
//! nothing, a client that does not read, and a process out of descriptors must not take it down, and a stream may last
//! for minutes after the last connection was accepted. Knows nothing of what requests mean.

mod activity;
mod connection;
mod crowd;
mod delivery;
mod spread;
mod stall;

use std::error::Error;
use std::io;
use std::iter;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tracing::warn;

use crate::server::accept::connection::{Connection, Protocol};
use crate::server::shutdown::{Shutdown, Stage};

pub(super) use crowd::{Crowd, Surplus};
pub(super) use spread::Spread;

/// How long accepting pauses when the process is out of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(500);
/// Most connections that are taken over when the listener closes: no more can wait.
const AT_ONCE: usize = 1024;

/// Answers requests.
pub(super) trait Handle: Clone + Send + Sync + 'static {
    /// What answers consist of.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static;

    /// How many connections there may be now.
    fn max_connections(&self) -> usize;

    /// Answers one. Dropped when the client goes away. A request that carries [`Surplus`] came where there is no room.
    fn handle(&self, peer: SocketAddr, request: Request<Incoming>) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// How long clients may take. Tests take less.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For a request's head, counted from the end of the request before: longer than the 60 s for which nginx and the
    /// clouds' balancers keep an unused connection, so that they close it and no request meets a closing one.
    pub head: Duration,
    /// Without any request; catches what says nothing at all, and HTTP/2, which knows no such limit.
    pub idle: Duration,
    /// For a TLS handshake.
    pub handshake: Duration,
    /// Between two writes of which the client takes something, as nginx's `send_timeout`.
    pub stall: Duration,
    /// For all of a connection that there is no room for.
    pub surplus: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        let seconds = Duration::from_secs;
        Patience { head: seconds(65), idle: seconds(75), handshake: seconds(10), stall: seconds(60), surplus: seconds(2) }
    }
}

/// One port.
pub(super) struct Acceptor<H> {
    pub listener: TcpListener,
    pub tls: Option<TlsAcceptor>,
    pub handler: H,
    pub shutdown: Shutdown,
    /// The connections of all ports.
    pub crowd: Arc<Crowd>,
    /// Where they are served.
    pub spread: Arc<Spread>,
}

impl<H: Handle> Acceptor<H> {
    /// Serves until the shutdown's end: after `Closing` nothing is accepted but what waits already, and the future ends
    /// with the last connection. Dropping it cuts them all.
    pub(super) async fn run(self) {
        let protocol = Arc::new(Protocol::new(Patience::default(), &self.spread));
        let mut connections = JoinSet::new();
        let mut closing = pin!(self.shutdown.reached(Stage::Closing));
        let serve = |connections: &mut JoinSet<()>, stream, peer| {
            // Beyond even the surplus, a closed connection is all that can be said.
            let Some(place) = self.crowd.enter(self.handler.max_connections()) else { return };
            let seat = self.spread.anywhere();
            let Ok(stream) = seat.watch(stream) else { return };
            let (tls, handler, shutdown) = (self.tls.clone(), self.handler.clone(), self.shutdown.clone());
            let runtime = seat.runtime().clone();
            let connection = Box::new(Connection { peer, tls, handler, shutdown, place, seat, protocol: Arc::clone(&protocol) });
            connections.spawn_on(connection.serve(stream), &runtime);
        };
        loop {
            tokio::select! {
                biased;
                () = &mut closing => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => serve(&mut connections, stream, peer),
                    Err(error) => after_failed_accept(&error).await,
                },
            }
        }
        for (stream, peer) in waiting(self.listener) {
            serve(&mut connections, stream, peer);
        }
        while connections.join_next().await.is_some() {}
    }
}

/// The connections that the system has accepted and we have not: closing the listener would reset them. Closes it.
fn waiting(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    // The runtime's own listener finds none until the system has told of it.
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    let accepted = iter::from_fn(|| listener.accept().ok()).take(AT_ONCE);
    accepted
        .filter_map(|(stream, peer)| stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)).ok().zip(Some(peer)))
        .collect()
}

/// A connection that died while it waited is nobody's fault; anything else is the system's, and trying again at once
/// would only spin.
async fn after_failed_accept(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    warn!(%error, pause = ?PAUSE, "cannot accept connections");
    sleep(PAUSE).await;
}

#[cfg(test)]
mod tests;
