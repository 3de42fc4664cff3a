//! What administrators ask.

use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, ParameterIn};

use super::ADMINISTRATION;
use crate::engine::Reloaded;
use crate::server::config::Shown;
use crate::server::docs::spec::failures::list::{ADMIN, BAD_CONFIG, ELSEWHERE, MALFORMED, MEDIA_TYPE, NO_METRICS};
use crate::server::docs::spec::media::{json, words};
use crate::server::docs::spec::operation::{Access, Operation, flag};
use crate::server::status::Status;

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![status(), config()];
    all.extend(
        [("/reload", "reload"), ("/v1/reload", "reload_v1"), ("/config/reload", "reload_config")].map(|(path, id)| reload(path, id)),
    );
    all.push(metrics());
    all
}

pub(super) fn admin(method: HttpMethod, path: &'static str, id: &str) -> Operation {
    Operation::new(method, path, id).access(Access::Admin).fails(&ADMIN)
}

fn status() -> Operation {
    let about = "Version, uptime, the configuration's file and age, how the last reload ended, how full the gateway is, and the \
        state of each provider and of each upstream model that was used.";
    let status = json!({
        "version": env!("CARGO_PKG_VERSION"), "uptime_seconds": 3600, "config": "/etc/llmgw/llmgw.yaml", "config_age_seconds": 60,
        "last_reload": { "age_seconds": 60, "ok": true, "error": null, "changed": ["models.gpt-4"] },
        "in_flight": 2, "providers": [provider()], "connections": { "now": 3, "max": 500 }, "requests": { "now": 2, "max": 500 },
    });
    admin(HttpMethod::Get, "/status", "status")
        .about(ADMINISTRATION, "How the gateway and its upstreams are", about)
        .answers("200", "Live state", [json::<Status>(status)])
        .fails(&[&MALFORMED, &ELSEWHERE])
}

pub(super) fn provider() -> Value {
    let figures = json!({ "p50": 380, "p95": 900, "p99": 1400 });
    let upstream = json!({
        "model": "gpt-4o", "state": "closed", "failures": 0, "cooldown_left_seconds": 0.0, "in_flight": 2, "requests": 120,
        "success_rate": 0.99, "latency_ms": figures, "last_error": null,
    });
    json!({
        "name": "openai", "kind": "openai", "enabled": true, "disabled_by_operator": false, "state": "closed", "failures": 0,
        "cooldown_left_seconds": 0.0, "in_flight": 2, "requests": 120, "success_rate": 0.99, "latency_ms": figures, "last_error": null,
        "credentials": { "resting": 0, "total": 1 }, "models": 42, "discovery_error": null, "upstreams": [upstream],
    })
}

fn config() -> Operation {
    let shown = json!({ "server": { "host": "127.0.0.1", "port": 8000 }, "providers": [{ "name": "openai", "api_key": "sk-ab****cdef" }] });
    admin(HttpMethod::Get, "/config", "config")
        .about(ADMINISTRATION, "The effective configuration", "With every default, and with secrets masked.")
        .answers("200", "The configuration", [json::<Shown>(shown)])
        .fails(&[&MALFORMED, &ELSEWHERE])
}

fn reload(path: &'static str, id: &str) -> Operation {
    let about = "Loads the file again. A bad file changes nothing; requests on their way end on the old configuration.";
    let message = "reloaded: 1 key changed";
    let reloaded = json!({ "message": message, "providers_count": 2, "changed": ["models.gpt-4"], "restart_required": [] });
    admin(HttpMethod::Post, path, id)
        .about(ADMINISTRATION, "Reload the configuration", about)
        .optional(ParameterIn::Query, "check", "Only say what would change", flag())
        .answers("200", "What changed", [json::<Reloaded>(reloaded)])
        .fails(&[&BAD_CONFIG, &ELSEWHERE, &MEDIA_TYPE])
}

fn metrics() -> Operation {
    let about = "What is counted and how things are now, in Prometheus' text format, or OpenMetrics where it is asked for. \
        docs/metrics.md lists them all.";
    let example = "# TYPE llmgw_requests_in_flight gauge\nllmgw_requests_in_flight 2\n";
    admin(HttpMethod::Get, "/metrics", "metrics")
        .about(ADMINISTRATION, "Metrics for Prometheus", about)
        .answers("200", "The metrics", [words("text/plain", example), words("application/openmetrics-text", example)])
        .fails(&[&MALFORMED, &NO_METRICS])
}
