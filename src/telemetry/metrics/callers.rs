//! What callers asked for and what it took: requests, tokens, money.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;

use super::endings::ByOutcome;
use super::groups::{Groups, Labels, others};
use super::names::{self, Metric};
use super::page::Page;
use super::subject::{Subject, Vocabulary};
use crate::hub::{Provenance, Usage};
use crate::telemetry::record::{Attempt, Record};

/// Who asked for what, and from whom it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    /// Empty unless callers are a label.
    caller: Arc<str>,
    model: Arc<str>,
    provider: Arc<str>,
}

impl Labels for Key {
    fn without_names(&self) -> Key {
        Key { model: if self.model.is_empty() { self.model.clone() } else { others() }, ..self.clone() }
    }

    fn blank() -> Key {
        Key { caller: others(), model: others(), provider: others() }
    }
}

impl Key {
    fn labels(&self) -> [&str; 3] {
        [&self.caller, &self.model, &self.provider]
    }
}

/// What it came to.
#[derive(Default)]
pub(super) struct Figures {
    requests: ByOutcome,
    input: ByProvenance,
    output: ByProvenance,
    cache_read: AtomicU64,
    cache_write: AtomicU64,
    reasoning: AtomicU64,
    cost: Counter<f64, AtomicU64>,
    unpriced: AtomicU64,
}

#[derive(Default)]
struct ByProvenance([AtomicU64; 3]);

const PROVENANCES: [Provenance; 3] = [Provenance::Reported, Provenance::Estimated, Provenance::Partial];

impl ByProvenance {
    fn add(&self, provenance: Provenance, tokens: u64) {
        self.0[provenance as usize].fetch_add(tokens, Ordering::Relaxed);
    }
}

impl Figures {
    fn used(&self, attempt: &Attempt) {
        let Some((usage, provenance)) = attempt.usage else { return };
        let Usage { input, cached, cache_write, output, reasoning } = usage;
        self.input.add(provenance, input);
        self.output.add(provenance, output);
        self.cache_read.fetch_add(cached, Ordering::Relaxed);
        self.cache_write.fetch_add(cache_write, Ordering::Relaxed);
        self.reasoning.fetch_add(reasoning, Ordering::Relaxed);
        match &attempt.cost {
            Some(cost) => _ = self.cost.inc_by(cost.usd),
            None => _ = self.unpriced.fetch_add(1, Ordering::Relaxed),
        }
    }
}

/// All of them.
pub(super) type Callers = Groups<Key, Figures>;

/// Counts a request and its attempts; `caller` is empty unless callers are a label.
pub(super) fn count(callers: &Callers, record: &Record, caller: &Arc<str>, subject: &Subject, vocabulary: &dyn Vocabulary) {
    let key = |provider: &Arc<str>| Key { caller: caller.clone(), model: subject.model.clone(), provider: provider.clone() };
    let is_known = |_: &Key| subject.is_known(record, vocabulary);
    let is_from = |provider: &Arc<str>, attempt: &Attempt| attempt.route.provider == *provider;
    callers.count(key(&record.provider), is_known, |figures| {
        figures.requests.count(record.outcome);
        record.attempts.iter().filter(|attempt| is_from(&record.provider, attempt)).for_each(|attempt| figures.used(attempt));
    });
    // What others have used before, or beside it.
    for attempt in record.attempts.iter().filter(|attempt| attempt.usage.is_some() && !is_from(&record.provider, attempt)) {
        callers.count(key(&attempt.route.provider), is_known, |figures| figures.used(attempt));
    }
}

/// Forgets what the configuration has no names for any more.
pub(super) fn forget(callers: &Callers, vocabulary: &dyn Vocabulary) {
    let is_known = |word: &Arc<str>, is_known: bool| is_known || word.is_empty() || *word == others();
    callers.retain(|Key { caller, model, provider }| {
        is_known(caller, vocabulary.has_caller(caller))
            && is_known(model, vocabulary.has_name(model))
            && is_known(provider, vocabulary.has_provider(provider))
    });
}

/// Writes them.
pub(super) fn write(callers: &Callers, page: &mut Page<'_>) -> fmt::Result {
    let all = callers.sorted();
    page.family(&names::REQUESTS, |family| {
        for (key, figures) in &all {
            let [caller, model, provider] = key.labels();
            figures.requests.counts().try_for_each(|(outcome, count)| family.counter(&[caller, model, provider, outcome], count))?;
        }
        Ok(())
    })?;
    page.family(&names::TOKENS_USED, |family| {
        for (key, figures) in &all {
            let [caller, model, provider] = key.labels();
            for (kind, tokens) in [("input", &figures.input), ("output", &figures.output)] {
                for provenance in PROVENANCES {
                    let count = tokens.0[provenance as usize].load(Ordering::Relaxed);
                    if count > 0 {
                        family.counter(&[caller, model, provider, kind, provenance.word()], count)?;
                    }
                }
            }
        }
        Ok(())
    })?;
    let counter = |page: &mut Page<'_>, metric: &Metric, count: fn(&Figures) -> &AtomicU64| {
        page.family(metric, |family| {
            let counts = all.iter().map(|(key, figures)| (key, count(figures).load(Ordering::Relaxed)));
            counts.filter(|(_, count)| *count > 0).try_for_each(|(key, count)| family.counter(&key.labels(), count))
        })
    };
    counter(page, &names::CACHE_READ_TOKENS, |figures| &figures.cache_read)?;
    counter(page, &names::CACHE_WRITE_TOKENS, |figures| &figures.cache_write)?;
    counter(page, &names::REASONING_TOKENS, |figures| &figures.reasoning)?;
    page.family(&names::COST, |family| {
        let costs = all.iter().map(|(key, figures)| (key, figures.cost.get()));
        costs.filter(|(_, cost)| *cost > 0.0).try_for_each(|(key, cost)| family.amount(&key.labels(), cost))
    })?;
    counter(page, &names::UNPRICED, |figures| &figures.unpriced)
}
