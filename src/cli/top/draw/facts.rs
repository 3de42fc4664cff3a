//! The head of the screen: which gateway, whether it answers, and its figures.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::admin::format;
use crate::cli::top::draw::put;
use crate::cli::top::draw::theme::Theme;
use crate::cli::top::state::State;
use crate::cli::top::words::{NOTHING, age, cost, fit, rate, share, time, width};

/// Between two figures.
const GAP: u16 = 3;

/// A figure: its name, and how it stands.
pub type Fact = (&'static str, String, Style);

/// Draws the head in the first lines of `area`: a title, and at most `lines` of figures. How many it took.
pub fn draw(state: &State, theme: Theme, lines: u16, area: Rect, buffer: &mut Buffer) -> u16 {
    title(state, theme, Rect { height: area.height.min(1), ..area }, buffer);
    let (mut x, mut y) = (area.x, area.y + 1);
    for (name, value, style) in facts(state, theme) {
        let takes = width(&value) + if name.is_empty() { 0 } else { width(name) + 1 };
        if x > area.x && x + takes > area.right() {
            (x, y) = (area.x, y + 1);
        }
        if y > area.y + lines || y >= area.bottom() {
            break;
        }
        let left = area.right() - x;
        let (after, _) = buffer.set_stringn(x, y, fit(&value, left), usize::from(left), style);
        if !name.is_empty() && after + 1 < area.right() {
            buffer.set_stringn(after + 1, y, name, usize::from(area.right() - after - 1), theme.faint());
        }
        x = x.saturating_add(takes + GAP);
    }
    (lines + 1).min(area.height)
}

/// `llmgw 0.1.0  http://127.0.0.1:8000/  up 3 h 5 min` and, to the right, how it is.
fn title(state: &State, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let (right, style) = match &state.lost {
        Some(reason) => (format!("LOST, trying again: {reason}"), theme.bad()),
        None => (state.health.clone(), theme.of_health(&state.health)),
    };
    let right = fit(&right, area.width);
    let left = area.width.saturating_sub(width(&right) + 1);
    let up = age(std::time::Duration::from_secs(state.status.uptime_seconds));
    let long = format!("llmgw {}  {}  up {up}", state.status.version, state.address);
    let text = [long, format!("llmgw {}", state.address), state.address.clone()].into_iter().find(|text| width(text) <= left);
    put(&text.unwrap_or_else(|| "llmgw".to_owned()), theme.strong(), Rect { width: left, ..area }, buffer);
    put(&right, style, Rect { x: area.right() - width(&right), width: width(&right), ..area }, buffer);
}

/// What is of interest first comes first: the last has to go where there is no room.
pub fn facts(state: &State, theme: Theme) -> Vec<Fact> {
    let plain = Style::new();
    let mut facts = vec![("in flight", state.status.in_flight.to_string(), theme.strong())];
    match &state.recent {
        Ok(Some(recent)) => {
            let (minute, hour, today) = (&recent.minute, &recent.hour, &recent.today);
            let failing = if minute.success_rate.is_some_and(|rate| rate < 0.99) { theme.bad() } else { plain };
            facts.extend([
                ("req/s", rate(minute.requests_per_second), theme.strong()),
                ("ok", share(minute.success_rate), failing),
                ("p50", time(minute.latency.p50), plain),
                ("p95", time(minute.latency.p95), plain),
                ("tokens/s", rate(minute.output_per_second), plain),
                ("last minute", cost(minute.cost, minute.unpriced), plain),
                ("last hour", cost(hour.cost, hour.unpriced), plain),
                ("today", cost(today.cost, today.unpriced), theme.strong()),
                ("requests today", format::short(today.requests), plain),
                ("first token p50", time(minute.latency.first_token_p50), plain),
            ]);
        }
        Ok(None) => facts.push(("req/s", NOTHING.to_owned(), theme.faint())),
        Err(reason) => facts.push(("", format!("no figures: {reason}"), theme.bad())),
    }
    if let Some(reload) = state.status.last_reload.as_ref().filter(|reload| !reload.ok) {
        let ago = age(std::time::Duration::from_secs(reload.age_seconds));
        facts.insert(1, ("", format!("reload failed {ago} ago"), theme.bad()));
    }
    facts
}
