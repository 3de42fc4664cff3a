//! Sums, added up in memory until they are written.

use std::sync::Arc;

use foldhash::HashMap;

use super::time::{ended, micros};
use crate::hub::{Outcome, Provenance, Usage};
use crate::telemetry::Record;
use crate::telemetry::record::{Attempt, Cost, Route};

/// The span of one sum, in milliseconds: a minute, for charts of the last hours. Old ones are folded into longer spans.
pub(super) const SLOT: u64 = 60_000;

/// More kinds of sums than this a second come from names that clients make up: those are added up together.
const MOST: usize = 10_000;

/// What is summed up together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) slot: u64,
    pub(super) caller: Arc<str>,
    pub(super) model: Arc<str>,
    pub(super) provider: Arc<str>,
    pub(super) upstream_model: Arc<str>,
    pub(super) outcome: Outcome,
}

/// One sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Figure {
    pub(super) requests: u64,
    pub(super) attempts: u64,
    pub(super) hedges: u64,
    pub(super) usage: Usage,
    pub(super) uncertain: u64,
    pub(super) cost: f64,
    pub(super) unpriced: u64,
    pub(super) bytes: u64,
    pub(super) total: u64,
    pub(super) first_token: u64,
    pub(super) streams: u64,
}

/// All sums that are to be written.
#[derive(Debug, Default)]
pub(in crate::storage) struct Sums(HashMap<Key, Figure>);

impl Sums {
    /// Adds what `record` tells.
    pub(super) fn add(&mut self, record: &Record) {
        let slot = ended(record) / 1000 / SLOT * SLOT;
        // A name that leads nowhere may be anything.
        let leads_somewhere = !record.plan.is_empty() || !record.attempts.is_empty();
        let model: Arc<str> = if leads_somewhere && self.0.len() < MOST { record.model.as_str().into() } else { Arc::default() };
        let key = |route: &Route, outcome| Key {
            slot,
            caller: record.caller.clone(),
            model: model.clone(),
            provider: route.provider.clone(),
            upstream_model: route.upstream_model.clone(),
            outcome,
        };
        let last =
            record.attempts.len().checked_sub(1).map(|last| record.attempts.iter().position(|this| is_taken(this, record)).unwrap_or(last));
        for (place, attempt) in record.attempts.iter().enumerate() {
            let is_requests = Some(place) == last;
            let outcome = if is_requests { record.outcome } else { attempt.outcome };
            let figure = self.0.entry(key(&attempt.route, outcome)).or_default();
            figure.add_attempt(attempt);
            if is_requests {
                figure.add_request(record);
            }
        }
        if last.is_none() {
            let nobody = Route { via: Arc::default(), provider: record.provider.clone(), upstream_model: record.upstream_model.clone() };
            self.0.entry(key(&nobody, record.outcome)).or_default().add_request(record);
        }
    }

    /// Adds other sums.
    pub(super) fn add_all(&mut self, others: Sums) {
        for (key, figure) in others.0 {
            self.0.entry(key).or_default().add(&figure);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Figure)> {
        self.0.iter()
    }
}

/// Whether the answer is this attempt's.
fn is_taken(attempt: &Attempt, record: &Record) -> bool {
    attempt.route.provider == record.provider && attempt.route.upstream_model == record.upstream_model && attempt.outcome == record.outcome
}

impl Figure {
    fn add_request(&mut self, record: &Record) {
        self.requests += 1;
        self.bytes += record.bytes;
        self.total += micros(record.total);
        if let Some(first) = record.first_token {
            self.first_token += micros(first);
            self.streams += 1;
        }
    }

    fn add_attempt(&mut self, attempt: &Attempt) {
        self.attempts += 1;
        self.hedges += u64::from(attempt.is_hedge);
        let Some((usage, provenance)) = attempt.usage else { return };
        self.usage = sum(self.usage, usage);
        self.uncertain += u64::from(provenance != Provenance::Reported);
        match &attempt.cost {
            Some(Cost { usd, .. }) => self.cost += usd,
            None => self.unpriced += 1,
        }
    }

    fn add(&mut self, other: &Figure) {
        self.requests += other.requests;
        self.attempts += other.attempts;
        self.hedges += other.hedges;
        self.usage = sum(self.usage, other.usage);
        self.uncertain += other.uncertain;
        self.cost += other.cost;
        self.unpriced += other.unpriced;
        self.bytes += other.bytes;
        self.total += other.total;
        self.first_token += other.first_token;
        self.streams += other.streams;
    }
}

fn sum(a: Usage, b: Usage) -> Usage {
    Usage {
        input: a.input.saturating_add(b.input),
        cached: a.cached.saturating_add(b.cached),
        cache_write: a.cache_write.saturating_add(b.cache_write),
        output: a.output.saturating_add(b.output),
        reasoning: a.reasoning.saturating_add(b.reasoning),
    }
}
