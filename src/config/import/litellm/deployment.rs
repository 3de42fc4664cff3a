//! `litellm_params`: a vendor's prefix, a model, and how to reach it, as a provider of ours.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::config::import::checked;
use crate::config::import::draft::Provider;
use crate::config::import::source::At;
use crate::config::import::vendor;
use crate::config::presets;

/// Vendors of models that stand without a prefix, by how their names begin.
const UNPREFIXED: [(&str, &str); 12] = [
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-", "openai"),
    ("dall-e", "openai"),
    ("tts-", "openai"),
    ("whisper", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "vertex_ai"),
    ("command-", "cohere"),
];

/// Parameters that are sent with every request, unless the client has its own; ours win over a client's.
const FIXED: [&str; 12] = [
    "temperature",
    "top_p",
    "top_k",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "stop",
    "user",
    "reasoning_effort",
    "thinking",
    "response_format",
    "service_tier",
];

/// Limits that llmgw does not have.
const LIMITS: [&str; 6] = ["rpm", "tpm", "max_budget", "budget_duration", "max_file_size_mb", "region_name"];

/// What of a deployment stands on its route.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deployment {
    /// How to reach it.
    pub(crate) provider: Provider,
    /// The upstream's name of the model.
    pub(crate) model: String,
    /// Share among deployments of the same name.
    pub(crate) weight: Option<u64>,
    /// Lower first.
    pub(crate) order: Option<u64>,
    /// Changes to requests.
    pub(crate) params: Map<String, Value>,
}

/// Limits that hold where a deployment says nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Defaults {
    /// Of a whole answer.
    pub(crate) timeout: Option<String>,
    /// Until a stream's first content.
    pub(crate) stream_timeout: Option<String>,
}

/// Variables that the file itself sets for the source's process.
pub(crate) struct Variables<'a> {
    entries: BTreeMap<String, At<'a>>,
    used: RefCell<BTreeSet<String>>,
}

impl<'a> Variables<'a> {
    pub(crate) fn of(at: Option<At<'a>>) -> Variables<'a> {
        let entries = at.map(|at| at.entries()).unwrap_or_default();
        Variables { entries: entries.into_iter().map(|(name, at)| (name.to_owned(), at)).collect(), used: RefCell::default() }
    }

    /// What the file says of this variable.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let value = self.entries.get(name)?.filled()?;
        self.used.borrow_mut().insert(name.to_owned());
        Some(value)
    }

    /// `text`, with a reference to one of these replaced by what the file says.
    pub(crate) fn resolve(&self, text: String) -> String {
        let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        name.and_then(|name| self.get(name)).unwrap_or(text)
    }

    /// Lists those that nobody asked for.
    pub(crate) fn finish(&self) {
        let used = self.used.borrow();
        let others = self.entries.iter().filter(|(name, _)| !used.contains(*name));
        others.for_each(|(_, at)| at.leave("llmgw sets no variables: set it where llmgw is started, if anything else needs it"));
    }
}

/// Reads one; why it cannot be reached by llmgw.
pub(crate) fn read(at: &At<'_>, variables: &Variables<'_>, defaults: &Defaults) -> Result<Deployment, String> {
    let named = at.get("model").and_then(|at| at.filled());
    let Some(named) = named else { return Err("there is no `model` in it".to_owned()) };
    let own = at.get("custom_llm_provider").and_then(|at| at.filled());
    let (prefix, model) = match own {
        Some(own) => (own.clone(), named.strip_prefix(&format!("{own}/")).unwrap_or(&named).to_owned()),
        None => split(&named, at.any(&["api_base", "base_url"]).is_some()),
    };
    let Some(mut provider) = reach(&prefix, at, variables) else {
        return Err(format!("llmgw cannot ask `{prefix}`, or not with what is said here"));
    };
    // Azure's and OpenAI's older forms have a word of their own before the model.
    let model = ["responses/", "chat/", "o_series/", "converse/", "invoke/"]
        .iter()
        .fold(model.as_str(), |model, word| model.strip_prefix(word).unwrap_or(model));
    let mut deployment = Deployment { model: model.to_owned(), ..Deployment::default() };
    limits(&mut provider, at, defaults);
    others(&mut deployment, &mut provider, at);
    deployment.provider = provider;
    Ok(deployment)
}

/// Vendor and model of `vendor/model`, or of a name that gives its vendor away.
fn split(named: &str, has_base: bool) -> (String, String) {
    if let Some((prefix, model)) = named.split_once('/')
        && (presets::find(prefix).is_some() || is_cloud(prefix) || is_compatible(prefix))
    {
        return (prefix.to_owned(), model.to_owned());
    }
    let vendor = UNPREFIXED.iter().find(|(start, _)| named.starts_with(start)).map(|(_, vendor)| *vendor);
    // With an address of its own and no known vendor, it is spoken to as OpenAI.
    let vendor = vendor.or(has_base.then_some("openai")).unwrap_or_else(|| named.split('/').next().unwrap_or(named));
    (vendor.to_owned(), named.to_owned())
}

fn is_cloud(prefix: &str) -> bool {
    matches!(prefix, "azure" | "azure_ai" | "bedrock" | "vertex_ai" | "vertex_ai_beta")
}

fn is_compatible(prefix: &str) -> bool {
    matches!(
        prefix,
        "openai" | "custom_openai" | "text-completion-openai" | "openai_like" | "litellm_proxy" | "oobabooga" | "anthropic_text"
    )
}

fn reach(prefix: &str, at: &At<'_>, variables: &Variables<'_>) -> Option<Provider> {
    let text = |keys: &[&str]| at.any(keys).and_then(|at| at.filled()).map(|text| variables.resolve(text));
    let base = text(&["api_base", "base_url"]).or_else(|| base_of_variables(prefix, variables));
    let key = text(&["api_key"]);
    let mut provider = match prefix {
        "azure" | "azure_ai" => azure(at, base.as_deref(), &text)?,
        "bedrock" => bedrock(at, &text),
        "vertex_ai" | "vertex_ai_beta" => vertex(at, &text)?,
        _ => vendor_of(prefix, base.as_deref())?,
    };
    let has_own = provider.settings.contains_key("access_key_id") || provider.settings.contains_key("profile");
    let key = key.or_else(|| (!has_own).then(|| conventional(prefix, &provider, variables)).flatten());
    provider.set("api_key", key);
    Some(provider)
}

/// Where LiteLLM looks when a deployment names no address.
fn base_of_variables(prefix: &str, variables: &Variables<'_>) -> Option<String> {
    let prefix = prefix.to_ascii_uppercase();
    [format!("{prefix}_API_BASE"), format!("{prefix}_BASE_URL")].iter().find_map(|name| variables.get(name))
}

/// The variable that holds the key when a deployment names none: what the file sets it to, or a reference to it.
fn conventional(prefix: &str, provider: &Provider, variables: &Variables<'_>) -> Option<String> {
    let kind = provider.settings.get("type").and_then(Value::as_str);
    let name = match (prefix, kind) {
        ("azure", _) => "AZURE_API_KEY".to_owned(),
        ("azure_ai", _) => "AZURE_AI_API_KEY".to_owned(),
        ("bedrock" | "vertex_ai" | "vertex_ai_beta" | "ollama" | "ollama_chat", _) => return None,
        _ => presets::find(prefix)?.env.first()?.clone(),
    };
    let is_local = provider.settings.get("base_url").and_then(Value::as_str).is_some_and(|url| url.starts_with("http://"));
    variables.get(&name).or_else(|| (!is_local).then(|| format!("${{{name}}}")))
}

fn vendor_of(prefix: &str, base: Option<&str>) -> Option<Provider> {
    let preset = presets::find(prefix);
    let address = match (base, preset) {
        (Some(base), _) if matches!(prefix, "ollama" | "ollama_chat") => vendor::of(base, Some("ollama"))?,
        (Some(base), Some(preset)) => vendor::of(base, Some(preset.kind.word()))?,
        (Some(base), None) if is_compatible(prefix) => vendor::of(base, Some("openai"))?,
        (None, Some(_)) => vendor::named(prefix)?,
        _ => return None,
    };
    let is_relay = prefix == "openai" || address.settings.contains_key("preset");
    let name = preset.filter(|_| !is_relay).map_or_else(|| vendor::name_of(&address.settings), |preset| preset.name.clone());
    Some(Provider::new(&name, address.settings))
}

fn azure(at: &At<'_>, base: Option<&str>, text: &dyn Fn(&[&str]) -> Option<String>) -> Option<Provider> {
    let base = base.map_or_else(|| "${AZURE_API_BASE}".to_owned(), str::to_owned);
    let mut address = vendor::of(&base, Some("azure"))?;
    if let Some(version) = text(&["api_version"]) {
        // `latest` and `preview` mean the API without versions.
        if version.starts_with(|c: char| c.is_ascii_digit()) || version.starts_with("${") {
            address.settings.insert("api_version".to_owned(), json!(version));
        } else {
            at.get("api_version").iter().for_each(|at| at.leave("Azure's API without versions is asked"));
        }
    }
    at.leave_all(
        &["azure_ad_token", "tenant_id", "client_id", "client_secret", "azure_username", "azure_password"],
        "Azure is asked with a key",
    );
    Some(Provider::new(&vendor::name_of(&address.settings), address.settings))
}

fn bedrock(at: &At<'_>, text: &dyn Fn(&[&str]) -> Option<String>) -> Provider {
    let mut provider = Provider::new("bedrock", Map::from_iter([("type".to_owned(), json!("bedrock"))]));
    provider.set("region", Some(checked::region(at.any(&["aws_region_name", "aws_region"]))));
    for (theirs, ours) in [
        ("aws_access_key_id", "access_key_id"),
        ("aws_secret_access_key", "secret_access_key"),
        ("aws_session_token", "session_token"),
        ("aws_profile_name", "profile"),
    ] {
        provider.set(ours, text(&[theirs]));
    }
    let reason = "keys of roles are taken from the environment: `aws configure export-credentials`";
    at.leave_all(&["aws_role_name", "aws_session_name", "aws_web_identity_token", "aws_sts_endpoint"], reason);
    at.leave_all(&["aws_bedrock_runtime_endpoint"], "the address follows from the region");
    provider
}

fn vertex(at: &At<'_>, text: &dyn Fn(&[&str]) -> Option<String>) -> Option<Provider> {
    let project = checked::project(&at.get("vertex_project")?)?;
    let mut provider =
        Provider::new("vertex", Map::from_iter([("type".to_owned(), json!("vertex")), ("project".to_owned(), json!(project))]));
    provider.set("location", text(&["vertex_location"]));
    provider.set("api_key", Some("${VERTEX_ACCESS_TOKEN}"));
    at.leave_all(&["vertex_credentials"], "Vertex AI is asked with an access token: `gcloud auth print-access-token`");
    at.note(
        "Vertex AI is asked with an access token, in $VERTEX_ACCESS_TOKEN: `gcloud auth print-access-token` prints one, good for an hour",
    );
    Some(provider)
}

fn limits(provider: &mut Provider, at: &At<'_>, defaults: &Defaults) {
    let whole = at.any(&["timeout", "request_timeout"]).and_then(|at| at.seconds()).or_else(|| defaults.timeout.clone());
    let stream = at.get("stream_timeout").and_then(|at| at.seconds()).or_else(|| defaults.stream_timeout.clone());
    match stream {
        Some(stream) => {
            provider.set_timeout("first_content", Some(stream));
            provider.set_timeout("non_stream", whole);
        }
        None => provider.set("timeout", whole),
    }
    provider.set("max_in_flight", at.get("max_parallel_requests").and_then(|at| at.whole()).filter(|most| *most > 0));
    let headers = at.get("extra_headers").map(|at| at.entries()).unwrap_or_default();
    let mut named: Map<String, Value> = headers.iter().filter_map(|(name, at)| Some(((*name).to_owned(), json!(at.filled()?)))).collect();
    if let Some(organization) = at.get("organization").and_then(|at| at.filled()) {
        named.insert("OpenAI-Organization".to_owned(), json!(organization));
    }
    provider.set("headers", Some(named).filter(|named| !named.is_empty()));
}

fn others(deployment: &mut Deployment, provider: &mut Provider, at: &At<'_>) {
    deployment.weight = at.get("weight").and_then(|at| at.whole()).filter(|weight| *weight > 0);
    deployment.order = at.get("order").and_then(|at| at.whole());
    let mut set = Map::new();
    for key in FIXED {
        let Some(at) = at.get(key) else { continue };
        at.tick();
        set.insert(key.to_owned(), at.value.clone());
        at.note(format!("`{key}` of a deployment is the client's in LiteLLM when it sends one; here `params.set` always wins"));
    }
    for (key, at) in at.get("extra_body").map(|at| at.entries()).unwrap_or_default() {
        at.tick();
        set.insert(key.to_owned(), at.value.clone());
    }
    if !set.is_empty() {
        deployment.params.insert("set".to_owned(), Value::Object(set));
    }
    if let Some(most) = at.any(&["max_tokens", "max_completion_tokens"]).and_then(|at| at.whole()).filter(|most| *most > 0) {
        deployment.params.insert("max_tokens".to_owned(), json!(most));
    }
    let dropped = at.get("additional_drop_params").map(|at| at.texts()).unwrap_or_default();
    if !dropped.is_empty() {
        deployment.params.insert("drop".to_owned(), json!(dropped));
    }
    at.leave_all(&LIMITS, "llmgw has no limit of this kind on a provider");
    at.leave_all(&["drop_params"], "hints that an upstream cannot take are dropped in translation, and named in x-llmgw-dropped");
    at.leave_all(&["max_retries", "num_retries"], "attempts are counted in one place: `routing.max_attempts`");
    provider.offer(&deployment.model);
}
