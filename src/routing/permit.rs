//! The right to send one request to one upstream, and what its outcome does to the upstream's health.
//!
//! A claim is atomic: a slot in flight, and the probe of a cooled-down account or model. Whatever is not decided is given
//! back on drop.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::config::Cooldown;

use super::board::Account;
use super::breaker::{Breaker, Millis, Standing, Ticket};
use super::candidate::Candidate;
use super::health::Health;

/// Why a candidate is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// Switched off.
    Disabled(Switch),
    /// It rests.
    Cooling {
        /// For how much longer.
        left: Duration,
    },
    /// Its rest is over, and another request is finding out whether it is back.
    Probing,
    /// The provider is at `max_in_flight`.
    Saturated {
        /// The limit.
        limit: u32,
    },
    /// The provider was named, but its `models` or `match` leave this model out.
    NotOffered {
        /// Which provider.
        provider: Arc<str>,
    },
}

/// Which switch it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// The provider's `enabled: false`.
    Provider,
    /// The route's `enabled: false`.
    Route,
    /// The provider's, by an operator's hand until the next start.
    Operator,
}

impl Skipped {
    /// Whether it may end at any moment, so that waiting for it makes sense.
    pub fn is_brief(&self) -> bool {
        matches!(self, Skipped::Saturated { .. } | Skipped::Probing)
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Skipped::Disabled(Switch::Provider) => f.write_str("disabled: provider"),
            Skipped::Disabled(Switch::Route) => f.write_str("disabled: route"),
            Skipped::Disabled(Switch::Operator) => f.write_str("disabled by an operator"),
            Skipped::Cooling { left } => write!(f, "cooling for {:.1} s more", left.as_secs_f64()),
            Skipped::Probing => f.write_str("being probed by another request"),
            Skipped::Saturated { limit } => write!(f, "saturated: {limit} requests in flight"),
            Skipped::NotOffered { provider } => write!(f, "not offered by {provider}"),
        }
    }
}

/// How an attempt failed, as far as health is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A detected status or pattern, a timeout, a broken answer: counts for the upstream model.
    Attempt,
    /// 429, with its Retry-After: cools the upstream model at once.
    RateLimited(Option<Duration>),
    /// No connection: counts for the whole provider.
    Connect,
    /// Every credential was refused: counts for the whole provider.
    Credentials,
}

/// The right to send one request. Dropped undecided, it gives probe and slot back and hurts nobody.
#[derive(Debug)]
#[must_use = "dropping a permit gives it back"]
pub struct Permit {
    slot: Slot,
    probes: Probes,
    policy: Option<Cooldown>,
}

/// A request in flight. The slot is free again when this is dropped; a stream keeps it to its end.
///
/// Dropped while its answer is on the way, it says nothing of the upstream's health: the client left, or a limit of ours
/// ended it.
#[derive(Debug)]
#[must_use = "dropping a slot frees it"]
pub struct Slot {
    health: Arc<Health>,
    account: Arc<Account>,
    /// Its claim succeeded: giving it back is news. One that is given back within a failed claim would wake the claimant.
    wakes: bool,
    /// An answer has begun whose end is still to be learned from.
    answer: Option<Answer>,
}

/// An answer on its way.
#[derive(Clone, Copy, Debug)]
struct Answer {
    begun: Millis,
    policy: Option<Cooldown>,
    /// The request has not yet added its one failure to this upstream.
    counts: bool,
}

/// Probes held by a permit; released on drop, which does nothing to those that were decided.
#[derive(Debug)]
struct Probes {
    health: Arc<Health>,
    account: Arc<Account>,
    of_model: Option<Ticket>,
    of_account: Option<Ticket>,
    /// As for [`Slot`].
    wakes: bool,
}

impl Candidate {
    /// Claims this candidate: a slot in flight, and the probe where one is due (or, for a last resort, before it is due).
    ///
    /// A lost race is a [`Skipped`], like one that [`plan()`](super::plan()) saw coming.
    pub fn claim(&self, now: Millis, policy: Option<Cooldown>) -> Result<Permit, Skipped> {
        let mut slot = Slot::take(&self.health, &self.account, self.max_in_flight)?;
        let mut probes =
            Probes { health: self.health.clone(), account: self.account.clone(), of_model: None, of_account: None, wakes: false };
        probes.of_account = claim_probe(&self.account.breaker, now, policy, self.last_resort)?;
        probes.of_model = claim_probe(&self.health.breaker, now, policy, self.last_resort)?;
        self.health.count_request();
        if let Some(turn) = &self.turn {
            turn.pass_on();
        }
        (slot.wakes, probes.wakes) = (true, true);
        Ok(Permit { slot, probes, policy })
    }

    /// Why it would be passed over at `now`, if it would.
    pub(super) fn obstacle(&self, now: Millis, policy: Option<Cooldown>) -> Option<Skipped> {
        let standings = [self.account.standing(now, policy), self.health.standing(now, policy)];
        if standings.contains(&Standing::Probing) {
            return Some(Skipped::Probing);
        }
        let left = standings.iter().filter_map(|standing| if let Standing::Cooling(left) = standing { Some(*left) } else { None });
        if let Some(left) = left.max() {
            return Some(Skipped::Cooling { left });
        }
        let limit = self.max_in_flight.filter(|limit| self.account.in_flight() >= *limit)?;
        Some(Skipped::Saturated { limit })
    }
}

impl Permit {
    /// The upstream answers, `first_content` after the request began. A cooldown is over; how the answer ends is told to
    /// the slot, which stays taken until then.
    pub fn answered(self, first_content: Duration, now: Millis) -> Slot {
        let Permit { mut slot, probes, policy } = self;
        slot.account.breaker.succeeded(now, probes.of_account);
        slot.health.breaker.begun(now, probes.of_model);
        slot.health.measure(first_content, now);
        slot.answer = Some(Answer { begun: now, policy, counts: true });
        slot
    }

    /// The upstream answered, but with something that says nothing of its health: the client's own mistake. The probe, if
    /// there is one, is given back; the slot stays taken until the rest is through.
    pub fn undecided(self) -> Slot {
        self.slot
    }

    /// The attempt failed. `count` is false when this request has already added its one failure to this upstream; a rate
    /// limit is heeded all the same. Frees the slot.
    pub fn failed(self, failure: &Failure, count: bool, now: Millis) {
        let Permit { slot, probes, policy } = self;
        slot.health.count_failure();
        match failure {
            Failure::Attempt | Failure::RateLimited(_) => slot.account.reached(now, probes.of_account),
            Failure::Connect | Failure::Credentials if count => slot.account.breaker.failed(now, policy, probes.of_account),
            Failure::Connect | Failure::Credentials => {}
        }
        match failure {
            Failure::RateLimited(wait) if count => slot.health.breaker.rate_limited(now, policy, *wait, probes.of_model),
            Failure::RateLimited(wait) => slot.health.breaker.limited_again(now, policy, *wait, probes.of_model),
            Failure::Attempt if count => slot.health.breaker.failed(now, policy, probes.of_model),
            _ => {}
        }
    }
}

impl Account {
    /// An attempt got through to the upstream and failed there: its connection and credentials are good.
    fn reached(&self, now: Millis, probe: Option<Ticket>) {
        // A request from before the cooldown proves nothing about now; only the probe does.
        if probe.is_some() || self.breaker.state().trips == 0 {
            self.breaker.succeeded(now, probe);
        }
    }
}

impl Slot {
    fn take(health: &Arc<Health>, account: &Arc<Account>, limit: Option<u32>) -> Result<Slot, Skipped> {
        let taken = |count: u32| limit.is_none_or(|limit| count < limit).then(|| count.saturating_add(1));
        if account.in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, taken).is_err() {
            return Err(Skipped::Saturated { limit: limit.unwrap_or(u32::MAX) });
        }
        health.in_flight.fetch_add(1, Ordering::Relaxed);
        Ok(Slot { health: health.clone(), account: account.clone(), wakes: false, answer: None })
    }

    /// The same; a break is counted only if `counts`: a request adds at most one failure to an upstream.
    pub fn counting(mut self, counts: bool) -> Slot {
        self.answer = self.answer.map(|answer| Answer { counts, ..answer });
        self
    }

    /// The answer came through whole. Frees the slot.
    pub fn completed(self) {
        if self.answer.is_some() {
            self.health.breaker.completed();
            self.health.count_success();
        }
    }

    /// The upstream broke its answer off, `after` it had begun, and `reason` is short and free of secrets. Frees the slot.
    pub fn broke(self, reason: &str, after: Duration) {
        let Some(answer) = self.answer else { return };
        let now = answer.begun.plus(after);
        self.health.note_error(reason, now);
        self.health.count_failure();
        if answer.counts {
            self.health.breaker.failed(now, answer.policy, None);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        give_back(&self.account.in_flight);
        give_back(&self.health.in_flight);
        if self.wakes {
            self.account.wake.call();
        }
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        if let Some(ticket) = self.of_account {
            self.account.breaker.release(ticket);
        }
        if let Some(ticket) = self.of_model {
            self.health.breaker.release(ticket);
        }
        if self.wakes && (self.of_account.is_some() || self.of_model.is_some()) {
            self.account.wake.call();
        }
    }
}

fn give_back(count: &AtomicU32) {
    count.fetch_sub(1, Ordering::AcqRel);
}

/// The probe that a request needs to pass `breaker`: none while it is closed.
fn claim_probe(breaker: &Breaker, now: Millis, policy: Option<Cooldown>, early: bool) -> Result<Option<Ticket>, Skipped> {
    match breaker.standing(now, policy) {
        Standing::Closed => Ok(None),
        Standing::Probing => Err(Skipped::Probing),
        Standing::Cooling(left) if !early => Err(Skipped::Cooling { left }),
        // Lost to another request in this very moment: it has the probe, or has already closed or reopened the breaker.
        Standing::Due | Standing::Cooling(_) => breaker.claim(now, early).map(Some).ok_or(Skipped::Probing),
    }
}

#[cfg(test)]
mod tests;
