//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use crate::server::accept::activity::{Activity, Busy, Held};
use crate::server::accept::crowd::{Place, Surplus};
use crate::server::accept::delivery::{Delivery, Streams};
use crate::server::accept::spread::{Seat, Spread};
use crate::server::accept::stall::Unstalled;
use crate::server::accept::{Handle, Patience};
use crate::server::shutdown::{Shutdown, Stage};

/// Between probes that find a peer which vanished without a word.
const PROBE: Duration = Duration::from_secs(30);
/// How long an unused connection is kept once the server closes: a request may be on its way over it, and could not be
/// told from one that was read and dropped.
const LAST_CALL: Duration = Duration::from_millis(500);
/// With what a client begins that speaks HTTP/2 without having agreed on it (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Largest head of a request (the SDKs' vendors take as much), and most of an answer that is held for a client which
/// does not read, besides the piece that came last. Over HTTP/1 a head has at most 100 headers, which is hyper's own limit.
const HEAD_BYTES: usize = 64 * 1024;
/// What the system may hold unsent for one client. Its own measure grows to megabytes, and a client would have to read a
/// third of that before a write were taken, which a slow one does not within [`Patience::stall`].
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNSENT: u32 = 128 * 1024;

/// How connections are spoken on.
pub(super) struct Protocol {
    pub patience: Patience,
    usual: Builder<Streams>,
    /// For connections whose first bytes are no HTTP/2: finding out in `usual` costs twice the buffer, as long as one lives.
    http1: Builder<Streams>,
    /// For connections that there is no room for: one answer, and soon.
    surplus: Builder<Streams>,
}

impl Protocol {
    pub(super) fn new(patience: Patience, spread: &Arc<Spread>) -> Protocol {
        let mut surplus = builder(&patience, spread);
        surplus.http1().header_read_timeout(patience.surplus).keep_alive(false);
        Protocol { patience, usual: builder(&patience, spread), http1: builder(&patience, spread).http1_only(), surplus }
    }
}

fn builder(patience: &Patience, spread: &Arc<Spread>) -> Builder<Streams> {
    let mut builder = Builder::new(Streams { stall: patience.stall, spread: Arc::clone(spread) });
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience.head).keep_alive(true).max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PROBE)
        .keep_alive_timeout(PROBE)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .max_send_buf_size(HEAD_BYTES)
        .max_concurrent_streams(1024);
    builder
}

pub(super) struct Connection<H> {
    pub peer: SocketAddr,
    pub tls: Option<TlsAcceptor>,
    pub handler: H,
    pub shutdown: Shutdown,
    pub place: Place,
    #[expect(dead_code, reason = "kept for as long as the connection lives")]
    pub seat: Seat,
    pub protocol: Arc<Protocol>,
}

impl<H: Handle> Connection<H> {
    /// On the thread of its seat. In a box, for what is passed on by value lies in the future of each function on the way.
    pub(super) async fn serve(mut self: Box<Self>, stream: TcpStream) {
        prepare(&stream);
        self.place.find_room().await;
        let Some(acceptor) = self.tls.clone() else { return self.speak_plainly(stream).await };
        // Below TLS, which takes a write before the client does.
        let stream = Unstalled::new(stream, self.protocol.patience.stall);
        let greeted = tokio::select! {
            greeted = timeout(self.protocol.patience.handshake, acceptor.accept(stream)) => greeted,
            // Nothing was asked yet.
            () = self.too_late() => return,
        };
        match greeted {
            // In a box: connections without TLS shall not be as large as those with.
            Ok(Ok(stream)) => Box::pin(self.speak(stream, Arc::default(), false)).await,
            Ok(Err(error)) => debug!(peer = %self.peer, %error, "TLS handshake failed"),
            Err(_) => debug!(peer = %self.peer, "TLS handshake took too long"),
        }
    }

    /// Without TLS.
    async fn speak_plainly(self: Box<Self>, stream: TcpStream) {
        let activity = Arc::<Activity>::default();
        let is_http1 = !self.place.is_surplus()
            && tokio::select! {
                biased;
                is_http1 = begins_as_http1(&stream) => is_http1,
                () = self.shall_end(&activity) => return,
            };
        let stall = self.protocol.patience.stall;
        self.speak(Unstalled::new(stream, stall), activity, is_http1).await;
    }

    /// `is_http1`: that is known; else the first bytes say it.
    pub(super) async fn speak<I>(self: Box<Self>, stream: I, activity: Arc<Activity>, is_http1: bool)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let is_surplus = self.place.is_surplus();
        let service = service_fn(|mut request: Request<Incoming>| {
            if is_surplus {
                request.extensions_mut().insert(Surplus);
            }
            let busy = Busy::new(&activity, request.version());
            answer(self.handler.clone(), self.peer, self.shutdown.clone(), request, busy)
        });
        let builder = match (is_surplus, is_http1) {
            (true, _) => &self.protocol.surplus,
            (false, true) => &self.protocol.http1,
            (false, false) => &self.protocol.usual,
        };
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = self.shall_end(&activity) => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = self.is_given_up(&activity) => return debug!(peer = %self.peer, "the client takes no more"),
                }
            }
        };
        if let Err(error) = ended {
            debug!(peer = %self.peer, error = &*error, "connection ended early");
        }
    }

    /// Waits until this connection shall take no more requests.
    async fn shall_end(&self, activity: &Activity) {
        if self.place.is_surplus() {
            return sleep(self.protocol.patience.surplus).await;
        }
        tokio::select! {
            () = self.last_call(activity) => {}
            () = activity.idle_for(self.protocol.patience.idle, activity.born) => {}
            () = activity.makes_room(&self.place) => {}
        }
    }

    /// Waits until the server closes and no request can be on its way any more.
    async fn last_call(&self, activity: &Activity) {
        self.shutdown.reached(Stage::Closing).await;
        // HTTP/2 tells its client which requests were not taken.
        if activity.is_multiplexed() {
            return;
        }
        tokio::select! {
            () = activity.idle_for(LAST_CALL, Instant::now()) => {}
            () = self.shutdown.reached(Stage::Ended) => {}
        }
    }

    /// Waits until what is left of a connection that takes no more requests is not worth it. Over HTTP/2 a client may
    /// go on for ever without taking the last pieces of its answers; over HTTP/1 that shows in a write.
    async fn is_given_up(&self, activity: &Activity) {
        if !activity.is_multiplexed() {
            return std::future::pending().await;
        }
        activity.idle_for(self.protocol.patience.stall, Instant::now()).await;
    }

    async fn too_late(&self) {
        self.shutdown.reached(Stage::Closing).await;
        sleep(LAST_CALL).await;
    }
}

/// Waits for a connection's first bytes, and leaves them where they are. Whether they cannot be the beginning of HTTP/2.
async fn begins_as_http1(stream: &TcpStream) -> bool {
    let mut first = [0; HTTP2_PREFACE.len()];
    // What fails here fails again where it is read.
    let seen = stream.peek(&mut first).await.unwrap_or(0);
    !HTTP2_PREFACE.starts_with(&first[..seen])
}

fn prepare(stream: &TcpStream) {
    // Small events must not wait for one another; a peer that vanished must not hold a stream for ever.
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBE).with_interval(PROBE));
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
}

async fn answer<H: Handle>(
    handler: H,
    peer: SocketAddr,
    shutdown: Shutdown,
    request: Request<Incoming>,
    busy: Busy,
) -> Result<Response<Held<H::Body>>, Infallible> {
    let version = request.version();
    let mut response = handler.handle(peer, request).await;
    // The client shall send its next request to somebody else. HTTP/2 has a word of its own for that.
    if version < Version::HTTP_2 && shutdown.is_draining() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let delivery = Delivery::current();
    Ok(response.map(|body| Held::new(body, delivery, busy)))
}

#[cfg(test)]
mod tests;
