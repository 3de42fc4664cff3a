//! A request's body as it goes upstream.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use sync_wrapper::SyncWrapper;

use super::TransportError;

/// Bodies up to this size are joined into one piece: a small copy is cheaper than a second write.
const JOIN_BELOW: usize = 16 * 1024;

/// A request's body: a few shared pieces that can be sent again, or a stream that can be sent once.
pub enum Payload {
    /// Pieces of what the client sent, and what was spliced in between. Cloning copies no bytes.
    Pieces(VecDeque<Bytes>),
    /// Passed through as it comes in.
    Stream(Streamed),
}

/// A body that is passed through as it comes in.
pub struct Streamed {
    // Shared by reference while a request is signed, polled by its one owner only.
    body: SyncWrapper<UnsyncBoxBody<Bytes, TransportError>>,
    length: Option<u64>,
}

impl Streamed {
    /// The next piece.
    pub fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, TransportError>>> {
        loop {
            match ready!(Pin::new(self.body.get_mut()).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) => return Poll::Ready(Some(Ok(piece))),
                    // Trailers, which no upstream asks for.
                    Err(_) => continue,
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Payload {
    /// A body that is passed through as it comes in, and can be sent once.
    pub fn streamed(body: UnsyncBoxBody<Bytes, TransportError>) -> Payload {
        let length = body.size_hint().exact();
        Payload::Stream(Streamed { body: SyncWrapper::new(body), length })
    }

    /// No body.
    pub fn empty() -> Payload {
        Payload::Pieces(VecDeque::new())
    }

    /// One body from `pieces`, in order.
    pub fn from_pieces(pieces: impl IntoIterator<Item = Bytes>) -> Payload {
        let pieces: VecDeque<Bytes> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        let length = pieces.iter().map(Bytes::len).sum();
        if pieces.len() < 2 || length > JOIN_BELOW {
            return Payload::Pieces(pieces);
        }
        let mut joined = BytesMut::with_capacity(length);
        for piece in &pieces {
            joined.extend_from_slice(piece);
        }
        Payload::Pieces(VecDeque::from([joined.freeze()]))
    }

    /// The same body once more; `None` for a stream.
    pub fn again(&self) -> Option<Payload> {
        match self {
            Payload::Pieces(pieces) => Some(Payload::Pieces(pieces.clone())),
            Payload::Stream(_) => None,
        }
    }

    /// Whether it can be sent more than once.
    pub fn is_repeatable(&self) -> bool {
        matches!(self, Payload::Pieces(_))
    }

    /// Length in bytes; `None` for a stream of unknown length.
    pub fn length(&self) -> Option<u64> {
        self.size_hint().exact()
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Payload {
        Payload::from_pieces([bytes])
    }
}

impl From<Infallible> for TransportError {
    fn from(never: Infallible) -> TransportError {
        match never {}
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        match self.get_mut() {
            Payload::Pieces(pieces) => Poll::Ready(pieces.pop_front().map(|piece| Ok(Frame::data(piece)))),
            Payload::Stream(stream) => Pin::new(stream.body.get_mut()).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Payload::Pieces(pieces) => pieces.is_empty(),
            Payload::Stream(stream) => stream.length == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Payload::Pieces(pieces) => SizeHint::with_exact(pieces.iter().map(|piece| piece.len() as u64).sum()),
            Payload::Stream(stream) => stream.length.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}
