//! How the gateway is, at one glance.

use askama::Template;
use axum::response::Response;
use serde::Serialize;

use crate::admin::error::Error;
use crate::admin::page::{Section, Shell, render};
use crate::admin::routes;
use crate::admin::views::providers::{self, ProviderView};
use crate::admin::visit::Visit;
use crate::engine::HealthReport;

/// `GET api/overview`
#[derive(Serialize)]
struct Overview {
    version: &'static str,
    uptime_seconds: u64,
    health: HealthReport,
    /// Requests on their way.
    in_flight: u64,
    providers: Vec<ProviderView>,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    s: Shell,
    overview: Overview,
}

fn gather(visit: &Visit) -> Overview {
    let status = visit.engine().status();
    Overview {
        version: status.version,
        uptime_seconds: status.uptime_seconds,
        health: visit.engine().health(),
        in_flight: status.in_flight,
        providers: providers::all(visit),
    }
}

/// `GET /`
pub(in crate::admin) async fn page(visit: &Visit) -> Result<Response, Error> {
    render(&OverviewPage { s: Shell::new(visit, Section::Overview), overview: gather(visit) })
}

/// `GET api/overview`
pub(in crate::admin) async fn json(visit: &Visit) -> Result<Response, Error> {
    routes::json(&gather(visit))
}
