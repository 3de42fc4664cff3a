//! Metrics for Prometheus: what is counted as requests end, and how things are when somebody asks.
//!
//! [`names`] has every name. [`Metrics`] counts each [`Record`]; a scrape brings the [`Gauges`] along and gets a page in one
//! of two formats. How many series there can be is bounded by [`groups`], whatever clients ask for. Holds no secret:
//! labels are names of the configuration and models' names.

mod attempts;
mod callers;
mod endings;
mod gauges;
mod groups;
mod http;
pub mod names;
mod page;
mod process;
mod requests;
mod subject;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text, text};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use self::endings::observe;
use self::groups::{Groups, Labels, others};
use self::page::Page;
use self::subject::{Subject, nothing};
use crate::config::Telemetry;
use crate::telemetry::Record;

pub use gauges::{Gauges, PROVIDER_STATES, Provider, Queue, Reloads, Server, SpanCounts, UPSTREAM_STATES};
pub use groups::MOST_LABEL_SETS;
pub use http::{Exchange, method};
pub use names::{ALL, Kind, Metric};
pub use subject::Vocabulary;

/// What is counted. One for each engine; outlives every configuration.
#[derive(Default)]
pub struct Metrics {
    is_on: AtomicBool,
    with_callers: AtomicBool,
    callers: callers::Callers,
    requests: requests::Requests,
    attempts: attempts::Attempts,
    connects: Groups<ToProvider, OnceLock<Histogram>>,
    http: http::Http,
    overhead: OnceLock<Histogram>,
}

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own, which everything reads.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// Its content type.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => prometheus_text::CONTENT_TYPE,
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Metrics {
    /// Does as `settings` say from now on, and forgets names that `vocabulary` does not have any more, if there are many.
    pub fn follow(&self, settings: &Telemetry, vocabulary: &dyn Vocabulary) {
        self.is_on.store(settings.metrics, Ordering::Relaxed);
        self.with_callers.store(settings.callers, Ordering::Relaxed);
        callers::forget(&self.callers, vocabulary);
        requests::forget(&self.requests, vocabulary);
        attempts::forget(&self.attempts, vocabulary);
        self.connects.retain(|ToProvider(provider)| vocabulary.has_provider(provider));
    }

    /// Whether anything is counted.
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Counts a request that has ended, if anything is counted.
    pub fn finished(&self, record: &Record, vocabulary: &dyn Vocabulary) {
        if !self.is_on() {
            return;
        }
        let subject = Subject::of(record, vocabulary);
        let caller = if self.with_callers.load(Ordering::Relaxed) { record.caller.clone() } else { nothing() };
        callers::count(&self.callers, record, &caller, &subject, vocabulary);
        requests::count(&self.requests, record, &subject, vocabulary);
        attempts::count(&self.attempts, record, &subject, vocabulary);
        for attempt in &record.attempts {
            let Some(connect) = attempt.connect else { continue };
            let took = connect + attempt.tls.unwrap_or_default();
            let key = ToProvider(attempt.route.provider.clone());
            self.connects.count(key, |_| true, |histogram| observe(histogram, &names::CONNECT, took.as_secs_f64()));
        }
        observe(&self.overhead, &names::OVERHEAD, record.overhead.as_secs_f64());
    }

    /// Counts an HTTP request whose answer has ended, if anything is counted.
    pub fn exchanged(&self, exchange: Exchange, took: Duration) {
        if self.is_on() {
            http::count(&self.http, exchange, took.as_secs_f64());
        }
    }

    /// Everything, as text.
    pub fn page(self: &Arc<Metrics>, gauges: Gauges, format: Format) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Scrape { metrics: self.clone(), gauges }));
        let mut page = String::new();
        let written = match format {
            Format::Text => prometheus_text::encode(&mut page, &registry),
            Format::OpenMetrics => text::encode(&mut page, &registry),
        };
        debug_assert!(written.is_ok(), "writing to a text cannot fail");
        page
    }

    fn write(&self, gauges: &Gauges, page: &mut Page<'_>) -> fmt::Result {
        callers::write(&self.callers, page)?;
        page.family(&names::OVERHEAD, |family| self.overhead.get().map_or(Ok(()), |overhead| family.histogram(&[], overhead)))?;
        requests::write(&self.requests, page)?;
        attempts::write(&self.attempts, page)?;
        page.family(&names::CONNECT, |family| {
            let connects = self.connects.sorted();
            let connects = connects.iter().filter_map(|(ToProvider(provider), histogram)| Some((provider, histogram.get()?)));
            connects.into_iter().try_for_each(|(provider, histogram)| family.histogram(&[provider], histogram))
        })?;
        http::write(&self.http, page)?;
        gauges::write(gauges, &attempts::known(&self.attempts), page)?;
        let groups = [
            ("callers", self.callers.len(), self.callers.overflowed()),
            ("requests", self.requests.len(), self.requests.overflowed()),
            ("attempts", self.attempts.len(), self.attempts.overflowed()),
            ("providers", self.connects.len(), self.connects.overflowed()),
            ("http", self.http.len(), self.http.overflowed()),
        ];
        page.family(&names::LABEL_SETS, |family| groups.iter().try_for_each(|(of, sets, _)| family.gauge(&[of], *sets as f64)))?;
        page.gauge(&names::LABEL_SETS_LIMIT, MOST_LABEL_SETS as f64)?;
        page.family(&names::OVERFLOWED, |family| groups.iter().try_for_each(|(of, _, overflowed)| family.counter(&[of], *overflowed)))?;
        process::write(page)
    }
}

/// A provider as the only label.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct ToProvider(Arc<str>);

impl Labels for ToProvider {
    fn without_names(&self) -> ToProvider {
        self.clone()
    }

    fn blank() -> ToProvider {
        ToProvider(others())
    }
}

/// All there is to write.
struct Scrape {
    metrics: Arc<Metrics>,
    gauges: Gauges,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.metrics.write(&self.gauges, &mut Page(encoder))
    }
}
