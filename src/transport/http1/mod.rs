//! HTTP/1.1 as a client speaks it (RFC 9112): one request at a time, in the task that waits for the answer.
//!
//! hyper's client has a task, a channel and two buffers for every connection, and hands a body over chunk by chunk; here what
//! one read brings goes on in one piece, and a connection that waits holds no buffer. Heads are parsed by httparse, as
//! hyper's are.

mod body;
mod chunked;
mod head;
mod pool;
mod sending;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use http::request::Parts;
use http::{Method, Response};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::unconstrained;
use tokio_util::io::poll_read_buf;

use super::connection::Connection;
use super::{Payload, TransportError, Unanswered, cause};
use head::Head;
use sending::{Sending, Stuck};

pub use body::Incoming;
pub use pool::Pool;

/// Read at once. From here, a copy goes on in memory of just its size.
const AT_ONCE: usize = 16 * 1024;

/// Read at once of a body that is known to be long: into the memory in which it goes on.
const AT_ONCE_LONG: usize = 64 * 1024;

/// A connection on which HTTP/1.1 is spoken.
pub struct Http1 {
    connection: Connection,
    /// What was read, and is nobody's yet.
    buffer: BytesMut,
    /// It has waited in a pool, so that it may have been closed before a request reached it.
    is_used: bool,
}

impl Http1 {
    /// On a new connection.
    pub fn new(connection: Connection) -> Http1 {
        Http1 { connection, buffer: BytesMut::new(), is_used: false }
    }

    /// Whether it is still there, and says nothing that nobody asked for. `context` is woken when that changes.
    fn is_quiet(&mut self, context: &mut Context<'_>) -> bool {
        let connection = &mut self.connection;
        let read = poll_fn(|context| Pin::new(&mut *connection).poll_read(context, &mut ReadBuf::new(&mut [0])));
        // However much the task has done already: what was not looked at would seem quiet.
        self.buffer.is_empty() && pin!(unconstrained(read)).poll(context).is_pending()
    }

    /// Reads once; `expected`: so much is to come, as far as anybody knows. Ready with 0 at the end.
    fn poll_fill(&mut self, context: &mut Context<'_>, expected: u64) -> Poll<io::Result<usize>> {
        if expected > AT_ONCE as u64 {
            self.buffer.reserve(usize::try_from(expected).unwrap_or(usize::MAX).min(AT_ONCE_LONG));
            return poll_read_buf(Pin::new(&mut self.connection), context, &mut self.buffer);
        }
        let mut piece = [const { MaybeUninit::uninit() }; AT_ONCE];
        let mut piece = ReadBuf::uninit(&mut piece);
        ready!(Pin::new(&mut self.connection).poll_read(context, &mut piece))?;
        self.buffer.extend_from_slice(piece.filled());
        Poll::Ready(Ok(piece.filled().len()))
    }

    /// Sends `request` with `payload`, and waits for the head of the answer. Dropping the future, or the answer's body before
    /// its end, closes the connection; otherwise it goes to `pool`.
    pub async fn exchange(
        mut self,
        request: &Parts,
        payload: &mut Payload,
        to_proxy: bool,
        pool: &Arc<Pool>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let head = head::write(request, payload.length(), to_proxy);
        let mut waiting = Waiting { sending: Some(Sending::new(head, payload)), heard: false, seen: 0 };
        match poll_fn(|context| waiting.poll(context, &mut self, &request.method)).await {
            Ok(Head { response, framing, is_kept }) => {
                let pool = is_kept.then(|| pool.clone());
                let mut body = Incoming::new(self, framing, waiting.sending, pool);
                body.end_if_empty();
                Ok(response.map(|()| body))
            }
            Err(error) => {
                let is_own = matches!(error, TransportError::Request(_));
                Err(Unanswered { error, is_untouched: self.is_used && !waiting.heard && !is_own })
            }
        }
    }
}

/// A request that has not been answered.
struct Waiting {
    /// What of it has not gone out.
    sending: Option<Sending>,
    /// Whether anything came back.
    heard: bool,
    /// So much of what is in the buffer was found to be no whole head.
    seen: usize,
}

impl Waiting {
    /// Writes while it waits, for an upstream may well answer before it has heard everything.
    fn poll(&mut self, context: &mut Context<'_>, on: &mut Http1, asked: &Method) -> Poll<Result<Head, TransportError>> {
        let sent = self.sending.as_mut().map_or(Poll::Ready(Ok(())), |sending| sending.poll(context, &mut on.connection));
        if sent.is_ready() {
            self.sending = None;
        }
        let deaf = match sent {
            Poll::Pending | Poll::Ready(Ok(())) => None,
            Poll::Ready(Err(Stuck::Body(error))) => return Poll::Ready(Err(error)),
            // It may have said why before it stopped to listen.
            Poll::Ready(Err(Stuck::Connection(error))) => Some(error),
        };
        let closed = |reason: String| Poll::Ready(Err(TransportError::Closed(reason)));
        loop {
            match head::read(&mut on.buffer, &mut self.seen, asked) {
                Ok(Some(head)) => return Poll::Ready(Ok(Head { is_kept: head.is_kept && deaf.is_none(), ..head })),
                Ok(None) => {}
                Err(reason) => return closed(reason.to_owned()),
            }
            match (on.poll_fill(context, 0), &deaf) {
                (Poll::Ready(Ok(0)), _) => return closed("connection closed before message completed".to_owned()),
                (Poll::Ready(Ok(_)), _) => self.heard = true,
                (Poll::Ready(Err(error)), _) => return closed(cause::describe(&error)),
                (Poll::Pending, Some(error)) => return closed(cause::describe(error)),
                (Poll::Pending, None) => return Poll::Pending,
            }
        }
    }
}
