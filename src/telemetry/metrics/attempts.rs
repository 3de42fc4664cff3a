//! Attempts at upstreams: OpenTelemetry's view of a client of models, and what llmgw made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use prometheus_client::metrics::histogram::Histogram;

use super::endings::{ByEnding, ByOutcome, Ending, observe};
use super::groups::{Groups, Labels, others};
use super::names::{self, Metric};
use super::page::Page;
use super::subject::{Subject, Vocabulary, is_known, nothing};
use crate::hub::{Outcome, Provenance};
use crate::telemetry::conventions::provider_name;
use crate::telemetry::record::{Attempt, Record};

/// Who was asked for what.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    provider: Arc<str>,
    /// The upstream's name of the model.
    model: Arc<str>,
    operation: &'static str,
    vendor: Arc<str>,
}

impl Labels for Key {
    fn without_names(&self) -> Key {
        Key { model: if self.model.is_empty() { self.model.clone() } else { others() }, ..self.clone() }
    }

    fn blank() -> Key {
        Key { provider: others(), model: others(), operation: names::OTHER, vendor: nothing() }
    }
}

impl Key {
    /// OpenTelemetry's.
    fn labels(&self) -> [&str; 4] {
        [self.operation, provider_name(&self.vendor), &self.model, &self.provider]
    }
}

/// How it went.
#[derive(Default)]
pub(super) struct Figures {
    outcomes: ByOutcome,
    failovers: AtomicU64,
    hedges: [AtomicU64; HEDGES.len()],
    duration: ByEnding,
    first_chunk: OnceLock<Histogram>,
    input: OnceLock<Histogram>,
    output: OnceLock<Histogram>,
}

/// What became of a hedge.
const HEDGES: [&str; 3] = ["won", "lost", "failed"];

impl Figures {
    fn count(&self, attempt: &Attempt, is_followed: bool) {
        self.outcomes.count(attempt.outcome);
        let has_failed = matches!(attempt.outcome, Outcome::UpstreamError | Outcome::UpstreamTimeout);
        if has_failed && is_followed {
            self.failovers.fetch_add(1, Ordering::Relaxed);
        }
        if attempt.is_hedge {
            let result = if has_failed { 2 } else { usize::from(attempt.outcome == Outcome::Abandoned) };
            self.hedges[result].fetch_add(1, Ordering::Relaxed);
        }
        let ending = Ending::of_attempt(attempt.outcome, attempt.status);
        self.duration.observe(&names::CLIENT_DURATION, ending, attempt.took.as_secs_f64());
        if let Some(first_token) = attempt.first_token {
            observe(&self.first_chunk, &names::CLIENT_FIRST_CHUNK, first_token.as_secs_f64());
        }
        // OpenTelemetry wants none that the upstream has not reported.
        if let Some((usage, Provenance::Reported)) = attempt.usage {
            observe(&self.input, &names::CLIENT_TOKENS, usage.input as f64);
            observe(&self.output, &names::CLIENT_TOKENS, usage.output as f64);
        }
    }
}

/// All of them.
pub(super) type Attempts = Groups<Key, Figures>;

/// Counts the attempts of a request.
pub(super) fn count(attempts: &Attempts, record: &Record, subject: &Subject, vocabulary: &dyn Vocabulary) {
    for (place, attempt) in record.attempts.iter().enumerate() {
        let (provider, model) = (attempt.route.provider.clone(), attempt.route.upstream_model.clone());
        let key = Key { provider, model, operation: subject.operation, vendor: attempt.peer.vendor.clone() };
        let is_followed = place + 1 < record.attempts.len();
        attempts.count(key, |_| is_known(attempt, vocabulary), |figures| figures.count(attempt, is_followed));
    }
}

/// Forgets what the configuration has no names for any more.
pub(super) fn forget(attempts: &Attempts, vocabulary: &dyn Vocabulary) {
    attempts.retain(|Key { provider, model, .. }| {
        let is_nameless = model.is_empty() || *model == others();
        vocabulary.has_provider(provider) && (is_nameless || vocabulary.has_model(provider, model))
    });
}

/// Upstream models that are labels, as `(provider, model)`.
pub(super) fn known(attempts: &Attempts) -> BTreeSet<(Arc<str>, Arc<str>)> {
    attempts.sorted().into_iter().map(|(key, _)| (key.provider, key.model)).collect()
}

/// Writes them.
pub(super) fn write(attempts: &Attempts, page: &mut Page<'_>) -> fmt::Result {
    let all = attempts.sorted();
    write_counts(&all, page)?;
    page.family(&names::CLIENT_DURATION, |family| {
        for (key, figures) in &all {
            let [operation, vendor, model, provider] = key.labels();
            for (error_type, histogram) in figures.duration.histograms() {
                family.histogram(&[operation, vendor, model, provider, error_type], histogram)?;
            }
        }
        Ok(())
    })?;
    page.family(&names::CLIENT_FIRST_CHUNK, |family| {
        let histograms = all.iter().filter_map(|(key, figures)| Some((key, figures.first_chunk.get()?)));
        histograms.into_iter().try_for_each(|(key, histogram)| family.histogram(&key.labels(), histogram))
    })?;
    page.family(&names::CLIENT_TOKENS, |family| {
        for (key, figures) in &all {
            let [operation, vendor, model, provider] = key.labels();
            for (kind, histogram) in [("input", &figures.input), ("output", &figures.output)] {
                let Some(histogram) = histogram.get() else { continue };
                family.histogram(&[operation, vendor, model, provider, kind], histogram)?;
            }
        }
        Ok(())
    })
}

/// What is counted by provider and model only: operations are added up.
fn write_counts(all: &[(Key, Arc<Figures>)], page: &mut Page<'_>) -> fmt::Result {
    let mut counters = |metric: &Metric, counts: fn(&Figures) -> Vec<(&'static str, u64)>| {
        page.family(metric, |family| {
            for same in all.chunk_by(|(one, _), (other, _)| (&one.provider, &one.model) == (&other.provider, &other.model)) {
                let mut sums = BTreeMap::<&str, u64>::new();
                for (word, count) in same.iter().flat_map(|(_, figures)| counts(figures)) {
                    *sums.entry(word).or_default() += count;
                }
                let Some((Key { provider, model, .. }, _)) = same.first() else { continue };
                for (word, sum) in sums.into_iter().filter(|(_, sum)| *sum > 0) {
                    family.counter(&[provider, model, word], sum)?;
                }
            }
            Ok(())
        })
    };
    counters(&names::ATTEMPTS, |figures| figures.outcomes.counts().collect())?;
    counters(&names::FAILOVERS, |figures| vec![("", figures.failovers.load(Ordering::Relaxed))])?;
    counters(&names::HEDGES, |figures| {
        HEDGES.into_iter().zip(&figures.hedges).map(|(result, count)| (result, count.load(Ordering::Relaxed))).collect()
    })
}
