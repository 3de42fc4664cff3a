//! Which thread serves what.
//!
//! Every thread has a runtime of its own, and what begins on it stays there: its sockets, timers and tasks are nobody
//! else's business, which spares what it costs when threads share their work. In return, nothing evens out by itself. So a
//! connection goes where least is going on; and a stream of an HTTP/2 connection goes elsewhere than its connection once
//! that thread has much more to do than another: a connection of a thousand streams must not be one thread's.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// So much more has to go on where a stream begins for it to be served elsewhere, from where its pieces have a longer way.
const MUCH_MORE: usize = 16;

/// The threads that serve.
pub(in crate::server) struct Spread {
    first: Arc<Thread>,
    others: Vec<Arc<Thread>>,
}

struct Thread {
    runtime: Handle,
    /// Connections and streams.
    load: AtomicUsize,
}

impl Spread {
    /// Over the current runtime and `others`.
    pub(in crate::server) fn over(others: &[Handle]) -> Arc<Spread> {
        let thread = |runtime| Arc::new(Thread { runtime, load: AtomicUsize::new(0) });
        Arc::new(Spread { first: thread(Handle::current()), others: others.iter().cloned().map(thread).collect() })
    }

    /// Where least goes on.
    pub(super) fn anywhere(&self) -> Seat {
        self.seat(0)
    }

    /// Here, unless much more goes on here than elsewhere.
    pub(super) fn nearby(&self) -> Seat {
        self.seat(MUCH_MORE)
    }

    /// On the current thread, unless another one has so much `less` going on.
    fn seat(&self, less: usize) -> Seat {
        let here = Handle::current().id();
        let load = |thread: &Thread| {
            let handicap = if thread.runtime.id() == here { 0 } else { less };
            thread.load.load(Ordering::Relaxed) + handicap
        };
        let least = self.others.iter().fold(&self.first, |least, other| if load(other) < load(least) { other } else { least });
        least.load.fetch_add(1, Ordering::Relaxed);
        Seat(Arc::clone(least))
    }
}

/// The place of a connection, or of a stream, on its thread; dropping it gives it up.
pub(super) struct Seat(Arc<Thread>);

impl Seat {
    pub(super) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    /// Whether it is on the current thread.
    fn is_here(&self) -> bool {
        self.0.runtime.id() == Handle::current().id()
    }

    /// Has its thread watch a connection that was accepted here.
    pub(super) fn watch(&self, stream: TcpStream) -> io::Result<TcpStream> {
        if self.is_here() {
            return Ok(stream);
        }
        let socket = stream.into_std()?;
        let _there = self.runtime().enter();
        TcpStream::from_std(socket)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.load.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::{MUCH_MORE, Seat, Spread};

    #[tokio::test]
    async fn what_begins_goes_where_least_goes_on_and_streams_stay_for_longer() {
        let other = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let spread = Spread::over(&[other.handle().clone()]);
        let connections: Vec<_> = (0..4).map(|_| spread.anywhere()).collect();
        assert_eq!(connections.iter().map(Seat::is_here).collect::<Vec<_>>(), [true, false, true, false]);
        let mut streams: Vec<_> = (0..MUCH_MORE + 4).map(|_| spread.nearby()).collect();
        let is_here: Vec<bool> = streams.iter().map(Seat::is_here).collect();
        assert!(is_here[..MUCH_MORE].iter().all(|is_here| *is_here));
        assert_eq!(is_here[MUCH_MORE..], [true, false, true, false]);
        // Who leaves makes room.
        streams.clear();
        assert!(spread.nearby().is_here());
        drop(connections);
        assert!(spread.anywhere().is_here());
        other.shutdown_background();
    }

    #[tokio::test]
    async fn a_single_thread_has_everything() {
        let spread = Spread::over(&[]);
        let seats: Vec<_> = (0..100).map(|_| spread.nearby()).collect();
        assert!(seats.iter().all(Seat::is_here) && spread.anywhere().is_here());
    }
}
