//! Gives up on single streams of an HTTP/2 connection whose client does not take them.
//!
//! There a client closes one stream's window while it reads all others, and nothing shows on the socket. What shows is
//! that a piece of the answer was handed out and the next one is not asked for. The stream is then dropped, which resets
//! it; the connection stays, for a proxy may have other people's streams on it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tracing::debug;

use crate::server::accept::spread::{Seat, Spread};

tokio::task_local! {
    static CURRENT: Arc<Delivery>;
}

/// How far the answer of one stream has come.
///
/// An odd count: a piece was handed out and is not taken yet. Only the stream's own task touches it.
#[derive(Default)]
pub(super) struct Delivery(AtomicU64);

impl Delivery {
    /// That of the stream whose task this is; none over HTTP/1.
    pub(super) fn current() -> Option<Arc<Delivery>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    pub(super) fn handed_out(&self) {
        self.0.fetch_or(1, Ordering::Relaxed);
    }

    pub(super) fn taken(&self) {
        let count = self.0.load(Ordering::Relaxed);
        self.0.store(count + count % 2, Ordering::Relaxed);
    }

    /// The piece that waits for its client.
    fn waiting(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|count| count % 2 == 1)
    }
}

/// Runs the streams of a connection, each as a task, as long as their clients take them.
#[derive(Clone)]
pub(super) struct Streams {
    pub stall: Duration,
    pub spread: Arc<Spread>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let delivery = Arc::<Delivery>::default();
        let seat = self.spread.nearby();
        let runtime = seat.runtime().clone();
        let watched = Watched { stream, delivery: Arc::clone(&delivery), limit: self.stall, waiting: None, _seat: seat };
        runtime.spawn(CURRENT.scope(delivery, watched));
    }
}

pin_project! {
    struct Watched<F> {
        #[pin]
        stream: F,
        delivery: Arc<Delivery>,
        limit: Duration,
        // Which piece, and until when.
        waiting: Option<(u64, Pin<Box<Sleep>>)>,
        _seat: Seat,
    }
}

impl<F: Future<Output = ()>> Future for Watched<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.stream.poll(context).is_ready() {
            return Poll::Ready(());
        }
        let Some(piece) = this.delivery.waiting() else {
            *this.waiting = None;
            return Poll::Pending;
        };
        let waiting = match this.waiting {
            Some((waiting, sleep)) if *waiting == piece => sleep,
            _ => &mut this.waiting.insert((piece, Box::pin(sleep(*this.limit)))).1,
        };
        ready!(waiting.as_mut().poll(context));
        debug!("the client does not take its stream");
        Poll::Ready(())
    }
}
