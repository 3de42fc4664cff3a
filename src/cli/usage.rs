//! `llmgw usage`: who has used what, and what it cost.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use dialoguer::Confirm;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::recorded::{self, Which};
use crate::cli::rows::{self, Format, Row};
use crate::cli::table::Tone;
use crate::storage::ledger::{By, Reader, Scope, Sum};

const EXAMPLES: &str = "\
Examples:
  llmgw usage                          what each model was used for in the last seven days
  llmgw usage --by key --since 30d     what each key has cost this month
  llmgw usage --by day --format csv    for a spreadsheet
  llmgw usage --provider openai        only what one provider did

Sums are exact to the minute, and for what is older than two days to a quarter of an hour.";

/// A week: long enough to see who it is, short enough to be about now.
const SINCE: Duration = Duration::from_secs(7 * 86_400);

/// Flags of `llmgw usage`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to add up for
    #[arg(long, value_name = "WHAT", default_value = "model")]
    pub by: ByWhat,
    /// Which requests; without --since, those of the last 7 days
    #[command(flatten)]
    pub which: Which,
    /// How to show them
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Rename a database that cannot be used, so that a new one begins; asks before it does
    #[arg(long, exclusive = true)]
    pub set_aside: bool,
    /// As --set-aside, without asking
    #[arg(long, exclusive = true)]
    pub set_aside_unasked: bool,
}

/// What is added up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ByWhat {
    /// The name that was asked for
    Model,
    /// The provider that was asked
    Provider,
    /// PROVIDER/MODEL that was asked
    Upstream,
    /// The caller's key, by its name
    Key,
    /// The day, in the time of this machine
    Day,
}

impl From<ByWhat> for By {
    fn from(by: ByWhat) -> By {
        match by {
            ByWhat::Model => By::Model,
            ByWhat::Provider => By::Provider,
            ByWhat::Upstream => By::Upstream,
            ByWhat::Key => By::Key,
            ByWhat::Day => By::Day,
        }
    }
}

/// Runs `llmgw usage`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    if args.set_aside || args.set_aside_unasked {
        return set_aside(&recorded::place(context)?, args.set_aside_unasked, context);
    }
    let terminal = context.printer.terminal();
    let Some(reader) = recorded::open(context)? else {
        context.printer.print(&rows::rendered::<UsageRow>(&[], args.format, terminal)?)?;
        return Ok(Exit::Done);
    };
    let scope = args.which.scope(&reader, Some(SINCE))?;
    let sums = reader.usage(args.by.into(), &scope)?;
    let mut rows: Vec<UsageRow> = sums.iter().map(|sum| UsageRow::of(sum, nameless(args.by))).collect();
    // A program adds up for itself.
    if args.format == Format::Table && rows.len() > 1 {
        rows.push(UsageRow { is_total: true, ..UsageRow::of(&total(&sums), "all") });
    }
    context.printer.print(&rows::rendered(&rows, args.format, terminal)?)?;
    tell_doubts(&sums, &reader, &scope, context)?;
    Ok(Exit::Done)
}

/// What stands for those without a name.
fn nameless(by: ByWhat) -> &'static str {
    match by {
        ByWhat::Model => "(no such model)",
        ByWhat::Provider | ByWhat::Upstream => "(nobody asked)",
        ByWhat::Key | ByWhat::Day => "(none)",
    }
}

/// What the numbers do not say by themselves.
fn tell_doubts(sums: &[Sum], reader: &Reader, scope: &Scope, context: &Context) -> anyhow::Result<()> {
    let Sum { unpriced, uncertain, .. } = total(sums);
    if unpriced > 0 {
        let way_out = "set `prices` in the configuration to have them in the cost";
        context.printer.notice(&format!("{unpriced} answers used tokens whose price is not known; {way_out}"));
    }
    if uncertain > 0 {
        context.printer.notice(&format!("the tokens of {uncertain} answers were not reported by their upstreams, and are estimates"));
    }
    let lost = reader.lost(&scope.period)?;
    if lost > 0 {
        let what = "their sums are here, but `llmgw logs` does not have them";
        context.printer.notice(&format!("{lost} requests came too fast, or the disk was full: {what}"));
    }
    Ok(())
}

fn total(sums: &[Sum]) -> Sum {
    sums.iter().fold(Sum::default(), |total, sum| Sum {
        requests: total.requests + sum.requests,
        failed: total.failed + sum.failed,
        attempts: total.attempts + sum.attempts,
        input: total.input + sum.input,
        cached: total.cached + sum.cached,
        output: total.output + sum.output,
        reasoning: total.reasoning + sum.reasoning,
        uncertain: total.uncertain + sum.uncertain,
        cost: total.cost + sum.cost,
        unpriced: total.unpriced + sum.unpriced,
        ..total
    })
}

/// Renames the database at `path` and what belongs to it. Nothing is thrown away.
fn set_aside(path: &Path, unasked: bool, context: &Context) -> anyhow::Result<Exit> {
    if !path.try_exists()? {
        context.printer.notice(&format!("there is no {}", path.display()));
        return Ok(Exit::Done);
    }
    let aside = free_name(path);
    if !unasked {
        if !context.printer.terminal().stdin || !context.printer.terminal().stderr {
            return Err(Failure::usage("nobody is here to be asked").hint("use `--set-aside-unasked`").into());
        }
        let question = format!("Rename {} to {}? Stop running gateways first.", path.display(), aside.display());
        if !Confirm::new().with_prompt(question).default(false).interact()? {
            return Ok(Exit::Done);
        }
    }
    for part in ["", "-wal", "-shm"] {
        let (from, to) = (with_end(path, part), with_end(&aside, part));
        if from.try_exists()? {
            fs::rename(from, to)?;
        }
    }
    context.printer.line(&format!("set aside as {}", aside.display()))?;
    Ok(Exit::Done)
}

fn free_name(path: &Path) -> PathBuf {
    let numbered = (1..).map(|number| with_end(path, &format!(".aside-{number}")));
    // There is one: numbers do not end before file systems do.
    numbered.take(10_000).find(|name| !name.exists()).unwrap_or_else(|| with_end(path, ".aside"))
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

#[derive(Serialize)]
struct UsageRow {
    name: String,
    requests: u64,
    failed: u64,
    attempts: u64,
    input: u64,
    cached: u64,
    output: u64,
    reasoning: u64,
    cost_usd: f64,
    mean_ms: Option<f64>,
    first_token_ms: Option<f64>,
    #[serde(skip)]
    is_total: bool,
    #[serde(skip)]
    unpriced: u64,
}

impl UsageRow {
    fn of(sum: &Sum, nameless: &str) -> UsageRow {
        UsageRow {
            name: if sum.name.is_empty() { nameless.to_owned() } else { sum.name.clone() },
            requests: sum.requests,
            failed: sum.failed,
            attempts: sum.attempts,
            input: sum.input,
            cached: sum.cached,
            output: sum.output,
            reasoning: sum.reasoning,
            cost_usd: sum.cost,
            mean_ms: sum.mean_ms,
            first_token_ms: sum.mean_first_token_ms,
            is_total: false,
            unpriced: sum.unpriced,
        }
    }
}

impl Row for UsageRow {
    const HEADERS: &'static [&'static str] =
        &["name", "requests", "failed", "attempts", "input", "cached", "output", "reasoning", "cost_usd", "mean_ms", "first_token_ms"];
    const SPARE: &'static [&'static str] = &["reasoning", "first_token_ms", "cached", "attempts", "mean_ms"];

    fn name(&self) -> &str {
        &self.name
    }

    fn cells(&self) -> Vec<String> {
        let milliseconds = |time: Option<f64>| time.map_or_else(String::new, |time| format!("{time:.0}"));
        // Not nothing: nobody knows.
        let cost = if self.unpriced > 0 && self.cost_usd == 0.0 { "?".to_owned() } else { format!("{:.6}", self.cost_usd) };
        let numbers = [self.requests, self.failed, self.attempts, self.input, self.cached, self.output, self.reasoning];
        let numbers = numbers.iter().map(u64::to_string);
        let last = [cost, milliseconds(self.mean_ms), milliseconds(self.first_token_ms)];
        std::iter::once(self.name.clone()).chain(numbers).chain(last).collect()
    }

    fn tone(&self) -> Tone {
        if self.is_total { Tone::Faint } else { Tone::Plain }
    }
}

#[cfg(test)]
mod tests {
    use super::{UsageRow, free_name, total};
    use crate::cli::rows::Row;
    use crate::storage::ledger::Sum;

    #[test]
    fn what_nobody_knows_the_price_of_is_not_free() {
        let cost = |cost, unpriced| UsageRow::of(&Sum { cost, unpriced, ..Sum::default() }, "").cells()[8].clone();
        assert_eq!([cost(0.0, 0), cost(0.0, 2), cost(1.5, 2)], ["0.000000", "?", "1.500000"]);
    }

    #[test]
    fn all_is_the_sum_of_all() {
        let sum = |requests, cost| Sum { requests, cost, input: 10, ..Sum::default() };
        let all = total(&[sum(1, 0.5), sum(2, 0.25)]);
        assert_eq!((all.requests, all.cost, all.input), (3, 0.75, 20));
    }

    #[test]
    fn what_was_set_aside_before_is_not_lost() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("llmgw.db");
        assert!(free_name(&path).ends_with("llmgw.db.aside-1"));
        std::fs::write(directory.path().join("llmgw.db.aside-1"), "").unwrap();
        assert!(free_name(&path).ends_with("llmgw.db.aside-2"));
    }
}
