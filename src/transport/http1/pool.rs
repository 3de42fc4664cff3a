//! Connections that wait for their next request.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::Http1;

/// Connections to one upstream that wait for their next request, the one used last first.
///
/// One task for all of them closes those that have waited for too long, and those that the upstream closes.
pub struct Pool {
    waiting: Mutex<VecDeque<Waiting>>,
    most: usize,
    /// How long one may wait.
    patience: Duration,
    stirred: Arc<Stirred>,
    is_swept: AtomicBool,
}

struct Waiting {
    connection: Http1,
    since: Instant,
}

/// Told when something happens on a connection that waits: it is closed, or says what nobody asked for.
#[derive(Default)]
struct Stirred(Notify);

impl Wake for Stirred {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

impl Pool {
    /// Keeps at most `most`, none for longer than `patience`.
    pub fn new(most: usize, patience: Duration) -> Pool {
        Pool { waiting: Mutex::default(), most, patience, stirred: Arc::default(), is_swept: AtomicBool::new(false) }
    }

    /// One that still stands.
    pub fn take(&self) -> Option<Http1> {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let Waiting { mut connection, since } = self.waiting().pop_back()?;
            if since.elapsed() < self.patience && connection.is_quiet(&mut context) {
                return Some(connection);
            }
        }
    }

    /// Keeps `connection`, if it still stands and there is room.
    pub fn put(self: &Arc<Self>, mut connection: Http1) {
        let waker = Waker::from(self.stirred.clone());
        if self.most == 0 || !connection.is_quiet(&mut Context::from_waker(&waker)) {
            return;
        }
        // Whoever takes it may have it replaced if it dies unanswered.
        connection.is_used = true;
        let since = Instant::now();
        {
            let mut waiting = self.waiting();
            if waiting.len() >= self.most {
                return;
            }
            waiting.push_back(Waiting { connection, since });
        }
        if !self.is_swept.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep(Arc::downgrade(self), self.stirred.clone()));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes what need not wait any longer; when that is to be done again, `None`: not before something was put in.
    fn sweep(&self) -> Option<Instant> {
        let waker = Waker::from(self.stirred.clone());
        let mut context = Context::from_waker(&waker);
        let mut waiting = self.waiting();
        waiting.retain_mut(|waiting| waiting.since.elapsed() < self.patience && waiting.connection.is_quiet(&mut context));
        let next = waiting.front().map(|oldest| oldest.since + self.patience);
        if next.is_none() {
            self.is_swept.store(false, Ordering::Release);
        }
        next
    }
}

/// Until nothing waits any more, or nobody has the pool.
async fn sweep(pool: Weak<Pool>, stirred: Arc<Stirred>) {
    loop {
        let Some(next) = pool.upgrade().and_then(|pool| pool.sweep()) else { return };
        let _ = timeout_at(next, stirred.0.notified()).await;
    }
}
