//! HTTP/2 to one upstream: one connection for all requests, spoken by hyper.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::connection::Connection;
use super::{Payload, TransportError, Unanswered, cause};

/// The connection that all requests share, if the upstream speaks HTTP/2.
pub struct Shared {
    current: Mutex<Option<Standing>>,
    opened: AtomicUsize,
    /// How long it may wait for a request.
    patience: Duration,
}

struct Standing {
    sender: Sender,
    used: Instant,
}

/// Takes requests of a connection. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    requests: SendRequest<Payload>,
    /// Of its connection.
    number: usize,
}

impl Shared {
    /// Closes a connection that nobody has asked over for `patience`; what is on its way ends in peace.
    pub fn new(patience: Duration) -> Shared {
        Shared { current: Mutex::new(None), opened: AtomicUsize::new(0), patience }
    }

    /// The one that stands.
    pub fn get(&self) -> Option<Sender> {
        let mut current = self.current();
        current.take_if(|standing| standing.sender.requests.is_closed() || standing.used.elapsed() >= self.patience);
        let standing = current.as_mut()?;
        standing.used = Instant::now();
        Some(standing.sender.clone())
    }

    /// Puts `connection` to use for all requests to come, unless another one was faster.
    pub async fn open(self: &Arc<Self>, connection: Connection) -> Result<Sender, TransportError> {
        let mut builder = Builder::new(TokioExecutor::new());
        let spoken = builder.timer(TokioTimer::new()).handshake(TokioIo::new(connection)).await;
        let (requests, driver) = spoken.map_err(|error| closed(&error))?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                debug!(error = %cause::describe(&error), "an HTTP/2 connection ended early");
            }
        });
        if let Some(other) = self.get() {
            return Ok(other);
        }
        let sender = Sender { requests, number: self.opened.fetch_add(1, Ordering::Relaxed) };
        *self.current() = Some(Standing { sender: sender.clone(), used: Instant::now() });
        tokio::spawn(retire(Arc::downgrade(self), sender.number));
        Ok(sender)
    }

    /// Sends a request by `sender`, and waits for the head of the answer. `payload` stays as it is if it can be sent again.
    pub async fn exchange(&self, sender: Sender, head: &Parts, payload: &mut Payload) -> Result<Response<Incoming>, Unanswered> {
        let Sender { mut requests, number } = sender;
        if let Err(error) = requests.ready().await {
            return Err(Unanswered { error: closed(&error), is_untouched: true });
        }
        let body = payload.again().unwrap_or_else(|| std::mem::replace(payload, Payload::empty()));
        let request = Request::from_parts(head.clone(), body);
        requests.try_send_request(request).await.map_err(|mut failed| {
            let was_sent = failed.take_message().is_none();
            let error = failed.into_error();
            if let Some(TransportError::Request(reason)) = cause::find(&error) {
                return Unanswered { error: TransportError::Request(reason.clone()), is_untouched: false };
            }
            let is_untouched = !was_sent || was_turned_away(&error);
            if is_untouched {
                self.current().take_if(|standing| standing.sender.number == number);
            }
            Unanswered { error: closed(&error), is_untouched }
        })
    }

    /// Until when the connection of this number is kept, as things are; `None`: it is no longer.
    fn is_kept_until(&self, number: usize) -> Option<Instant> {
        let mut current = self.current();
        let due = current.as_ref().filter(|standing| standing.sender.number == number)?.used + self.patience;
        if due > Instant::now() {
            return Some(due);
        }
        *current = None;
        None
    }

    fn current(&self) -> MutexGuard<'_, Option<Standing>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of the connection of this number once nobody has asked over it for long enough.
async fn retire(shared: Weak<Shared>, number: usize) {
    while let Some(due) = shared.upgrade().and_then(|shared| shared.is_kept_until(number)) {
        sleep_until(due).await;
    }
}

fn closed(error: &hyper::Error) -> TransportError {
    TransportError::Closed(cause::describe(error))
}

/// The stream was refused, or is beyond the last one of a connection that goes away: whoever says so has not looked at
/// it (RFC 9113 §8.7). What else ends a stream may have come after the work was done.
fn was_turned_away(error: &hyper::Error) -> bool {
    let said = cause::find::<h2::Error>(error).filter(|error| error.is_remote());
    said.is_some_and(|error| error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
}
