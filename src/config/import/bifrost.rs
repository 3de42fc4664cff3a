//! Bifrost's `config.json`: `providers` with `keys`, and `client`. Models are asked for as `provider/model`, as here.

use serde_json::{Map, Value, json};

use super::checked;
use super::draft::{Draft, Provider};
use super::parts;
use super::source::{At, Source};
use super::vendor;

/// Bifrost's own port.
const PORT: u16 = 8080;

/// What cannot be carried over of every provider.
const NO_SWITCH: &str = "llmgw has no switch for it";

pub(super) fn convert(source: &Source, draft: &mut Draft) {
    let root = source.root();
    root.leave_all(&["$schema"], "it is for editors: `llmgw config schema` prints ours");
    for (name, at) in root.get("providers").map(|at| at.entries()).unwrap_or_default() {
        provider(name, &at, draft);
    }
    source.note("Bifrost reads `fallbacks` in a request's body; here they stand in the file: `models.NAME.fallback`");
    if let Some(at) = root.get("client") {
        client(&at, draft);
    }
    if let Some(at) = root.get("governance") {
        governance(&at, draft);
    }
    root.leave_all(&["config_store", "logs_store", "vector_store", "cache"], "what llmgw keeps is in one SQLite file, `storage.path`");
    root.leave_all(&["mcp", "plugins", "framework", "encryption_key"], "llmgw has nothing like it");
    draft.comment("server.port", "Bifrost's own, so that clients need not be changed.");
    draft.set("server.port", PORT);
}

/// Keys of one provider that may use the same models are one provider of ours; others need one of their own.
fn provider(name: &str, at: &At<'_>, draft: &mut Draft) {
    let mut made: Vec<usize> = Vec::new();
    let keys = at.get("keys").map(|at| at.items()).unwrap_or_default();
    for key in &keys {
        if key.get("enabled").and_then(|at| at.flag()) == Some(false) {
            key.leave("this key is switched off");
            continue;
        }
        if let Some(provider) = account(name, at, Some(key)) {
            join(provider, &mut made, draft);
        }
    }
    // Local servers want no key.
    if keys.is_empty()
        && let Some(provider) = account(name, at, None)
    {
        made.push(draft.providers.len());
        draft.add(provider);
    }
    names(name, &keys, &made, draft);
    network(at, &made, draft);
    at.leave_all(&["send_back_raw_request", "send_back_raw_response", "store_raw_request_response"], NO_SWITCH);
    at.leave_all(&["status", "description", "config_hash", "pricing_overrides"], "it is for Bifrost's own pages");
}

/// `provider/model` leads to a provider of that very name. Where that is not all there is to it, the name has routes.
fn names(name: &str, keys: &[At<'_>], made: &[usize], draft: &mut Draft) {
    let mut routes: Vec<(String, Map<String, Value>)> = Vec::new();
    let mut add = |model: &str, provider: &Provider, upstream: &str| {
        let route = (format!("{name}/{model}"), parts::route(&provider.name, Some(upstream)));
        if !routes.contains(&route) {
            routes.push(route);
        }
    };
    let renamed = renamed(keys);
    for provider in made.iter().map(|index| &draft.providers[*index]) {
        let listed = provider.settings.get("models").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for model in listed {
            let upstream = renamed.iter().find(|(known, _)| known == model).map_or(model, |(_, deployment)| deployment);
            if made.len() > 1 || upstream != model || provider.name != name {
                add(model, provider, upstream);
            }
        }
    }
    for (name, route) in routes {
        draft.model(&name).routes.push(route);
    }
    for index in made {
        let models = draft.providers[*index].settings.get_mut("models").and_then(Value::as_array_mut);
        for model in models.into_iter().flatten() {
            if let Some((_, deployment)) = renamed.iter().find(|(known, _)| *model == **known) {
                *model = json!(deployment);
            }
        }
    }
}

/// Models that the upstream has under another name, its deployment's.
fn renamed(keys: &[At<'_>]) -> Vec<(String, String)> {
    let configs = keys.iter().filter_map(|key| key.any(&["azure_key_config", "bedrock_key_config", "vertex_key_config"]));
    let deployments = configs.filter_map(|config| config.get("deployments")).flat_map(|at| at.entries());
    deployments.filter_map(|(model, at)| Some((model.to_owned(), at.filled()?))).collect()
}

/// Adds `provider`, or its key to one that differs in nothing else.
fn join(mut provider: Provider, made: &mut Vec<usize>, draft: &mut Draft) {
    let key = provider.settings.shift_remove("api_key").and_then(|key| key.as_str().map(str::to_owned));
    let is_like = |index: &&usize| {
        let mut known = draft.providers[**index].settings.clone();
        ["api_key", "api_keys"].iter().for_each(|key| drop(known.shift_remove(*key)));
        known == provider.settings
    };
    let (index, mut keys) = match made.iter().find(is_like) {
        Some(index) => (*index, keys_of(&draft.providers[*index])),
        None => {
            made.push(draft.providers.len());
            draft.add(provider);
            (draft.providers.len() - 1, Vec::new())
        }
    };
    keys.extend(key);
    let provider = &mut draft.providers[index];
    provider.settings.shift_remove("api_key");
    provider.set_keys(keys);
}

fn keys_of(provider: &Provider) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let several = provider.settings.get("api_keys").and_then(Value::as_array).into_iter().flatten().filter_map(text);
    provider.settings.get("api_key").and_then(text).into_iter().chain(several).collect()
}

/// One key's way to the upstream.
fn account(name: &str, at: &At<'_>, key: Option<&At<'_>>) -> Option<Provider> {
    let base = at.get("network_config").and_then(|at| at.get("base_url"));
    let custom = at.get("custom_provider_config").and_then(|at| base_type(&at));
    let vendor = custom.as_deref().unwrap_or(name);
    let settings = match vendor {
        "azure" => azure(key?)?,
        "bedrock" => bedrock(key?),
        "vertex" => vertex(key?)?,
        _ => match base.and_then(|base| base.filled()).filter(|base| !base.is_empty()) {
            Some(base) => vendor::of(&with_version(vendor, &base), kind_of(vendor))?.settings,
            None => match vendor::named(vendor) {
                Some(address) => address.settings,
                None => {
                    at.leave(format!("llmgw has no preset `{vendor}`, and there is no `network_config.base_url`"));
                    return None;
                }
            },
        },
    };
    let mut provider = Provider::new(name, settings);
    let Some(key) = key else { return Some(provider) };
    // Vertex AI's token is not the key.
    if vendor != "vertex" {
        provider.set("api_key", key.get("value").and_then(|at| at.filled()));
    }
    for model in key.get("models").map(|at| at.texts()).unwrap_or_default().iter().filter(|model| *model != "*") {
        provider.offer(model);
    }
    if let Some(weight) = key.get("weight") {
        weight.leave("keys are used in turn, without weights");
    }
    key.leave_all(
        &["id", "name", "use_for_batch_api", "config_hash", "blacklisted_models"],
        "keys have neither names nor uses of their own here",
    );
    Some(provider)
}

/// Whose way of speaking a provider of the user's own has.
fn base_type(at: &At<'_>) -> Option<String> {
    let at = at.get("base_provider_type")?;
    let word = at.filled()?;
    if vendor::named(&word).is_none() && !matches!(word.as_str(), "azure" | "bedrock" | "vertex") {
        at.leave("it is spoken to as OpenAI");
        return Some("openai".to_owned());
    }
    Some(word)
}

fn kind_of(vendor: &str) -> Option<&'static str> {
    match vendor {
        "anthropic" => Some("anthropic"),
        "gemini" => Some("gemini"),
        "ollama" => Some("ollama"),
        "openai" => Some("openai"),
        _ => None,
    }
}

/// Bifrost appends `/v1` itself.
fn with_version(vendor: &str, base: &str) -> String {
    let base = base.trim_end_matches('/');
    let is_versioned =
        base.rsplit('/').next().is_some_and(|last| last.starts_with('v') && last[1..].starts_with(|c: char| c.is_ascii_digit()));
    if is_versioned || matches!(vendor, "anthropic" | "gemini" | "ollama") { base.to_owned() } else { format!("{base}/v1") }
}

fn azure(key: &At<'_>) -> Option<Map<String, Value>> {
    let config = key.get("azure_key_config")?;
    let mut address = vendor::of(&config.get("endpoint")?.filled()?, Some("azure"))?;
    if let Some(version) = config.get("api_version").and_then(|at| at.filled()) {
        address.settings.insert("api_version".to_owned(), json!(version));
    }
    Some(address.settings)
}

fn bedrock(key: &At<'_>) -> Map<String, Value> {
    let mut provider = Provider::new("bedrock", Map::from_iter([("type".to_owned(), json!("bedrock"))]));
    let config = key.get("bedrock_key_config");
    provider.set("region", Some(checked::region(config.as_ref().and_then(|config| config.get("region")))));
    let Some(config) = config else { return provider.settings };
    for (theirs, ours) in [("access_key", "access_key_id"), ("secret_key", "secret_access_key"), ("session_token", "session_token")] {
        provider.set(ours, config.get(theirs).and_then(|at| at.filled()));
    }
    config.leave_all(&["arn", "role_arn"], "keys of roles are taken from the environment");
    provider.settings
}

fn vertex(key: &At<'_>) -> Option<Map<String, Value>> {
    let config = key.get("vertex_key_config")?;
    let mut provider = Provider::new("vertex", Map::from_iter([("type".to_owned(), json!("vertex"))]));
    provider.set("project", Some(checked::project(&config.get("project_id")?)?));
    provider.set("location", config.get("region").and_then(|at| at.filled()));
    provider.set("api_key", Some("${VERTEX_ACCESS_TOKEN}"));
    let reason = "Vertex AI is asked with an access token, in $VERTEX_ACCESS_TOKEN: `gcloud auth print-access-token` prints one";
    config.leave_all(&["auth_credentials", "project_number"], reason);
    Some(provider.settings)
}

/// Time limits, headers, retries, concurrency, proxy.
fn network(at: &At<'_>, made: &[usize], draft: &mut Draft) {
    let mut common = Provider::default();
    if let Some(at) = at.get("network_config") {
        parts::whole_timeout(&mut common, at.get("default_request_timeout_in_seconds").and_then(|at| at.seconds()).as_deref());
        let headers = at.get("extra_headers").map(|at| at.entries()).unwrap_or_default();
        let headers: Map<String, Value> = headers.iter().filter_map(|(name, at)| Some(((*name).to_owned(), json!(at.filled()?)))).collect();
        common.set("headers", Some(headers).filter(|headers| !headers.is_empty()));
        if let Some(retries) = at.get("max_retries").and_then(|at| at.whole()) {
            let known = draft.attempts();
            draft.comment("routing.max_attempts", "Of a request over all its routes; the largest of the source's providers.");
            draft.set("routing.max_attempts", known.max(retries + 1));
        }
        for (key, path) in [("retry_backoff_initial", "routing.backoff.initial"), ("retry_backoff_max", "routing.backoff.max")] {
            draft.set_some(path, at.get(key).and_then(|at| at.milliseconds()));
        }
    }
    if let Some(at) = at.get("concurrency_and_buffer_size") {
        common.set("max_in_flight", at.get("concurrency").and_then(|at| at.whole()).filter(|most| *most > 0));
        at.leave_all(&["buffer_size"], "at the limit a request waits up to `timeout.connect` for a place, then gets 503");
    }
    if let Some(at) = at.get("proxy_config") {
        proxy(&at, &mut common);
    }
    for index in made {
        draft.providers[*index].settings.extend(common.settings.clone());
    }
}

fn proxy(at: &At<'_>, provider: &mut Provider) {
    let kind = at.get("type").and_then(|at| at.filled());
    let url = at.get("url").and_then(|at| checked::proxy(&at));
    let credentials = [at.get("username"), at.get("password")].map(|at| at.and_then(|at| at.filled()));
    match (kind.as_deref(), url) {
        (Some("none"), _) => provider.set("proxy", Some("none")),
        (Some("environment"), _) => {}
        (Some("http" | "https" | "socks5") | None, Some(url)) => provider.set("proxy", Some(with_credentials(&url, credentials))),
        _ => at.leave("there is no address in it, or it is of no type that llmgw knows"),
    }
    at.leave_all(&["ca_cert_pem"], "a private CA is a file: `tls: { ca: … }`");
}

fn with_credentials(url: &str, credentials: [Option<String>; 2]) -> String {
    let ([Some(user), password], Some((scheme, rest))) = (credentials, url.split_once("://")) else { return url.to_owned() };
    let encoded = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let password = password.map(|password| format!(":{}", encoded(&password))).unwrap_or_default();
    format!("{scheme}://{}{password}@{rest}", encoded(&user))
}

fn client(at: &At<'_>, draft: &mut Draft) {
    if let Some(origins) = at.get("allowed_origins") {
        let origins: Vec<String> = origins.texts();
        if !origins.is_empty() {
            draft.set("server.cors", origins);
        }
    }
    if let Some(size) = at.get("max_request_body_size_mb").and_then(|at| at.whole()).filter(|size| *size > 0) {
        draft.set("server.max_body", format!("{size}MB"));
    }
    if at.get("enable_logging").and_then(|at| at.flag()) == Some(true) {
        at.note("llmgw keeps a ledger of all requests by itself (`llmgw logs`, `llmgw usage`); what was said is in it only with `logging.requests.bodies`");
    }
    at.leave_all(&["drop_excess_requests", "initial_pool_size"], "memory is taken as it is needed; `server.max_in_flight` limits requests");
    at.leave_all(&["prometheus_labels"], "llmgw's metrics have labels of their own");
    at.leave_all(&["allow_direct_keys"], "a client's key never reaches an upstream");
    at.leave_all(
        &["enforce_governance_header", "enforce_auth_on_inference", "enable_governance"],
        "with `auth.keys`, every request needs a key",
    );
    at.leave_all(&["log_retention_days"], "rows are kept for `storage.keep`");
}

fn governance(at: &At<'_>, draft: &mut Draft) {
    for key in at.get("virtual_keys").map(|at| at.items()).unwrap_or_default() {
        let name = key.get("name").and_then(|at| at.filled());
        if key.get("is_active").and_then(|at| at.flag()) == Some(false) {
            key.leave("this key is switched off, and llmgw has no switch for it");
            continue;
        }
        let Some(value) = key.get("value").and_then(|at| at.filled()) else { continue };
        let models = key.get("provider_configs").map(|at| at.items()).unwrap_or_default();
        let globs = models.iter().flat_map(allowed).collect();
        draft.let_in(name, value, globs);
        key.leave_all(&["id", "description", "team_id", "customer_id", "budget_id", "rate_limit_id"], "keys have a name and models only");
    }
    at.leave_all(
        &["budgets", "rate_limits", "customers", "teams", "routing_rules", "model_configs", "auth_config"],
        "llmgw has nothing like it",
    );
}

/// `provider/model` for each model that a key may use; a provider without a list, all of its.
fn allowed(at: &At<'_>) -> Vec<String> {
    let Some(provider) = at.get("provider").and_then(|at| at.filled()) else { return Vec::new() };
    at.leave_all(&["weight", "budget_id", "rate_limit_id", "id"], "keys have a name and models only");
    let models = at.get("allowed_models").map(|at| at.texts()).unwrap_or_default();
    if models.is_empty() || models.iter().any(|model| model == "*") {
        return vec![format!("{provider}/*")];
    }
    models.iter().flat_map(|model| [format!("{provider}/{model}"), model.clone()]).collect()
}
