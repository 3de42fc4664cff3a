//! `llmgw test`: asks each route for real, and says which ones answer.

mod report;

use std::time::Duration;

use clap::ValueEnum;
use futures_util::StreamExt;
use futures_util::stream;
use indicatif::ProgressBar;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::list::check_provider;
use crate::config::Origin;
use crate::engine::{Engine, Probe, ProbeResult};

/// Enough to be quick, few enough not to run into a vendor's limit on requests at once.
const CONCURRENCY: usize = 8;

/// No call takes longer; a clock that is asked for the end of time overflows.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

const EXAMPLES: &str = "\
Examples:
  llmgw test                                  every route of the configuration
  llmgw test gpt-4 claude                     only the routes of these models
  llmgw test --provider deepseek --stream     with the time until the first token
  llmgw test --format junit > report.xml      for CI: exit 1 if any route failed
  llmgw test --provider mock                  without any configuration";

/// Flags of `llmgw test`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only the routes of these models
    #[arg(value_name = "MODEL")]
    pub models: Vec<String>,
    /// Only routes to this provider
    #[arg(long, value_name = "PROVIDER")]
    pub provider: Option<String>,
    /// What is said [default: 你好]
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Ask for streams, and measure the time until the first token
    #[arg(long)]
    pub stream: bool,
    /// Time limit of each call, such as 30s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Calls at once
    #[arg(long, value_name = "N", default_value_t = CONCURRENCY, value_parser = at_least_one)]
    pub concurrency: usize,
    /// How to show the results
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
}

/// How results are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// An array of objects
    Json,
    /// JUnit XML, for CI
    Junit,
}

/// Runs `llmgw test`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let engine = context.engine_for_use().await?;
    check_provider_or_configuration(&engine, args.provider.as_deref())?;
    let probes = probes(&engine, &args).await?;
    let progress = context.printer.counter(probes.len(), "asking");
    let results = ask(&engine, &probes, args.concurrency, &progress).await;
    progress.finish_and_clear();
    let text = match args.format {
        Format::Table => report::table(&results, args.stream, context.printer.terminal()),
        Format::Json => format!("{}\n", serde_json::to_string_pretty(&results)?),
        Format::Junit => report::junit(&results),
    };
    context.printer.print(&text)?;
    context.printer.notice(&report::summary(&results));
    Ok(if results.iter().all(|result| result.ok) { Exit::Done } else { Exit::Failed })
}

fn check_provider_or_configuration(engine: &Engine, provider: Option<&str>) -> Result<(), Failure> {
    if engine.snapshot().config.origin == Origin::Mock && provider != Some("mock") {
        return Err(Failure::usage("there is nothing to test: no configuration file, and no API key in the environment")
            .hint("write llmgw.yaml, set OPENAI_API_KEY or another provider's, or try `llmgw test --provider mock`"));
    }
    provider.map_or(Ok(()), |provider| check_provider(engine, provider))
}

async fn probes(engine: &Engine, args: &Args) -> Result<Vec<Probe>, Failure> {
    let mut probes = engine.probes(&engine.snapshot(), &args.models, args.provider.as_deref()).await?;
    if probes.is_empty() {
        return Err(
            Failure::usage("there is no route to test").hint("name a model: `llmgw test MODEL`; `llmgw list --discover` shows them")
        );
    }
    for probe in &mut probes {
        probe.stream = args.stream;
        if let Some(message) = &args.message {
            probe.message.clone_from(message);
        }
        if let Some(timeout) = args.timeout {
            probe.timeout = timeout;
        }
    }
    Ok(probes)
}

/// The results in the order of `probes`, at most `concurrency` of them on their way at once.
async fn ask(engine: &Engine, probes: &[Probe], concurrency: usize, progress: &ProgressBar) -> Vec<ProbeResult> {
    let asked = stream::iter(probes.iter().enumerate()).map(|(position, probe)| async move {
        let result = engine.probe(probe).await;
        progress.inc(1);
        let word = if result.ok { "ok" } else { "failed" };
        progress.set_message(format!("{} ({}) {word}", result.model, result.provider));
        (position, result)
    });
    let mut results: Vec<(usize, ProbeResult)> = asked.buffer_unordered(concurrency).collect().await;
    results.sort_by_key(|(position, _)| *position);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A time limit of the command line.
pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("must be longer than nothing".to_owned()),
        Ok(duration) if duration > LONGEST => Err("must be at most a day".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; write it as `30s` or `2m`")),
    }
}

/// Reads a count of what there must be some of.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "expected a number from 1".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{at_least_one, duration};

    #[test]
    fn limits_need_a_unit_and_a_meaning() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        for wrong in ["30", "0s", "soon", "25h", "18446744073709551615s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(at_least_one("4"), Ok(4));
        assert!(at_least_one("0").is_err());
    }
}
