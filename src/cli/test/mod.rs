//! `llmgw test`: asks each route for real, and says which ones answer.

mod asking;
mod baseline;
mod outcome;
mod report;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use self::asking::Asking;
use self::baseline::Baseline;
use self::outcome::{Outcome, summary};
use self::report::{Columns, github, junit};
use crate::cli::complete;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::list::check_provider;
use crate::cli::output::OutputError;
use crate::config::Origin;
use crate::engine::{Engine, Probe};

/// Enough to be quick, few enough not to run into a vendor's limit on requests at once.
const CONCURRENCY: usize = 8;

/// No call takes longer; a clock that is asked for the end of time overflows.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Calls to a route where its speed counts: the fewest whose middle is not moved by one that is far out.
const REPEAT: usize = 3;

/// How many times as long as the baseline a route may take. Upstreams vary by a third from hour to hour.
const MAX_RATIO: f64 = 1.5;

const EXAMPLES: &str = "\
Examples:
  llmgw test                                  every route of the configuration
  llmgw test gpt-4 claude                     only the routes of these models
  llmgw test --provider deepseek --stream     with the time until the first token
  llmgw test --junit report.xml               for CI: exit 1 if any route failed
  llmgw test --capabilities                   also try streams, tools, schemas, pictures
  llmgw test --save-baseline fast.json        write down how fast each route is
  llmgw test --baseline fast.json             fail if one has become slower
  llmgw test --provider mock                  without any configuration";

/// Flags of `llmgw test`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only the routes of these models
    #[arg(value_name = "MODEL", add = complete::models())]
    pub models: Vec<String>,
    /// Only routes to this provider
    #[arg(long, value_name = "PROVIDER", add = complete::providers())]
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
    /// Ask each route so often; medians count, and each failure [default: 1, with a baseline 3]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub repeat: Option<usize>,
    /// Also try what each model can do; what is claimed and does not work is a failure
    #[arg(long)]
    pub capabilities: bool,
    /// Compare with the speed in this file; slower is a failure. Asks for streams
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// How many times as long as the baseline a route may take [default: 1.5]
    #[arg(long, value_name = "RATIO", requires = "baseline", value_parser = ratio)]
    pub max_ratio: Option<f64>,
    /// Write the speed of each route to this file, unless something failed. Asks for streams
    #[arg(long, value_name = "FILE")]
    pub save_baseline: Option<PathBuf>,
    /// How to show the results
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Write the results to this file too, as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
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
    /// Commands of GitHub Actions
    Github,
}

impl Args {
    /// Only a stream has a first token to compare.
    fn is_streamed(&self) -> bool {
        self.stream || self.is_compared()
    }

    fn is_compared(&self) -> bool {
        self.baseline.is_some() || self.save_baseline.is_some()
    }

    fn times(&self) -> usize {
        self.repeat.unwrap_or(if self.is_compared() { REPEAT } else { 1 })
    }
}

/// Runs `llmgw test`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let engine = context.engine_for_use().await?;
    check_provider_or_configuration(&engine, args.provider.as_deref())?;
    let probes = probes(&engine, &args).await?;
    let progress = context.printer.counter(probes.len() * args.times(), "asking");
    let asking = Asking { engine: &engine, concurrency: args.concurrency, progress };
    let mut outcomes = asking.rounds(&probes, args.times()).await;
    if args.capabilities {
        asking.capabilities(&probes, &mut outcomes).await;
    }
    asking.progress.finish_and_clear();
    if let Some(baseline) = &baseline {
        compare(&mut outcomes, baseline, args.max_ratio.unwrap_or(MAX_RATIO));
    }
    let shown = show(&outcomes, &args, context);
    // Whoever reads no further than the table's head wants the files and the exit code all the same.
    keep(&outcomes, &args, context)?;
    let exit = if outcomes.iter().all(Outcome::is_well) { Exit::Done } else { Exit::Failed };
    match shown {
        Err(error) if error.downcast_ref::<OutputError>().is_some_and(OutputError::is_closed_pipe) => Ok(exit),
        shown => shown.map(|()| exit),
    }
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
        probe.stream = args.is_streamed();
        if let Some(message) = &args.message {
            probe.message.clone_from(message);
        }
        if let Some(timeout) = args.timeout {
            probe.timeout = timeout;
        }
    }
    Ok(probes)
}

/// Sets each answer beside what `baseline` has of its route.
fn compare(outcomes: &mut [Outcome], baseline: &Baseline, most: f64) {
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.result.ok && outcome.result.skipped.is_none()) {
        outcome.baseline = baseline.compare(&outcome.result, most);
    }
}

fn show(outcomes: &[Outcome], args: &Args, context: &Context) -> anyhow::Result<()> {
    let columns = Columns { first_token: args.is_streamed(), capabilities: args.capabilities, baseline: args.baseline.is_some() };
    let text = match args.format {
        Format::Table => report::table(outcomes, columns, context.printer.terminal()),
        Format::Json => format!("{}\n", serde_json::to_string_pretty(outcomes)?),
        Format::Junit => junit::junit(outcomes),
        Format::Github => github::github(outcomes),
    };
    context.printer.print(&text)?;
    // GitHub's own format has said all this.
    if args.format == Format::Github {
        return Ok(());
    }
    for outcome in outcomes {
        if let Some(found) = outcome.unclaimed() {
            let whose = format!("{} at {}", outcome.name(), outcome.result.provider);
            context.printer.notice(&format!("{whose} works, and nothing claims it: {found} (`capabilities` in the configuration can)"));
        }
    }
    let new = outcomes.iter().filter(|outcome| outcome.result.ok && outcome.result.skipped.is_none() && outcome.baseline.is_none());
    let new: Vec<String> = new.map(|outcome| format!("{} at {}", outcome.name(), outcome.result.provider)).collect();
    if args.baseline.is_some() && !new.is_empty() {
        context.printer.notice(&format!("not in the baseline: {}", new.join(", ")));
    }
    context.printer.notice(&summary(outcomes));
    Ok(())
}

/// Writes what is wanted in files.
fn keep(outcomes: &[Outcome], args: &Args, context: &Context) -> anyhow::Result<()> {
    if let Some(path) = &args.junit {
        fs::write(path, junit::junit(outcomes))
            .map_err(|error| Failure::failed(format!("the report {} cannot be written: {error}", path.display())))?;
    }
    let Some(path) = &args.save_baseline else { return Ok(()) };
    // What is slower or broken today is nothing to measure tomorrow by.
    if !outcomes.iter().all(Outcome::is_well) {
        context.printer.warning(&format!("{} was left as it is: something failed", path.display()));
        return Ok(());
    }
    Baseline::of(outcomes).write(path)
}

/// Reads a time limit.
pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("must be longer than nothing".to_owned()),
        Ok(duration) if duration > LONGEST => Err("must be at most a day".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; write it as `30s` or `2m`")),
    }
}

/// Reads a number that is not 0.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "expected a number from 1".to_owned())
}

fn ratio(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 1.0)
        .ok_or_else(|| "expected a number from 1, such as 1.5".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{at_least_one, duration, ratio};

    #[test]
    fn limits_need_a_unit_and_a_meaning() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        for wrong in ["30", "0s", "soon", "25h", "18446744073709551615s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(at_least_one("4"), Ok(4));
        assert!(at_least_one("0").is_err());
        assert_eq!(ratio("1.5"), Ok(1.5));
        for wrong in ["0.9", "inf", "nan", "fast"] {
            assert!(ratio(wrong).is_err(), "{wrong}");
        }
    }
}
