//! A request on its way out.

use std::collections::VecDeque;
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use super::super::TransportError;
use super::super::connection::Connection;
use super::super::payload::{Payload, Streamed};

/// Most pieces that are written at once.
const AT_ONCE: usize = 16;

/// What of a request has not gone out.
pub struct Sending {
    queue: VecDeque<Bytes>,
    rest: Option<Rest>,
}

/// A body that is passed on as it comes in.
struct Rest {
    body: Streamed,
    /// So much of it is to come; `None`: nobody knows, and it goes out in chunks.
    left: Option<u64>,
}

/// Why it goes no further.
pub enum Stuck {
    /// The upstream takes no more.
    Connection(io::Error),
    /// The body itself broke off.
    Body(TransportError),
}

impl Stuck {
    fn wrong_length() -> Stuck {
        Stuck::Body(TransportError::Request("it is not as long as it was said to be".to_owned()))
    }
}

impl Sending {
    /// `head` and then `payload`, which is left as it is if it can be sent again, and empty otherwise.
    pub fn new(head: Bytes, payload: &mut Payload) -> Sending {
        let left = payload.length();
        let mut queue = VecDeque::from([head]);
        let rest = match std::mem::replace(payload, Payload::empty()) {
            Payload::Stream(body) => Some(Rest { body, left }),
            Payload::Pieces(pieces) => {
                queue.extend(pieces.iter().cloned());
                *payload = Payload::Pieces(pieces);
                None
            }
        };
        Sending { queue, rest }
    }

    /// Writes as much as can be; ready when all of it has gone out.
    pub fn poll(&mut self, context: &mut Context<'_>, connection: &mut Connection) -> Poll<Result<(), Stuck>> {
        loop {
            while self.queue.front().is_some() {
                ready!(self.write(context, connection)).map_err(Stuck::Connection)?;
            }
            let Some(rest) = &mut self.rest else { break };
            match rest.body.poll_piece(context) {
                Poll::Ready(Some(Ok(piece))) => self.push(piece)?,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(Stuck::Body(error))),
                Poll::Ready(None) => {
                    match rest.left {
                        None => self.queue.push_back(Bytes::from_static(b"0\r\n\r\n")),
                        Some(0) => {}
                        // What is missing would be taken out of the next request.
                        Some(_) => return Poll::Ready(Err(Stuck::wrong_length())),
                    }
                    self.rest = None;
                }
                Poll::Pending => {
                    ready!(Pin::new(connection).poll_flush(context)).map_err(Stuck::Connection)?;
                    return Poll::Pending;
                }
            }
        }
        Pin::new(connection).poll_flush(context).map_err(Stuck::Connection)
    }

    fn push(&mut self, piece: Bytes) -> Result<(), Stuck> {
        let left = self.rest.as_mut().and_then(|rest| rest.left.as_mut());
        match left {
            // An empty chunk would be the last one, and nothing cannot be written.
            _ if piece.is_empty() => {}
            None => {
                let size = Bytes::from(format!("{:x}\r\n", piece.len()));
                self.queue.extend([size, piece, Bytes::from_static(b"\r\n")]);
            }
            Some(left) => {
                *left = left.checked_sub(piece.len() as u64).ok_or_else(Stuck::wrong_length)?;
                self.queue.push_back(piece);
            }
        }
        Ok(())
    }

    fn write(&mut self, context: &mut Context<'_>, connection: &mut Connection) -> Poll<io::Result<()>> {
        let mut slices = [IoSlice::new(&[]); AT_ONCE];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.queue) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        let mut written = ready!(Pin::new(connection).poll_write_vectored(context, &slices[..count]))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        while let Some(first) = self.queue.front_mut() {
            if written < first.len() {
                first.advance(written);
                break;
            }
            written -= first.len();
            self.queue.pop_front();
        }
        Poll::Ready(Ok(()))
    }
}
