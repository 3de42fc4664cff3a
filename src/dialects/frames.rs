//! A byte stream cut into frames, whatever the framing of its dialect.

use std::collections::VecDeque;

use bytes::Bytes;

use super::bedrock::eventstream;
use super::sse::{self, Frame};
use crate::hub::Kind;

/// Cuts chunks into frames. Binary framings come out as events with a name and JSON.
pub enum Framer {
    /// Server-sent events.
    Events(sse::Framer),
    /// Amazon's event stream, and the frames that were cut off already.
    Binary(eventstream::Framer, VecDeque<Frame>),
}

/// Why a stream cannot be cut.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// An event is larger than is held.
    #[error(transparent)]
    TooLarge(#[from] sse::TooLarge),
    /// A binary message is broken.
    #[error(transparent)]
    Binary(#[from] eventstream::FrameError),
}

impl Framer {
    /// Before the first byte of a stream of `dialect`.
    pub fn of(dialect: Kind) -> Framer {
        match dialect {
            Kind::Bedrock => Framer::Binary(eventstream::Framer::new(), VecDeque::new()),
            _ => Framer::Events(sse::Framer::new()),
        }
    }

    /// Takes in the next chunk. All frames of the one before must have been taken out.
    pub fn push(&mut self, chunk: Bytes) -> Result<(), FrameError> {
        match self {
            Framer::Events(framer) => Ok(framer.push(chunk)?),
            Framer::Binary(framer, ready) => {
                framer.push(chunk)?;
                while let Some(frame) = framer.next_frame()? {
                    ready.push_back(frame);
                }
                Ok(())
            }
        }
    }

    /// The next whole frame, if there is one.
    pub fn next_frame(&mut self) -> Option<Frame> {
        match self {
            Framer::Events(framer) => framer.next_frame(),
            Framer::Binary(_, ready) => ready.pop_front(),
        }
    }

    /// At the stream's end: what was begun and is whole but for its ending.
    pub fn rest(&mut self) -> Option<Frame> {
        match self {
            Framer::Events(framer) => framer.rest(),
            Framer::Binary(..) => None,
        }
    }

    /// Bytes held back.
    pub fn held(&self) -> usize {
        match self {
            Framer::Events(framer) => framer.held(),
            Framer::Binary(framer, ready) => framer.held() + ready.iter().map(|frame| frame.bytes().len()).sum::<usize>(),
        }
    }
}
