//! Where an address leads: a vendor's preset, or the type and `base_url` that ours want.

use serde_json::{Map, Value, json};
use url::Url;

use super::checked::is_reference;
use crate::config::presets::{self, Preset};

/// What clients of other gateways write at the end of an address, and ours append themselves.
const ENDPOINTS: [&str; 5] = ["/chat/completions", "/completions", "/embeddings", "/responses", "/messages"];

/// Where Azure's resources are.
const AZURE: [&str; 3] = [".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"];

/// The port of Ollama.
const OLLAMA: u16 = 11434;

/// What an address came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Address {
    /// `preset`, `type`, `base_url`, `api_version`: as many of them as are needed.
    pub(super) settings: Map<String, Value>,
    /// The deployment that Azure's classic address names.
    pub(super) deployment: Option<String>,
}

/// Reads an address. `wanted` is the type where the source says it; `None`: the host tells. No address at all is `None`.
pub(super) fn of(written: &str, wanted: Option<&str>) -> Option<Address> {
    let written = written.trim();
    let is_after_scheme = ["http://${", "https://${"].iter().any(|start| written.starts_with(start));
    if is_reference(written) || is_after_scheme {
        return Some(plain(wanted.unwrap_or("openai"), written));
    }
    // Without a scheme, what has no dot is a word rather than a host.
    let is_bare = !written.contains("://") && written.contains('.') && written.is_ascii();
    let text = if is_bare { format!("https://{written}") } else { written.to_owned() };
    let mut url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())?;
    let version = url.query_pairs().find(|(name, _)| name == "api-version").map(|(_, value)| value.into_owned());
    url.set_query(None);
    url.set_fragment(None);
    let mut path = url.path().trim_end_matches('/').to_owned();
    if let Some(endpoint) = ENDPOINTS.iter().find(|endpoint| path.ends_with(*endpoint)) {
        path.truncate(path.len() - endpoint.len());
    }
    url.set_path(&path);
    let host = url.host_str().unwrap_or_default().to_owned();
    let kind = wanted.map_or_else(|| kind_of(&host, &url), str::to_owned);
    match kind.as_str() {
        "azure" => Some(azure(&mut url, version)),
        "bedrock" => Some(Address { settings: Map::from_iter([("type".to_owned(), json!("bedrock")), region(&host)?]), deployment: None }),
        kind => Some(preset(&url, kind).unwrap_or_else(|| plain(kind, &bare(&mut url, kind)))),
    }
}

/// A preset by a name or alias that others use for it.
pub(super) fn named(name: &str) -> Option<Address> {
    let preset = presets::find(name)?;
    Some(Address { settings: of_preset(preset), deployment: None })
}

/// What the preset or the host is called: a name for a provider that has none.
pub(super) fn name_of(settings: &Map<String, Value>) -> String {
    let text = |key: &str| settings.get(key).and_then(Value::as_str);
    if let Some(name) = text("preset") {
        return name.to_owned();
    }
    let host = text("base_url").and_then(|url| Url::parse(url).ok()).and_then(|url| url.host_str().map(str::to_owned));
    let kind = text("type").unwrap_or("openai");
    match host {
        Some(host) if kind == "azure" => host.split('.').next().unwrap_or(kind).to_owned(),
        Some(host) if kind == "openai" || kind == "request" => host.trim_start_matches("www.").trim_start_matches("api.").to_owned(),
        _ => kind.to_owned(),
    }
}

/// The type that a host, a port or a path gives away.
fn kind_of(host: &str, url: &Url) -> String {
    let path = url.path();
    let of_host = of_host(host).map(|preset| preset.kind.word());
    let kind = if AZURE.iter().any(|suffix| host.ends_with(suffix)) {
        "azure"
    } else if host.starts_with("bedrock-runtime.") {
        "bedrock"
    } else if path.split('/').any(|part| part == "anthropic") {
        "anthropic"
    } else if of_host == Some("gemini") && path.ends_with("/openai") {
        // Google's own OpenAI-compatible API.
        "openai"
    } else if let Some(kind) = of_host {
        kind
    } else if url.port() == Some(OLLAMA) {
        "ollama"
    } else {
        "openai"
    };
    kind.to_owned()
}

/// The vendor whose address this is, with the path that it wants or none.
fn preset(url: &Url, kind: &str) -> Option<Address> {
    let address = url.as_str().trim_end_matches('/');
    let exact = presets::all().iter().find(|preset| preset.base_url == address);
    let is_bare =
        |preset: &&Preset| matches!(bare(&mut url.clone(), kind).trim_end_matches('/'), bare if is_root(bare) || bare == preset.base_url);
    let preset = exact.or_else(|| of_host(url.host_str()?).filter(is_bare)).filter(|preset| preset.kind.word() == kind)?;
    // What listens on a port of this machine could be anything, but for Ollama.
    let is_local = preset.base_url.starts_with("http://") && preset.name != "ollama";
    (!is_local).then(|| Address { settings: of_preset(preset), deployment: None })
}

fn of_preset(preset: &Preset) -> Map<String, Value> {
    Map::from_iter([("preset".to_owned(), json!(preset.name))])
}

fn of_host(host: &str) -> Option<&'static Preset> {
    let host_of = |preset: &Preset| Url::parse(&preset.base_url).ok()?.host_str().map(str::to_owned);
    presets::all().iter().filter(|preset| preset.base_url.starts_with("https://")).find(|preset| host_of(preset).as_deref() == Some(host))
}

fn is_root(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| url.path().trim_matches('/').is_empty())
}

/// Without the version that begins each path of this type.
fn bare(url: &mut Url, kind: &str) -> String {
    let versions: &[&str] = match kind {
        "anthropic" | "vertex" => &["/v1"],
        "gemini" => &["/v1beta", "/v1"],
        "ollama" => &["/v1", "/api"],
        _ => &[],
    };
    let path = url.path().trim_end_matches('/').to_owned();
    let cut = versions.iter().find_map(|version| path.strip_suffix(version)).unwrap_or(&path).to_owned();
    url.set_path(&cut);
    url.as_str().trim_end_matches('/').to_owned()
}

fn plain(kind: &str, address: &str) -> Address {
    let mut settings = Map::from_iter([("type".to_owned(), json!(kind))]);
    settings.insert("base_url".to_owned(), json!(address));
    Address { settings, deployment: None }
}

/// The resource, the deployment and the version, wherever they stand in the address.
fn azure(url: &mut Url, version: Option<String>) -> Address {
    let parts: Vec<String> = url.path().split('/').map(str::to_owned).collect();
    let after = parts.iter().skip_while(|part| *part != "deployments").nth(1).cloned();
    url.set_path("");
    let mut address = plain("azure", url.as_str().trim_end_matches('/'));
    if let Some(version) = version {
        address.settings.insert("api_version".to_owned(), json!(version));
    }
    address.deployment = after.filter(|name| !name.is_empty());
    address
}

fn region(host: &str) -> Option<(String, Value)> {
    Some(("region".to_owned(), json!(host.strip_prefix("bedrock-runtime.")?.split('.').next()?)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::of;

    fn check(written: &str, wanted: Option<&str>, expected: &Value) {
        let address = of(written, wanted).map(|address| Value::Object(address.settings));
        assert_eq!(address.as_ref(), Some(expected), "{written}");
    }

    #[test]
    fn a_host_tells_the_vendor_and_a_version_goes_where_ours_add_it() {
        check("https://api.openai.com/v1", None, &json!({ "preset": "openai" }));
        check("https://api.openai.com/v1/chat/completions", None, &json!({ "preset": "openai" }));
        check("https://api.openai.com", None, &json!({ "preset": "openai" }));
        check("https://api.anthropic.com/v1", None, &json!({ "preset": "anthropic" }));
        check("https://api.anthropic.com/v1/messages", None, &json!({ "preset": "anthropic" }));
        check("https://generativelanguage.googleapis.com/v1beta", None, &json!({ "preset": "gemini" }));
        let google = "https://generativelanguage.googleapis.com/v1beta/openai";
        check(google, None, &json!({ "type": "openai", "base_url": google }));
        check("https://open.bigmodel.cn/api/coding/paas/v4", None, &json!({ "preset": "zhipu-coding" }));
        check(
            "https://api.deepseek.com/anthropic",
            None,
            &json!({ "type": "anthropic", "base_url": "https://api.deepseek.com/anthropic" }),
        );
    }

    #[test]
    fn what_is_nobodys_is_openais_way_at_that_address() {
        check("https://relay.example/v1/", None, &json!({ "type": "openai", "base_url": "https://relay.example/v1" }));
        check("relay.example/v1", None, &json!({ "type": "openai", "base_url": "https://relay.example/v1" }));
        check("http://localhost:8001/v1", None, &json!({ "type": "openai", "base_url": "http://localhost:8001/v1" }));
        check("https://relay.example/v1", Some("anthropic"), &json!({ "type": "anthropic", "base_url": "https://relay.example" }));
        check("${RELAY}/v1", None, &json!({ "type": "openai", "base_url": "${RELAY}/v1" }));
        assert_eq!(of("", None), None);
        assert_eq!(of("ftp://a.example", None), None);
        assert_eq!(of("不是 地址", None), None);
    }

    #[test]
    fn clouds_are_known_by_their_hosts() {
        let classic = "https://res.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21";
        check(classic, None, &json!({ "type": "azure", "base_url": "https://res.openai.azure.com", "api_version": "2024-10-21" }));
        assert_eq!(of(classic, None).and_then(|address| address.deployment).as_deref(), Some("gpt4"));
        check("https://res.openai.azure.com/openai/v1/", None, &json!({ "type": "azure", "base_url": "https://res.openai.azure.com" }));
        check("https://bedrock-runtime.eu-west-1.amazonaws.com", None, &json!({ "type": "bedrock", "region": "eu-west-1" }));
        check("http://10.0.0.5:11434/v1", None, &json!({ "type": "ollama", "base_url": "http://10.0.0.5:11434" }));
    }
}
