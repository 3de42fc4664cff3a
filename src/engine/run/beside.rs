//! The second attempt beside a silent one: when it is wanted, which route it takes, and what the loser has cost.

use tokio::time::Instant;
use tracing::debug;

use super::{Asked, Walk};
use crate::engine::demand::Demand;
use crate::engine::hedge::{Abandoned, Race};
use crate::engine::meter::Meter;
use crate::hub::{Provenance, Usage};
use crate::providers::headers;
use crate::routing::{Candidate, Millis, Permit};
use crate::telemetry::events::{AttemptAbandoned, AttemptHedged};

impl Walk<'_> {
    /// When an attempt that begins now has been silent for too long, if that is of interest.
    pub(super) fn silent_at(&self, asked: &Asked<'_>) -> Option<Instant> {
        // Whoever wants an operation to happen once shall not have it happen twice.
        let is_once = headers::has_idempotency_key(asked.headers);
        let after = self.snapshot.config.routing.hedge_after.filter(|_| !self.hedged && !is_once)?;
        Some(Instant::now() + after).filter(|at| *at < self.deadline)
    }

    /// The next route, if one can be had at once and a second attempt beside the one under way is allowed.
    pub(super) fn beside(&mut self, asked: &Asked<'_>, meter: &mut Meter) -> Option<(Candidate, Permit)> {
        if self.is_used_up(meter) || !asked.demand.may_be_hedged() {
            return None;
        }
        let now = self.engine.now();
        if !self.engine.hedges.take(now) {
            debug!("no content yet, but a tenth of the requests were hedged already");
            return None;
        }
        let Some((candidate, permit)) = self.claim_ahead(now) else {
            self.engine.hedges.put_back(now);
            return None;
        };
        self.hedged = true;
        AttemptHedged { silent: &meter.last_tried(), beside: &candidate.to_string(), attempt: meter.attempts() + 1 }.emit();
        Some((candidate, permit))
    }

    /// Claims the first of those ahead that neither rests nor is full, nor would have to be waited for. The others keep their
    /// place.
    fn claim_ahead(&mut self, now: Millis) -> Option<(Candidate, Permit)> {
        let is_new = |candidate: &Candidate| !self.tried.contains_key(&(candidate.provider, candidate.model.clone()));
        let policy = self.snapshot.config.routing.cooldown;
        let mut ahead = self.ahead.iter().enumerate().filter(|(_, candidate)| !candidate.last_resort && is_new(candidate));
        let (place, permit) = ahead.find_map(|(place, candidate)| Some((place, candidate.claim(now, policy).ok()?)))?;
        Some((self.ahead.remove(place)?, permit))
    }
}

/// Cancels whoever has not answered, at once, and notes what that has cost.
pub(super) fn abandon(race: &mut Race<'_>, demand: &Demand, meter: &mut Meter) {
    let Some(Abandoned { trial, provider, model, took, usage }) = race.abandon() else { return };
    // Who had said nothing was sent the prompt all the same, and will charge for it.
    let estimated = || (Usage { input: demand.estimated_input(), ..Usage::default() }, Provenance::Estimated);
    let wasted = usage.map_or_else(estimated, |usage| (usage, Provenance::Reported));
    AttemptAbandoned { provider: &provider, upstream_model: &model, took, wasted }.emit();
    meter.abandoned(trial, wasted);
}
