//! Requests as clients see them: OpenTelemetry's view of a server of models.

use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::metrics::histogram::Histogram;

use super::endings::{ByEnding, Ending, observe};
use super::groups::{Groups, Labels, others};
use super::names::{self, Metric};
use super::page::Page;
use super::subject::{Subject, Vocabulary, nothing};
use crate::hub::Outcome;
use crate::telemetry::conventions::provider_name;
use crate::telemetry::record::Record;

/// What was asked for, and whose model answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    operation: &'static str,
    model: Arc<str>,
    vendor: Arc<str>,
}

impl Labels for Key {
    fn without_names(&self) -> Key {
        Key { model: if self.model.is_empty() { self.model.clone() } else { others() }, ..self.clone() }
    }

    fn blank() -> Key {
        Key { operation: names::OTHER, model: others(), vendor: nothing() }
    }
}

impl Key {
    fn labels(&self) -> [&str; 3] {
        [self.operation, provider_name(&self.vendor), &self.model]
    }
}

/// How it was.
#[derive(Default)]
pub(super) struct Figures {
    duration: ByEnding,
    first_token: OnceLock<Histogram>,
    per_token: OnceLock<Histogram>,
}

/// All of them.
pub(super) type Requests = Groups<Key, Figures>;

/// Counts a request.
pub(super) fn count(requests: &Requests, record: &Record, subject: &Subject, vocabulary: &dyn Vocabulary) {
    let key = Key { operation: subject.operation, model: subject.model.clone(), vendor: subject.vendor.clone() };
    requests.count(
        key,
        |_| subject.is_known(record, vocabulary),
        |figures| {
            figures.duration.observe(&names::SERVER_DURATION, Ending::of_outcome(record.outcome), record.total.as_secs_f64());
            let Some(first_token) = record.first_token else { return };
            observe(&figures.first_token, &names::SERVER_FIRST_TOKEN, first_token.as_secs_f64());
            if let Some(seconds) = per_token(record) {
                observe(&figures.per_token, &names::SERVER_PER_TOKEN, seconds);
            }
        },
    );
}

/// Seconds for each token after the first, of a stream that came through whole and whose tokens somebody has counted.
fn per_token(record: &Record) -> Option<f64> {
    let (usage, _) = record.usage.filter(|_| record.outcome == Outcome::Ok)?;
    let after_the_first = usage.output.checked_sub(1).filter(|tokens| *tokens > 0)?;
    Some(record.total.saturating_sub(record.first_token?).as_secs_f64() / after_the_first as f64)
}

/// Forgets what the configuration has no names for any more.
pub(super) fn forget(requests: &Requests, vocabulary: &dyn Vocabulary) {
    requests.retain(|key| key.model.is_empty() || key.model == others() || vocabulary.has_name(&key.model));
}

/// Writes them.
pub(super) fn write(requests: &Requests, page: &mut Page<'_>) -> fmt::Result {
    let all = requests.sorted();
    page.family(&names::SERVER_DURATION, |family| {
        for (key, figures) in &all {
            let [operation, vendor, model] = key.labels();
            let histograms = figures.duration.histograms();
            for (error_type, histogram) in histograms {
                family.histogram(&[operation, vendor, model, error_type], histogram)?;
            }
        }
        Ok(())
    })?;
    let mut histograms = |metric: &Metric, histogram: fn(&Figures) -> &OnceLock<Histogram>| {
        page.family(metric, |family| {
            let histograms = all.iter().filter_map(|(key, figures)| Some((key, histogram(figures).get()?)));
            histograms.into_iter().try_for_each(|(key, histogram)| family.histogram(&key.labels(), histogram))
        })
    };
    histograms(&names::SERVER_FIRST_TOKEN, |figures| &figures.first_token)?;
    histograms(&names::SERVER_PER_TOKEN, |figures| &figures.per_token)
}
