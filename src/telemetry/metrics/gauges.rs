//! How things are at the moment of a scrape. Who knows fills it in; nothing here is counted.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::names;
use super::page::Page;
use crate::telemetry::dropped;

/// How the gateway is.
#[derive(Clone, Debug)]
pub struct Gauges {
    /// Requests to upstreams on their way.
    pub in_flight: u64,
    /// Of those, how many wait for a place at an upstream.
    pub waiting: u64,
    /// Since the engine started.
    pub uptime: Duration,
    /// How reloads went.
    pub reloads: Reloads,
    /// Every provider.
    pub providers: Vec<Provider>,
    /// The queue in front of the ledger; `None`: there is no ledger.
    pub ledger: Option<Queue>,
    /// What became of traces; `None`: none are exported.
    pub traces: Option<SpanCounts>,
    /// `None`: nothing is served.
    pub server: Option<Server>,
}

/// How reloads went.
#[derive(Clone, Copy, Debug)]
pub struct Reloads {
    /// How many took effect.
    pub done: u64,
    /// How many were refused.
    pub refused: u64,
    /// The last one took effect, or there was none.
    pub is_last_done: bool,
    /// When the configuration in force was loaded.
    pub loaded: SystemTime,
}

/// How a provider is.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name.
    pub name: Arc<str>,
    /// One of [`PROVIDER_STATES`].
    pub state: &'static str,
    /// Requests at it.
    pub in_flight: u32,
    /// How many there may be.
    pub in_flight_limit: Option<u32>,
    /// Connections that stand.
    pub connections: usize,
    /// Keys or tokens.
    pub credentials: usize,
    /// Those at rest.
    pub resting: usize,
    /// Its models, if they are known.
    pub models: Option<usize>,
    /// Whether their last discovery failed; `None`: they are listed.
    pub has_discovery_failed: Option<bool>,
    /// Its models that were used, each with one of [`UPSTREAM_STATES`].
    pub upstreams: Vec<(Arc<str>, &'static str)>,
}

/// Every state of a provider.
pub const PROVIDER_STATES: [&str; 4] = ["closed", "cooling", "probing", "disabled"];
/// Every state of an upstream model.
pub const UPSTREAM_STATES: [&str; 3] = ["closed", "cooling", "probing"];

/// A bounded queue.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// How many wait.
    pub length: usize,
    /// How many may.
    pub limit: usize,
    /// How many were lost since the start.
    pub lost: u64,
}

/// What became of traces so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCounts {
    /// Spans that a collector has taken.
    pub exported: u64,
    /// Spans that no collector took: it refused them, or could not be reached for too long.
    pub failed: u64,
    /// Requests of which no spans were made: too many waited.
    pub dropped: u64,
}

/// How full the server is.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// Requests now.
    pub requests: usize,
    /// Requests at most.
    pub requests_limit: usize,
    /// Connections now.
    pub connections: usize,
    /// Connections at most.
    pub connections_limit: usize,
}

/// Writes them; of upstream models, only those that are labels.
pub(super) fn write(gauges: &Gauges, known: &BTreeSet<(Arc<str>, Arc<str>)>, page: &mut Page<'_>) -> fmt::Result {
    if let Some(server) = gauges.server {
        page.gauge(&names::HTTP_ACTIVE, server.requests as f64)?;
        page.gauge(&names::HTTP_ACTIVE_LIMIT, server.requests_limit as f64)?;
        page.gauge(&names::CONNECTIONS, server.connections as f64)?;
        page.gauge(&names::CONNECTIONS_LIMIT, server.connections_limit as f64)?;
    }
    page.gauge(&names::IN_FLIGHT, gauges.in_flight as f64)?;
    page.gauge(&names::WAITING, gauges.waiting as f64)?;
    write_providers(&gauges.providers, known, page)?;
    if let Some(ledger) = gauges.ledger {
        page.gauge(&names::LEDGER_QUEUE, ledger.length as f64)?;
        page.gauge(&names::LEDGER_QUEUE_LIMIT, ledger.limit as f64)?;
        page.counter(&names::LEDGER_LOST, ledger.lost)?;
    }
    if let Some(traces) = gauges.traces {
        page.family(&names::TRACE_SPANS, |family| {
            family.counter(&["exported"], traces.exported)?;
            family.counter(&["failed"], traces.failed)
        })?;
        page.counter(&names::TRACES_DROPPED, traces.dropped)?;
    }
    page.counter(&names::LOG_LINES_DROPPED, dropped::log_lines())?;
    let reloads = gauges.reloads;
    page.family(&names::RELOADS, |family| {
        family.counter(&["done"], reloads.done)?;
        family.counter(&["refused"], reloads.refused)
    })?;
    page.gauge(&names::RELOAD_SUCCESSFUL, f64::from(u8::from(reloads.is_last_done)))?;
    page.gauge(&names::RELOAD_TIME, reloads.loaded.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())?;
    page.family(&names::BUILD, |family| family.info(&[env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH]))?;
    page.gauge(&names::UPTIME, gauges.uptime.as_secs_f64())
}

fn write_providers(providers: &[Provider], known: &BTreeSet<(Arc<str>, Arc<str>)>, page: &mut Page<'_>) -> fmt::Result {
    page.family(&names::PROVIDER_STATE, |family| {
        providers.iter().try_for_each(|provider| family.state(&[&provider.name], &PROVIDER_STATES, provider.state))
    })?;
    page.family(&names::UPSTREAM_STATE, |family| {
        for (provider, (model, state)) in providers.iter().flat_map(|provider| provider.upstreams.iter().map(move |one| (provider, one))) {
            if known.contains(&(provider.name.clone(), model.clone())) {
                family.state(&[&provider.name, model], &UPSTREAM_STATES, state)?;
            }
        }
        Ok(())
    })?;
    let mut gauge = |metric, value: fn(&Provider) -> Option<f64>| {
        page.family(metric, |family| {
            let values = providers.iter().filter_map(|provider| Some((provider, value(provider)?)));
            values.into_iter().try_for_each(|(provider, value)| family.gauge(&[&provider.name], value))
        })
    };
    gauge(&names::PROVIDER_IN_FLIGHT, |provider| Some(f64::from(provider.in_flight)))?;
    gauge(&names::PROVIDER_IN_FLIGHT_LIMIT, |provider| provider.in_flight_limit.map(f64::from))?;
    gauge(&names::PROVIDER_CONNECTIONS, |provider| Some(provider.connections as f64))?;
    gauge(&names::CREDENTIALS, |provider| Some(provider.credentials as f64))?;
    gauge(&names::CREDENTIALS_RESTING, |provider| Some(provider.resting as f64))?;
    gauge(&names::MODELS, |provider| provider.models.map(|models| models as f64))?;
    gauge(&names::DISCOVERY_FAILED, |provider| provider.has_discovery_failed.map(|failed| f64::from(u8::from(failed))))
}
