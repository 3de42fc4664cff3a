//! `llmgw why`: all that is known of one request, as a waterfall.

use std::time::Duration;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::logs::LineFormat;
use crate::cli::recorded::{self, dollars, duration};
use crate::cli::table::{one_line, painted};
use crate::hub::{Kind, Provenance, Usage};
use crate::storage::ledger::{Entry, Filter};
use crate::telemetry::Record;
use crate::telemetry::record::{Attempt, Cost, Route};

const EXAMPLES: &str = "\
Examples:
  llmgw why req-18c9f0a2b7e45012a3f4   what became of this request
  llmgw why req-18c9                   the beginning of an id will do
  llmgw why                            of the last one
  llmgw why --failed                   of the last one that failed

A request's id is in the reply's header `x-request-id`, in the log, and in `llmgw logs`.
The bars: `·` connecting, `░` waiting for the answer's head, `▒` for its first word, `█` the
answer.";

/// How wide the bars are.
const WIDTH: usize = 40;

/// So many requests of one id are looked for.
const SAME: usize = 20;

/// A gateway has written a request that it has just answered after this time, unless it has too much to do.
const WRITTEN_WITHIN: Duration = Duration::from_millis(500);

/// Flags of `llmgw why`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The request's id, or the beginning of it [default: the last request]
    #[arg(value_name = "REQUEST_ID")]
    pub id: Option<String>,
    /// The last one that failed
    #[arg(long, conflicts_with = "id")]
    pub failed: bool,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: LineFormat,
}

/// Runs `llmgw why`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let Some(reader) = recorded::open(context)? else {
        return Err(Failure::failed("there is no request to tell of").into());
    };
    let find = || match &args.id {
        Some(id) => reader.find(id, SAME),
        None => reader.entries(&Filter { only_failed: args.failed, limit: 1, ..Filter::default() }),
    };
    let mut found = find()?;
    if found.is_empty() {
        tokio::time::sleep(WRITTEN_WITHIN).await;
        found = find()?;
    }
    let Some(entry) = found.first() else { return Err(missing(args.id.as_deref(), args.failed).into()) };
    let is_whole = args.id.as_deref().is_some_and(|id| id == &*entry.record.id);
    let others: Vec<&str> = found.iter().skip(1).map(|other| &*other.record.id).filter(|id| *id != &*entry.record.id).collect();
    if !is_whole && !others.is_empty() {
        let ids = found.iter().map(|entry| format!("{}  {}", entry.local, one_line(&entry.record.id)));
        return Err(Failure::usage("several requests begin so").details(ids).hint("name one of them").into());
    }
    match args.format {
        LineFormat::Json => context.printer.line(&serde_json::to_string_pretty(entry)?)?,
        LineFormat::Text => context.printer.print(&told(entry, context.printer.terminal().stdout_colour))?,
    }
    let same = found.iter().skip(1).filter(|other| other.record.id == entry.record.id).count();
    if same > 0 {
        context.printer.notice(&format!("{same} earlier requests have this id too; this is the last"));
    }
    Ok(Exit::Done)
}

fn missing(id: Option<&str>, failed: bool) -> Failure {
    let hint = "`llmgw logs` lists those that are recorded; `storage.keep` says how long they are";
    match id {
        Some(id) => Failure::failed(format!("no request `{}` is recorded", one_line(id))).hint(hint),
        None if failed => Failure::failed("no request that failed is recorded").hint(hint),
        None => Failure::failed("no request is recorded").hint(hint),
    }
}

/// The whole story.
fn told(entry: &Entry, coloured: bool) -> String {
    let record = &entry.record;
    let mut lines = vec![head(entry, coloured), asked(record)];
    if !record.resolved_by.is_empty() {
        lines.push(format!("resolved  {}", one_line(&record.resolved_by)));
    }
    if !record.plan.is_empty() {
        let plan: Vec<String> = record.plan.iter().map(|route| upstream(route, record)).collect();
        lines.push(format!("plan      {}", plan.join(", then ")));
    }
    for skip in &record.skipped {
        lines.push(format!("skipped   {}: {}", upstream(&skip.route, record), one_line(&skip.reason)));
    }
    if !record.attempts.is_empty() {
        lines.push(String::new());
        lines.extend(waterfall(record, coloured));
        lines.push(String::new());
    }
    lines.extend(used(record));
    lines.push(format!("overhead  {} in llmgw itself", duration(record.overhead)));
    if let Some(error) = &record.error {
        lines.push(format!("error     {}", one_line(error)));
    }
    lines.join("\n") + "\n"
}

fn head(entry: &Entry, coloured: bool) -> String {
    let record = &entry.record;
    let end = painted(&format!("{} {}", record.status, record.outcome.as_str()), recorded::tone(record.outcome), coloured);
    format!("{}  {}  {end} after {}", one_line(&record.id), entry.local, duration(record.total))
}

fn asked(record: &Record) -> String {
    let model = if record.model.is_empty() { String::new() } else { format!(" for {}", one_line(&record.model)) };
    let from = record.client.map_or_else(|| " from the command line".to_owned(), |client| format!(" from {client}"));
    let stream = if record.stream { ", streamed" } else { "" };
    let dialect = record.dialect.map(Kind::word).map(|word| format!(" ({word}{stream})")).unwrap_or_default();
    format!("asked     {}{model}{dialect} by {}{from}", one_line(&record.endpoint), one_line(&record.caller))
}

/// `b/m-b`, and by which name it came in, if that is another one than was asked for.
fn upstream(route: &Route, record: &Record) -> String {
    let is_other = !route.via.is_empty() && *route.via != record.model;
    let via = if is_other { format!(" (for {})", route.via) } else { String::new() };
    let model = if route.upstream_model.is_empty() { String::new() } else { format!("/{}", route.upstream_model) };
    one_line(&format!("{}{model}{via}", route.provider))
}

/// A bar and a line of particulars for each attempt.
fn waterfall(record: &Record, coloured: bool) -> Vec<String> {
    let end = record.over();
    let mut lines = Vec::new();
    for (number, attempt) in record.attempts.iter().enumerate() {
        let status = attempt.status.map(|status| format!("{status} ")).unwrap_or_default();
        let ended = painted(&format!("{status}{}", attempt.outcome.as_str()), recorded::tone(attempt.outcome), coloured);
        let hedge = if attempt.is_hedge { ", beside the one before" } else { "" };
        let name = one_line(&format!("{}/{}", attempt.route.provider, attempt.route.upstream_model));
        lines.push(format!("{:>2}  {}  {name}  {ended} after {}{hedge}", number + 1, bar(attempt, end), duration(attempt.took)));
        let particulars = particulars(attempt);
        if !particulars.is_empty() {
            lines.push(format!("{:WIDTH$}      {particulars}", ""));
        }
        if let Some(reason) = &attempt.reason {
            lines.push(format!("{:WIDTH$}      {}", "", one_line(reason)));
        }
    }
    lines
}

/// Where in the request's time it lies, and what it did in each part of that.
fn bar(attempt: &Attempt, end: Duration) -> String {
    let place = |time: Duration| {
        let share = if end.is_zero() { 0.0 } else { time.as_secs_f64() / end.as_secs_f64() };
        ((share * WIDTH as f64).round() as usize).min(WIDTH)
    };
    let from = place(attempt.began).min(WIDTH - 1);
    let until = place(attempt.began + attempt.took).clamp(from + 1, WIDTH);
    let connected = attempt.connected();
    let head = attempt.first_byte.unwrap_or(attempt.took);
    let first = attempt.first_token.unwrap_or(if attempt.first_byte.is_some() { head } else { attempt.took });
    let part = |cell: usize| match () {
        () if cell < from || cell >= until => ' ',
        () if cell < place(attempt.began + connected) => '·',
        () if cell < place(attempt.began + head) => '░',
        () if cell < place(attempt.began + first) => '▒',
        // What is too short for a cell of its own is seen all the same.
        () => {
            if attempt.first_byte.is_some() {
                '█'
            } else {
                '░'
            }
        }
    };
    (0..WIDTH).map(part).collect()
}

fn particulars(attempt: &Attempt) -> String {
    let mut parts = Vec::new();
    if let Some(dialect) = attempt.dialect {
        parts.push(dialect.word().to_owned());
    }
    let times =
        [("connect", attempt.connect), ("TLS", attempt.tls), ("first byte", attempt.first_byte), ("first token", attempt.first_token)];
    parts.extend(times.into_iter().filter_map(|(what, time)| Some(format!("{what} {}", duration(time?)))));
    if attempt.reused_connection() {
        parts.push("connection reused".to_owned());
    }
    if let Some(usage) = attempt.usage {
        parts.push(tokens(usage));
    }
    parts.extend(attempt.cost.as_ref().map(|cost| dollars(cost.usd)));
    parts.join(" · ")
}

fn tokens((usage, provenance): (Usage, Provenance)) -> String {
    let of = |count: u64, what: &str| if count > 0 { format!(" ({count} {what})") } else { String::new() };
    let cached = of(usage.cached, "cached") + &of(usage.cache_write, "written to the cache");
    format!("{} in{cached}, {} out{}, {}", usage.input, usage.output, of(usage.reasoning, "reasoning"), provenance.word())
}

fn used(record: &Record) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(usage) = record.usage {
        lines.push(format!("tokens    {}", tokens(usage)));
    }
    match &record.cost {
        Some(Cost { usd, prices }) => lines.push(format!("cost      {} (prices: {prices})", dollars(*usd))),
        None if record.attempts.iter().any(|attempt| attempt.usage.is_some()) => lines.push("cost      not known: no price".to_owned()),
        None => {}
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::told;
    use crate::hub::{Kind, Outcome, Provenance, Usage};
    use crate::storage::ledger::Entry;
    use crate::telemetry::Record;
    use crate::telemetry::record::{Attempt, Cost, Route, Skip};

    fn route(provider: &str) -> Route {
        Route { via: "gpt-4".into(), provider: provider.into(), upstream_model: format!("m-{provider}").into() }
    }

    fn milliseconds(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    fn attempt(provider: &str, began: u64, took: u64, outcome: Outcome) -> Attempt {
        Attempt {
            route: route(provider),
            peer: Default::default(),
            dialect: Some(Kind::OpenAiChat),
            began: milliseconds(began),
            connect: None,
            tls: None,
            first_byte: None,
            first_token: None,
            took: milliseconds(took),
            status: None,
            outcome,
            reason: None,
            usage: None,
            cost: None,
            is_hedge: false,
            span: None,
        }
    }

    #[test]
    fn a_failover_is_a_waterfall() {
        let usage = Usage { input: 100, cached: 40, output: 20, reasoning: 5, ..Usage::default() };
        let cost = Cost { usd: 0.25, prices: "2026-11-20".into() };
        let failed = Attempt {
            connect: Some(milliseconds(100)),
            tls: Some(milliseconds(100)),
            first_byte: Some(milliseconds(390)),
            status: Some(500),
            reason: Some("上游说 500".to_owned()),
            ..attempt("a", 0, 400, Outcome::UpstreamError)
        };
        let answered = Attempt {
            first_byte: Some(milliseconds(200)),
            first_token: Some(milliseconds(400)),
            status: Some(200),
            usage: Some((usage, Provenance::Reported)),
            cost: Some(cost.clone()),
            ..attempt("b", 400, 600, Outcome::Ok)
        };
        let record = Record {
            id: "req-1".into(),
            client: Some([127, 0, 0, 1].into()),
            caller: "team-a".into(),
            endpoint: "/chat/completions".into(),
            dialect: Some(Kind::OpenAiChat),
            model: "gpt-4".to_owned(),
            stream: true,
            resolved_by: "an entry of `models`".to_owned(),
            plan: vec![route("a"), route("b")],
            skipped: vec![Skip { route: route("c"), reason: "cooling 7.2s".to_owned(), at: Duration::ZERO }],
            attempts: vec![failed, answered],
            status: 200,
            outcome: Outcome::Ok,
            overhead: Duration::from_micros(321),
            total: milliseconds(1000),
            usage: Some((usage, Provenance::Reported)),
            cost: Some(cost),
            ..Record::default()
        };
        let entry = Entry { at: 1, local: "2026-11-28 09:30:05.123".to_owned(), record };
        let expected = "\
req-1  2026-11-28 09:30:05.123  200 ok after 1.00 s
asked     /chat/completions for gpt-4 (openai_chat, streamed) by team-a from 127.0.0.1
resolved  an entry of `models`
plan      a/m-a, then b/m-b
skipped   c/m-c: cooling 7.2s

 1  ········░░░░░░░░                          a/m-a  500 upstream_error after 400 ms
                                              openai_chat · connect 100 ms · TLS 100 ms · first byte 390 ms
                                              上游说 500
 2                  ░░░░░░░░▒▒▒▒▒▒▒▒████████  b/m-b  200 ok after 600 ms
                                              openai_chat · first byte 200 ms · first token 400 ms · connection reused · 100 in (40 cached), 20 out (5 reasoning), reported · $0.2500

tokens    100 in (40 cached), 20 out (5 reasoning), reported
cost      $0.2500 (prices: 2026-11-20)
overhead  321 µs in llmgw itself
";
        assert_eq!(told(&entry, false), expected);
    }
}
