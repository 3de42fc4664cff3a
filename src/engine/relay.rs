//! A stream from an upstream to a client.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::engine::reply::BrokenOff;

/// A committed stream on its way.
pub struct Relay {}

impl Relay {
    /// The next piece for the client.
    pub fn poll_next(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        todo!()
    }
}
