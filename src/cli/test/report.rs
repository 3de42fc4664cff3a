//! Outcomes of a test for people, as a table; for programs see the modules below.

pub mod github;
pub mod junit;

use super::outcome::{Finding, Outcome, Verdict};
use crate::cli::output::Terminal;
use crate::cli::table::{Table, Tone};
use crate::config::Capability;
use crate::engine::ProbeResult;

/// Characters of an answer that a table shows.
const EXCERPT: usize = 40;

/// What a table shows beside the usual.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns {
    /// The time until the first token.
    pub first_token: bool,
    /// A column for each capability.
    pub capabilities: bool,
    /// How it compares with a baseline.
    pub baseline: bool,
}

/// For people.
pub fn table(outcomes: &[Outcome], columns: Columns, terminal: &Terminal) -> String {
    let mut table = Table::new(headers(columns), terminal);
    for outcome in outcomes {
        let verdict = outcome.verdict();
        let tone = match verdict {
            Verdict::Ok => Tone::Good,
            Verdict::Failed | Verdict::Slower => Tone::Bad,
            Verdict::Skipped => Tone::Faint,
        };
        let ProbeResult { model, provider, upstream_model, latency_ms, first_token_ms, .. } = &outcome.result;
        let latency = if verdict == Verdict::Skipped { String::new() } else { milliseconds(*latency_ms) };
        let mut cells = vec![model.clone(), provider.clone(), upstream_model.clone(), verdict.word().to_owned(), latency];
        if columns.first_token {
            cells.push(first_token_ms.map_or_else(String::new, milliseconds));
        }
        if columns.baseline {
            cells.push(outcome.baseline.as_ref().map_or_else(String::new, |comparison| format!("×{:.2}", comparison.ratio)));
        }
        if columns.capabilities {
            cells.extend(Capability::ALL.map(|capability| found(outcome, capability).to_owned()));
        }
        cells.push(detail(outcome));
        table.row(cells, tone);
    }
    format!("{table}\n")
}

fn headers(columns: Columns) -> Vec<String> {
    let mut headers = vec!["MODEL", "PROVIDER", "UPSTREAM MODEL", "RESULT", "LATENCY"];
    headers.extend(columns.first_token.then_some("FIRST TOKEN"));
    headers.extend(columns.baseline.then_some("BASELINE"));
    let mut headers: Vec<String> = headers.into_iter().map(str::to_owned).collect();
    if columns.capabilities {
        headers.extend(Capability::ALL.map(|capability| capability.word().replace('_', " ").to_uppercase()));
    }
    headers.push("ANSWER OR ERROR".to_owned());
    headers
}

/// One word for a capability; nothing where it was not tried.
fn found(outcome: &Outcome, capability: Capability) -> &'static str {
    match outcome.capabilities.iter().find(|finding| finding.capability == capability) {
        None => "",
        Some(finding) if finding.is_unclaimed() => "unclaimed",
        Some(finding) if finding.has_failed() => "failed",
        Some(Finding { ok: true, .. }) => "ok",
        Some(_) => "no",
    }
}

fn detail(outcome: &Outcome) -> String {
    let problems = outcome.problems();
    if !problems.is_empty() {
        return problems.join("; ");
    }
    if let Some(reason) = &outcome.result.skipped {
        return reason.clone();
    }
    let reply = outcome.result.reply.as_deref().unwrap_or_default().trim();
    let mut excerpt: String = reply.chars().take(EXCERPT).collect();
    if excerpt.len() < reply.len() {
        excerpt.push('…');
    }
    excerpt
}

fn milliseconds(number: u64) -> String {
    format!("{number} ms")
}

#[cfg(test)]
mod tests {
    use super::{Columns, table};
    use crate::cli::output::Terminal;
    use crate::cli::test::outcome::tests::{capable, outcomes};

    #[test]
    fn a_table_has_one_line_a_route() {
        let all = Columns { first_token: true, baseline: true, ..Columns::default() };
        let text = table(&outcomes(), all, &Terminal::default());
        assert_eq!(text.lines().count(), 8);
        assert!(text.contains("FIRST TOKEN") && text.contains("200 ms") && text.contains("你好！"), "{text}");
        assert!(text.contains("×2.47") && text.contains("too slow"), "{text}");
        let plain = table(&outcomes(), Columns::default(), &Terminal::default());
        assert!(!plain.contains("FIRST TOKEN") && !plain.contains("BASELINE"), "{plain}");
    }

    #[test]
    fn each_capability_has_a_word() {
        let columns = Columns { capabilities: true, ..Columns::default() };
        let text = table(&[capable()], columns, &Terminal::default());
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
        assert_eq!(rows[1][6..11], ["STREAM", "TOOLS", "JSON SCHEMA", "VISION", "EMBEDDINGS"]);
        assert_eq!(rows[3][6..12], ["ok", "failed", "", "unclaimed", "no", "tools: cannot"]);
    }
}
