//! When an upstream rests, and who may try whether it is back.
//!
//! [`State`] is the breaker as data, with pure transitions; [`Breaker`] is a state in one atomic word. Neither knows
//! what it guards, nor a clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::config::Cooldown;

/// Milliseconds since the engine's epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// This much later.
    pub fn plus(self, duration: Duration) -> Millis {
        Millis(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// From `earlier` until now; zero when that is not in the past.
    pub fn since(self, earlier: Millis) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// How an upstream stands with its breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is held against it.
    Closed,
    /// It rests for this much longer.
    Cooling(Duration),
    /// Its rest is over; one request may probe it.
    Due,
    /// One request is probing it.
    Probing,
}

/// Proof of having claimed a probe; worthless once the probe was decided otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u8);

/// A breaker as data.
///
/// Closed while `trips` is 0, or on parole. Every field is kept within the bits it has in a [`Breaker`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Failures in a row while closed.
    pub failures: u16,
    /// Cooldowns in a row; the length doubles with each.
    pub trips: u8,
    /// When the cooldown ends.
    pub until: Millis,
    /// Somebody holds the probe.
    pub probing: bool,
    /// The cooldown comes from a 429: only its probe may end it early.
    pub limited: bool,
    /// An answer has begun since the cooldown, and none has come through whole: closed, but the next failure cools again.
    pub parole: bool,
    /// Number of the last probe, so that a late holder cannot give back another's.
    probe: u8,
}

const FAILURES_BITS: u32 = 10;
const TRIPS_BITS: u32 = 5;
const PROBE_BITS: u32 = 7;
const FLAGS_BITS: u32 = 3;
/// 17 years of milliseconds.
const UNTIL_BITS: u32 = 39;
const MOST_FAILURES: u16 = (1 << FAILURES_BITS) - 1;
const MOST_TRIPS: u8 = (1 << TRIPS_BITS) - 1;
const PROBES: u8 = 1 << PROBE_BITS;
const LATEST: u64 = (1 << UNTIL_BITS) - 1;

impl State {
    /// How it stands at `now`. Without a policy nothing ever rests, whatever happened under an earlier one.
    pub fn standing(&self, now: Millis, policy: Option<Cooldown>) -> Standing {
        if self.is_closed() || policy.is_none() {
            Standing::Closed
        } else if self.probing {
            Standing::Probing
        } else if self.until > now {
            Standing::Cooling(self.until.since(now))
        } else {
            Standing::Due
        }
    }

    /// A request failed; `ticket` if it was a probe.
    ///
    /// A request that began before the cooldown says nothing new: its failure neither prolongs nor doubles it.
    #[must_use]
    pub fn failed(self, now: Millis, policy: Option<Cooldown>, ticket: Option<Ticket>) -> State {
        let failures = (self.failures + 1).min(MOST_FAILURES);
        let Some(policy) = policy else { return State { failures, ..self } };
        if self.is_closed() {
            let enough = self.parole || u32::from(failures) >= policy.failures.min(u32::from(MOST_FAILURES));
            let counted = State { failures, ..self };
            return if enough { counted.tripped(now, policy, None) } else { counted };
        }
        if self.holds(ticket) { State { failures, ..self }.tripped(now, policy, None) } else { self }
    }

    /// The upstream asked to be left alone, for `retry_after` if it said how long.
    #[must_use]
    pub fn rate_limited(self, now: Millis, policy: Option<Cooldown>, retry_after: Option<Duration>, ticket: Option<Ticket>) -> State {
        let Some(policy) = policy else { return self };
        let failures = (self.failures + 1).min(MOST_FAILURES);
        if self.is_closed() || self.holds(ticket) {
            return State { failures, limited: true, ..self }.tripped(now, policy, retry_after);
        }
        let rest = retry_after.unwrap_or_else(|| length(&policy, self.trips)).min(policy.max);
        State { until: self.until.max(bounded(now.plus(rest))), limited: true, ..self }
    }

    /// The same for a request that has already added its failure: the wait is heeded, and nothing is counted.
    #[must_use]
    pub fn limited_again(self, now: Millis, policy: Option<Cooldown>, retry_after: Option<Duration>, ticket: Option<Ticket>) -> State {
        let Some(cooldown) = policy else { return self };
        let trips = self.trips.max(1);
        let wait = retry_after.unwrap_or_else(|| length(&cooldown, trips));
        State { failures: self.failures, trips, ..self.rate_limited(now, policy, Some(wait), ticket) }
    }

    /// An answer begins: a cooldown is over, on parole, but for a rate limit that an older request cannot know of.
    ///
    /// What was counted stays until an answer came through whole: an upstream may break every one of them off.
    #[must_use]
    pub fn begun(self, now: Millis, ticket: Option<Ticket>) -> State {
        let is_limited = self.limited && self.until > now && !self.holds(ticket);
        if self.is_closed() || is_limited {
            return self;
        }
        State { parole: true, probing: false, limited: false, ..self }
    }

    /// An answer has come through whole: all is forgotten, unless it rests again since that answer began.
    #[must_use]
    pub fn completed(self) -> State {
        if self.is_closed() { State { probe: self.probe, ..State::default() } } else { self }
    }

    /// A probe is claimed, if one is due, or in any case when `early`. At most one is out at a time.
    pub fn claimed(self, now: Millis, early: bool) -> Option<State> {
        if self.is_closed() || self.probing || (self.until > now && !early) {
            return None;
        }
        Some(State { probing: true, probe: (self.probe + 1) % PROBES, ..self })
    }

    /// A probe is given back undecided.
    #[must_use]
    pub fn released(self, ticket: Ticket) -> State {
        if self.holds(Some(ticket)) { State { probing: false, ..self } } else { self }
    }

    fn is_closed(&self) -> bool {
        self.trips == 0 || self.parole
    }

    /// Whether `ticket` is the probe that is out.
    fn holds(&self, ticket: Option<Ticket>) -> bool {
        self.probing && ticket == Some(Ticket(self.probe))
    }

    fn tripped(self, now: Millis, policy: Cooldown, rest: Option<Duration>) -> State {
        // A probe sent early, because nothing else was left, must not double: under load that would reach the maximum at once.
        let early = self.trips > 0 && self.until > now;
        let trips = if early { self.trips } else { (self.trips + 1).min(MOST_TRIPS) };
        let rest = rest.unwrap_or_else(|| length(&policy, trips)).min(policy.max);
        let earlier = if self.trips > 0 { self.until } else { Millis(0) };
        State { trips, until: earlier.max(bounded(now.plus(rest))), probing: false, parole: false, ..self }
    }
}

/// The length of the cooldown after `trips` in a row.
fn length(policy: &Cooldown, trips: u8) -> Duration {
    policy.first.saturating_mul(1_u32 << trips.saturating_sub(1).min(30)).min(policy.max)
}

fn bounded(at: Millis) -> Millis {
    Millis(at.0.min(LATEST))
}

/// A [`State`] in one atomic word: reads take no lock, a lost race is tried again.
#[derive(Debug, Default)]
pub struct Breaker(AtomicU64);

impl Breaker {
    /// The state now.
    pub fn state(&self) -> State {
        unpack(self.0.load(Ordering::Acquire))
    }

    /// How it stands at `now`.
    pub fn standing(&self, now: Millis, policy: Option<Cooldown>) -> Standing {
        self.state().standing(now, policy)
    }

    /// See [`State::failed`].
    pub fn failed(&self, now: Millis, policy: Option<Cooldown>, ticket: Option<Ticket>) {
        self.update(|state| state.failed(now, policy, ticket));
    }

    /// See [`State::rate_limited`].
    pub fn rate_limited(&self, now: Millis, policy: Option<Cooldown>, retry_after: Option<Duration>, ticket: Option<Ticket>) {
        self.update(|state| state.rate_limited(now, policy, retry_after, ticket));
    }

    /// See [`State::limited_again`].
    pub fn limited_again(&self, now: Millis, policy: Option<Cooldown>, retry_after: Option<Duration>, ticket: Option<Ticket>) {
        self.update(|state| state.limited_again(now, policy, retry_after, ticket));
    }

    /// See [`State::begun`].
    pub fn begun(&self, now: Millis, ticket: Option<Ticket>) {
        self.update(|state| state.begun(now, ticket));
    }

    /// An answer begins, and whoever guards with this breaker does not care how it ends.
    pub fn succeeded(&self, now: Millis, ticket: Option<Ticket>) {
        self.update(|state| state.begun(now, ticket).completed());
    }

    /// See [`State::completed`].
    pub fn completed(&self) {
        self.update(State::completed);
    }

    /// See [`State::claimed`].
    pub fn claim(&self, now: Millis, early: bool) -> Option<Ticket> {
        let claimed = |word| unpack(word).claimed(now, early).map(pack);
        let before = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, claimed).ok()?;
        Some(Ticket((unpack(before).probe + 1) % PROBES))
    }

    /// See [`State::released`].
    pub fn release(&self, ticket: Ticket) {
        self.update(|state| state.released(ticket));
    }

    /// Forgets everything held against the upstream.
    pub fn clear(&self) {
        self.update(|state| State { probe: state.probe, ..State::default() });
    }

    fn update(&self, change: impl Fn(State) -> State) {
        let changed = |word| {
            let after = pack(change(unpack(word)));
            (after != word).then_some(after)
        };
        // `Err` only says that nothing had to change: the healthy path stays a read.
        let _ = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, changed);
    }
}

fn pack(state: State) -> u64 {
    let mut word = state.until.0 & LATEST;
    word = word << FAILURES_BITS | u64::from(state.failures.min(MOST_FAILURES));
    word = word << TRIPS_BITS | u64::from(state.trips.min(MOST_TRIPS));
    word = word << PROBE_BITS | u64::from(state.probe % PROBES);
    word << FLAGS_BITS | u64::from(state.parole) << 2 | u64::from(state.probing) << 1 | u64::from(state.limited)
}

fn unpack(word: u64) -> State {
    let low = |shift: u32, bits: u32| (word >> shift) & ((1 << bits) - 1);
    let trips_at = FLAGS_BITS + PROBE_BITS;
    let failures_at = trips_at + TRIPS_BITS;
    State {
        limited: word & 1 == 1,
        probing: word & 2 == 2,
        parole: word & 4 == 4,
        probe: low(FLAGS_BITS, PROBE_BITS) as u8,
        trips: low(trips_at, TRIPS_BITS) as u8,
        failures: low(failures_at, FAILURES_BITS) as u16,
        until: Millis(low(failures_at + FAILURES_BITS, UNTIL_BITS)),
    }
}

#[cfg(test)]
mod tests;
