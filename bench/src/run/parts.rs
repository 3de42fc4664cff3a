//! What each part of llmgw costs: variants that lack it, interleaved with the full one.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

use crate::measure::{self, Cost, Sample};
use crate::report::{number, table};
use crate::scenario::{CHAT, SCENARIOS};
use crate::statistics::{median, median_of_pairs, ratio};
use crate::target::{Target, Variant};

use super::tables::cost;
use super::{Pace, index, interleave};

const CONNECTIONS: usize = 64;

const FULL: &str = "full";
pub const NO_LOG: &str = "no log";

pub const NO_LEDGER: &str = "no ledger";

/// Name, keys, log, ledger. A part that comes to llmgw gets a column here and a row without it.
const VARIANTS: [(&str, bool, bool, bool); 5] = [
    (FULL, true, true, true),
    ("no keys", false, true, true),
    (NO_LOG, true, false, true),
    (NO_LEDGER, true, true, false),
    ("bare", false, false, false),
];

pub struct Parts {
    targets: Vec<Target>,
    samples: Vec<Vec<Sample>>,
}

pub fn measure(llmgw: &Path, folder: &Path, upstream: SocketAddr, pace: &Pace) -> Result<Parts> {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == CHAT).context("no chat")?;
    let start = |(name, keys, log, ledger): (&str, bool, bool, bool)| {
        Target::llmgw(folder, upstream, &Variant { name: name.to_owned(), program: llmgw.to_owned(), keys, log, ledger })
    };
    let targets = VARIANTS.into_iter().map(start).collect::<Result<Vec<_>>>()?;
    let samples = interleave(&targets, pace.rounds, |target| measure::closed(target, scenario, CONNECTIONS, pace.window))?;
    Ok(Parts { targets, samples })
}

impl Parts {
    pub fn table(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .targets
            .iter()
            .enumerate()
            .map(|(target, Target { name, .. })| {
                vec![
                    name.clone(),
                    number(median(self.samples[target].iter().map(|sample| sample.rate)), 0),
                    number(median(self.samples[target].iter().filter_map(|sample| cost(sample, Cost::cpu))), 4),
                    number(self.to_full(name, |sample| Some(sample.rate)), 3),
                    number(self.to_full(name, |sample| cost(sample, Cost::cpu)), 3),
                ]
            })
            .collect();
        let head = ["llmgw", "requests/s", "CPU s/1,000", "requests/s × full", "CPU × full"];
        format!("## What each part costs (chat, 1 KB, {CONNECTIONS} at once)\n\n{}", table(&head, &rows))
    }

    pub fn to_full(&self, name: &str, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let (own, full) = (index(&self.targets, name)?, index(&self.targets, FULL)?);
        median_of_pairs(&self.samples[own], &self.samples[full], |own, full| ratio(value(own), value(full)))
    }
}
