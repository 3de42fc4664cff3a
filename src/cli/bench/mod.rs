//! `llmgw bench`: how fast models are, side by side, and what an answer costs.

mod measure;
mod report;

use std::time::Duration;

use self::measure::{Rounds, Sample, measure};
use crate::cli::complete;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::list::check_provider;
use crate::cli::rows::Format;
use crate::cli::test::{at_least_one, duration};
use crate::engine::{Engine, Probe};

/// Enough for a middle and two ends, few enough to be paid for without a thought.
const ROUNDS: usize = 5;

/// One makes the connections and fills the caches.
const WARMUP: usize = 1;

/// More would measure this machine.
const MOST_AT_ONCE: usize = 1_000;

/// Asks for enough to measure a speed by, and no more.
const MESSAGE: &str = "写一段约一百字的话，介绍杭州。";

const EXAMPLES: &str = "\
Examples:
  llmgw bench gpt-4 claude                     every route of two models, side by side
  llmgw bench openai/gpt-4o azure/gpt-4o       the same model at two providers
  llmgw bench gpt-4 --concurrency 4            under load: four calls at once
  llmgw bench gpt-4 --format csv > speed.csv   for a spreadsheet

Each route is asked on its own, outside of failover, so that what fails is counted and not
hidden. In each round every route has its turn, one after the other. Answers are real, and are
paid for.";

/// Flags of `llmgw bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The models to measure, as `llmgw list` names them; each of their routes
    #[arg(value_name = "MODEL", required = true, add = complete::models())]
    pub models: Vec<String>,
    /// Only routes to this provider
    #[arg(long, value_name = "PROVIDER", add = complete::providers())]
    pub provider: Option<String>,
    /// How often each route has its turn
    #[arg(long, value_name = "N", default_value_t = ROUNDS, value_parser = at_least_one)]
    pub rounds: usize,
    /// Rounds before those, which do not count
    #[arg(long, value_name = "N", default_value_t = WARMUP)]
    pub warmup: usize,
    /// Calls at once, all to the route whose turn it is
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = calls_at_once)]
    pub concurrency: usize,
    /// What is said [default: a request for a hundred words]
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Longest answer, in tokens
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<u64>,
    /// Time limit of each call, such as 30s
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// How to show the results
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
}

/// Runs `llmgw bench`. Ctrl-C ends it early: what was measured until then is shown.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    context.interrupts.take_over();
    let (engine, mut samples) = tokio::select! {
        prepared = prepare(&args, context) => prepared?,
        Ok(()) = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
    };
    let rounds = Rounds { warmup: args.warmup, counted: args.rounds, concurrency: args.concurrency };
    let progress = context.printer.counter(samples.len().saturating_mul(rounds.calls()), "measuring");
    let is_interrupted = tokio::select! {
        () = measure(&engine, &mut samples, rounds, &progress) => false,
        Ok(()) = tokio::signal::ctrl_c() => true,
    };
    progress.finish_and_clear();
    samples.retain(|sample| !is_interrupted || !sample.answers.is_empty() || !sample.errors.is_empty());
    if !samples.is_empty() {
        report::show(&samples, args.format, &context.printer)?;
    }
    Ok(match is_interrupted {
        true => Exit::Interrupted,
        false if samples.iter().any(|sample| sample.failed() > 0) => Exit::Failed,
        false => Exit::Done,
    })
}

async fn prepare(args: &Args, context: &Context) -> anyhow::Result<(Engine, Vec<Sample>)> {
    let engine = context.engine_for_use().await?;
    if let Some(provider) = &args.provider {
        check_provider(&engine, provider)?;
    }
    let samples = probes(&engine, args, context).await?.into_iter().map(Sample::of).collect();
    Ok((engine, samples))
}

/// The routes to measure; a name that is given twice is measured once.
async fn probes(engine: &Engine, args: &Args, context: &Context) -> Result<Vec<Probe>, Failure> {
    let mut probes: Vec<Probe> = Vec::new();
    for probe in engine.probes(&engine.snapshot(), &args.models, args.provider.as_deref()).await? {
        if let Some(reason) = &probe.skip {
            context.printer.notice(&format!("{} at {}: {reason}", probe.name, probe.provider));
        } else if !probes.iter().any(|other| other.name == probe.name && is_same_route(other, &probe)) {
            probes.push(probe);
        }
    }
    if probes.is_empty() {
        return Err(Failure::usage("there is no route to measure").hint("`llmgw list` shows every model and its routes"));
    }
    for probe in &mut probes {
        probe.stream = true;
        probe.max_tokens = args.max_tokens;
        probe.message = args.message.clone().unwrap_or_else(|| MESSAGE.to_owned());
        probe.timeout = args.timeout.unwrap_or(probe.timeout);
    }
    Ok(probes)
}

/// Reads a number of calls at once that a machine can make.
fn calls_at_once(text: &str) -> Result<usize, String> {
    at_least_one(text).ok().filter(|number| *number <= MOST_AT_ONCE).ok_or_else(|| format!("expected a number from 1 to {MOST_AT_ONCE}"))
}

fn is_same_route(one: &Probe, other: &Probe) -> bool {
    one.provider == other.provider && one.upstream_model == other.upstream_model
}
