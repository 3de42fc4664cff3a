//! llm-proxy: `backends`, and `models` whose routes name them; YAML.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::checked;
use super::draft::{Draft, Provider};
use super::parts;
use super::source::{At, Source};

/// A backend as routes find it.
struct Backend {
    /// The provider's place.
    index: usize,
    /// The deployment that its address names, whatever a route says.
    deployment: Option<String>,
}

/// Limits of every backend.
#[derive(Default)]
struct Timeouts {
    connect: Option<String>,
    read: Option<String>,
    total: Option<String>,
}

pub(super) fn convert(source: &Source, draft: &mut Draft) {
    let root = source.root();
    draft.set("auth.open_models", true);
    draft.comment("routing.max_attempts", "Over all routes of a request; 0 tries each route once.");
    draft.set("routing.max_attempts", 0);
    if let Some(at) = root.get("listen") {
        parts::listen(&at, draft);
    }
    if let Some(key) = root.get("proxy_api_key").and_then(|at| at.filled()) {
        draft.let_in(Some("proxy".to_owned()), key, Vec::new());
    }
    let timeouts = root.get("timeout").map(|at| timeouts(&at, draft)).unwrap_or_default();
    let backends = backends(&root, &timeouts, draft);
    for (alias, at) in root.get("models").map(|at| at.entries()).unwrap_or_default() {
        model(alias, &at, &backends, draft);
    }
    if let Some(at) = root.get("fallback") {
        fallback(&at, draft);
    }
    if let Some(at) = root.get("detection") {
        detection(&at, draft);
    }
    if let Some(at) = root.get("logging") {
        logging(&at, draft);
    }
    if let Some(at) = root.get("concurrency") {
        concurrency(&at, draft);
    }
    if let Some(at) = root.get("rate_limit") {
        at.leave("llmgw does not limit requests per second");
    }
    if let Some(at) = root.get("proxy") {
        at.leave_all(&["forward_client_ip"], "addresses of clients never reach an upstream");
    }
}

fn timeouts(at: &At<'_>, draft: &mut Draft) -> Timeouts {
    let limit = |key: &str| at.get(key).and_then(|at| at.seconds());
    let timeouts = Timeouts { connect: limit("connect_timeout"), read: limit("read_timeout"), total: limit("total_timeout") };
    // Ours would otherwise end a request before the source's limit does.
    draft.set_some("routing.deadline", timeouts.total.clone());
    timeouts
}

fn backends(root: &At<'_>, timeouts: &Timeouts, draft: &mut Draft) -> HashMap<String, Backend> {
    let mut backends = HashMap::new();
    for at in root.get("backends").map(|at| at.items()).unwrap_or_default() {
        let Some(name) = at.get("name").and_then(|at| at.filled()) else {
            at.leave("it has no name, so no route can lead to it");
            continue;
        };
        if backends.contains_key(&name) {
            at.leave("a backend above has this name");
            continue;
        }
        let Some((mut provider, deployment)) = at.get("url").and_then(|url| parts::provider(Some(&name), &url, protocol(&at))) else {
            at.leave("it has no address");
            continue;
        };
        provider.set("enabled", at.get("enabled").and_then(|at| at.flag()).filter(|enabled| !enabled));
        let key = at.get("api_key").and_then(|at| at.filled());
        if key.is_none() {
            at.note(format!("the source passes a client's key on to `{name}`, which has none of its own; llmgw never does: add `api_key`"));
        }
        provider.set("api_key", key);
        limit(&mut provider, timeouts, at.get("timeout").and_then(|at| at.seconds()));
        provider.set(
            "max_in_flight",
            root.get("concurrency").filter(is_on).and_then(|at| at.get("per_backend_limit")?.whole()).filter(|n| *n > 0),
        );
        draft.add(provider);
        backends.insert(name, Backend { index: draft.providers.len() - 1, deployment });
    }
    backends
}

/// The type that the source names; the host tells all others.
fn protocol(at: &At<'_>) -> Option<&'static str> {
    let at = at.get("protocol")?;
    match at.filled()?.as_str() {
        "anthropic" => Some("anthropic"),
        "azure" => Some("azure"),
        "google" | "gemini" => Some("gemini"),
        "openai" | "deepseek" | "groq" | "mistral" => None,
        _ => {
            at.leave("it is spoken to as its address tells, else as OpenAI");
            None
        }
    }
}

fn limit(provider: &mut Provider, timeouts: &Timeouts, own: Option<String>) {
    let total = own.or_else(|| timeouts.total.clone());
    provider.set_timeout("connect", timeouts.connect.clone());
    provider.set_timeout("first_byte", timeouts.read.clone());
    provider.set_timeout("idle", timeouts.read.clone());
    provider.set_timeout("non_stream", total.clone());
    provider.set_timeout("stream", total);
}

/// `{ enabled, routes }`, or in older files the routes alone.
fn model(alias: &str, at: &At<'_>, backends: &HashMap<String, Backend>, draft: &mut Draft) {
    let routes = if at.is_list() { Some(at.clone()) } else { at.get("routes") };
    if at.get("enabled").and_then(|at| at.flag()) == Some(false) {
        draft.model(alias).settings.insert("enabled".to_owned(), json!(false));
    }
    for at in routes.map(|at| at.items()).unwrap_or_default() {
        let backend = at.get("backend").and_then(|at| at.filled()).unwrap_or_default();
        let Some(Backend { index, deployment }) = backends.get(&backend) else {
            at.leave(format!("there is no backend `{backend}`"));
            continue;
        };
        let written = at.get("model");
        let model = written.as_ref().and_then(|at| at.filled());
        let model = match deployment {
            Some(deployment) if model.as_ref() != Some(deployment) => {
                written.iter().for_each(|at| at.leave(format!("its backend's address names the deployment `{deployment}`")));
                Some(deployment.clone())
            }
            _ => model,
        };
        let provider = &mut draft.providers[*index];
        model.iter().for_each(|model| provider.offer(model));
        let mut route = parts::route(&provider.name, model.as_deref());
        if let Some(priority) = at.get("priority").and_then(|at| at.whole()) {
            route.insert("priority".to_owned(), json!(priority));
        }
        if at.get("enabled").and_then(|at| at.flag()) == Some(false) {
            route.insert("enabled".to_owned(), json!(false));
        }
        draft.model(alias).routes.push(route);
    }
    if draft.models.iter().all(|model| model.name != alias) {
        at.leave("it has no route");
    }
}

fn fallback(at: &At<'_>, draft: &mut Draft) {
    if let Some(cooldown) = at.get("cooldown_seconds").filter(|at| at.value.as_f64() != Some(0.0)).and_then(|at| at.seconds()) {
        draft.comment("routing.cooldown", "The source rests a backend after its first failure, always for the same time.");
        draft.set("routing.cooldown", json!({ "failures": 1, "for": cooldown, "max": cooldown }));
    } else if let Some(at) = at.get("cooldown_seconds") {
        at.tick();
        draft.set("routing.cooldown", Value::Null);
    }
    draft.set_some("routing.max_attempts", at.get("max_retries").and_then(|at| at.whole()));
    for (name, at) in at.get("alias_fallback").map(|at| at.entries()).unwrap_or_default() {
        let names = at.texts();
        draft.model(name).settings.insert("fallback".to_owned(), json!(names));
    }
    if at.get("enable_backoff").and_then(|at| at.flag()) != Some(false) {
        backoff(at, draft);
    }
    let reason = "the cooldown is the breaker: it opens after `failures`, and one probe closes it";
    at.leave_all(&["enable_circuit_breaker", "circuit_failure_threshold", "circuit_success_threshold", "circuit_open_timeout"], reason);
    at.leave_all(&["backoff_multiplier", "backoff_jitter"], "waits double, with jitter");
    at.leave_all(&["backoff_initial_delay", "backoff_max_delay"], "the source's backoff is switched off");
}

fn backoff(at: &At<'_>, draft: &mut Draft) {
    for (key, path) in [("backoff_initial_delay", "routing.backoff.initial"), ("backoff_max_delay", "routing.backoff.max")] {
        draft.set_some(path, at.get(key).and_then(|at| at.milliseconds()));
    }
}

fn detection(at: &At<'_>, draft: &mut Draft) {
    if let Some(codes) = at.get("error_codes") {
        let statuses = checked::statuses(&codes);
        if !statuses.is_empty() {
            draft.set("routing.detect.status", statuses);
        }
    }
    if let Some(patterns) = at.get("error_patterns") {
        draft.set("routing.detect.patterns", patterns.texts());
        at.note("`detect.patterns` are looked for in an error's type and code, and in its message unless the status is 400, 413 or 422; the source looked into the whole body");
    }
}

fn logging(at: &At<'_>, draft: &mut Draft) {
    if let Some(at) = at.get("level") {
        parts::level(&at, draft);
    }
    if let Some(format) = at.get("format") {
        match format.text().as_deref() {
            Some("json") => draft.set("logging.format", "json"),
            Some("text" | "plain" | "console") => {}
            _ => format.leave("llmgw's formats are text and json"),
        }
    }
    draft.set_some("logging.file", at.get("general_file").and_then(|at| at.filled()));
    draft.set_some("logging.requests.dir", at.get("request_dir").and_then(|at| at.filled()));
    draft.set_some("logging.requests.errors_dir", at.get("error_dir").and_then(|at| at.filled()));
    draft.set_some(
        "logging.rotate.max_size",
        at.any(&["max_file_size_mb", "max_file_size"]).and_then(|at| at.whole()).map(|mb| format!("{mb}MB")),
    );
    draft.set_some("logging.rotate.keep", at.get("max_age_days").and_then(|at| at.whole()));
    draft.set_some("logging.redact", at.get("mask_sensitive").and_then(|at| at.flag()));
    if let Some(bodies) = at.get("request_body") {
        let on = bodies.get("enabled").and_then(|at| at.flag()).unwrap_or(false);
        let with_body = bodies.get("include_body").and_then(|at| at.flag()).unwrap_or(true);
        if on && with_body {
            draft.set("logging.requests.bodies", true);
        }
    }
    at.leave_all(&["enable_metrics"], "metrics are always counted; `telemetry.metrics: false` ends that");
}

/// Whether a section's own switch is on.
fn is_on(at: &At<'_>) -> bool {
    at.get("enabled").and_then(|at| at.flag()) == Some(true)
}

fn concurrency(at: &At<'_>, draft: &mut Draft) {
    if !is_on(at) {
        return at.leave("it is switched off");
    }
    draft.set_some("server.max_in_flight", at.get("max_requests").and_then(|at| at.whole()).filter(|most| *most > 0));
    at.leave_all(&["max_queue_size", "queue_timeout"], "at the limit a request waits up to `connect` for a place, then gets 503");
}
