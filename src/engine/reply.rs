//! What the engine hands back: a head, and a body that is polled by whoever reads it.

use std::borrow::Cow;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};

use crate::engine::meter::{Fault, Meter};
use crate::engine::relay::{BrokenOff, Relay};
use crate::hub::ApiError;

/// An upstream's answer on its way to the client.
pub struct Reply {
    /// The upstream's status.
    pub status: StatusCode,
    /// The upstream's headers that may go on.
    pub headers: HeaderMap,
    /// The body.
    pub body: ReplyBody,
    /// Who answered.
    pub trace: Trace,
}

/// Who answered, and after how much.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Name of the provider.
    pub provider: String,
    /// The upstream's name of the model; empty for a pass-through that names none.
    pub model: String,
    /// Attempts made, this one included.
    pub attempts: u32,
    /// Time spent in llmgw itself, until the headers.
    pub overhead: Duration,
    /// Hints of the request that a translation left out.
    pub dropped: Vec<Cow<'static, str>>,
}

/// A reply's body. Dropping it before its end cancels the upstream's request and records what was used until then.
pub enum ReplyBody {
    /// Complete; `None` once it was read.
    Full(Option<Bytes>, Box<Meter>),
    /// On its way.
    Stream(Box<Relay>),
}

impl ReplyBody {
    /// Whether it is a stream of events.
    pub fn is_events(&self) -> bool {
        matches!(self, ReplyBody::Stream(relay) if relay.is_events())
    }

    /// Whether a comment may go in now: into a stream of events, between whole ones, before the last.
    pub fn takes_comments(&self) -> bool {
        matches!(self, ReplyBody::Stream(relay) if relay.is_between_events())
    }

    /// Gives it up on llmgw's own account and notes `reason`; `last` still goes out if it is a stream of events.
    pub fn stop(&mut self, last: &ApiError, reason: &str) {
        match self {
            ReplyBody::Full(bytes, meter) => {
                if bytes.take().is_some() {
                    meter.cut_off(reason, Fault::Nobodys);
                }
            }
            ReplyBody::Stream(relay) => relay.stop(last, reason),
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            ReplyBody::Full(bytes, _) => Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes)))),
            ReplyBody::Stream(relay) => Pin::new(relay.as_mut()).poll_next(context).map(|next| next.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            ReplyBody::Full(bytes, _) => bytes.as_ref().is_none_or(Bytes::is_empty),
            ReplyBody::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ReplyBody::Full(bytes, _) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            ReplyBody::Stream(_) => SizeHint::default(),
        }
    }
}
