//! One connection, and what must be known of it to send a request again.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{Connected, Connection as Describe};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::Handshake;

/// A connection to an upstream or to its proxy.
pub struct Connection {
    stream: Stream,
    forwarded: bool,
    life: Life,
    _open: Open,
}

/// Counts connections that stand. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Count(Arc<AtomicUsize>);

impl Count {
    /// How many there are.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn open(&self) -> Open {
        self.0.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }
}

/// One that stands, until it is dropped.
struct Open(Count);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What it runs over.
pub enum Stream {
    /// Bare TCP.
    Plain(TcpStream),
    /// TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// What became of a connection so far; shared between it and the responses that came over it.
#[derive(Clone, Debug)]
pub struct Life(Arc<Signs>);

#[derive(Debug)]
struct Signs {
    made: Handshake,
    at: Instant,
    answered: AtomicBool,
    heard: AtomicBool,
}

impl Connection {
    /// Over `stream`, which was `made` now, and is one more of `count`; `forwarded` if a proxy wants whole addresses.
    pub fn new(stream: Stream, forwarded: bool, made: Handshake, count: &Count) -> Connection {
        let signs = Signs { made, at: Instant::now(), answered: AtomicBool::new(false), heard: AtomicBool::new(false) };
        Connection { stream, forwarded, life: Life(Arc::new(signs)), _open: count.open() }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut dyn Duplex> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream),
            Stream::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }
}

impl Life {
    /// How it was made, if that was after `began`.
    pub fn made_since(&self, began: Instant) -> Option<Handshake> {
        (self.0.at >= began).then_some(self.0.made)
    }

    /// A response's head came: what is sent from now on is sent over a used connection.
    pub fn answered(&self) {
        self.0.answered.store(true, Ordering::Relaxed);
    }

    /// The connection had answered before, and not a byte came since something was last written.
    pub fn is_used_and_silent(&self) -> bool {
        self.0.answered.load(Ordering::Relaxed) && !self.0.heard.load(Ordering::Relaxed)
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl Describe for Connection {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.forwarded).extra(self.life.clone());
        match &self.stream {
            Stream::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => connected.negotiated_h2(),
            _ => connected,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = self.as_mut().stream().poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.life.0.heard.store(true, Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.life.0.heard.store(false, Ordering::Relaxed);
        self.stream().poll_write(context, bytes)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.life.0.heard.store(false, Ordering::Relaxed);
        self.stream().poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}
