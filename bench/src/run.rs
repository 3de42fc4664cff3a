//! `run`: every scenario on every target, in interleaved rounds, and the tables of it.

mod parts;
mod peak;
mod tables;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::measure::{self, Sample};
use crate::process;
use crate::report::{Report, machine, progress};
use crate::scenario::{SCENARIOS, Scenario};
use crate::target::{Target, Upstream, Variant};

#[derive(clap::Args)]
pub struct Args {
    /// Ratios are taken within a round; what is shown are medians over the rounds
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Of each load, without its warm-up
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// One short round, up to 64 connections: to see that it works
    #[arg(long)]
    quick: bool,
    /// Only these scenarios; may be given several times
    #[arg(long, value_name = "SCENARIO", value_parser = SCENARIOS.map(|scenario| scenario.name))]
    only: Vec<String>,
    /// Another gateway, which runs already: NAME=http://127.0.0.1:PORT/v1. See --upstream-port
    #[arg(long, value_name = "NAME=URL")]
    gateway: Vec<String>,
    /// Where the mock upstream listens, so that other gateways can be configured for it
    #[arg(long, default_value_t = 0)]
    upstream_port: u16,
    #[arg(long, value_name = "PATH", default_value = "target/release/llmgw")]
    llmgw: PathBuf,
    /// A second llmgw, such as an older build
    #[arg(long, value_name = "PATH")]
    compare: Option<PathBuf>,
    /// Writes the tables into this file too
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// The samples of one scenario and concurrency: by target, then by round.
pub struct Cell {
    pub scenario: &'static Scenario,
    pub connections: usize,
    pub samples: Vec<Vec<Sample>>,
}

pub fn run(args: &Args) -> Result<()> {
    ensure!(args.llmgw.exists(), "there is no {}: build it, or give --llmgw", args.llmgw.display());
    let _priority = process::stay_on_load_core()?;
    let folder = TemporaryFolder::new()?;
    let upstream = Upstream::start(&folder.0, args.upstream_port)?;
    let targets = targets(args, &folder.0, &upstream)?;
    let pace = Pace::of(args);

    let mut report = Report::default();
    report.add(&format!("{}{} rounds of {:.1} s.\n", machine(&args.llmgw), pace.rounds, pace.window.as_secs_f64()));
    let chosen = SCENARIOS.iter().filter(|scenario| args.only.is_empty() || args.only.iter().any(|name| name == scenario.name));
    let mut cells = Vec::new();
    for scenario in chosen {
        let begin = cells.len();
        for connections in scenario.concurrency.iter().copied().filter(|connections| *connections <= pace.most_connections) {
            let take = |target: &Target| measure::closed(target, scenario, connections, pace.window);
            cells.push(Cell { scenario, connections, samples: interleave(&targets, pace.rounds, take)? });
        }
        report.add(&tables::scenario(&targets, &cells[begin..]));
    }
    let half = peak::half(&targets, &cells, &pace)?;
    if let Some(half) = &half {
        report.add(&half.table(&targets));
    }
    let parts = if args.only.is_empty() { Some(parts::measure(&args.llmgw, &folder.0, upstream.address, &pace)?) } else { None };
    if let Some(parts) = &parts {
        report.add(&parts.table());
    }
    report.add(&verdict::table(&targets, &cells, half.as_ref(), parts.as_ref()));
    report.save(args.markdown.as_deref())
}

/// How long, how often, how wide.
pub struct Pace {
    pub rounds: usize,
    pub window: Duration,
    most_connections: usize,
}

impl Pace {
    fn of(args: &Args) -> Self {
        if args.quick {
            return Self { rounds: 1, window: Duration::from_millis(300), most_connections: 100 };
        }
        Self { rounds: args.rounds.max(1), window: Duration::from_secs_f64(args.seconds), most_connections: usize::MAX }
    }
}

/// All of them run all the time; an idle one costs nothing.
fn targets(args: &Args, folder: &Path, upstream: &Upstream) -> Result<Vec<Target>> {
    let mut targets = vec![
        Target::direct(upstream.address),
        Target::nginx(folder, upstream.address)?,
        Target::relay(folder, upstream.address)?,
        Target::llmgw(folder, upstream.address, &Variant::full("llmgw", &args.llmgw))?,
    ];
    if let Some(program) = &args.compare {
        targets.push(Target::llmgw(folder, upstream.address, &Variant::full("llmgw compared", program))?);
    }
    for gateway in &args.gateway {
        let (name, url) = gateway.split_once('=').with_context(|| format!("`{gateway}` is not NAME=URL"))?;
        targets.push(Target::given(name, url)?);
    }
    Ok(targets)
}

/// The samples by target, then by round. Each round begins with another target.
pub fn interleave(targets: &[Target], rounds: usize, mut take: impl FnMut(&Target) -> Result<Sample>) -> Result<Vec<Vec<Sample>>> {
    let mut samples: Vec<Vec<Sample>> = targets.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for round in 0..rounds {
        for turn in 0..targets.len() {
            let index = (round + turn) % targets.len();
            let sample = take(&targets[index])?;
            progress(&format!("{:>16} {:9.0}/s  p50 {:8.3} ms", targets[index].name, sample.rate, sample.latency.p50));
            samples[index].push(sample);
        }
    }
    Ok(samples)
}

pub fn index(targets: &[Target], name: &str) -> Option<usize> {
    targets.iter().position(|target| target.name == name)
}

/// Goes when it is dropped.
pub struct TemporaryFolder(pub PathBuf);

impl TemporaryFolder {
    pub fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("llmgw-bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
