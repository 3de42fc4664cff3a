//! `scale`: what grows with the number of streams, models, keys and providers, and with the size of a body.

mod body;
mod config;
mod streams;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::ValueEnum;

use crate::process;
use crate::report::{Report, machine};
use crate::run::TemporaryFolder;
use crate::target::Upstream;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, value_name = "PATH", default_value = "target/release/llmgw")]
    llmgw: PathBuf,
    /// Only these parts; may be given several times
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// Writes the tables into this file too
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Thousands of open streams
    Streams,
    /// Thousands of models and keys; a thousand providers
    Config,
    /// A body of 20 MB
    Body,
}

pub fn run(args: &Args) -> Result<()> {
    ensure!(args.llmgw.exists(), "there is no {}: build it, or give --llmgw", args.llmgw.display());
    let _priority = process::stay_on_load_core()?;
    let folder = TemporaryFolder::new()?;
    let upstream = Upstream::start(&folder.0, 0)?;
    let mut report = Report::default();
    report.add(&machine(&args.llmgw));
    for (part, measure) in [(Part::Streams, streams::measure as Measure), (Part::Config, config::measure), (Part::Body, body::measure)] {
        if args.only.is_empty() || args.only.contains(&part) {
            report.add(&measure(&args.llmgw, &folder.0, upstream.address)?);
        }
    }
    report.save(args.markdown.as_deref())
}

type Measure = fn(&std::path::Path, &std::path::Path, std::net::SocketAddr) -> Result<String>;
