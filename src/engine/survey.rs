//! What the engine says of itself: models, health and status, from the snapshot and the live state. Reads only.

use std::sync::Arc;

use crate::config::{Origin, Target};
use crate::engine::live::Snapshot;
use crate::engine::report::{Credentials, HealthReport, ModelRow, ProviderStatus, UpstreamStatus};
use crate::routing::{Candidate, Health, Millis, Report, Skipped, Standing, Switch, plan, resolve};

/// Every model that can be asked for, one row a route.
pub fn models(snapshot: &Snapshot, now: Millis) -> Vec<ModelRow> {
    let mut rows = Vec::new();
    for model in &snapshot.config.models {
        match &model.target {
            Target::Name(_) => rows.extend(short_form(snapshot, &model.name, model.enabled, now)),
            Target::Routes { routes, .. } => {
                for route in routes {
                    let upstream = route.model.as_deref().unwrap_or(&model.name);
                    let mut row = row(snapshot, &model.name, route.provider, upstream, now, "alias");
                    row.priority = route.priority;
                    if !(model.enabled && route.enabled) {
                        row.enabled = false;
                        row.state = "disabled".to_owned();
                    }
                    rows.push(row);
                }
            }
        }
    }
    for index in snapshot.table.preferred() {
        let default = snapshot.config.providers[*index].default_model.as_ref();
        rows.extend(default.map(|model| row(snapshot, resolve::AUTO, *index, model, now, "auto")));
    }
    for index in 0..snapshot.config.providers.len() {
        let listed = snapshot.config.providers[index].models.as_ref();
        let source = if listed.is_some() { "listed" } else { "discovered" };
        // What is listed stays in the file's order.
        let in_order = || listed.map(|listed| listed.iter().filter(|model| !snapshot.table.hides(model)).cloned().collect());
        let offered: Vec<Arc<str>> = in_order().unwrap_or_else(|| snapshot.table.offered(snapshot, index));
        rows.extend(offered.iter().map(|model| row(snapshot, model, index, model, now, source)));
    }
    rows
}

/// The rows of a name that only stands for another.
fn short_form(snapshot: &Snapshot, name: &str, enabled: bool, now: Millis) -> Vec<ModelRow> {
    let Ok(plan) = plan(&snapshot.table, snapshot, name, now, &mut rand::rng()) else { return Vec::new() };
    let all: Vec<Candidate> = plan.candidates.into_iter().chain(plan.skipped.into_iter().map(|(candidate, _)| candidate)).collect();
    let via = all.first().map(|first| first.via.clone());
    let own = all.into_iter().filter(|candidate| Some(&candidate.via) == via.as_ref());
    own.map(|candidate| {
        let row = row(snapshot, name, candidate.provider, &candidate.model, now, "alias");
        ModelRow { priority: candidate.priority, enabled: enabled && row.enabled, ..row }
    })
    .collect()
}

fn row(snapshot: &Snapshot, name: &str, index: usize, upstream: &str, now: Millis, source: &'static str) -> ModelRow {
    let provider = &snapshot.config.providers[index];
    let vendor = provider.preset.as_deref();
    let candidate = snapshot.table.candidate(index, upstream);
    let switched_off = snapshot.table.is_switched_off(index);
    let state = match candidate.filter(|_| provider.enabled && !switched_off) {
        None if provider.enabled => Skipped::Disabled(Switch::Operator).to_string(),
        None => "disabled".to_owned(),
        Some(candidate) => {
            let policy = snapshot.table.cooldown();
            let standing = worse(candidate.account.standing(now, policy), candidate.health.standing(now, policy));
            let unchecked = candidate.health.report().requests == 0 && standing == Standing::Closed;
            if unchecked { "unchecked".to_owned() } else { state(standing) }
        }
    };
    ModelRow {
        name: name.to_owned(),
        provider: provider.name.to_string(),
        upstream_model: upstream.to_owned(),
        priority: provider.priority,
        enabled: provider.enabled && !switched_off,
        context_window: snapshot.prices.limits(vendor, upstream).and_then(|limits| limits.context),
        price: snapshot.prices.price(vendor, upstream),
        state,
        source,
    }
}

/// The one that says more against an upstream.
pub(super) fn worse(one: Standing, other: Standing) -> Standing {
    match (one, other) {
        (Standing::Closed, other) => other,
        (Standing::Cooling(a), Standing::Cooling(b)) => Standing::Cooling(a.max(b)),
        (_, Standing::Cooling(left)) => Standing::Cooling(left),
        (one, _) => one,
    }
}

fn state(standing: Standing) -> String {
    match standing {
        Standing::Closed => "ok".to_owned(),
        Standing::Cooling(left) => format!("cooling {:.1}s", left.as_secs_f64()),
        Standing::Due => "due for a probe".to_owned(),
        Standing::Probing => "probing".to_owned(),
    }
}

/// The word for programs. What is due is probed by whoever comes next.
pub(super) fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Closed => "closed",
        Standing::Cooling(_) => "cooling",
        Standing::Due | Standing::Probing => "probing",
    }
}

pub(super) fn seconds_left(standing: Standing) -> f64 {
    if let Standing::Cooling(left) = standing { left.as_secs_f64() } else { 0.0 }
}

/// Live state for `/health`: a provider is usable while its account is not cooling and not all of its used models are.
pub fn health(snapshot: &Snapshot, now: Millis) -> HealthReport {
    let usable = |index: &usize| !matches!(standing(snapshot, *index, now), Some(Standing::Cooling(_)));
    let enabled = snapshot.table.preferred().iter().filter(|index| !snapshot.table.is_switched_off(**index));
    let providers = enabled.map(|index| (snapshot.config.providers[*index].name.to_string(), usable(index)));
    let providers: std::collections::BTreeMap<String, bool> = providers.collect();
    let healthy = providers.values().filter(|usable| **usable).count();
    let status = match healthy {
        0 => "unhealthy",
        some if some == providers.len() => "healthy",
        _ => "degraded",
    };
    HealthReport { status, healthy_providers: healthy, total_providers: providers.len(), providers }
}

/// How a provider stands: as its account does, but cooling too while every model of it that was used is.
pub(super) fn standing(snapshot: &Snapshot, index: usize, now: Millis) -> Option<Standing> {
    let policy = snapshot.table.cooldown();
    let account = snapshot.table.account(index)?;
    let models = account.models();
    let used = models.iter().filter(|(_, health)| health.requests() > 0);
    let left = used.map(|(_, health)| seconds_left(health.standing(now, policy)));
    let shortest = left.min_by(f64::total_cmp).filter(|left| *left > 0.0);
    let of_models = shortest.map_or(Standing::Closed, |left| Standing::Cooling(std::time::Duration::from_secs_f64(left)));
    Some(worse(account.standing(now, policy), of_models))
}

/// State of every provider.
pub fn providers(snapshot: &Snapshot, now: Millis) -> Vec<ProviderStatus> {
    (0..snapshot.config.providers.len()).filter_map(|index| provider(snapshot, index, now)).collect()
}

fn provider(snapshot: &Snapshot, index: usize, now: Millis) -> Option<ProviderStatus> {
    let config = &snapshot.config.providers[index];
    let upstream = &snapshot.upstreams[index];
    let account = snapshot.table.account(index)?;
    let standing = standing(snapshot, index, now)?;
    let known = upstream.catalog.known();
    let discovered = || known.models.as_ref().map(|_| snapshot.table.offered(snapshot, index).len());
    let mut upstreams: Vec<UpstreamStatus> =
        account.models().iter().filter_map(|(name, health)| model(snapshot, name, health, now)).collect();
    upstreams.sort_by(|one, other| one.model.cmp(&other.model));
    let report = account.report();
    let (resting, total) = upstream.provider.credentials();
    let switched_off = snapshot.table.is_switched_off(index);
    let enabled = config.enabled && !switched_off;
    Some(ProviderStatus {
        name: config.name.to_string(),
        kind: config.kind.as_str(),
        enabled,
        disabled_by_operator: switched_off,
        state: if enabled { word(standing) } else { "disabled" },
        failures: u32::from(report.failures_in_a_row),
        cooldown_left_seconds: seconds_left(standing),
        in_flight: account.in_flight(),
        requests: report.requests,
        success_rate: success_rate(&report),
        latency_ms: report.latency,
        last_error: report.last_error.map(|error| error.message),
        credentials: Credentials { resting, total },
        models: config.models.as_ref().map(Vec::len).or_else(discovered),
        discovery_error: known.error.clone(),
        upstreams,
    })
}

/// State of one upstream model; `None`: it was never used.
fn model(snapshot: &Snapshot, name: &Arc<str>, health: &Health, now: Millis) -> Option<UpstreamStatus> {
    let report = health.report();
    if report.requests == 0 {
        return None;
    }
    let standing = health.standing(now, snapshot.table.cooldown());
    Some(UpstreamStatus {
        model: name.to_string(),
        state: word(standing),
        failures: u32::from(report.failures_in_a_row),
        cooldown_left_seconds: seconds_left(standing),
        in_flight: report.in_flight,
        requests: report.requests,
        success_rate: success_rate(&report),
        latency_ms: report.latency,
        last_error: report.last_error.map(|error| error.message),
    })
}

/// Share of the attempts that ended well, of those that said anything of the upstream's health.
fn success_rate(report: &Report) -> Option<f64> {
    let ended = report.successes + report.failures;
    (ended > 0).then(|| report.successes as f64 / ended as f64)
}

/// Where the configuration came from, in words.
pub fn origin(origin: &Origin) -> String {
    match origin {
        Origin::File { path, .. } => path.display().to_string(),
        Origin::Environment { found } => format!("the environment ({})", found.join(", ")),
        Origin::Mock => "none: the built-in mock answers".to_owned(),
    }
}
