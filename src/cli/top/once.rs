//! The same once, for scripts and pipes: what the screen would show, as text or as what the gateway answered.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::cli::failure::Exit;
use crate::cli::output::{Printer, Terminal};
use crate::cli::remote::Remote;
use crate::cli::table::{Table, Tone};
use crate::cli::top::draw::theme::Theme;
use crate::cli::top::draw::{facts, panes};
use crate::cli::top::figures::Page;
use crate::cli::top::state::{News, Pane, State};
use crate::cli::top::words::age;
use crate::cli::top::{Format, link};

/// Requests that are printed.
const LATEST: &str = "10";

/// Asks `remote` how it is, and prints that.
pub async fn print(remote: &Remote, format: Format, printer: &Printer) -> anyhow::Result<Exit> {
    let status = link::status(remote).await?;
    let (recent, page) = tokio::join!(
        link::read::<Value>(remote, "/admin/api/recent", &[]),
        link::read::<Value>(remote, "/admin/api/requests", &[("limit", LATEST)])
    );
    let text = match format {
        Format::Json => format!("{}\n", serde_json::to_string_pretty(&object(remote, status, recent, page))?),
        Format::Text => {
            let mut state = State::new(remote.to_string(), SystemTime::now());
            state.hear(News::Status(Box::new(link::understood(status)?)));
            state.hear(News::Recent(Box::new(recent.and_then(|recent| serde_json::from_value(recent).map_err(|error| error.to_string())))));
            let page: Page = page.ok().and_then(|page| serde_json::from_value(page).ok()).unwrap_or_default();
            state.hear(News::Latest(page.requests));
            shown(&state, printer.terminal())
        }
    };
    printer.print(&text)?;
    Ok(Exit::Done)
}

/// What the gateway answered, under one roof. `trouble`: why there are no figures.
fn object(remote: &Remote, status: Value, recent: Result<Value, String>, page: Result<Value, String>) -> Value {
    let (recent, trouble) = match recent {
        Ok(recent) => (recent, Value::Null),
        Err(reason) => (Value::Null, reason.into()),
    };
    let requests = page.map_or_else(|_| json!([]), |mut page| page["requests"].take());
    json!({ "url": remote.to_string(), "status": status, "recent": recent, "requests": requests, "trouble": trouble })
}

fn shown(state: &State, terminal: &Terminal) -> String {
    let theme = Theme { coloured: false };
    let up = age(Duration::from_secs(state.status.uptime_seconds));
    let figures = facts::facts(state, theme).into_iter();
    let figures: Vec<String> = figures.map(|(name, value, _)| format!("{value} {name}").trim_end().to_owned()).collect();
    let mut text = format!("llmgw {} at {}, up {up}\n{}\n", state.status.version, state.address, figures.join("   "));
    for pane in Pane::ALL {
        let (columns, rows) = panes::content(state, pane, theme);
        if rows.is_empty() {
            continue;
        }
        let mut table = Table::new(columns.iter().map(|column| column.title), terminal);
        for (place, row) in rows.into_iter().enumerate() {
            table.row(row.into_iter().map(|(text, _)| text), tone(state, pane, place));
        }
        text += &format!("\n{}\n{table}\n", pane.title());
    }
    text
}

fn tone(state: &State, pane: Pane, row: usize) -> Tone {
    let provider = state.status.providers.get(row).filter(|_| pane == Pane::Providers);
    match provider.map(|provider| provider.state.as_str()) {
        Some("cooling") => Tone::Bad,
        Some("disabled") => Tone::Faint,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::shown;
    use crate::cli::output::Terminal;
    use crate::cli::top::tests::{busy, check};

    #[test]
    fn the_text_has_what_the_screen_has() {
        check("once", &shown(&busy(), &Terminal::default()));
    }
}
