//! How many connections there are, over all ports, and who makes room when there are too many.
//!
//! At the limit the connection that was unused for longest is asked to go, and the new one waits a moment for its place.
//! Where nobody goes, a few more are let in all the same, to be told so and to ask how the gateway is; whoever comes
//! beyond those finds the connection closed. Letting them wait unaccepted instead would look like a gateway that hangs,
//! to its clients as to whoever checks its health.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::timeout;

/// Connections beyond the limit, at once: enough for those who check the gateway's health. Each lives for moments.
pub(in crate::server) const SURPLUS: usize = 64;
/// For a place that somebody was asked to leave.
const MOMENT: Duration = Duration::from_millis(100);

/// Marks a request that came over a connection which there is no room for.
#[derive(Clone, Copy)]
pub(in crate::server) struct Surplus;

/// The connections of a server.
#[derive(Default)]
pub(in crate::server) struct Crowd {
    admitted: AtomicUsize,
    surplus: AtomicUsize,
    /// Unused connections wait here, longest first.
    wanted: Notify,
    left: Notify,
}

impl Crowd {
    /// How many connections there are.
    pub(in crate::server) fn len(&self) -> usize {
        self.admitted.load(Ordering::Relaxed) + self.surplus.load(Ordering::Relaxed)
    }

    /// A place for one more where `limit` are allowed, or at least one among the surplus.
    pub(super) fn enter(self: &Arc<Crowd>, limit: usize) -> Option<Place> {
        let is_surplus = !take(&self.admitted, limit);
        if is_surplus && !take(&self.surplus, SURPLUS) {
            return None;
        }
        Some(Place { crowd: Arc::clone(self), limit, is_surplus })
    }
}

fn take(count: &AtomicUsize, limit: usize) -> bool {
    let more = |now: usize| (now < limit).then_some(now + 1);
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

/// A connection's place; dropping it makes room.
pub(super) struct Place {
    crowd: Arc<Crowd>,
    limit: usize,
    is_surplus: bool,
}

impl Place {
    pub(super) fn is_surplus(&self) -> bool {
        self.is_surplus
    }

    /// Among the surplus: asks for room, and waits a moment for it.
    pub(super) async fn find_room(&mut self) {
        if !self.is_surplus {
            return;
        }
        self.crowd.wanted.notify_one();
        let room = async {
            loop {
                let left = self.crowd.left.notified();
                if take(&self.crowd.admitted, self.limit) {
                    return;
                }
                left.await;
            }
        };
        if timeout(MOMENT, room).await.is_ok() {
            self.crowd.surplus.fetch_sub(1, Ordering::Relaxed);
            self.is_surplus = false;
        }
    }

    /// Waits until somebody needs room, and all who waited before were asked to make it.
    pub(super) fn wanted(&self) -> Notified<'_> {
        self.crowd.wanted.notified()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let count = if self.is_surplus { &self.crowd.surplus } else { &self.crowd.admitted };
        count.fetch_sub(1, Ordering::Relaxed);
        self.crowd.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::{Crowd, MOMENT, SURPLUS};

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_is_among_the_surplus_and_who_comes_after_them_is_nowhere() {
        let crowd = Arc::<Crowd>::default();
        let mut places: Vec<_> = (0..2 + SURPLUS).map(|_| crowd.enter(2).unwrap()).collect();
        assert!(crowd.enter(2).is_none());
        assert_eq!(crowd.len(), 2 + SURPLUS);
        let last = places.last_mut().unwrap();
        last.find_room().await;
        assert!(last.is_surplus());
        drop(places.remove(0));
        let last = places.last_mut().unwrap();
        last.find_room().await;
        assert!(!last.is_surplus());
        drop(places);
        assert_eq!(crowd.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_was_unused_for_longest_is_asked_to_go() {
        let crowd = Arc::<Crowd>::default();
        let (first, second) = (crowd.enter(2).unwrap(), crowd.enter(2).unwrap());
        let mut newcomer = crowd.enter(2).unwrap();
        let leaving = async {
            let (mut longest, mut other) = (pin!(first.wanted()), pin!(second.wanted()));
            longest.as_mut().enable();
            other.as_mut().enable();
            tokio::select! {
                () = longest => {}
                () = other => panic!("not this one"),
            }
            "asked"
        };
        let began = Instant::now();
        let (asked, ()) = tokio::join!(leaving, newcomer.find_room());
        assert_eq!((asked, newcomer.is_surplus(), began.elapsed()), ("asked", true, MOMENT));
        drop(first);
        newcomer.find_room().await;
        assert!(!newcomer.is_surplus());
    }
}
