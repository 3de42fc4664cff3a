//! A second attempt beside one that is silent: how often that may be, and the race of the two.
//!
//! [`Race`] runs attempts and says how each ended; it drops what lost. Which route comes next, and what an end means, is the
//! loop's ([`super::run`]).

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, OptionFuture};
use tokio::time::{Instant, sleep_until};

use crate::engine::attempt::{Attempting, Tried};
use crate::engine::hold::Overheard;
use crate::engine::meter::Trial;
use crate::hub::Usage;
use crate::routing::{Candidate, Millis, Permit};

/// How many seconds a request counts for, and a hedge against it (contract §3: a minute).
const WINDOW: usize = 60;

/// One of so many requests may be hedged (contract §3: a tenth).
const SHARE: u64 = 10;

/// How many requests may be hedged: a tenth of the last minute's, but always one, for a gateway of one person has no ten
/// requests a minute.
#[derive(Debug)]
pub struct Budget {
    // One a second: which second it is, requests, hedges. In one word each, so that no lock is needed.
    seconds: [AtomicU64; WINDOW],
}

/// One of a budget's words.
#[derive(Clone, Copy, Default)]
struct Count {
    second: u64,
    requests: u64,
    hedges: u64,
}

const SECOND_BITS: u32 = 28;
const REQUEST_BITS: u32 = 20;
const HEDGE_BITS: u32 = 16;

impl Default for Budget {
    fn default() -> Budget {
        Budget { seconds: [const { AtomicU64::new(0) }; WINDOW] }
    }
}

impl Budget {
    /// A request came in.
    pub fn request(&self, now: Millis) {
        self.change(now, |count| count.requests += 1);
    }

    /// Takes one hedge, if there is one to be had.
    pub fn take(&self, now: Millis) -> bool {
        // Taken first and looked at then: of two at once both may be refused, but never one too many is allowed.
        self.change(now, |count| count.hedges += 1);
        let (requests, hedges) = self.last_minute(now);
        let is_allowed = hedges <= (requests / SHARE).max(1);
        if !is_allowed {
            self.put_back(now);
        }
        is_allowed
    }

    /// What was taken at `now` was not used.
    pub fn put_back(&self, now: Millis) {
        self.change(now, |count| count.hedges = count.hedges.saturating_sub(1));
    }

    fn change(&self, now: Millis, change: impl Fn(&mut Count)) {
        let second = second(now);
        let changed = |word| {
            let old = Count::unpack(word);
            let mut count = if old.second == second { old } else { Count { second, ..Count::default() } };
            change(&mut count);
            Some(count.pack())
        };
        // The closure never declines.
        let _ = self.seconds[second as usize % WINDOW].fetch_update(Ordering::AcqRel, Ordering::Acquire, changed);
    }

    fn last_minute(&self, now: Millis) -> (u64, u64) {
        let second = second(now);
        let counts = self.seconds.iter().map(|word| Count::unpack(word.load(Ordering::Acquire)));
        let recent = counts.filter(|count| second.saturating_sub(count.second) < WINDOW as u64);
        recent.fold((0, 0), |(requests, hedges), count| (requests + count.requests, hedges + count.hedges))
    }
}

/// From 1, so that a word of 0 belongs to no second.
fn second(now: Millis) -> u64 {
    now.0 / 1000 + 1
}

impl Count {
    fn pack(self) -> u64 {
        let most = |bits: u32| (1 << bits) - 1;
        let word = self.second & most(SECOND_BITS);
        let word = word << REQUEST_BITS | self.requests.min(most(REQUEST_BITS));
        word << HEDGE_BITS | self.hedges.min(most(HEDGE_BITS))
    }

    fn unpack(word: u64) -> Count {
        let low = |shift: u32, bits: u32| (word >> shift) & ((1 << bits) - 1);
        Count { second: low(HEDGE_BITS + REQUEST_BITS, SECOND_BITS), requests: low(HEDGE_BITS, REQUEST_BITS), hedges: low(0, HEDGE_BITS) }
    }
}

/// An attempt under way. Dropping it cancels it, and gives its permit back undecided.
pub struct Running<'a> {
    provider: Arc<str>,
    model: Arc<str>,
    begun: Instant,
    trial: Trial,
    overheard: Arc<Overheard>,
    /// In boxes, both: what waits is small, and what comes of it is not copied at each step of its way.
    end: BoxFuture<'a, Box<Ended>>,
}

/// An attempt that ended.
pub struct Ended {
    /// Which of the request's attempts it was.
    pub trial: Trial,
    /// At whom.
    pub candidate: Candidate,
    /// Still to be settled.
    pub permit: Permit,
    /// When it began.
    pub begun: Instant,
    /// How it ended.
    pub tried: Tried,
}

/// An attempt that was given up because another one had an answer.
pub struct Abandoned {
    /// Which of the request's attempts it was.
    pub trial: Trial,
    /// The provider's name.
    pub provider: Arc<str>,
    /// The upstream's name of the model.
    pub model: Arc<str>,
    /// For how long it ran.
    pub took: Duration,
    /// What it had reported until then.
    pub usage: Option<Usage>,
}

impl<'a> Running<'a> {
    /// Begins an attempt at `candidate`, which was claimed with `permit`; it is the request's `trial`.
    pub fn begin(attempting: Attempting<'a>, trial: Trial, candidate: Candidate, permit: Permit) -> Running<'a> {
        let (provider, model) = (candidate.provider_name.clone(), candidate.model.clone());
        let (begun, overheard) = (Instant::now(), attempting.overheard.clone());
        let end = async move {
            let tried = attempting.run(&candidate).await;
            Box::new(Ended { trial, candidate, permit, begun, tried })
        };
        Running { provider, model, begun, trial, overheard, end: Box::pin(end) }
    }
}

/// One attempt, or two side by side.
pub struct Race<'a> {
    first: Option<Running<'a>>,
    second: Option<Running<'a>>,
    silent_at: Option<Instant>,
}

impl<'a> Race<'a> {
    /// Of `first` alone; if it has not ended at `silent_at`, that is told once.
    pub fn of(first: Running<'a>, silent_at: Option<Instant>) -> Race<'a> {
        Race { first: Some(first), second: None, silent_at }
    }

    /// Runs `second` beside the first.
    pub fn join(&mut self, second: Running<'a>) {
        self.second = Some(second);
    }

    /// The next attempt that ends; `None`: the first has been silent for too long.
    pub async fn next(&mut self) -> Option<Box<Ended>> {
        let mut silence = OptionFuture::from(self.silent_at.map(|at| Box::pin(sleep_until(at))));
        poll_fn(|context| {
            for lane in [&mut self.first, &mut self.second] {
                let Some(running) = lane else { continue };
                if let Poll::Ready(ended) = running.end.as_mut().poll(context) {
                    *lane = None;
                    return Poll::Ready(Some(ended));
                }
            }
            match silence.poll_unpin(context) {
                Poll::Ready(Some(())) => {
                    self.silent_at = None;
                    Poll::Ready(None)
                }
                // Nobody asked for it.
                Poll::Ready(None) | Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Whether all have ended.
    pub fn is_over(&self) -> bool {
        self.first.is_none() && self.second.is_none()
    }

    /// Whether the one that began first still runs.
    pub fn first_runs(&self) -> bool {
        self.first.is_some()
    }

    /// Cancels the one that still runs, if one does.
    pub fn abandon(&mut self) -> Option<Abandoned> {
        let Running { provider, model, begun, trial, overheard, end } = self.first.take().or(self.second.take())?;
        drop(end);
        Some(Abandoned { trial, provider, model, took: begun.elapsed(), usage: overheard.seen().usage })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Budget;
    use crate::routing::Millis;

    fn seconds(seconds: u64) -> Millis {
        Millis(seconds * 1000)
    }

    #[test]
    fn a_tenth_of_a_minutes_requests_may_be_hedged() {
        let budget = Budget::default();
        for _ in 0..35 {
            budget.request(seconds(0));
        }
        let taken = (0..10).filter(|second| budget.take(seconds(*second))).count();
        assert_eq!(taken, 3);
        assert!(!budget.take(seconds(59)));
        // The requests are forgotten with the hedges: one is left in any case.
        assert!(budget.take(seconds(62)));
        assert!(!budget.take(seconds(62)));
    }

    #[test]
    fn there_is_always_one_a_minute_and_what_is_put_back_can_be_taken() {
        let budget = Budget::default();
        assert!(budget.take(seconds(7)));
        assert!(!budget.take(seconds(7)));
        budget.put_back(seconds(7));
        assert!(budget.take(seconds(9)));
        assert!(!budget.take(seconds(68)));
        assert!(budget.take(seconds(69)));
    }

    #[test]
    fn many_threads_take_no_more_than_there_are() {
        let budget = Budget::default();
        for _ in 0..1000 {
            budget.request(seconds(3));
        }
        let take = || (0..200).filter(|_| budget.take(seconds(4))).count();
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert!((1..=100).contains(&taken), "{taken}");
    }

    proptest! {
        #[test]
        fn in_no_minute_are_there_more_than_a_tenth(steps in prop::collection::vec((0u64..4000, any::<bool>()), 1..300)) {
            let (budget, mut now) = (Budget::default(), 0);
            let (mut requests, mut hedges) = (Vec::new(), Vec::new());
            for (later, is_request) in steps {
                now += later;
                let recent = |times: &[u64]| times.iter().filter(|time| now / 1000 - *time / 1000 < 60).count();
                if is_request {
                    budget.request(Millis(now));
                    requests.push(now);
                } else {
                    let expected = recent(&hedges) < (recent(&requests) / 10).max(1);
                    prop_assert_eq!(budget.take(Millis(now)), expected);
                    if expected {
                        hedges.push(now);
                    }
                }
            }
        }
    }
}
