//! An answer's body on its way in.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::head::Framing;
use super::sending::{Sending, Stuck};
use super::{Http1, Pool};

/// An answer's body. What one read brought comes in one piece. Dropped before its end, it closes the connection.
pub struct Incoming {
    /// `None`: it has ended.
    connection: Option<Http1>,
    framing: Framing,
    /// What of the request has not gone out yet, if the answer was faster.
    sending: Option<Sending>,
    /// Where the connection goes at the end, if it can be used again.
    pool: Option<Arc<Pool>>,
}

impl Incoming {
    pub(super) fn new(connection: Http1, framing: Framing, sending: Option<Sending>, pool: Option<Arc<Pool>>) -> Incoming {
        Incoming { connection: Some(connection), framing, sending, pool }
    }

    /// Nobody polls a body that has no bytes.
    pub(super) fn end_if_empty(&mut self) {
        if matches!(self.framing, Framing::Length(0)) {
            self.end();
        }
    }

    /// All of it came.
    fn end(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if let Some(pool) = self.pool.take().filter(|_| self.sending.is_none()) {
            pool.put(connection);
        }
    }

    /// What is in the buffer and belongs to it; `None`: nothing yet.
    fn take(&mut self) -> io::Result<Option<Bytes>> {
        let Some(connection) = &mut self.connection else { return Ok(None) };
        let buffer = &mut connection.buffer;
        let piece = match &mut self.framing {
            Framing::Close => std::mem::take(buffer),
            Framing::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                *left -= here as u64;
                // Whole buffers move; only a part of one has to be shared. Little in a large one would hold all of it.
                match here {
                    _ if here < buffer.len() => buffer.split_to(here),
                    _ if here * 4 < buffer.capacity() => buffer.split_to(here)[..].into(),
                    _ => std::mem::take(buffer),
                }
            }
            Framing::Chunked(chunked) => {
                let decoded = chunked.decode(buffer)?;
                let mut read = if decoded.read == buffer.len() { std::mem::take(buffer) } else { buffer.split_to(decoded.read) };
                read.truncate(decoded.contents);
                read
            }
        };
        let is_over = match &self.framing {
            Framing::Close => false,
            Framing::Length(left) => *left == 0,
            Framing::Chunked(chunked) => chunked.is_done(),
        };
        if is_over {
            self.end();
        }
        Ok(Some(piece.freeze()).filter(|piece| !piece.is_empty()))
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let (Some(sending), Some(connection)) = (&mut self.sending, &mut self.connection) else { return Ok(()) };
        match sending.poll(context, &mut connection.connection) {
            Poll::Pending => return Ok(()),
            Poll::Ready(Ok(())) => {}
            // It has its answer: it may do without the rest.
            Poll::Ready(Err(Stuck::Connection(_))) => self.pool = None,
            Poll::Ready(Err(Stuck::Body(error))) => return Err(io::Error::other(error)),
        }
        self.sending = None;
        Ok(())
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.poll_send(context)?;
        loop {
            if let Some(piece) = self.take()? {
                return Poll::Ready(Some(Ok(piece)));
            }
            let Some(connection) = &mut self.connection else { return Poll::Ready(None) };
            let expected = if let Framing::Length(left) = self.framing { left } else { 0 };
            if ready!(connection.poll_fill(context, expected))? == 0 {
                self.connection = None;
                return Poll::Ready(match self.framing {
                    Framing::Close => None,
                    _ => Some(Err(io::ErrorKind::UnexpectedEof.into())),
                });
            }
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = ready!(self.poll_piece(context));
        if matches!(piece, Some(Err(_))) {
            self.connection = None;
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.connection.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.connection, &self.framing) {
            (None, _) => SizeHint::with_exact(0),
            (Some(_), Framing::Length(left)) => SizeHint::with_exact(*left),
            (Some(_), _) => SizeHint::default(),
        }
    }
}
