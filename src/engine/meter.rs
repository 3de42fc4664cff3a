//! The account of one request, while it is on its way: made into a [`Record`] when it ends.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use crate::config::Secret;
use crate::engine::Error;
use crate::engine::accounts::Accounts;
use crate::engine::hold::Overheard;
use crate::engine::job::Origin;
use crate::engine::live::Snapshot;
use crate::hub::{Outcome, Provenance, Usage};
use crate::routing::{Candidate, Plan, Skipped, Slot};
use crate::telemetry::record::{Attempt, Cost, Record, Route, Skip};
use crate::telemetry::trace::TraceContext;

mod capture;
mod tracing;
mod trial;

use capture::Capture;
pub use trial::Trial;
use trial::Try;

/// Reports a request exactly once: when its reply ends, or when it is dropped.
pub struct Meter {
    accounts: Arc<Accounts>,
    snapshot: Arc<Snapshot>,
    received: Instant,
    /// When the engine got it; until then its client was still sending.
    begun: Instant,
    /// Time spent waiting for upstreams.
    pub waited: Duration,
    tries: Vec<Try>,
    /// Which of the tries has the answer.
    taken: Option<Trial>,
    /// Events of a stream that went by.
    events: u64,
    /// What the upstream reported.
    reported: Option<Usage>,
    /// Tokens of the prompt, if nobody reports them.
    estimated_input: u64,
    capture: Option<Box<Capture>>,
    slot: Option<Slot>,
    /// In a box: it is large, and moves with the meter from hand to hand.
    record: Box<Record>,
}

/// Who ended an answer before it was whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The upstream, which it hurts.
    Upstream,
    /// We, or what the client asked for.
    Nobodys,
}

impl Meter {
    /// For a request that has just come in.
    pub fn start(origin: Origin<'_>, snapshot: &Arc<Snapshot>, accounts: &Arc<Accounts>) -> Meter {
        accounts.begin();
        let Origin { id, caller, client, method, endpoint, dialect, received, headers } = origin;
        let received_at = SystemTime::now().checked_sub(received.elapsed()).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut record = Record { id, received: received_at, client, caller, method, endpoint, dialect, ..Record::default() };
        if accounts.are_watched() {
            record.traceparent = TraceContext::of(headers);
        }
        if accounts.wants_spans() {
            tracing::begin(&mut record, headers);
        }
        Meter {
            accounts: accounts.clone(),
            snapshot: snapshot.clone(),
            received,
            begun: Instant::now(),
            waited: Duration::ZERO,
            // Hardly any request needs a second one, and each is large.
            tries: Vec::with_capacity(1),
            taken: None,
            events: 0,
            reported: None,
            estimated_input: 0,
            capture: None,
            slot: None,
            record: Box::new(record),
        }
    }

    /// What is asked for.
    pub fn asked(&mut self, model: &str, stream: bool, body: &Bytes, estimated_input: u64) {
        model.clone_into(&mut self.record.model);
        self.record.stream = stream;
        self.record.request_bytes = Some(body.len() as u64);
        self.estimated_input = estimated_input;
        self.capture = self.accounts.wants_bodies().then(|| Box::new(Capture::of(body.clone())));
    }

    /// Which way it may go; that was begun to be looked for at `begun`.
    pub fn planned(&mut self, plan: &Plan, begun: Instant) {
        if self.accounts.are_watched() {
            // Now, for they belong to the choice.
            plan.skipped.iter().for_each(|(candidate, skipped)| self.skipped(candidate, skipped.to_string()));
            self.record.planning = Some((begun.saturating_duration_since(self.received), begun.elapsed()));
            self.record.resolved_by = plan.found.to_string();
            self.record.entry = plan.entry().clone();
            self.record.plan = plan.candidates.iter().map(route).collect();
        }
    }

    /// `candidate` is passed over.
    pub fn skips(&mut self, candidate: &Candidate, skipped: &Skipped) {
        if self.accounts.are_watched() {
            self.skipped(candidate, skipped.to_string());
        }
    }

    fn skipped(&mut self, candidate: &Candidate, reason: String) {
        let route = route(candidate);
        // Whoever is looked at again is told of once.
        if !self.record.skipped.iter().any(|skip| skip.route == route && skip.reason == reason) {
            self.record.skipped.push(Skip { route, reason, at: self.received.elapsed() });
        }
    }

    /// `candidate` is asked; what is `overheard` of its answer counts when nobody says more.
    pub fn tries(&mut self, candidate: &Candidate, overheard: Arc<Overheard>, is_hedge: bool) -> Trial {
        self.names(candidate);
        self.record.hedged |= is_hedge;
        let peer = self.snapshot.upstreams[candidate.provider].peer.clone();
        let mut this = Try::begin(route(candidate), peer, overheard, is_hedge);
        this.attempt.span = self.new_span();
        self.tries.push(this);
        Trial(self.tries.len() - 1)
    }

    /// Who answers, or was tried last.
    pub fn names(&mut self, candidate: &Candidate) {
        self.record.provider = candidate.provider_name.clone();
        self.record.upstream_model = candidate.model.clone();
    }

    /// Nothing was sent: it is no attempt.
    pub fn takes_back(&mut self, trial: Trial, candidate: &Candidate, reason: String) {
        self.tries[trial.0].is_void = true;
        self.skipped(candidate, reason);
    }

    /// An attempt failed.
    pub fn failed(&mut self, trial: Trial, status: Option<u16>, reason: &str, timed_out: bool) {
        let outcome = if timed_out { Outcome::UpstreamTimeout } else { Outcome::UpstreamError };
        self.tries[trial.0].end(outcome, status, Some(reason.to_owned()));
    }

    /// An attempt was given up for another one's answer, after it had used this much.
    pub fn abandoned(&mut self, trial: Trial, usage: (Usage, Provenance)) {
        let this = &mut self.tries[trial.0];
        this.end(Outcome::Abandoned, None, None);
        this.attempt.usage = Some(usage);
    }

    /// An attempt has the answer.
    pub fn takes(&mut self, trial: Trial) {
        self.taken = Some(trial);
    }

    /// Attempts made.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.tries.iter().filter(|this| !this.is_void).count()).unwrap_or(u32::MAX)
    }

    /// The name asked for, once it is known.
    pub fn model(&self) -> &str {
        &self.record.model
    }

    /// `PROVIDER/MODEL` that was tried last.
    pub fn last_tried(&self) -> String {
        format!("{}/{}", self.record.provider, self.record.upstream_model)
    }

    /// Since the request came in.
    pub fn elapsed(&self) -> Duration {
        self.received.elapsed()
    }

    /// Time spent in llmgw itself so far, without the client's upload.
    pub fn overhead(&self) -> Duration {
        self.begun.elapsed().saturating_sub(self.waited)
    }

    /// The request failed with an error of ours.
    pub fn fail(&mut self, error: &Error) {
        self.record.overhead = self.overhead();
        self.record.status = error.status().as_u16();
        self.record.outcome = error.outcome();
        self.record.error = Some(error.to_string());
    }

    /// An upstream's answer is committed. `slot` stays taken until the answer's end.
    pub fn commit(&mut self, status: u16, slot: Slot) {
        self.record.overhead = self.overhead();
        self.record.status = status;
        self.slot = Some(slot);
        self.record.upstream = Some(self.elapsed());
        // Until the end was seen, whoever drops this has cut it off.
        self.record.outcome = Outcome::ClientGone;
    }

    /// First content was seen.
    pub fn first_token(&mut self) {
        self.record.first_token = Some(self.elapsed());
        if let Some(Trial(taken)) = self.taken {
            let this = &mut self.tries[taken];
            this.attempt.first_token = Some(this.began.elapsed());
        }
    }

    /// The answer ended as it should.
    pub fn complete(&mut self) {
        let given_back = self.record.status >= 400;
        self.record.outcome = if given_back { Outcome::GivenBack } else { Outcome::Ok };
        if let Some(slot) = self.slot.take() {
            slot.completed();
        }
    }

    /// The answer broke off; `reason` is short and free of secrets.
    pub fn cut_off(&mut self, reason: &str, fault: Fault) {
        self.record.outcome = Outcome::CutOff;
        self.record.error = Some(format!("{}: {reason}", self.last_tried()));
        let begun = self.record.upstream.unwrap_or_default();
        if let Some(slot) = self.slot.take().filter(|_| fault == Fault::Upstream) {
            slot.broke(reason, self.elapsed().saturating_sub(begun));
        }
    }

    /// A piece goes out.
    pub fn sent(&mut self, piece: &Bytes) {
        self.record.bytes += piece.len() as u64;
        self.record.chunks += 1;
        if let Some(capture) = &mut self.capture {
            capture.add(piece);
        }
    }

    /// What the answer that is committed was asked with; `secrets` is called only if somebody wants the bodies.
    pub fn asked_with(&mut self, secrets: impl FnOnce() -> Vec<Secret>) {
        if let Some(capture) = &mut self.capture {
            capture.hide(secrets());
        }
    }

    /// An event of a stream goes by.
    pub fn event(&mut self) {
        self.events(1);
    }

    /// So many events of a stream go by.
    pub fn events(&mut self, count: u64) {
        self.events += count;
    }

    /// What the upstream reported. A later report may leave out what an earlier one said (Anthropic's counts of the prompt
    /// stand at the beginning), and none is smaller.
    pub fn report(&mut self, usage: Usage) {
        self.reported = Some(self.reported.map_or(usage, |before| before.most(usage)));
    }

    fn counted(&self) -> Option<(Usage, Provenance)> {
        match self.reported {
            Some(usage) => Some((usage, Provenance::Reported)),
            // Most upstreams send a token an event.
            None if self.events > 0 => {
                let provenance = if self.record.outcome == Outcome::Ok { Provenance::Estimated } else { Provenance::Partial };
                Some((Usage { input: self.estimated_input, output: self.events, ..Usage::default() }, provenance))
            }
            None => None,
        }
    }

    /// The request has ended: what came of it.
    fn settle(&mut self) {
        let plausible = |(usage, provenance): (Usage, Provenance)| (usage.plausible(), provenance);
        let (usage, record) = (self.counted(), &mut *self.record);
        record.usage = usage.map(plausible);
        let taken = self.taken.map(|Trial(taken)| taken);
        for (place, mut this) in self.tries.drain(..).enumerate().filter(|(_, this)| !this.is_void) {
            if Some(place) == taken {
                // The error's first word is the upstream's name, which stands beside it here.
                let reason = record.error.as_deref().map(|error| error.split_once(": ").map_or(error, |(_, reason)| reason).to_owned());
                this.end(record.outcome, Some(record.status), reason);
                this.attempt.usage = usage;
            }
            let mut attempt = this.settle(self.received);
            attempt.usage = attempt.usage.map(plausible);
            record.attempts.push(Attempt { cost: cost(&self.snapshot, &attempt), ..attempt });
        }
        // Last, for no attempt outlives its request.
        record.total = self.received.elapsed();
        record.cost = total(&record.attempts);
        record.bodies = self.capture.take().map(|capture| capture.into_bodies());
    }
}

fn cost(snapshot: &Snapshot, attempt: &Attempt) -> Option<Cost> {
    let (usage, _) = attempt.usage?;
    snapshot.prices.cost(Some(&attempt.peer.vendor), &attempt.route.upstream_model, &usage)
}

/// What all attempts have cost together; who knows no price of one that used tokens knows no sum.
fn total(attempts: &[Attempt]) -> Option<Cost> {
    let mut used = attempts.iter().filter(|attempt| attempt.usage.is_some());
    let first = used.next()?.cost.clone()?;
    used.try_fold(first, |sum, attempt| Some(Cost { usd: sum.usd + attempt.cost.as_ref()?.usd, ..sum }))
}

fn route(candidate: &Candidate) -> Route {
    Route { via: candidate.via.clone(), provider: candidate.provider_name.clone(), upstream_model: candidate.model.clone() }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.slot = None;
        self.settle();
        self.accounts.end(std::mem::take(&mut self.record), &self.snapshot);
    }
}
