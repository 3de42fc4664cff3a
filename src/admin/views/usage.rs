//! What was used, and by whom: sums by model, provider, key or day.

use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};

use crate::admin::error::Error;
use crate::admin::page::{self, Section, Shell, render};
use crate::admin::views::requests::ledger;
use crate::admin::views::window::{History, Picture, Window, since};
use crate::admin::visit::Visit;
use crate::storage::ledger::{By, Scope, Sum};

/// What sums are made for, as addresses name it.
const BY: [(&str, By); 5] =
    [("model", By::Model), ("provider", By::Provider), ("key", By::Key), ("day", By::Day), ("upstream", By::Upstream)];

/// The first line of an export; the same as `llmgw usage --format csv` has.
const COLUMNS: &str = "name,requests,failed,attempts,input,cached,output,reasoning,cost_usd,mean_ms,first_token_ms";

/// `?by=model&window=24h&model=…&provider=…&key=…`
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Wish {
    by: String,
    window: String,
    model: String,
    provider: String,
    key: String,
}

/// `GET api/usage`
#[derive(Serialize)]
struct Usage {
    by: &'static str,
    window: &'static str,
    rows: Vec<Sum>,
    #[serde(flatten)]
    history: History,
    /// Requests whose rows were lost; the sums have them.
    lost_rows: u64,
}

#[derive(Template)]
#[template(path = "usage.html")]
struct UsagePage {
    s: Shell,
    by: &'static str,
    window: Window,
    usage: Option<Usage>,
    pictures: Vec<Picture>,
    trouble: Option<String>,
    /// For links that change one thing and keep the rest.
    kept: String,
}

impl Wish {
    fn by(&self) -> Result<(&'static str, By), Error> {
        let word = if self.by.is_empty() { "model" } else { &self.by };
        let found = BY.into_iter().find(|(known, _)| *known == word);
        found.ok_or_else(|| Error::invalid("`by` is model, provider, key, day or upstream", "by"))
    }

    fn window(&self) -> Result<Window, Error> {
        let word = if self.window.is_empty() { Window::Week.word() } else { &self.window };
        Window::of_word(word).ok_or_else(|| Error::invalid("`window` is 1h, 24h, 7d or 30d", "window"))
    }

    fn scope(&self) -> Scope {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Scope { model: some(&self.model), provider: some(&self.provider), caller: some(&self.key), ..Scope::default() }
    }
}

async fn gather(visit: &Visit, wish: &Wish) -> Result<Result<Usage, String>, Error> {
    let ((word, by), window) = (wish.by()?, wish.window()?);
    let ledger = match ledger(visit) {
        Ok(ledger) => ledger,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let period = since(window.begins());
    let (rows, history, lost) =
        tokio::join!(ledger.usage(by, Scope { period, ..wish.scope() }), History::of(&ledger, window, wish.scope()), ledger.lost(period));
    Ok(match (rows, history, lost) {
        (Ok(rows), Ok(history), Ok(lost_rows)) => Ok(Usage { by: word, window: window.word(), rows, history, lost_rows }),
        (Err(error), ..) | (_, _, Err(error)) => Err(error.to_string()),
        (_, Err(error), _) => Err(error),
    })
}

/// `GET usage`
pub(in crate::admin) async fn page(visit: &Visit) -> Result<Response, Error> {
    let wish: Wish = visit.query()?;
    let (usage, trouble) = match gather(visit, &wish).await? {
        Ok(usage) => (Some(usage), None),
        Err(trouble) => (None, Some(trouble)),
    };
    let pictures = usage.as_ref().map(|usage| usage.history.pictures(visit)).transpose()?.unwrap_or_default();
    let kept = [("model", &wish.model), ("provider", &wish.provider), ("key", &wish.key)];
    let kept = kept.into_iter().filter(|(_, value)| !value.is_empty());
    let kept = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    let kept = if kept.is_empty() { kept } else { format!("&{kept}") };
    let s = Shell::new(visit, Section::Usage);
    render(&UsagePage { s, by: wish.by()?.0, window: wish.window()?, usage, pictures, trouble, kept })
}

/// `GET api/usage`
pub(in crate::admin) async fn json(visit: &Visit) -> Result<Response, Error> {
    page::json(&gather(visit, &visit.query()?).await?.map_err(Error::Unreadable)?)
}

/// `GET usage.csv`
pub(in crate::admin) async fn csv(visit: &Visit) -> Result<Response, Error> {
    let usage = gather(visit, &visit.query()?).await?.map_err(Error::Unreadable)?;
    let mut text = format!("{COLUMNS}\n");
    for row in &usage.rows {
        text.push_str(&line(row));
    }
    let name = format!("attachment; filename=\"llmgw-usage-by-{}-{}.csv\"", usage.by, usage.window);
    let headers = [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from(text)).into_response())
}

fn line(sum: &Sum) -> String {
    let time = |time: Option<f64>| time.map_or_else(String::new, |time| format!("{time:.3}"));
    let numbers = [sum.requests, sum.failed, sum.attempts, sum.input, sum.cached, sum.output, sum.reasoning];
    let numbers = numbers.map(|number| number.to_string()).join(",");
    // Not nothing: nobody knows.
    let cost = if sum.unpriced > 0 && sum.cost == 0.0 { String::new() } else { format!("{:.6}", sum.cost) };
    format!("{},{numbers},{cost},{},{}\n", cell(&sum.name), time(sum.mean_ms), time(sum.mean_first_token_ms))
}

/// Quoted where it must be; what a spreadsheet would take for a formula is text.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

impl Shell {
    pub(in crate::admin) fn windows(&self) -> [Window; 4] {
        Window::ALL
    }

    pub(in crate::admin) fn window_name(&self, window: &Window) -> &'static str {
        match window {
            Window::Hour => self.t.last_hour,
            Window::Day => self.t.last_day,
            Window::Week => self.t.last_week,
            Window::Month => self.t.last_month,
        }
    }

    /// What sums may be made for, and what that is called.
    pub(in crate::admin) fn kinds(&self) -> [(&'static str, &'static str); 5] {
        [
            ("model", self.t.by_model),
            ("provider", self.t.by_provider),
            ("key", self.t.by_key),
            ("day", self.t.by_day),
            ("upstream", self.t.by_upstream),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::{cell, line};
    use crate::storage::ledger::Sum;

    #[test]
    fn a_cell_is_text_whatever_it_holds() {
        let cells = ["gpt-4", "a,b", "say \"hi\"", "=cmd()", "@x,y", "多模型"].map(cell);
        assert_eq!(cells, ["gpt-4", "\"a,b\"", "\"say \"\"hi\"\"\"", "'=cmd()", "\"'@x,y\"", "多模型"]);
    }

    #[test]
    fn an_unknown_price_is_not_nothing() {
        let sum = Sum { name: "m".to_owned(), requests: 2, unpriced: 1, mean_ms: Some(1.5), ..Sum::default() };
        assert_eq!(line(&sum), "m,2,0,0,0,0,0,0,,1.500,\n");
        assert_eq!(line(&Sum { cost: 0.25, ..sum }), "m,2,0,0,0,0,0,0,0.250000,1.500,\n");
    }
}
