//! Accepts connections and speaks HTTP on them, until told to stop.
//!
//! An own loop, because a gateway's needs differ from a web server's: a head that never ends, a connection that says
//! nothing, and a process out of descriptors must not take it down, and a stream may last for minutes after the last
//! connection was accepted. Knows nothing of what requests mean.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::iter;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use pin_project_lite::pin_project;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use crate::server::shutdown::{Shutdown, Stage};

/// For a request's head, counted from the end of the request before: longer than the 60 s for which nginx and the
/// clouds' balancers keep an unused connection, so that they close it and no request meets a closing one.
const HEAD: Duration = Duration::from_secs(65);
/// Without any request; catches what says nothing at all, and HTTP/2, which knows no such limit.
const IDLE: Duration = Duration::from_secs(75);
/// For a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long accepting pauses when the process is out of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(500);
/// Between probes that find a peer which vanished without a word.
const PROBE: Duration = Duration::from_secs(30);
/// How long an unused connection is kept once the server closes: a request may be on its way over it, and could not be
/// told from one that was read and dropped.
const LAST_CALL: Duration = Duration::from_millis(500);
/// Most connections that are taken over when the listener closes: no more can wait.
const AT_ONCE: usize = 1024;
/// Largest head over HTTP/2; HTTP/1 has hyper's own limit.
const HEAD_BYTES: u32 = 64 * 1024;

/// Answers requests.
pub(super) trait Handle: Clone + Send + Sync + 'static {
    /// What answers consist of.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static;

    /// Answers one. Dropped when the client goes away.
    fn handle(&self, peer: SocketAddr, request: Request<Incoming>) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// One port.
pub(super) struct Acceptor<H> {
    pub listener: TcpListener,
    pub tls: Option<TlsAcceptor>,
    pub handler: H,
    pub shutdown: Shutdown,
}

impl<H: Handle> Acceptor<H> {
    /// Serves until the shutdown's end: after `Closing` nothing is accepted but what waits already, and the future ends
    /// with the last connection. Dropping it cuts them all.
    pub(super) async fn run(self) {
        let builder = Arc::new(builder());
        let mut connections = JoinSet::new();
        let mut closing = pin!(self.shutdown.reached(Stage::Closing));
        let serve = |stream, peer| {
            let (tls, handler, shutdown) = (self.tls.clone(), self.handler.clone(), self.shutdown.clone());
            Connection { peer, tls, handler, shutdown, builder: Arc::clone(&builder) }.serve(stream)
        };
        loop {
            tokio::select! {
                biased;
                () = &mut closing => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(serve(stream, peer));
                    }
                    Err(error) => after_failed_accept(&error).await,
                },
            }
        }
        for (stream, peer) in waiting(self.listener) {
            connections.spawn(serve(stream, peer));
        }
        while connections.join_next().await.is_some() {}
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PROBE)
        .keep_alive_timeout(PROBE)
        .max_header_list_size(HEAD_BYTES)
        .max_concurrent_streams(1024);
    builder
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

struct Connection<H> {
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    handler: H,
    shutdown: Shutdown,
    builder: Arc<Builder<TokioExecutor>>,
}

impl<H: Handle> Connection<H> {
    async fn serve(self, stream: TcpStream) {
        // Small events must not wait for one another; a peer that vanished must not hold a stream for ever.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBE).with_interval(PROBE));
        let Some(acceptor) = self.tls.clone() else { return self.speak(stream).await };
        let greeted = tokio::select! {
            greeted = timeout(HANDSHAKE, acceptor.accept(stream)) => greeted,
            // Nothing was asked yet.
            () = self.too_late() => return,
        };
        match greeted {
            Ok(Ok(stream)) => self.speak(stream).await,
            Ok(Err(error)) => debug!(peer = %self.peer, %error, "TLS handshake failed"),
            Err(_) => debug!(peer = %self.peer, "TLS handshake took too long"),
        }
    }

    async fn speak<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: I) {
        let activity = Arc::new(Activity::new());
        let service = service_fn(|request: Request<Incoming>| {
            let busy = Busy::new(&activity, request.version());
            let (handler, peer, shutdown, version) = (self.handler.clone(), self.peer, self.shutdown.clone(), request.version());
            async move {
                let mut response = handler.handle(peer, request).await;
                // The client shall send its next request to somebody else. HTTP/2 has a word of its own for that.
                if version < Version::HTTP_2 && shutdown.is_draining() {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response.map(|body| Held { body, _busy: busy }))
            }
        });
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(stream), service));
        let ending = async {
            tokio::select! {
                () = self.last_call(&activity) => {}
                () = activity.idle_for(IDLE, activity.born) => {}
            }
        };
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = ending => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            debug!(peer = %self.peer, error = &*error, "connection ended early");
        }
    }

    /// Waits until the server closes and no request can be on its way any more.
    async fn last_call(&self, activity: &Activity) {
        self.shutdown.reached(Stage::Closing).await;
        // HTTP/2 tells its client which requests were not taken.
        if activity.is_multiplexed.load(Ordering::Relaxed) {
            return;
        }
        tokio::select! {
            () = activity.idle_for(LAST_CALL, Instant::now()) => {}
            () = self.shutdown.reached(Stage::Ended) => {}
        }
    }

    async fn too_late(&self) {
        self.shutdown.reached(Stage::Closing).await;
        sleep(LAST_CALL).await;
    }
}

/// What goes on in one connection.
struct Activity {
    born: Instant,
    requests: AtomicUsize,
    /// Speaks HTTP/2.
    is_multiplexed: AtomicBool,
    /// Milliseconds after `born` at which the last request ended.
    quiet_since: AtomicU64,
}

impl Activity {
    fn new() -> Activity {
        Activity {
            born: Instant::now(),
            requests: AtomicUsize::new(0),
            is_multiplexed: AtomicBool::new(false),
            quiet_since: AtomicU64::new(0),
        }
    }

    /// Waits until there was no request for `limit`, counted from `begun` at the earliest.
    async fn idle_for(&self, limit: Duration, begun: Instant) {
        loop {
            let quiet_since = self.born + Duration::from_millis(self.quiet_since.load(Ordering::Relaxed));
            let busy = self.requests.load(Ordering::Relaxed) > 0;
            let until = if busy { Instant::now() + limit } else { begun.max(quiet_since) + limit };
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }
}

/// Lives as long as a request and its answer.
struct Busy(Arc<Activity>);

impl Busy {
    fn new(activity: &Arc<Activity>, version: Version) -> Busy {
        activity.is_multiplexed.store(version >= Version::HTTP_2, Ordering::Relaxed);
        activity.requests.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(activity))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let age = u64::try_from(self.0.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.quiet_since.store(age, Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

pin_project! {
    /// An answer's body; keeps its connection busy until it is gone.
    struct Held<B> {
        #[pin]
        body: B,
        _busy: Busy,
    }
}

impl<B: Body> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
