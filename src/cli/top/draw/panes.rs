//! The panes: providers, what was spent, requests.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Block, Widget};

use crate::admin::format;
use crate::cli::recorded;
use crate::cli::top::draw::grid::{Cell, Column, Grid};
use crate::cli::top::draw::put;
use crate::cli::top::draw::theme::Theme;
use crate::cli::top::figures::{Ended, Provider};
use crate::cli::top::state::{Pane, Spender, State};
use crate::cli::top::words::{self, NOTHING, age, share};
use crate::routing::Percentiles;

const fn left(title: &'static str, most: u16, rank: u8) -> Column {
    Column { title, most, right: false, rank }
}

const fn right(title: &'static str, most: u16, rank: u8) -> Column {
    Column { title, most, right: true, rank }
}

const PROVIDERS: [Column; 9] = [
    left("NAME", 24, 0),
    left("STATE", 16, 0),
    right("IN FLIGHT", 9, 1),
    right("OK", 7, 2),
    right("P50", 9, 3),
    right("P95", 9, 4),
    right("REQUESTS", 9, 6),
    right("KEYS", 7, 7),
    left("LAST ERROR", 0, 5),
];

const SPEND: [Column; 9] = [
    left("", 5, 3),
    left("NAME", 28, 0),
    right("TODAY", 10, 0),
    right("HOUR", 10, 1),
    right("MINUTE", 10, 2),
    right("REQUESTS", 9, 4),
    right("FAILED", 7, 5),
    right("IN", 7, 6),
    right("OUT", 7, 7),
];

const REQUESTS: [Column; 8] = [
    right("AGO", 11, 5),
    left("OUTCOME", 16, 1),
    right("", 3, 6),
    left("MODEL → UPSTREAM", 0, 0),
    right("TOOK", 9, 2),
    right("TOKENS", 12, 4),
    right("COST", 9, 3),
    left("KEY", 14, 7),
];

/// Draws one pane, with its edge.
pub fn draw(state: &State, pane: Pane, theme: Theme, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 || area.width < 4 {
        return;
    }
    let has_keys = state.pane == pane;
    let edge = if has_keys { theme.focused() } else { theme.faint() };
    let block = Block::bordered().border_style(edge).title(format!(" {} ", title(state, pane)));
    let inside = block.inner(area);
    block.render(area, buffer);
    let (columns, rows) = content(state, pane, theme);
    if rows.is_empty() {
        put(&nothing(state, pane), theme.faint(), inside, buffer);
        return;
    }
    Grid { columns, rows, chosen: (state.row(pane), has_keys) }.draw(theme, inside, buffer);
}

/// The columns of a pane, and all its rows.
pub fn content(state: &State, pane: Pane, theme: Theme) -> (&'static [Column], Vec<Vec<Cell>>) {
    match pane {
        Pane::Providers => (&PROVIDERS, state.status.providers.iter().map(|provider| provider_row(provider, theme)).collect()),
        Pane::Spend => (&SPEND, state.spenders().iter().map(|spender| spend_row(spender, theme)).collect()),
        Pane::Requests => (&REQUESTS, state.ended.iter().map(|ended| request_row(ended, state, theme)).collect()),
    }
}

fn title(state: &State, pane: Pane) -> String {
    let place = |rows: usize| if rows > 1 { format!(" {}/{rows}", state.row(pane) + 1) } else { String::new() };
    match pane {
        Pane::Providers => format!("{}{}", pane.title(), place(state.status.providers.len())),
        Pane::Spend => format!("{} today", pane.title()),
        Pane::Requests => {
            let missed = if state.missed > 0 { ", not all of them" } else { "" };
            let live = state.unheard.as_ref().map_or_else(String::new, |reason| format!(", not live: {reason}"));
            format!("{}{missed}{live}", pane.title())
        }
    }
}

/// What stands in a pane without rows.
fn nothing(state: &State, pane: Pane) -> String {
    match (pane, &state.recent) {
        (Pane::Providers, _) => "no providers".to_owned(),
        (Pane::Spend, Err(reason)) => reason.clone(),
        (Pane::Spend, Ok(_)) => "nothing was recorded yet".to_owned(),
        (Pane::Requests, _) => "no request has ended yet".to_owned(),
    }
}

fn plain(text: impl Into<String>) -> Cell {
    (text.into(), Style::new())
}

fn provider_row(provider: &Provider, theme: Theme) -> Vec<Cell> {
    let latency = |of: fn(&Percentiles) -> u32| words::whole(provider.latency_ms.as_ref().map(of));
    let keys = match provider.credentials {
        keys if keys.total == 0 => NOTHING.to_owned(),
        keys if keys.resting == 0 => keys.total.to_string(),
        keys => format!("{}/{}", keys.total - keys.resting.min(keys.total), keys.total),
    };
    vec![
        plain(&provider.name),
        (words::state(provider), theme.of_provider(provider)),
        plain(provider.in_flight.to_string()),
        plain(share(provider.success_rate)),
        plain(latency(|latency| latency.p50)),
        plain(latency(|latency| latency.p95)),
        plain(format::short(provider.requests)),
        plain(keys),
        (provider.last_error.clone().unwrap_or_default(), theme.faint()),
    ]
}

fn spend_row(spender: &Spender<'_>, theme: Theme) -> Vec<Cell> {
    let [minute, hour, today] = spender.cost.map(|(usd, unpriced)| words::cost(usd, unpriced));
    let name = match (spender.kind, spender.name) {
        ("all", _) => "all",
        (_, "") => "(unknown names)",
        (_, name) => name,
    };
    let failed = if spender.failed > 0 { theme.bad() } else { Style::new() };
    vec![
        (spender.kind.to_owned(), theme.faint()),
        plain(name),
        (today, theme.strong()),
        plain(hour),
        plain(minute),
        plain(format::short(spender.requests)),
        (format::short(spender.failed), failed),
        plain(format::short(spender.input)),
        plain(format::short(spender.output)),
    ]
}

fn request_row(ended: &Ended, state: &State, theme: Theme) -> Vec<Cell> {
    let ago: Option<Duration> = ended.age(state.now);
    vec![
        (ago.map_or_else(String::new, age), theme.faint()),
        (ended.outcome.clone(), theme.of_request(ended)),
        plain(ended.status.to_string()),
        plain(words::way(ended)),
        plain(recorded::duration(ended.took())),
        plain(words::tokens(ended)),
        plain(ended.cost.map_or_else(|| NOTHING.to_owned(), |cost| words::dollars(cost.usd))),
        plain(&ended.caller),
    ]
}
