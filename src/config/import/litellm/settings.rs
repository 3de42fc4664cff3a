//! `router_settings`, `litellm_settings`, `general_settings`. The first two share many keys; the router's win.

use serde_json::{Value, json};

use super::deployment::Defaults;
use crate::config::import::draft::{Draft, clean_model};
use crate::config::import::parts;
use crate::config::import::source::At;

/// The port of LiteLLM's proxy when nothing is said.
const PORT: u16 = 4000;

/// Where one setting may stand, the strongest first.
struct Places<'a>(Vec<At<'a>>);

impl<'a> Places<'a> {
    fn of(root: &At<'a>) -> Places<'a> {
        Places(["router_settings", "litellm_settings", "general_settings"].iter().filter_map(|section| root.get(section)).collect())
    }

    /// The strongest of the values; the others are listed as overruled.
    fn get(&self, keys: &[&str]) -> Option<At<'a>> {
        let mut found = self.0.iter().flat_map(|place| keys.iter().filter_map(|key| place.get(key)));
        let first = found.next()?;
        found.for_each(|other| other.leave(format!("`{}` says it already", first.path)));
        Some(first)
    }
}

/// Time limits of deployments that have none of their own.
pub(super) fn defaults(root: &At<'_>) -> Defaults {
    let places = Places::of(root);
    let seconds = |keys: &[&str]| places.get(keys).and_then(|at| at.seconds());
    Defaults { timeout: seconds(&["timeout", "request_timeout"]), stream_timeout: seconds(&["stream_timeout"]) }
}

pub(super) fn convert(root: &At<'_>, draft: &mut Draft) {
    let places = Places::of(root);
    strategy(&places, draft);
    attempts(&places, draft);
    cooldown(&places, draft);
    aliases(&places, draft);
    fallbacks(&places, draft);
    if let Some(at) = root.get("litellm_settings") {
        module(&at, draft);
    }
    if let Some(at) = root.get("general_settings") {
        general(&at, draft);
    }
    if let Some(at) = root.get("router_settings") {
        at.leave_all(
            &["redis_host", "redis_port", "redis_password", "redis_url"],
            "one llmgw needs no Redis; several do not share their state",
        );
        at.leave_all(&["enable_pre_call_checks"], "a prompt that is too long fails over by `fallback_on.context_length`");
        at.leave_all(
            &["routing_strategy_args", "retry_policy", "allowed_fails_policy", "model_group_retry_policy"],
            "failures are counted alike",
        );
        at.leave_all(&["set_verbose", "debug_level"], "logging is set by `logging.level`");
    }
    root.leave_all(
        &["callback_settings", "guardrails", "mcp_servers", "vector_store_registry", "finetune_settings", "files_settings"],
        "llmgw has nothing like it",
    );
    if !draft.has("server.port") {
        draft.comment("server.port", "LiteLLM's own, so that clients need not be changed.");
        draft.set("server.port", PORT);
    }
}

fn strategy(places: &Places<'_>, draft: &mut Draft) {
    let Some(at) = places.get(&["routing_strategy"]) else { return };
    let strategy = match at.filled().as_deref() {
        // Random among equals, by weight where there are weights: that is what each name has.
        Some("simple-shuffle") | None => return,
        Some("least-busy") => "least_busy",
        Some("latency-based-routing") => "fastest",
        Some("cost-based-routing") => "cheapest",
        Some("usage-based-routing" | "usage-based-routing-v2") => {
            at.note("LiteLLM routes to the deployment with the most tokens per minute left; here the least busy one is asked first");
            "least_busy"
        }
        Some(_) => return at.leave("llmgw's strategies are priority, weighted, round_robin, least_busy, fastest and cheapest"),
    };
    for model in draft.models.iter_mut().filter(|model| model.routes.len() > 1) {
        model.settings.insert("strategy".to_owned(), json!(strategy));
    }
}

fn attempts(places: &Places<'_>, draft: &mut Draft) {
    if let Some(retries) = places.get(&["num_retries", "max_retries"]).and_then(|at| at.whole()) {
        draft.comment("routing.max_attempts", "Of a request over all its routes, fallbacks included.");
        draft.set("routing.max_attempts", retries + 1);
        if let Some(at) = places.get(&["fallbacks", "default_fallbacks"]) {
            at.note("LiteLLM retries each name before it falls back; here `routing.max_attempts` counts all attempts of a request, fallbacks included");
        }
    }
    if let Some(wait) = places.get(&["retry_after"]).filter(|at| at.value.as_f64() != Some(0.0)).and_then(|at| at.seconds()) {
        draft.set("routing.backoff.initial", wait);
    } else if let Some(at) = places.get(&["retry_after"]) {
        at.tick();
    }
    places.0.iter().for_each(|at| at.leave_all(&["max_fallbacks"], "`routing.max_attempts` counts fallbacks, too"));
}

fn cooldown(places: &Places<'_>, draft: &mut Draft) {
    if places.get(&["disable_cooldowns"]).and_then(|at| at.flag()) == Some(true) {
        let rest = [places.get(&["allowed_fails"]), places.get(&["cooldown_time"])];
        rest.into_iter().flatten().for_each(|at| at.leave("cooldowns are switched off in the source"));
        return draft.set("routing.cooldown", Value::Null);
    }
    if let Some(at) = places.get(&["allowed_fails"])
        && let Some(allowed) = at.whole()
    {
        draft.set("routing.cooldown.failures", allowed + 1);
        at.note("LiteLLM counts the failures of a minute; `cooldown.failures` counts consecutive ones");
    }
    if let Some(time) = places.get(&["cooldown_time"]).and_then(|at| at.seconds()) {
        draft.comment("routing.cooldown", "Always for the same time, as in the source.");
        draft.set("routing.cooldown.for", time.clone());
        draft.set("routing.cooldown.max", time);
    }
}

/// `{ alias: name }`, or `{ alias: { model: name, hidden: true } }`.
fn aliases(places: &Places<'_>, draft: &mut Draft) {
    for (alias, at) in places.get(&["model_group_alias"]).map(|at| at.entries()).unwrap_or_default() {
        let to = if at.is_map() { at.get("model").and_then(|at| at.filled()) } else { at.filled() };
        let Some(to) = to else { continue };
        at.leave_all(&["hidden"], "every name is listed");
        if draft.models.iter().all(|model| model.name != clean_model(alias)) {
            draft.model(alias).short_for = Some(clean_model(&to));
        } else {
            at.leave("deployments have this name, too");
        }
    }
}

fn fallbacks(places: &Places<'_>, draft: &mut Draft) {
    let named = |keys: &[&str]| -> Vec<(String, Vec<String>)> {
        let lists = places.get(keys).map(|at| at.items()).unwrap_or_default();
        lists
            .iter()
            .flat_map(|at| at.entries())
            .map(|(name, at)| (name.to_owned(), at.texts().iter().map(|name| clean_model(name)).collect()))
            .collect()
    };
    for (name, to) in named(&["fallbacks"]) {
        if name == "*" {
            everyone(to, draft);
        } else {
            draft.model(&name).settings.insert("fallback".to_owned(), json!(to));
        }
    }
    for (key, on) in [("context_window_fallbacks", "context_length"), ("content_policy_fallbacks", "content_policy")] {
        for (name, to) in named(&[key]) {
            draft.model(&name).settings.entry("fallback_on").or_insert_with(|| json!({}))[on] = json!(to);
        }
    }
    if let Some(at) = places.get(&["default_fallbacks"]) {
        let to = at.texts().iter().map(|name| clean_model(name)).collect();
        everyone(to, draft);
    }
}

/// Every name that has no fallback yet gets this one.
fn everyone(to: Vec<String>, draft: &mut Draft) {
    for model in draft.models.iter_mut().filter(|model| model.short_for.is_none() && !model.routes.is_empty()) {
        let others: Vec<&String> = to.iter().filter(|name| **name != model.name).collect();
        if !others.is_empty() {
            model.settings.entry("fallback").or_insert_with(|| json!(others));
        }
    }
}

/// What LiteLLM's library is told.
fn module(at: &At<'_>, draft: &mut Draft) {
    if at.get("set_verbose").and_then(|at| at.flag()) == Some(true) {
        draft.set("logging.level", "debug");
    }
    if at.get("json_logs").and_then(|at| at.flag()) == Some(true) {
        draft.set("logging.format", "json");
    }
    at.leave_all(&["drop_params"], "hints that an upstream cannot take are dropped in translation, and named in x-llmgw-dropped");
    at.leave_all(&["cache", "cache_params"], "llmgw caches no answers");
    let callbacks = "metrics (/metrics), traces (`telemetry.otlp`) and the ledger (`llmgw usage`) are built in";
    at.leave_all(&["callbacks", "success_callback", "failure_callback", "service_callback"], callbacks);
    at.leave_all(
        &["turn_off_message_logging", "redact_user_api_key_info"],
        "what is said is in no log unless `logging.requests.bodies` is set",
    );
    at.leave_all(&["telemetry"], "llmgw sends nothing to anybody");
    at.leave_all(&["max_budget", "budget_duration", "default_internal_user_params"], "llmgw has no budgets");
}

/// What LiteLLM's server is told.
fn general(at: &At<'_>, draft: &mut Draft) {
    if let Some(key) = at.get("master_key").and_then(|at| at.filled()) {
        draft.comment("admin", "LiteLLM's master key is both: it administers, and it may ask every model.");
        draft.set("admin.key", key.clone());
        draft.let_in(Some("master".to_owned()), key, Vec::new());
    }
    parts::host_and_port(at, draft);
    draft.set_some("server.max_in_flight", at.get("global_max_parallel_requests").and_then(|at| at.whole()).filter(|most| *most > 0));
    if let Some(size) = at.get("max_request_size_mb").and_then(|at| at.whole()).filter(|size| *size > 0) {
        draft.set("server.max_body", format!("{size}MB"));
    }
    if at.get("background_health_checks").and_then(|at| at.flag()) == Some(true) {
        let interval = at.get("health_check_interval").and_then(|at| at.seconds()).unwrap_or_else(|| "300s".to_owned());
        draft.set("routing.health_check.interval", interval);
        at.note("LiteLLM's health checks send a prompt to each deployment; llmgw's list the models, and spend no tokens");
    }
    at.leave_all(&["health_check_interval", "health_check_details"], "background checks are off in the source");
    let database = "llmgw has keys in its file only: virtual keys, teams and users of LiteLLM's database must be written under `auth.keys`";
    at.leave_all(&["database_url", "database_connection_pool_limit", "store_model_in_db", "allow_requests_on_db_unavailable"], database);
    at.leave_all(&["alerting", "alerting_threshold", "alert_types"], "alerts are made of /metrics");
    at.leave_all(
        &["max_parallel_requests"],
        "the limit is on the server (`server.max_in_flight`) and on providers, not on a deployment's name",
    );
    at.leave_all(
        &["custom_auth", "pass_through_endpoints", "key_management_system", "key_management_settings", "ui_access_mode"],
        "llmgw has nothing like it",
    );
}
