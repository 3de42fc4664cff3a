//! What goes on in one connection: whether it is used, and for how long it was not.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, sleep_until};

use crate::server::accept::crowd::Place;
use crate::server::accept::delivery::Delivery;

/// Over HTTP/2, what a client may leave untaken of an answer that is otherwise over: hyper hands a last piece on whole.
const PIECE: usize = 16 * 1024;

/// What goes on in one connection.
pub(super) struct Activity {
    pub born: Instant,
    requests: AtomicUsize,
    is_multiplexed: AtomicBool,
    /// Milliseconds after `born` at which the last request ended.
    quiet_since: AtomicU64,
}

impl Default for Activity {
    fn default() -> Activity {
        Activity {
            born: Instant::now(),
            requests: AtomicUsize::new(0),
            is_multiplexed: AtomicBool::new(false),
            quiet_since: AtomicU64::new(0),
        }
    }
}

impl Activity {
    /// Whether it speaks HTTP/2.
    pub(super) fn is_multiplexed(&self) -> bool {
        self.is_multiplexed.load(Ordering::Relaxed)
    }

    fn is_used(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// Waits until there was no request for `limit`, counted from `begun` at the earliest.
    pub(super) async fn idle_for(&self, limit: Duration, begun: Instant) {
        loop {
            let quiet_since = self.born + Duration::from_millis(self.quiet_since.load(Ordering::Relaxed));
            let until = if self.is_used() { Instant::now() + limit } else { begun.max(quiet_since) + limit };
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    /// Waits until somebody needs room and no other connection was unused for longer. Has to be polled along with the
    /// connection, to notice when it falls idle.
    pub(super) async fn makes_room(&self, place: &Place) {
        let mut turn = pin!(None);
        poll_fn(|context| {
            if self.is_used() {
                turn.set(None);
                return Poll::Pending;
            }
            if turn.is_none() {
                turn.set(Some(place.wanted()));
            }
            turn.as_mut().as_pin_mut().map_or(Poll::Pending, |turn| turn.poll(context))
        })
        .await;
    }
}

/// Lives as long as a request and its answer.
pub(super) struct Busy(Arc<Activity>);

impl Busy {
    pub(super) fn new(activity: &Arc<Activity>, version: Version) -> Busy {
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
    /// An answer's body; keeps its connection busy until it is gone. Over HTTP/2 it is handed out in small pieces, and
    /// `delivery` is told of each.
    pub(super) struct Held<B> {
        #[pin]
        body: B,
        rest: Bytes,
        delivery: Option<Arc<Delivery>>,
        _busy: Busy,
    }
}

impl<B> Held<B> {
    pub(super) fn new(body: B, delivery: Option<Arc<Delivery>>, busy: Busy) -> Held<B> {
        Held { body, rest: Bytes::new(), delivery, _busy: busy }
    }
}

impl<B: Body<Data = Bytes>> Body for Held<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let Some(delivery) = this.delivery else { return this.body.poll_frame(context) };
        delivery.taken();
        if this.rest.is_empty() {
            let frame = match this.body.poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => frame,
                other => return other,
            };
            match frame.into_data() {
                Ok(data) => *this.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        delivery.handed_out();
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
