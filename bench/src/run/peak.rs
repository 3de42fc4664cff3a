//! Latency at half of each target's own peak: an open loop, whose latency counts from when a request was due.

use anyhow::Result;

use crate::measure::{self, Sample};
use crate::report::{number, table};
use crate::scenario::CHAT;
use crate::statistics::{median, median_of_pairs};
use crate::target::Target;

use super::{Cell, Pace, index, interleave};

const CONNECTIONS: usize = 64;

pub struct Half {
    rates: Vec<f64>,
    samples: Vec<Vec<Sample>>,
}

/// Nothing without the cell that tells the peaks.
pub fn half(targets: &[Target], cells: &[Cell], pace: &Pace) -> Result<Option<Half>> {
    let Some(peak) = cells.iter().find(|cell| cell.scenario.name == CHAT && cell.connections == CONNECTIONS) else { return Ok(None) };
    let rates: Vec<f64> =
        peak.samples.iter().map(|samples| median(samples.iter().map(|sample| sample.rate)).unwrap_or(1.0) / 2.0).collect();
    let take = |target: &Target| {
        let rate = index(targets, &target.name).map_or(1.0, |number| rates[number]);
        measure::open(target, peak.scenario, CONNECTIONS, rate, pace.window)
    };
    let samples = interleave(targets, pace.rounds, take)?;
    Ok(Some(Half { rates, samples }))
}

impl Half {
    pub fn table(&self, targets: &[Target]) -> String {
        let rows: Vec<Vec<String>> = targets
            .iter()
            .enumerate()
            .map(|(target, Target { name, .. })| {
                let of = |value: fn(&Sample) -> f64| number(median(self.samples[target].iter().map(value)), 3);
                vec![
                    name.clone(),
                    number(Some(self.rates[target]), 0),
                    number(median(self.samples[target].iter().map(|sample| sample.rate)), 0),
                    of(|sample| sample.latency.p50),
                    of(|sample| sample.latency.p99),
                    of(|sample| sample.latency.p999),
                    number(self.over_nginx(targets, target), 3),
                    number(median(self.samples[target].iter().filter_map(|sample| Some(sample.cost?.busy))), 2),
                    number(median(self.samples[target].iter().filter_map(|sample| Some(sample.cost?.waited))), 2),
                ]
            })
            .collect();
        let head = ["target", "asked/s", "answered/s", "p50 ms", "p99 ms", "p99.9 ms", "p99 − nginx's", "busy", "waited"];
        format!("## Half of the own peak (chat, 1 KB, {CONNECTIONS} connections, open loop)\n\n{}", table(&head, &rows))
    }

    /// Of p99, in ms.
    pub fn over_nginx(&self, targets: &[Target], target: usize) -> Option<f64> {
        let nginx = &self.samples[index(targets, "nginx")?];
        median_of_pairs(&self.samples[target], nginx, |own, nginx| Some(own.latency.p99 - nginx.latency.p99))
    }
}
