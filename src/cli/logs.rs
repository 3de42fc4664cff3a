//! `llmgw logs`: requests as they ended, one a line.

use std::collections::HashSet;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValuesParser;

use crate::cli::context::Context;
use crate::cli::failure::Exit;
use crate::cli::recorded::{self, Which, dollars, duration};
use crate::cli::table::{one_line, painted};
use crate::hub::Outcome;
use crate::storage::ledger::{Entry, Filter, Reader};
use crate::telemetry::Record;

const EXAMPLES: &str = "\
Examples:
  llmgw logs                               the last requests, the newest last
  llmgw logs -f                            and those that follow
  llmgw logs --failed --since 1h           what went wrong in the last hour
  llmgw logs --model gpt-4 --format json   for programs, one object a line
  llmgw why REQUEST_ID                     all that is known of one of them";

/// How often it is looked for what is new. Rows are written five times a second.
const LOOK: Duration = Duration::from_millis(250);

/// So late a row may come into the file after another one that ended later: another process wrote that.
const LATE: Duration = Duration::from_secs(3);

/// So many at a time are read of what is new.
const AT_ONCE: usize = 1_000;

/// Flags of `llmgw logs`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which requests
    #[command(flatten)]
    pub which: Which,
    /// How many, of the newest
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    pub lines: usize,
    /// Go on with those that follow
    #[arg(short, long)]
    pub follow: bool,
    /// Only those whose client got less than it asked for
    #[arg(long)]
    pub failed: bool,
    /// Only those that ended so
    #[arg(long, value_name = "OUTCOME", value_parser = PossibleValuesParser::new(Outcome::OF_REQUESTS.map(Outcome::as_str)))]
    pub outcome: Option<String>,
    /// How to show them
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: LineFormat,
}

/// How requests are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LineFormat {
    /// For people
    Text,
    /// An object a line, with all that is known
    Json,
}

/// Runs `llmgw logs`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let mut last = 0;
    if let Some(reader) = recorded::open(context)? {
        let filter = Filter { limit: args.lines, ..args.filter(&reader, args.which.clone())? };
        let newest = Filter { limit: 1, ..Filter::default() };
        last = reader.entries(&newest)?.first().map_or(0, |entry| entry.at);
        show(reader.entries(&filter)?, args.format, context)?;
    }
    if args.follow {
        follow(&args, last, context).await?;
    }
    Ok(Exit::Done)
}

/// Shows what comes after `last`, until it is interrupted.
async fn follow(args: &Args, last: i64, context: &Context) -> anyhow::Result<()> {
    let place = recorded::place(context)?;
    let late = LATE.as_micros() as i64;
    let (mut last, mut after) = (last, last - late);
    // What lies close before it was shown already, or was not to be.
    let mut seen: HashSet<i64> = HashSet::new();
    let mut is_first = true;
    loop {
        let Some(reader) = Reader::open(&place)? else {
            tokio::time::sleep(LOOK).await;
            continue;
        };
        let filter = args.filter(&reader, Which { since: None, ..args.which.clone() })?;
        let mut entries = reader.entries(&Filter { after: Some(after), limit: AT_ONCE, ..filter })?;
        let is_all = entries.len() < AT_ONCE;
        let newest = entries.first().map_or(last, |entry| entry.at);
        entries.retain(|entry| seen.insert(entry.at) && !(is_first && entry.at <= last));
        show(entries, args.format, context)?;
        last = last.max(newest);
        after = if is_all { last - late } else { newest };
        seen.retain(|at| *at >= last - 2 * late);
        if is_all {
            is_first = false;
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Args {
    fn filter(&self, reader: &Reader, which: Which) -> anyhow::Result<Filter> {
        let outcome = self.outcome.as_deref().and_then(Outcome::of_word);
        Ok(Filter { scope: which.scope(reader, None)?, outcome, only_failed: self.failed, ..Filter::default() })
    }
}

/// Shows these, the newest last.
fn show(entries: Vec<Entry>, format: LineFormat, context: &Context) -> anyhow::Result<()> {
    let mut text = String::new();
    for entry in entries.iter().rev() {
        match format {
            LineFormat::Json => text += &serde_json::to_string(entry)?,
            LineFormat::Text => text += &line(entry, context.printer.terminal().stdout_colour),
        }
        text.push('\n');
    }
    Ok(context.printer.print(&text)?)
}

/// When, how it ended, what was asked and who answered, how long, what it used and cost, who asked, its id.
fn line(entry: &Entry, coloured: bool) -> String {
    let record = &entry.record;
    let end = format!("{:<16} {}", record.outcome.as_str(), record.status);
    let way = one_line(&way(record));
    let facts = facts(record);
    let line = format!("{}  {}  {way}  {facts}", entry.local, painted(&end, recorded::tone(record.outcome), coloured));
    match &record.error {
        Some(error) => format!("{line}\n{:>24} {}", "", one_line(error)),
        None => line,
    }
}

/// `gpt-4 → b/m-b (2nd try)`
fn way(record: &Record) -> String {
    let model = if record.model.is_empty() { &*record.endpoint } else { &record.model };
    let asked: String = if model.is_empty() { "(no model)".to_owned() } else { model.to_owned() };
    if record.provider.is_empty() {
        return asked;
    }
    let upstream = if record.upstream_model.is_empty() { String::new() } else { format!("/{}", record.upstream_model) };
    let tries = match record.attempts.len() {
        0 | 1 => String::new(),
        more => format!(" ({more} tries)"),
    };
    format!("{asked} → {}{upstream}{tries}", record.provider)
}

fn facts(record: &Record) -> String {
    let mut facts = vec![duration(record.total)];
    if let Some(first) = record.first_token {
        facts.push(format!("first token {}", duration(first)));
    }
    if let Some((usage, _)) = record.usage {
        facts.push(format!("{} in {} out", usage.input, usage.output));
    }
    if let Some(cost) = &record.cost {
        facts.push(dollars(cost.usd));
    }
    facts.push(one_line(&record.caller));
    facts.push(one_line(&record.id));
    facts.join("  ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::line;
    use crate::hub::{Outcome, Provenance, Usage};
    use crate::storage::ledger::Entry;
    use crate::telemetry::Record;
    use crate::telemetry::record::Cost;

    fn entry(record: Record) -> Entry {
        Entry { at: 1, local: "2026-11-28 09:30:05.123".to_owned(), record }
    }

    #[test]
    fn a_line_says_what_happened() {
        let usage = Usage { input: 100, output: 20, ..Usage::default() };
        let record = Record {
            id: "req-1".into(),
            caller: "团队".into(),
            model: "gpt-4".to_owned(),
            provider: "b".into(),
            upstream_model: "m-b".into(),
            status: 200,
            outcome: Outcome::Ok,
            first_token: Some(Duration::from_millis(300)),
            total: Duration::from_millis(1420),
            usage: Some((usage, Provenance::Reported)),
            cost: Some(Cost { usd: 0.25, prices: "config".into() }),
            ..Record::default()
        };
        let expected =
            "2026-11-28 09:30:05.123  ok               200  gpt-4 → b/m-b  1.42 s  first token 300 ms  100 in 20 out  $0.2500  团队  req-1";
        assert_eq!(line(&entry(record), false), expected);
    }

    #[test]
    fn what_a_client_wrote_moves_no_cursor() {
        let wild = "\x1b[2Jm\nm".to_owned();
        let text =
            line(&entry(Record { model: wild.clone(), error: Some(wild), outcome: Outcome::BadRequest, ..Record::default() }), false);
        assert!(!text.contains('\x1b') && text.lines().count() == 2, "{text:?}");
    }
}
