//! What lies over the panes: the keys, a question, all that is known of one thing.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, Clear, Widget};
use unicode_width::UnicodeWidthChar;

use crate::cli::recorded;
use crate::cli::table::one_line;
use crate::cli::top::draw::put;
use crate::cli::top::draw::theme::Theme;
use crate::cli::top::figures::{Acted, Ended, Provider, Tested, milliseconds};
use crate::cli::top::state::{Over, Pane, State};
use crate::cli::top::words::{self, NOTHING, age, share, width};
use crate::routing::Percentiles;

/// A line of text, and how it looks.
type Line = (String, Style);

const KEYS: [(&str, &str); 9] = [
    ("j k ↓ ↑", "choose; g G the ends"),
    ("PgDn PgUp", "choose, ten at once"),
    ("Tab ← →", "the next pane"),
    ("Enter", "all that is known of it"),
    ("d", "drain: nothing new goes there"),
    ("r", "resume a drained provider"),
    ("c", "end its cooldown"),
    ("t", "test its routes for real"),
    ("q Ctrl-C", "quit"),
];

/// Draws what lies over `body`, if anything does.
pub fn draw(state: &State, theme: Theme, body: Rect, buffer: &mut Buffer) {
    let (title, lines) = match &state.over {
        Over::Nothing => return,
        Over::Help => ("Keys".to_owned(), KEYS.map(|(key, does)| (format!("{key:<9} {does}"), Style::new())).into()),
        Over::Confirm(provider) => (format!("Drain {provider}?"), question(state, provider, theme)),
        Over::Details => match (state.pane, state.provider(), state.request()) {
            (Pane::Providers, Some((_, provider)), _) => (provider.name.clone(), of_provider(provider, theme)),
            (Pane::Requests, _, Some(ended)) => (ended.id.clone(), of_request(ended, state, theme)),
            _ => return,
        },
        Over::Tested(provider, acted) => (format!("Test of {provider}"), tested(acted, theme)),
    };
    frame(&title, &lines, theme, body, buffer);
}

/// A window in the middle of `body`, as large as `lines` need, which are wrapped to it.
fn frame(title: &str, lines: &[Line], theme: Theme, body: Rect, buffer: &mut Buffer) {
    let most = body.width.saturating_sub(4).min(100);
    let longest = lines.iter().map(|(text, _)| width(text)).max().unwrap_or_default().max(width(title) + 2);
    let inside = longest.min(most).max(1);
    let wrapped: Vec<Line> = lines.iter().flat_map(|(text, style)| wrap(text, inside).into_iter().map(|line| (line, *style))).collect();
    let height = u16::try_from(wrapped.len()).unwrap_or(u16::MAX).saturating_add(2).min(body.height);
    let wide = (inside + 4).min(body.width);
    let area = Rect { x: body.x + (body.width - wide) / 2, y: body.y + (body.height - height) / 2, width: wide, height };
    Clear.render(area, buffer);
    let block = Block::bordered().border_style(theme.focused()).title(format!(" {} ", words::fit(title, inside)));
    let within = block.inner(area);
    block.render(area, buffer);
    for ((text, style), y) in wrapped.iter().zip(within.y..within.bottom()) {
        put(text, *style, Rect { x: within.x + 1, y, width: within.width.saturating_sub(2), height: 1 }, buffer);
    }
}

/// `text` in lines of at most `cells` cells, between words where that can be.
fn wrap(text: &str, cells: u16) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for character in one_line(text).chars() {
        let takes = u16::try_from(character.width().unwrap_or_default()).unwrap_or_default();
        if width(&line) + takes > cells {
            // A word goes on in the next line whole, if it is not a long one.
            let at = line.rfind(' ').map(|at| at + 1).filter(|at| width(&line[*at..]) < cells / 2).unwrap_or(line.len());
            let rest = line.split_off(at);
            lines.push(line.trim_end().to_owned());
            line = rest;
        }
        line.push(character);
    }
    lines.push(line);
    lines
}

fn question(state: &State, name: &str, theme: Theme) -> Vec<Line> {
    let running = state.status.providers.iter().find(|provider| provider.name == name).map_or(0, |provider| provider.in_flight);
    let ends = match running {
        0 => "Nothing is on its way there.".to_owned(),
        1 => "The request that is on its way there ends as it would.".to_owned(),
        more => format!("The {more} requests that are on their way there end as they would."),
    };
    vec![
        ("New requests go elsewhere, until r or the gateway's next start.".to_owned(), Style::new()),
        (ends, Style::new()),
        (String::new(), Style::new()),
        ("y drains it, any other key leaves it".to_owned(), theme.strong()),
    ]
}

fn fact(name: &str, value: impl Into<String>) -> Line {
    (format!("{name:<12} {}", value.into()), Style::new())
}

fn of_provider(provider: &Provider, theme: Theme) -> Vec<Line> {
    let latency = |of: fn(&Percentiles) -> u32| words::whole(provider.latency_ms.as_ref().map(of));
    let number = |number: Option<usize>| number.map_or_else(|| NOTHING.to_owned(), |number| number.to_string());
    let mut lines = vec![
        (format!("{:<12} {}", "state", words::state(provider)), theme.of_provider(provider)),
        fact("kind", &provider.kind),
        fact("in flight", provider.in_flight.to_string()),
        fact("attempts", format!("{}, {} ok", provider.requests, share(provider.success_rate))),
        fact("failures", format!("{} in a row", provider.failures)),
        fact("latency", format!("p50 {}, p95 {}, p99 {}", latency(|all| all.p50), latency(|all| all.p95), latency(|all| all.p99))),
        fact("keys", format!("{}, {} at rest", provider.credentials.total, provider.credentials.resting)),
        fact("models", number(provider.models)),
    ];
    // What there may be no room for comes last.
    lines.splice(1..1, provider.last_error.as_ref().map(|error| (format!("{:<12} {error}", "last error"), theme.bad())));
    lines
}

fn of_request(ended: &Ended, state: &State, theme: Theme) -> Vec<Line> {
    let time = |number: Option<f64>| words::time(number);
    let mut lines = vec![
        (format!("{:<12} {} {}", "outcome", ended.outcome, ended.status), theme.of_request(ended)),
        fact("ended", format!("{} ago", ended.age(state.now).map_or_else(|| NOTHING.to_owned(), age))),
        fact("model", &ended.model),
        fact("asked", &ended.endpoint),
        fact("key", &ended.caller),
        fact("took", format!("{}, first token {}", recorded::duration(ended.took()), time(ended.first_token_ms))),
        fact("tokens", words::tokens(ended)),
        fact("cost", ended.cost.map_or_else(|| NOTHING.to_owned(), |cost| recorded::dollars(cost.usd))),
    ];
    for (number, attempt) in ended.attempts.iter().enumerate() {
        let took: Duration = milliseconds(attempt.took_ms);
        let reason = attempt.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        let way = format!("{}/{} {} {}{reason}", attempt.provider, attempt.upstream_model, attempt.outcome, recorded::duration(took));
        lines.push(fact(&format!("attempt {}", number + 1), way));
    }
    lines.splice(1..1, ended.error.as_ref().map(|error| (format!("{:<12} {error}", "error"), theme.bad())));
    lines.push((format!("llmgw why {}", ended.id), theme.faint()));
    lines
}

fn tested(acted: &Acted, theme: Theme) -> Vec<Line> {
    if acted.results.is_empty() {
        return vec![("It has no route to ask.".to_owned(), Style::new())];
    }
    let line = |result: &Tested| match (&result.skipped, &result.error) {
        (Some(why), _) => (format!("–  {}: {why}", route(result)), theme.faint()),
        (None, Some(error)) => (format!("✗  {}: {error}", route(result)), theme.bad()),
        (None, None) => (format!("✓  {}  {}", route(result), words::whole(Some(result.latency_ms))), theme.good()),
    };
    acted.results.iter().map(line).collect()
}

/// `gpt-4 → gpt-4o`, or the name alone where it is the upstream's too.
fn route(tested: &Tested) -> String {
    let Tested { model, upstream_model, .. } = tested;
    if upstream_model.is_empty() || model == upstream_model { model.clone() } else { format!("{model} → {upstream_model}") }
}

#[cfg(test)]
mod tests {
    use super::{width, wrap};

    #[test]
    fn lines_are_wrapped_between_words_and_within_cells() {
        assert_eq!(wrap("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(wrap("深度求索很好", 5), ["深度", "求索", "很好"]);
        assert_eq!(wrap("", 5), [""]);
        assert!(wrap("https://gateway.example/with/a/long/path and words", 12).iter().all(|line| width(line) <= 12));
        // However little room there is, it ends.
        assert!(!wrap("模型", 1).is_empty());
    }
}
