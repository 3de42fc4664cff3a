//! Writes metrics in Prometheus' text format, or in OpenMetrics'.

use std::fmt;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel, EncodeLabelSet, EncodeMetric, LabelSetEncoder, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::histogram::Histogram;

use super::names::{Kind, Metric};

/// Everything that is served, being written.
pub(super) struct Page<'a>(pub(super) DescriptorEncoder<'a>);

impl Page<'_> {
    /// Writes all series of a metric, in one place, as the formats want it.
    pub(super) fn family(&mut self, metric: &Metric, series: impl FnOnce(&mut Family<'_>) -> fmt::Result) -> fmt::Result {
        let (name, unit) = metric.stem();
        let encoder = self.0.encode_descriptor(name, metric.help, unit.as_ref(), kind(metric))?;
        series(&mut Family { encoder, labels: metric.labels })
    }

    /// Writes a metric without labels.
    pub(super) fn gauge(&mut self, metric: &Metric, value: f64) -> fmt::Result {
        self.family(metric, |family| family.gauge(&[], value))
    }

    /// Writes a metric without labels.
    pub(super) fn counter(&mut self, metric: &Metric, value: u64) -> fmt::Result {
        self.family(metric, |family| family.counter(&[], value))
    }
}

/// The series of one metric, being written. The values of labels are in the order of [`Metric::labels`]; an empty one is
/// none, and those at the end may be left out.
pub(super) struct Family<'a> {
    encoder: MetricEncoder<'a>,
    labels: &'static [&'static str],
}

impl Family<'_> {
    pub(super) fn counter(&mut self, values: &[&str], value: u64) -> fmt::Result {
        self.encoder.encode_family(&Labels(self.labels, values))?.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// A counter of what is no number of things.
    pub(super) fn amount(&mut self, values: &[&str], value: f64) -> fmt::Result {
        self.encoder.encode_family(&Labels(self.labels, values))?.encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    pub(super) fn gauge(&mut self, values: &[&str], value: f64) -> fmt::Result {
        self.encoder.encode_family(&Labels(self.labels, values))?.encode_gauge(&value)
    }

    pub(super) fn info(&mut self, values: &[&str]) -> fmt::Result {
        self.encoder.encode_info(&Labels(self.labels, values))
    }

    pub(super) fn histogram(&mut self, values: &[&str], histogram: &Histogram) -> fmt::Result {
        histogram.encode(self.encoder.encode_family(&Labels(self.labels, values))?)
    }

    /// 1 for the one that is, 0 for all others.
    pub(super) fn state(&mut self, values: &[&str], states: &[&'static str], now: &str) -> fmt::Result {
        for state in states {
            let values: Vec<&str> = values.iter().copied().chain([*state]).collect();
            self.gauge(&values, if *state == now { 1.0 } else { 0.0 })?;
        }
        Ok(())
    }
}

struct Labels<'a>(&'static [&'static str], &'a [&'a str]);

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        let Labels(names, values) = self;
        for (name, value) in names.iter().zip(*values).filter(|(_, value)| !value.is_empty()) {
            (*name, *value).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

fn kind(metric: &Metric) -> MetricType {
    match metric.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram(_) => MetricType::Histogram,
        Kind::Info => MetricType::Info,
    }
}
