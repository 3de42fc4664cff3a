//! Connections that wait for their next request.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::{Handle, Id};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::Http1;

/// Connections to one upstream that wait for their next request, the one used last first.
///
/// Each waits with the runtime that watches its socket, and is asked over there if it can be: threads that serve apart then
/// have nothing to do with one another here.
pub struct Pool {
    lanes: ArcSwap<Vec<Arc<Lane>>>,
    /// How many wait.
    count: AtomicUsize,
    most: usize,
    /// How long one may wait.
    patience: Duration,
}

/// What waits with one runtime.
///
/// One task for all of them closes those that have waited for too long, and those that the upstream closes.
struct Lane {
    runtime: Id,
    waiting: Mutex<VecDeque<Waiting>>,
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
        Pool { lanes: ArcSwap::default(), count: AtomicUsize::new(0), most, patience }
    }

    /// One that still stands.
    pub fn take(&self) -> Option<Http1> {
        let here = Handle::current().id();
        let lanes = self.lanes.load();
        let from = |own: bool| lanes.iter().filter(move |lane| (lane.runtime == here) == own).find_map(|lane| self.take_from(lane));
        from(true).or_else(|| {
            // Better than a new one, which would have to greet the upstream first.
            let mut connection = from(false)?;
            connection.connection.come_here().ok().map(|()| connection)
        })
    }

    fn take_from(&self, lane: &Lane) -> Option<Http1> {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let Waiting { mut connection, since } = lane.waiting().pop_back()?;
            self.count.fetch_sub(1, Ordering::Relaxed);
            if since.elapsed() < self.patience && connection.is_quiet(&mut context) {
                return Some(connection);
            }
        }
    }

    /// Keeps `connection`, if it still stands and there is room.
    pub fn put(self: &Arc<Self>, mut connection: Http1) {
        let lane = self.lane();
        let waker = Waker::from(lane.stirred.clone());
        if !connection.is_quiet(&mut Context::from_waker(&waker)) {
            return;
        }
        let more = |count: usize| (count < self.most).then_some(count + 1);
        if self.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            return;
        }
        // Whoever takes it may have it replaced if it dies unanswered.
        connection.is_used = true;
        lane.waiting().push_back(Waiting { connection, since: Instant::now() });
        if !lane.is_swept.swap(true, Ordering::AcqRel) {
            let (pool, stirred) = (Arc::downgrade(self), lane.stirred.clone());
            tokio::spawn(sweep(pool, Arc::downgrade(&lane), stirred));
        }
    }

    /// That of the current runtime.
    fn lane(&self) -> Arc<Lane> {
        let here = Handle::current().id();
        let own = |lanes: &[Arc<Lane>]| lanes.iter().find(|lane| lane.runtime == here).cloned();
        if let Some(lane) = own(&self.lanes.load()) {
            return lane;
        }
        let new = Arc::new(Lane { runtime: here, waiting: Mutex::default(), stirred: Arc::default(), is_swept: AtomicBool::new(false) });
        // Threads of one runtime may be here at once: the first one's counts.
        self.lanes.rcu(|lanes| match own(lanes) {
            Some(_) => Vec::clone(lanes),
            None => lanes.iter().chain([&new]).cloned().collect(),
        });
        own(&self.lanes.load()).unwrap_or(new)
    }

    /// Closes what need not wait any longer; when that is to be done again, `None`: not before something was put in.
    fn sweep(&self, lane: &Lane) -> Option<Instant> {
        let waker = Waker::from(lane.stirred.clone());
        let mut context = Context::from_waker(&waker);
        let mut waiting = lane.waiting();
        let before = waiting.len();
        waiting.retain_mut(|waiting| waiting.since.elapsed() < self.patience && waiting.connection.is_quiet(&mut context));
        self.count.fetch_sub(before - waiting.len(), Ordering::Relaxed);
        let next = waiting.front().map(|oldest| oldest.since + self.patience);
        if next.is_none() {
            lane.is_swept.store(false, Ordering::Release);
        }
        next
    }
}

impl Lane {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Until nothing waits any more, or nobody has the pool.
async fn sweep(pool: Weak<Pool>, lane: Weak<Lane>, stirred: Arc<Stirred>) {
    loop {
        let both = pool.upgrade().zip(lane.upgrade());
        let Some(next) = both.and_then(|(pool, lane)| pool.sweep(&lane)) else { return };
        let _ = timeout_at(next, stirred.0.notified()).await;
    }
}
