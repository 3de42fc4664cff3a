//! litellm-routes: `model_config` says how models are reached, `model_routes` which public names lead to them; YAML.

use serde_json::{Map, Value, json};

use super::checked;
use super::draft::{Draft, clean_model};
use super::litellm::deployment::{Defaults, Deployment, Variables, read};
use super::parts;
use super::source::{At, Source};

/// A model of `model_config` as routes find it.
struct Known {
    name: String,
    provider: usize,
    deployment: Deployment,
}

pub(super) fn convert(source: &Source, draft: &mut Draft) {
    let root = source.root();
    let variables = Variables::of(root.get("os_env"));
    let defaults = Defaults {
        timeout: root.get("server").and_then(|at| at.any(&["request_timeout", "timeout"])).and_then(|at| at.seconds()),
        stream_timeout: None,
    };
    let known = models(&root, &variables, &defaults, draft);
    for (name, at) in root.get("model_routes").map(|at| at.entries()).unwrap_or_default() {
        route(name, &at, &known, draft);
    }
    // A model may be asked for by its own name, too.
    for one in &known {
        if draft.models.iter().all(|model| model.name != clean_model(&one.name)) {
            let route = route_to(one, None, draft);
            draft.model(&one.name).routes.push(route);
        }
    }
    if let Some(at) = root.get("server") {
        server(&at, draft);
    }
    proxies(&root, &variables, draft);
    if let Some(at) = root.get("connector") {
        connector(&at, draft);
    }
    variables.finish();
}

fn models(root: &At<'_>, variables: &Variables<'_>, defaults: &Defaults, draft: &mut Draft) -> Vec<Known> {
    let Some(section) = root.get("model_config") else { return Vec::new() };
    let entries: Vec<(String, At<'_>)> = if section.is_list() {
        let name = |at: &At<'_>| at.any(&["name", "model_name", "alias"]).and_then(|at| at.filled()).unwrap_or_default();
        section.items().into_iter().map(|at| (name(&at), at)).collect()
    } else {
        section.entries().into_iter().map(|(name, at)| (name.to_owned(), at)).collect()
    };
    let mut known = Vec::new();
    for (name, at) in entries {
        let params = at.any(&["litellm_params", "params"]).filter(At::is_map).unwrap_or_else(|| at.clone());
        let deployment = match read(&params, variables, defaults) {
            Ok(deployment) => deployment,
            Err(reason) => {
                at.leave(reason);
                continue;
            }
        };
        let name = if name.is_empty() { deployment.model.clone() } else { name };
        let provider = draft.find_or_add(deployment.provider.clone());
        draft.providers[provider].offer(&deployment.model);
        known.push(Known { name, provider, deployment });
    }
    known
}

/// One name, several in the order in which they are tried, or a section with them.
fn route(name: &str, at: &At<'_>, known: &[Known], draft: &mut Draft) {
    let list = if at.is_map() { at.any(&["routes", "models", "model", "targets"]) } else { Some(at.clone()) };
    let mut models = 0_usize;
    for (position, item) in (1..).zip(list.map(|at| at.items()).unwrap_or_default()) {
        let written = if item.is_map() { item.any(&["model", "name", "target"]).and_then(|at| at.filled()) } else { item.filled() };
        let Some(one) = known.iter().find(|known| Some(&known.name) == written.as_ref()) else {
            item.leave(format!("`model_config` has no `{}`", written.unwrap_or_default()));
            continue;
        };
        let own = item.get("priority").and_then(|at| at.whole());
        let mut route = route_to(one, own.or((position > 1).then_some(position)), draft);
        if let Some(weight) = item.get("weight").and_then(|at| at.whole()).filter(|weight| *weight > 0) {
            route.insert("weight".to_owned(), json!(weight));
            draft.model(name).settings.insert("strategy".to_owned(), json!("weighted"));
            // Weights decide among equals.
            if own.is_none() {
                route.shift_remove("priority");
            }
        }
        draft.model(name).routes.push(route);
        models += 1;
    }
    let fallback = at.any(&["fallback", "fallbacks"]).filter(|_| at.is_map()).map(|at| at.texts()).unwrap_or_default();
    if !fallback.is_empty() && models > 0 {
        let fallback: Vec<String> = fallback.iter().map(|name| clean_model(name)).collect();
        draft.model(name).settings.insert("fallback".to_owned(), json!(fallback));
    }
}

fn route_to(known: &Known, priority: Option<u64>, draft: &Draft) -> Map<String, Value> {
    let mut route = parts::route(&draft.providers[known.provider].name, Some(&known.deployment.model));
    if let Some(priority) = priority {
        route.insert("priority".to_owned(), json!(priority));
    }
    if !known.deployment.params.is_empty() {
        route.insert("params".to_owned(), Value::Object(known.deployment.params.clone()));
    }
    route
}

fn server(at: &At<'_>, draft: &mut Draft) {
    parts::host_and_port(at, draft);
    draft.set_some("server.workers", at.get("workers").and_then(|at| at.whole()));
    if let Some(keys) = at.any(&["api_keys", "api_key", "keys", "master_key", "auth_token"]) {
        parts::client_keys(&keys, draft);
    }
    if let Some(at) = at.get("log_level") {
        parts::level(&at, draft);
    }
    if at.get("debug").and_then(|at| at.flag()) == Some(true) {
        draft.set("logging.level", "debug");
    }
    if let Some(retries) = at.any(&["max_retries", "num_retries", "retries"]).and_then(|at| at.whole()) {
        draft.set("routing.max_attempts", retries + 1);
    }
}

/// The proxy of every upstream: one address, or one for each scheme.
fn proxies(root: &At<'_>, variables: &Variables<'_>, draft: &mut Draft) {
    let section = root.get("proxy");
    if section.as_ref().and_then(|at| at.get("enabled")?.flag()) == Some(false) {
        section.iter().for_each(|at| at.leave("it is switched off"));
        return;
    }
    let written = match &section {
        Some(at) if at.is_map() => at.any(&["https", "url", "address", "http"]),
        other => other.clone(),
    };
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "http_proxy"];
    let set = || names.iter().find_map(|name| variables.get(name));
    let Some(proxy) = written.and_then(|at| checked::proxy(&at)).or_else(set) else { return };
    draft.providers.iter_mut().for_each(|provider| provider.set("proxy", Some(proxy.clone())));
    if let Some(at) = section.filter(At::is_map) {
        at.get("http").filter(|other| other.value.as_str() == Some(proxy.as_str())).iter().for_each(At::tick);
        at.leave_all(&["no_proxy"], "a provider that needs none has `proxy: none`");
    }
}

/// What aiohttp's connector is told.
fn connector(at: &At<'_>, draft: &mut Draft) {
    let most = |key: &str| at.get(key).and_then(|at| at.whole()).filter(|most| *most > 0);
    let (per_host, all) = (most("limit_per_host"), most("limit"));
    draft.set_some("server.max_in_flight", all);
    let keepalive = at.get("keepalive_timeout").and_then(|at| at.seconds());
    for provider in &mut draft.providers {
        provider.set("max_in_flight", per_host);
        provider.set("idle_timeout", keepalive.clone());
    }
    at.leave_all(&["ttl_dns_cache", "use_dns_cache"], "names are looked up by the system for each new connection");
    at.leave_all(&["force_close", "enable_cleanup_closed"], "connections are kept, and ended when they are dead");
    at.leave_all(&["ssl", "verify_ssl"], "certificates are always checked; a private CA is `tls: { ca: … }`");
}
