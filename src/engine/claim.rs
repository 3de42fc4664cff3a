//! Getting hold of an upstream that is full, or is being probed, for the moment.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::select_all;
use tokio::time::{Instant, timeout_at};

use crate::engine::Inner;
use crate::engine::live::Snapshot;
use crate::routing::{Candidate, Permit, Skipped};

/// Claims the first of `candidates` that can be had: at once, or when a slot is freed or a probe decided, for as long as
/// a connection to it may take.
pub async fn claim_when_free(
    engine: &Inner,
    snapshot: &Snapshot,
    candidates: Vec<Candidate>,
    deadline: Instant,
) -> Result<(Candidate, Permit), Option<Skipped>> {
    let patience = candidates.iter().map(|candidate| snapshot.config.providers[candidate.provider].timeout.connect).max();
    let until = (Instant::now() + patience.unwrap_or_default()).min(deadline);
    loop {
        // Listening begins before looking, so that nothing is freed in between.
        let mut freed: Vec<_> =
            candidates.iter().map(|candidate| Box::pin(snapshot.upstreams[candidate.provider].freed.notified())).collect();
        for notified in &mut freed {
            notified.as_mut().enable();
        }
        let (mut last, mut is_worth_it) = (None, false);
        for candidate in &candidates {
            match candidate.claim(engine.now(), snapshot.config.routing.cooldown) {
                Ok(permit) => return Ok((candidate.clone(), permit)),
                Err(skipped) => {
                    is_worth_it |= skipped.is_brief();
                    last = Some(skipped);
                }
            }
        }
        if !is_worth_it || Instant::now() >= until {
            return Err(last);
        }
        let _waiting = Waiting::begin(&engine.waiting);
        // When time is up it looks once more.
        let _ = timeout_at(until, select_all(freed)).await;
    }
}

/// Counts one that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicU64);

impl Waiting<'_> {
    fn begin(count: &AtomicU64) -> Waiting<'_> {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
