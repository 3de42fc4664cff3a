//! What was measured: medians and spreads for people, everything for programs.

use std::time::Duration;

use serde::Serialize;

use super::measure::{Answer, Sample};
use crate::cli::output::Printer;
use crate::cli::rows::{self, Format, Row};
use crate::cli::statistics::Spread;
use crate::cli::table::Tone;

/// From so many answers on, the outermost tenths say less of a route than of the day.
const MANY: usize = 10;

/// Prints `samples`, and what their numbers do not say.
pub fn show(samples: &[Sample], format: Format, printer: &Printer) -> anyhow::Result<()> {
    let measured: Vec<Measurement> = samples.iter().map(Measurement::of).collect();
    let text = match format {
        Format::Table => {
            rows::rendered(&measured.iter().map(|one| Line { one, ends: ends(&measured) }).collect::<Vec<_>>(), format, printer.terminal())?
        }
        _ => rows::rendered(&measured, format, printer.terminal())?,
    };
    printer.print(&text)?;
    for one in &measured {
        for Failures { times, error } in &one.errors {
            let calls = one.answers + one.failed;
            printer.warning(&format!("{} at {}: {times} of {calls} calls failed: {error}", one.name, one.provider));
        }
    }
    if format == Format::Table {
        tell(&measured, printer);
    }
    Ok(())
}

fn tell(measured: &[Measurement], printer: &Printer) {
    if measured.iter().all(|one| one.answers == 0) {
        return;
    }
    let spread = match ends(measured) {
        Ends::Tenths => "the 10th and the 90th percentile",
        Ends::Outermost => "the least and the greatest",
    };
    printer.notice(&format!("medians, and in brackets {spread}; tokens per second are counted from the first token on"));
    if measured.iter().any(|one| one.answers > 0 && one.tokens.is_none()) {
        printer.notice("where no tokens stand, the upstream did not count them");
    }
}

/// One route, measured.
#[derive(Debug, Serialize)]
struct Measurement {
    name: String,
    provider: String,
    upstream_model: String,
    answers: usize,
    failed: usize,
    first_token_ms: Option<Spread>,
    tokens_per_second: Option<Spread>,
    total_ms: Option<Spread>,
    /// The median of what the answers had.
    tokens: Option<f64>,
    /// The average: it is what counts at the end of the month.
    usd_per_answer: Option<f64>,
    errors: Vec<Failures>,
}

/// One reason for failures.
#[derive(Debug, Serialize)]
struct Failures {
    times: usize,
    error: String,
}

/// The same for people.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    one: &'a Measurement,
    #[serde(skip)]
    ends: Ends,
}

/// Between which two numbers a spread is said to lie; the same for all that stand side by side.
#[derive(Clone, Copy)]
enum Ends {
    Outermost,
    Tenths,
}

/// Tenths, where all that answered did so often enough.
fn ends(measured: &[Measurement]) -> Ends {
    let has_many = measured.iter().filter(|one| one.answers > 0).all(|one| one.answers >= MANY);
    if has_many { Ends::Tenths } else { Ends::Outermost }
}

impl Measurement {
    fn of(sample: &Sample) -> Measurement {
        let answers = &sample.answers;
        let spread = |of: fn(&Answer) -> Option<f64>| Spread::of(answers.iter().filter_map(of));
        let costs: Vec<f64> = answers.iter().filter_map(|answer| answer.cost).collect();
        Measurement {
            name: sample.probe.name.clone(),
            provider: sample.probe.provider.clone(),
            upstream_model: sample.probe.upstream_model.clone(),
            answers: answers.len(),
            failed: sample.failed(),
            first_token_ms: spread(|answer| answer.first_token.map(milliseconds)),
            tokens_per_second: spread(|answer| answer.speed),
            total_ms: spread(|answer| Some(milliseconds(answer.total))),
            tokens: spread(|answer| answer.tokens.map(|tokens| tokens as f64)).map(|spread| spread.median),
            usd_per_answer: (!costs.is_empty()).then(|| costs.iter().sum::<f64>() / costs.len() as f64),
            errors: sample.errors.iter().map(|(error, times)| Failures { times: *times, error: error.clone() }).collect(),
        }
    }
}

impl Row for Measurement {
    const HEADERS: &'static [&'static str] = &[
        "name",
        "provider",
        "upstream_model",
        "answers",
        "failed",
        "first_token_ms.median",
        "first_token_ms.min",
        "first_token_ms.p10",
        "first_token_ms.p90",
        "first_token_ms.max",
        "tokens_per_second.median",
        "tokens_per_second.min",
        "tokens_per_second.p10",
        "tokens_per_second.p90",
        "tokens_per_second.max",
        "total_ms.median",
        "total_ms.min",
        "total_ms.p10",
        "total_ms.p90",
        "total_ms.max",
        "tokens",
        "usd_per_answer",
        "errors",
    ];

    fn name(&self) -> &str {
        &self.name
    }

    fn cells(&self) -> Vec<String> {
        let names = [&self.name, &self.provider, &self.upstream_model].map(String::clone);
        let counts = [self.answers, self.failed].map(|number| number.to_string());
        let spreads = [self.first_token_ms, self.tokens_per_second, self.total_ms].into_iter().flat_map(|spread| {
            let numbers = spread.map(|Spread { median, min, p10, p90, max }| [median, min, p10, p90, max]);
            numbers.map_or_else(|| [const { String::new() }; 5], |numbers| numbers.map(|number| number.to_string()))
        });
        let last = [self.tokens, self.usd_per_answer].map(|number| number.map_or_else(String::new, |number| number.to_string()));
        let errors: Vec<String> = self.errors.iter().map(|Failures { times, error }| format!("{times} × {error}")).collect();
        names.into_iter().chain(counts).chain(spreads).chain(last).chain([errors.join("; ")]).collect()
    }
}

impl Row for Line<'_> {
    const HEADERS: &'static [&'static str] =
        &["model", "provider", "upstream_model", "answers", "first_token", "tokens/s", "total", "tokens", "usd/answer"];
    const SPARE: &'static [&'static str] = &["upstream_model", "tokens"];

    fn name(&self) -> &str {
        &self.one.name
    }

    fn cells(&self) -> Vec<String> {
        let Line { one, ends } = *self;
        let milliseconds = |spread: Option<Spread>| spread.map_or_else(String::new, |spread| said(spread, ends, 0, " ms"));
        vec![
            one.name.clone(),
            one.provider.clone(),
            one.upstream_model.clone(),
            format!("{}/{}", one.answers, one.answers + one.failed),
            milliseconds(one.first_token_ms),
            one.tokens_per_second.map_or_else(String::new, |spread| said(spread, ends, 1, "")),
            milliseconds(one.total_ms),
            one.tokens.map_or_else(String::new, |tokens| format!("{tokens:.0}")),
            one.usd_per_answer.map_or_else(String::new, |usd| format!("{usd:.6}")),
        ]
    }

    fn tone(&self) -> Tone {
        if self.one.failed > 0 { Tone::Bad } else { Tone::Plain }
    }
}

/// `234 ms (210–301)`
fn said(spread: Spread, ends: Ends, digits: usize, unit: &str) -> String {
    let Spread { median, min, p10, p90, max } = spread;
    let (from, to) = match ends {
        Ends::Tenths => (p10, p90),
        Ends::Outermost => (min, max),
    };
    format!("{median:.digits$}{unit} ({from:.digits$}–{to:.digits$})")
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::{Ends, Measurement, Spread, ends, said};

    fn measurement(answers: usize) -> Measurement {
        Measurement {
            name: "大".to_owned(),
            provider: "a".to_owned(),
            upstream_model: "m".to_owned(),
            answers,
            failed: 0,
            first_token_ms: None,
            tokens_per_second: None,
            total_ms: None,
            tokens: None,
            usd_per_answer: None,
            errors: Vec::new(),
        }
    }

    #[test]
    fn spreads_side_by_side_are_of_one_kind() {
        let is_of_tenths = |answers: &[usize]| {
            let measured: Vec<Measurement> = answers.iter().map(|answers| measurement(*answers)).collect();
            matches!(ends(&measured), Ends::Tenths)
        };
        assert_eq!([is_of_tenths(&[10, 12]), is_of_tenths(&[10, 9]), is_of_tenths(&[10, 0])], [true, false, true]);
        let spread = Spread { median: 234.4, min: 1.0, p10: 210.0, p90: 300.6, max: 999.0 };
        assert_eq!(said(spread, Ends::Tenths, 0, " ms"), "234 ms (210–301)");
        assert_eq!(said(spread, Ends::Outermost, 1, ""), "234.4 (1.0–999.0)");
    }
}
