//! HTTP requests, whatever they ask for.

use std::fmt;
use std::sync::OnceLock;

use prometheus_client::metrics::histogram::Histogram;

use super::endings::observe;
use super::groups::{Groups, Labels};
use super::names::{self, UNLISTED};
use super::page::Page;

/// What was asked and answered, in words of which there are few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Exchange {
    /// The path's pattern, such as `/providers/{name}/{path}`; empty: none.
    pub route: &'static str,
    /// One of [`method`].
    pub method: &'static str,
    /// What the client was told.
    pub status: u16,
}

impl Labels for Exchange {
    fn without_names(&self) -> Exchange {
        *self
    }

    fn blank() -> Exchange {
        Exchange { route: "", method: UNLISTED, status: 0 }
    }
}

/// A method as a label: those that are common, else OpenTelemetry's word for the rest.
pub fn method(method: &str) -> &'static str {
    const COMMON: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
    COMMON.into_iter().find(|common| *common == method).unwrap_or(UNLISTED)
}

/// All of them.
pub(super) type Http = Groups<Exchange, OnceLock<Histogram>>;

/// Counts one that took so many seconds.
pub(super) fn count(http: &Http, exchange: Exchange, seconds: f64) {
    http.count(exchange, |_| true, |duration| observe(duration, &names::HTTP_DURATION, seconds));
}

/// Writes them.
pub(super) fn write(http: &Http, page: &mut Page<'_>) -> fmt::Result {
    page.family(&names::HTTP_DURATION, |family| {
        for (Exchange { route, method, status }, duration) in http.sorted() {
            let status = if status == 0 { String::new() } else { status.to_string() };
            duration.get().map_or(Ok(()), |duration| family.histogram(&[method, route, &status], duration))?;
        }
        Ok(())
    })
}
