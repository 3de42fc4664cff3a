//! settings-py: a Python module with `UPSTREAM_PROVIDERS` and `MODEL_ALIASES`, read as literals.

use serde_json::{Map, Value, json};

use super::checked;
use super::draft::{Draft, Provider, clean_model};
use super::parts;
use super::source::{At, Source};

const ADDRESS: [&str; 5] = ["base_url", "api_base", "url", "endpoint", "api_url"];
const KEYS: [&str; 4] = ["api_keys", "api_key", "key", "keys"];

pub(super) fn convert(source: &Source, draft: &mut Draft) {
    let root = source.root();
    draft.comment("routing.max_attempts", "The source tries each upstream that has the model, once.");
    draft.set("routing.max_attempts", 0);
    let limit = root.any(&["REQUEST_TIMEOUT", "UPSTREAM_TIMEOUT", "TIMEOUT", "DEFAULT_TIMEOUT"]).and_then(|at| at.seconds());
    let connect = root.get("CONNECT_TIMEOUT").and_then(|at| at.seconds());
    if let Some(at) = root.get("UPSTREAM_PROVIDERS") {
        providers(&at, limit.as_deref(), connect.as_deref(), draft);
    }
    if let Some(at) = root.any(&["MODEL_ALIASES", "MODEL_ALIAS", "MODEL_MAPPING"]) {
        aliases(&at, draft);
    }
    parts::host_and_port(&root, draft);
    if let Some(at) = root.get("LOG_LEVEL") {
        parts::level(&at, draft);
    }
    if root.get("DEBUG").and_then(|at| at.flag()) == Some(true) {
        draft.set("logging.level", "debug");
    }
    for at in ["API_KEYS", "API_KEY", "PROXY_API_KEYS", "PROXY_API_KEY", "AUTH_KEYS", "AUTH_TOKENS", "ACCESS_TOKENS"]
        .iter()
        .filter_map(|key| root.get(key))
    {
        parts::client_keys(&at, draft);
    }
    if let Some(time) = root.any(&["COOLDOWN_SECONDS", "COOLDOWN", "COOLDOWN_TIME"]).and_then(|at| at.seconds()) {
        draft.set("routing.cooldown.for", time.clone());
        draft.set("routing.cooldown.max", time);
    }
    draft.set_some(
        "routing.cooldown.failures",
        root.any(&["MAX_FAILURES", "FAILURE_THRESHOLD"]).and_then(|at| at.whole()).filter(|n| *n > 0),
    );
    draft.set_some("routing.default_model", root.get("DEFAULT_MODEL").and_then(|at| at.filled()));
    for at in ["HTTP_PROXY", "HTTPS_PROXY", "PROXY"].iter().filter_map(|key| root.get(key)) {
        if let Some(proxy) = checked::proxy(&at) {
            draft
                .providers
                .iter_mut()
                .filter(|one| !one.settings.contains_key("proxy"))
                .for_each(|one| one.set("proxy", Some(proxy.clone())));
        }
    }
}

/// A list with names in it, or a mapping from names.
fn providers(at: &At<'_>, limit: Option<&str>, connect: Option<&str>, draft: &mut Draft) {
    let entries: Vec<(Option<String>, At<'_>)> = match at.is_list() {
        true => at.items().into_iter().map(|at| (None, at)).collect(),
        false => at.entries().into_iter().map(|(name, at)| (Some(name.to_owned()), at)).collect(),
    };
    for (name, at) in entries {
        let name = at.any(&["name", "id"]).and_then(|at| at.filled()).or(name);
        let wanted = at.any(&["type", "protocol", "format"]).and_then(|at| spoken(&at));
        let wanted = wanted.as_deref();
        let Some((mut provider, _)) = at.any(&ADDRESS).and_then(|url| parts::provider(name.as_deref(), &url, wanted)) else {
            at.leave("it has no address");
            continue;
        };
        provider.set_keys(at.any(&KEYS).map(|at| at.texts()).unwrap_or_default());
        provider.set("priority", at.get("priority").and_then(|at| at.whole()));
        provider.set("enabled", at.get("enabled").and_then(|at| at.flag()).filter(|enabled| !enabled));
        let own = at.get("timeout").and_then(|at| at.seconds());
        if let Some(connect) = connect {
            provider.set_timeout("connect", Some(connect.to_owned()));
            let whole = own.or_else(|| limit.map(str::to_owned));
            provider.set_timeout("first_content", whole.clone());
            provider.set_timeout("non_stream", whole);
        } else {
            parts::whole_timeout(&mut provider, own.as_deref().or(limit));
        }
        provider.set("max_in_flight", at.any(&["max_concurrency", "max_concurrent"]).and_then(|at| at.whole()).filter(|most| *most > 0));
        provider.set("proxy", at.get("proxy").and_then(|at| checked::proxy(&at)));
        provider.set("default_model", at.get("default_model").and_then(|at| at.filled()));
        offered(&mut provider, &at);
        let headers = at.any(&["headers", "extra_headers"]).map(|at| at.entries()).unwrap_or_default();
        let headers: Map<String, Value> = headers.iter().filter_map(|(name, at)| Some(((*name).to_owned(), json!(at.filled()?)))).collect();
        provider.set("headers", Some(headers).filter(|headers| !headers.is_empty()));
        let mapping = at.any(&["model_mapping", "model_map", "aliases"]);
        let name = draft.add(provider);
        for (alias, at) in mapping.map(|at| at.entries()).unwrap_or_default() {
            if let Some(model) = at.filled() {
                draft.model(alias).routes.push(parts::route(&name, Some(&model)));
            }
        }
    }
}

/// How it is spoken to, where the source says so; elsewhere its address tells.
fn spoken(at: &At<'_>) -> Option<String> {
    let word = at.filled()?;
    match word.as_str() {
        "anthropic" | "gemini" | "azure" | "ollama" => return Some(word),
        "openai" => {}
        _ => at.leave("it is spoken to as its address tells, else as OpenAI"),
    }
    None
}

/// What it offers: names, or patterns of what it has.
fn offered(provider: &mut Provider, at: &At<'_>) {
    if let Some(at) = at.any(&["match", "model_patterns", "patterns", "model_regex"]) {
        provider.set("match", Some(at.texts()));
    }
    for model in at.any(&["models", "supported_models"]).map(|at| at.texts()).unwrap_or_default() {
        provider.offer(&model);
    }
}

/// `{ alias: name }`, `{ alias: [names in order] }`, or `{ alias: { provider: name } }`.
fn aliases(at: &At<'_>, draft: &mut Draft) {
    for (alias, at) in at.entries() {
        if at.is_map() {
            for (provider, at) in at.entries() {
                let Some(known) = draft.providers.iter().find(|known| known.name == provider).map(|known| known.name.clone()) else {
                    at.leave(format!("there is no provider `{provider}`"));
                    continue;
                };
                let Some(model) = at.filled() else { continue };
                let mut route = parts::route(&known, Some(&model));
                let settings = draft.providers.iter().find(|one| one.name == known).map(|one| &one.settings);
                if let Some(priority) = settings.and_then(|settings| settings.get("priority")) {
                    route.insert("priority".to_owned(), priority.clone());
                }
                draft.model(alias).routes.push(route);
            }
            continue;
        }
        let names: Vec<String> = at.texts().iter().map(|name| clean_model(name)).filter(|name| *name != alias).collect();
        match names.as_slice() {
            [] => at.leave("an alias of itself, or of nothing, is none"),
            // A provider's own mapping may have given it routes.
            [name] if draft.model(alias).routes.is_empty() => draft.model(alias).short_for = Some(name.clone()),
            names => {
                draft.model(alias).settings.insert("fallback".to_owned(), json!(names));
            }
        }
    }
}
