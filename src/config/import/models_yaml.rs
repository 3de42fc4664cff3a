//! models-yaml: `models.openai` and `models.request`, one entry per model, and `auth.api_keys`; YAML.

use serde_json::{Map, Value, json};

use super::checked;
use super::draft::{Draft, Provider, clean_model};
use super::parts;
use super::source::{At, Source};
use super::vendor;

/// How the source writes one thing.
const ADDRESS: [&str; 6] = ["base_url", "api_base", "api_url", "url", "endpoint", "request_url"];
const MODEL: [&str; 6] = ["model", "model_name", "model_id", "upstream_model", "real_model", "deployment"];
const LOGIN: [&str; 4] = ["auth_url", "login_url", "token_url", "url"];
const USER: [&str; 2] = ["username", "user"];

/// What a request is sent with, unless the client says otherwise; ours win.
const FIXED: [&str; 6] = ["temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "stop"];

pub(super) fn convert(source: &Source, draft: &mut Draft) {
    let root = source.root();
    for (is_request, section) in [(false, "openai"), (true, "request")] {
        let Some(at) = root.get("models").and_then(|at| at.get(section)) else { continue };
        for (name, at) in named(&at) {
            model(name, &at, is_request, draft);
        }
    }
    if let Some(at) = root.get("auth") {
        auth(&at, draft);
    }
    let mut is_debug = false;
    for at in [root.get("server"), root.get("app"), Some(root.clone())].into_iter().flatten() {
        parts::host_and_port(&at, draft);
        draft.set_some("server.workers", at.get("workers").and_then(|at| at.whole()));
        if let Some(level) = at.get("log_level") {
            parts::level(&level, draft);
        }
        is_debug |= at.get("debug").and_then(|at| at.flag()) == Some(true);
    }
    if let Some(at) = root.any(&["logging", "log"]).filter(At::is_map) {
        if let Some(at) = at.get("level") {
            parts::level(&at, draft);
        }
        draft.set_some("logging.file", at.any(&["file", "path"]).and_then(|at| at.filled()));
    }
    if is_debug {
        draft.set("logging.level", "debug");
    }
    if let Some(at) = root.any(&["default_model", "default"]).filter(|at| at.value.is_string()) {
        draft.set_some("routing.default_model", at.filled());
    }
}

/// The entries of a list, each with its own name, or of a mapping.
fn named<'a>(at: &At<'a>) -> Vec<(Option<String>, At<'a>)> {
    if at.is_list() {
        return at.items().into_iter().map(|at| (None, at)).collect();
    }
    at.entries().into_iter().map(|(name, at)| (Some(name.to_owned()), at)).collect()
}

fn model(name: Option<String>, at: &At<'_>, is_request: bool, draft: &mut Draft) {
    let upstream = at.any(&MODEL).and_then(|at| at.filled());
    let names = [name, at.any(&["name", "id", "alias"]).and_then(|at| at.filled()), upstream.clone()];
    let Some(name) = names.into_iter().flatten().next() else { return at.leave("it has no name") };
    let upstream = upstream.unwrap_or_else(|| name.clone());
    let Some(mut provider) = reach(&name, at, is_request) else {
        return at.leave("it has neither an address nor a known vendor, or no way to log in there");
    };
    let timeout = at.any(&["timeout", "request_timeout"]).and_then(|at| at.seconds());
    parts::whole_timeout(&mut provider, timeout.as_deref());
    headers(&mut provider, at);
    provider.set("max_in_flight", at.any(&["max_concurrency", "max_concurrent"]).and_then(|at| at.whole()).filter(|most| *most > 0));
    provider.set("proxy", at.get("proxy").and_then(|at| checked::proxy(&at)));
    let index = draft.find_or_add(provider);
    let provider = &mut draft.providers[index];
    provider.offer(&upstream);
    let mut route = parts::route(&provider.name, Some(&upstream));
    if let Some(priority) = at.get("priority").and_then(|at| at.whole()) {
        route.insert("priority".to_owned(), json!(priority));
    }
    if let Some(weight) = at.get("weight").and_then(|at| at.whole()).filter(|weight| *weight > 0) {
        route.insert("weight".to_owned(), json!(weight));
    }
    let params = params(at);
    if !params.is_empty() {
        route.insert("params".to_owned(), Value::Object(params));
    }
    let is_off = at.get("enabled").and_then(|at| at.flag()) == Some(false);
    if is_off {
        route.insert("enabled".to_owned(), json!(false));
    }
    at.leave_all(&["description", "display_name"], "models have a name only");
    draft.model(&name).routes.push(route);
    for item in at.get("aliases").map(|at| at.items()).unwrap_or_default() {
        let Some(alias) = item.filled() else { continue };
        if draft.models.iter().all(|model| model.name != clean_model(&alias)) {
            draft.model(&alias).short_for = Some(clean_model(&name));
        } else {
            item.leave("a model has this name");
        }
    }
}

fn reach(name: &str, at: &At<'_>, is_request: bool) -> Option<Provider> {
    let written = at.any(&ADDRESS).and_then(|at| at.filled());
    if is_request {
        let mut provider = Provider::new(name, vendor::of(&written?, Some("request"))?.settings);
        provider.set("auth", Some(login(at)?));
        return Some(provider);
    }
    // OpenAI's own SDK goes to OpenAI.
    let settings = written.map_or_else(|| vendor::named("openai"), |url| vendor::of(&url, None))?.settings;
    let mut provider = Provider::new(&vendor::name_of(&settings), settings);
    provider.set_keys(at.any(&["api_keys", "api_key", "key"]).map(|at| at.texts()).unwrap_or_default());
    Some(provider)
}

/// A token, or a login that yields one, in a section of its own or beside the address.
fn login(at: &At<'_>) -> Option<Value> {
    let section = at.any(&["auth", "login", "authentication"]).filter(At::is_map);
    let place = section.as_ref().unwrap_or(at);
    let text = |keys: &[&str]| place.any(keys).and_then(|at| at.filled());
    if let Some(token) = text(&["token", "access_token", "api_key", "key"]) {
        return Some(json!({ "token": token }));
    }
    let keys = if section.is_some() { &LOGIN[..] } else { &LOGIN[..3] };
    let mut login = Map::new();
    login.insert("url".to_owned(), json!(checked::web_address(&place.any(keys)?)?));
    login.insert("username".to_owned(), json!(text(&USER)?));
    login.insert("password".to_owned(), json!(text(&["password"])?));
    let cache = place.any(&["cache", "token_ttl", "cache_seconds", "token_expire", "expires_in"]).and_then(|at| at.seconds());
    let hours = place.any(&["cache_hours", "token_cache_hours"]).and_then(|at| at.whole()).map(|hours| format!("{hours}h"));
    if let Some(cache) = cache.or(hours) {
        login.insert("cache".to_owned(), json!(cache));
    }
    if let Some(pointer) = place.any(&["token_field", "token_path", "token_key"]).and_then(|at| at.filled()) {
        let pointer = if pointer.starts_with('/') { pointer } else { format!("/{}", pointer.replace('.', "/")) };
        login.insert("token_pointer".to_owned(), json!(pointer));
    }
    if place.any(&["body", "content_type", "format"]).and_then(|at| at.filled()).is_some_and(|body| body.contains("form")) {
        login.insert("body".to_owned(), json!("form"));
    }
    Some(Value::Object(login))
}

fn params(at: &At<'_>) -> Map<String, Value> {
    let mut params = Map::new();
    let dropped = at.get("drop_params").filter(At::is_list).map(|at| at.texts()).unwrap_or_default();
    if !dropped.is_empty() {
        params.insert("drop".to_owned(), json!(dropped));
    }
    let section = at.get("params").filter(At::is_map);
    let mut set = Map::new();
    for key in FIXED {
        let Some(at) = at.get(key).or_else(|| section.as_ref()?.get(key)) else { continue };
        at.tick();
        set.insert(key.to_owned(), at.value.clone());
        at.note(format!("`{key}` of a model is a default in the source; here `params.set` wins over what a client sends"));
    }
    if !set.is_empty() {
        params.insert("set".to_owned(), Value::Object(set));
    }
    let most = at.get("max_tokens").or_else(|| section.as_ref()?.get("max_tokens"));
    if let Some(most) = most.and_then(|at| at.whole()).filter(|most| *most > 0) {
        params.insert("max_tokens".to_owned(), json!(most));
    }
    params
}

fn headers(provider: &mut Provider, at: &At<'_>) {
    let headers = at.any(&["headers", "extra_headers"]).map(|at| at.entries()).unwrap_or_default();
    let named: Map<String, Value> = headers.iter().filter_map(|(name, at)| Some(((*name).to_owned(), json!(at.filled()?)))).collect();
    provider.set("headers", Some(named).filter(|named| !named.is_empty()));
}

fn auth(at: &At<'_>, draft: &mut Draft) {
    let Some(keys) = at.any(&["api_keys", "keys", "tokens"]) else { return };
    if at.get("enabled").and_then(|at| at.flag()) == Some(false) {
        return keys.leave("the source asks no key of clients: `auth.enabled` is off");
    }
    parts::client_keys(&keys, draft);
}
