//! The picture of a [`State`]. Pure: the same state is the same picture.

pub mod facts;
pub mod grid;
mod over;
pub mod panes;
pub mod theme;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::cli::top::draw::theme::Theme;
use crate::cli::top::state::{Over, Pane, State};
use crate::cli::top::words::{fit, width};

/// From this height on all panes are seen at once; below, the one where keys go.
const ALL_PANES: u16 = 20;

/// Below this height figures have one line, not two.
const LOW: u16 = 12;

/// Draws `state` on all of `frame`.
pub fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    picture(state, theme, area, frame.buffer_mut());
}

fn picture(state: &State, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let lines = if area.height < LOW { 1 } else { 2 };
    let head = facts::draw(state, theme, lines, area, buffer);
    let body = Rect { y: area.y + head, height: area.height.saturating_sub(head + 1), ..area };
    if area.height >= ALL_PANES {
        for (pane, area) in Pane::ALL.into_iter().zip(shared(state, body)) {
            panes::draw(state, pane, theme, area, buffer);
        }
    } else {
        panes::draw(state, state.pane, theme, body, buffer);
    }
    if let Some(y) = area.bottom().checked_sub(1).filter(|_| area.height > head) {
        foot(state, theme, Rect { y, height: 1, ..area }, buffer);
    }
    over::draw(state, theme, Rect { height: area.height.saturating_sub(1), ..area }, buffer);
}

/// The body, shared by the panes: each gets what it has to show, the last one the rest.
fn shared(state: &State, body: Rect) -> [Rect; 3] {
    let edges_and_titles = 3;
    let wanted = |rows: usize| u16::try_from(rows).unwrap_or(u16::MAX).max(1).saturating_add(edges_and_titles);
    let providers = wanted(state.status.providers.len()).min(body.height * 2 / 5);
    let spend = wanted(state.spenders().len()).min(body.height * 3 / 10);
    let (second, third) = (body.y + providers, body.y + providers + spend);
    [
        Rect { height: providers, ..body },
        Rect { y: second, height: spend, ..body },
        Rect { y: third, height: body.bottom() - third, ..body },
    ]
}

/// What was said last, or what can be done; the most useful first.
fn foot(state: &State, theme: Theme, area: Rect, buffer: &mut Buffer) {
    if let (Some(said), Over::Nothing | Over::Tested(..)) = (&state.said, &state.over) {
        let style = if said.ok { theme.strong() } else { theme.bad() };
        put(&said.text, style, area, buffer);
        return;
    }
    let hints: &[&str] = match (&state.over, state.pane) {
        (Over::Confirm(_), _) => &["y drain", "any other key: no"],
        (Over::Help | Over::Details | Over::Tested(..), _) => &["any key closes this", "q quit"],
        (Over::Nothing, Pane::Providers) => {
            &["q quit", "? help", "Tab next", "d drain", "r resume", "t test", "c cooldown", "Enter details"]
        }
        (Over::Nothing, Pane::Spend) => &["q quit", "? help", "Tab next", "j k choose"],
        (Over::Nothing, Pane::Requests) => &["q quit", "? help", "Tab next", "Enter details", "j k choose"],
    };
    let mut text = String::new();
    for hint in hints {
        let longer = if text.is_empty() { (*hint).to_owned() } else { format!("{text}   {hint}") };
        if width(&longer) > area.width {
            break;
        }
        text = longer;
    }
    put(&text, theme.faint(), area, buffer);
}

/// One line of text, cut to the area.
fn put(text: &str, style: Style, area: Rect, buffer: &mut Buffer) {
    if area.height > 0 {
        buffer.set_string(area.x, area.y, fit(text, area.width), style);
    }
}
