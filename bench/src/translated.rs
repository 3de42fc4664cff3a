//! `translated`: the same load as a client of the upstream's dialect sends it, and as an Anthropic client does.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::measure::{self, Sample};
use crate::process;
use crate::report::{Report, machine, progress, table};
use crate::run::TemporaryFolder;
use crate::scenario::{Dialect, SCENARIOS, Scenario};
use crate::statistics::{median, median_of_pairs, ratio};
use crate::target::{Target, Upstream, Variant};

/// What is asked for in both dialects, at so many connections.
const LOADS: [(&str, usize); 4] = [("chat-1k", 64), ("chat-100k", 64), ("stream-burst", 64), ("stream-rush", 16)];

#[derive(clap::Args)]
pub struct Args {
    /// Ratios are taken within a round; what is shown are medians over the rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Of each load, without its warm-up
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    #[arg(long, value_name = "PATH", default_value = "target/release/llmgw")]
    llmgw: PathBuf,
    /// Writes the table into this file too
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    ensure!(args.llmgw.exists(), "there is no {}: build it, or give --llmgw", args.llmgw.display());
    let _priority = process::stay_on_load_core()?;
    let folder = TemporaryFolder::new()?;
    let upstream = Upstream::start(&folder.0, 0)?;
    let target = Target::llmgw(&folder.0, upstream.address, &Variant::full("llmgw", &args.llmgw))?;
    let mut rows = Vec::new();
    for (name, connections) in LOADS {
        if let Some(own) = SCENARIOS.into_iter().find(|scenario| scenario.name == name) {
            rows.push(row(&target, &own, connections, args)?);
        }
    }
    let mut report = Report::default();
    report.add(&format!("{}{} rounds of {:.1} s.\n", machine(&args.llmgw), args.rounds.max(1), args.seconds));
    report.add(&table(&["load", "own/s", "translated/s", "ratio", "CPU ratio"], &rows));
    report.save(args.markdown.as_deref())
}

fn row(target: &Target, own: &Scenario, connections: usize, args: &Args) -> Result<Vec<String>> {
    let translated = own.in_dialect(Dialect::Anthropic);
    let window = Duration::from_secs_f64(args.seconds);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds.max(1) {
        for (scenario, samples) in [(&translated, &mut left), (own, &mut right)] {
            let sample = measure::closed(target, scenario, connections, window)?;
            progress(&format!("{:>16} {:9.0}/s  p50 {:8.3} ms", scenario.title, sample.rate, sample.latency.p50));
            samples.push(sample);
        }
    }
    let rate = |samples: &[Sample]| median(samples.iter().map(|sample| sample.rate)).map_or_else(String::new, |rate| format!("{rate:.0}"));
    let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    let cpu = |sample: &Sample| sample.cost.map(|cost| cost.cpu());
    Ok(vec![
        format!("{}, {connections} at once", own.title),
        rate(&right),
        rate(&left),
        shown(median_of_pairs(&left, &right, |left, right| ratio(Some(left.rate), Some(right.rate)))),
        shown(median_of_pairs(&left, &right, |left, right| ratio(cpu(left), cpu(right)))),
    ])
}
