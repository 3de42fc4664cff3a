//! How the gateway is, at one glance.

use askama::Template;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::admin::error::Error;
use crate::admin::page::{self, Section, Shell, render};
use crate::admin::picture::flow::Flow;
use crate::admin::views::providers::{self, ProviderView};
use crate::admin::views::requests::ledger;
use crate::admin::views::window::{History, Picture, Window};
use crate::admin::visit::Visit;
use crate::engine::{HealthReport, LastReload};
use crate::storage::ledger::{Entry, Filter, Scope};

/// Requests that are shown.
const LATEST: usize = 8;

/// `?window=24h`
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    window: String,
}

/// `GET api/overview`
#[derive(Serialize)]
struct Overview {
    version: &'static str,
    uptime_seconds: u64,
    health: HealthReport,
    last_reload: Option<LastReload>,
    /// Requests on their way.
    in_flight: u64,
    providers: Vec<ProviderView>,
    /// Of the window; nothing where there is no ledger.
    history: Option<History>,
    latest: Vec<Entry>,
    /// Why there is no history.
    trouble: Option<String>,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    s: Shell,
    window: Window,
    overview: Overview,
    pictures: Vec<Picture>,
    /// Of the latest request.
    flow: Option<Flow>,
}

async fn gather(visit: &Visit, window: Window) -> Overview {
    let status = visit.engine().status();
    let mut overview = Overview {
        version: status.version,
        uptime_seconds: status.uptime_seconds,
        health: visit.engine().health(),
        last_reload: status.last_reload,
        in_flight: status.in_flight,
        providers: providers::all(visit),
        history: None,
        latest: Vec::new(),
        trouble: None,
    };
    match recorded(visit, window).await {
        Ok((history, latest)) => (overview.history, overview.latest) = (Some(history), latest),
        Err(trouble) => overview.trouble = Some(trouble),
    }
    overview
}

async fn recorded(visit: &Visit, window: Window) -> Result<(History, Vec<Entry>), String> {
    let ledger = ledger(visit)?;
    let latest = ledger.entries(Filter { limit: LATEST, ..Filter::default() });
    let (history, latest) = tokio::join!(History::of(&ledger, window, Scope::default()), latest);
    Ok((history?, latest.map_err(|error| error.to_string())?))
}

fn window(visit: &Visit) -> Result<Window, Error> {
    let Wish { window } = visit.query()?;
    if window.is_empty() {
        return Ok(Window::Day);
    }
    Window::of_word(&window).ok_or_else(|| Error::invalid("`window` is 1h, 24h, 7d or 30d", "window"))
}

/// `GET /`
pub(in crate::admin) async fn page(visit: &Visit) -> Result<Response, Error> {
    let window = window(visit)?;
    let overview = gather(visit, window).await;
    let pictures = overview.history.as_ref().map(|history| history.pictures(visit)).transpose()?.unwrap_or_default();
    let s = Shell::new(visit, Section::Overview);
    let flow = overview.latest.first().map(|latest| Flow::of(&latest.record, &s));
    render(&OverviewPage { s, window, overview, pictures, flow })
}

/// `GET api/overview`
pub(in crate::admin) async fn json(visit: &Visit) -> Result<Response, Error> {
    page::json(&gather(visit, window(visit)?).await)
}
