//! Whose file it is: the kinds by name, and what each is recognised by.

use serde_json::{Map, Value};

/// A gateway whose file can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `backends` and `models` with routes.
    LlmProxy,
    /// `models.openai` and `models.request`.
    ModelsYaml,
    /// `config.json` with upstreams in one string each.
    AiProxy,
    /// `model_config` and `model_routes`.
    LitellmRoutes,
    /// A Python module of literals.
    SettingsPy,
    /// LiteLLM's proxy.
    Litellm,
    /// The database of one-api or new-api.
    OneApi,
    /// Bifrost's `config.json`.
    Bifrost,
}

impl Kind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Kind; 8] = [
        Kind::LlmProxy,
        Kind::ModelsYaml,
        Kind::AiProxy,
        Kind::LitellmRoutes,
        Kind::SettingsPy,
        Kind::Litellm,
        Kind::OneApi,
        Kind::Bifrost,
    ];

    /// What `--from` takes.
    pub fn word(self) -> &'static str {
        match self {
            Kind::LlmProxy => "llm-proxy",
            Kind::ModelsYaml => "models-yaml",
            Kind::AiProxy => "ai-proxy",
            Kind::LitellmRoutes => "litellm-routes",
            Kind::SettingsPy => "settings-py",
            Kind::Litellm => "litellm",
            Kind::OneApi => "one-api",
            Kind::Bifrost => "bifrost",
        }
    }

    /// What it is recognised by.
    pub fn sign(self) -> &'static str {
        match self {
            Kind::LlmProxy => "YAML with `backends` and `models`",
            Kind::ModelsYaml => "YAML with `models.openai` or `models.request`",
            Kind::AiProxy => "JSON with upstreams written as \"name|url|key\"",
            Kind::LitellmRoutes => "YAML with `model_config` or `model_routes`",
            Kind::SettingsPy => "Python with `UPSTREAM_PROVIDERS = …`",
            Kind::Litellm => "YAML with `model_list`",
            Kind::OneApi => "the SQLite database of one-api or new-api, with a table `channels`",
            Kind::Bifrost => "JSON with `providers`, each with its `keys`",
        }
    }

    /// The one of this word.
    pub fn of_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Whose tree it is, if that can be told.
pub(super) fn detect(tree: &Value) -> Option<Kind> {
    let root = tree.as_object()?;
    let models = |key: &str| root.get("models").and_then(|models| models.get(key)).is_some();
    let kind = if root.contains_key("model_list") {
        Kind::Litellm
    } else if root.contains_key("model_config") || root.contains_key("model_routes") {
        Kind::LitellmRoutes
    } else if root.get("backends").is_some_and(Value::is_array) {
        Kind::LlmProxy
    } else if models("openai") || models("request") {
        Kind::ModelsYaml
    } else if is_bifrost(root) {
        Kind::Bifrost
    } else if has_piped_upstreams(tree) {
        Kind::AiProxy
    } else {
        return None;
    };
    Some(kind)
}

/// Whether it has what every file of ours has.
pub(super) fn is_ours(tree: &Value) -> bool {
    tree.get("providers").is_some_and(Value::is_array)
}

/// Whether some line assigns the name that such a module is known by.
pub(super) fn is_settings_py(text: &str) -> bool {
    let assigns = |line: &str| line.strip_prefix("UPSTREAM_PROVIDERS").is_some_and(|rest| rest.trim_start().starts_with([':', '=']));
    // In YAML it would be a key, followed by a colon and its value; an annotation is followed by `=`.
    text.lines().any(|line| assigns(line) && line.contains('='))
}

/// Whether `text` is an upstream in one string.
pub(super) fn is_piped_upstream(text: &str) -> bool {
    text.split('|').nth(1).is_some_and(|url| url.trim().starts_with("http://") || url.trim().starts_with("https://"))
}

fn is_bifrost(root: &Map<String, Value>) -> bool {
    let has_keys = |provider: &Value| provider.get("keys").is_some_and(Value::is_array);
    let named = root.get("$schema").and_then(Value::as_str).is_some_and(|schema| schema.contains("bifrost"));
    let providers = root.get("providers").and_then(Value::as_object);
    providers.is_some_and(|providers| named || providers.values().any(has_keys))
}

fn has_piped_upstreams(tree: &Value) -> bool {
    match tree {
        Value::String(text) => is_piped_upstream(text),
        Value::Array(items) => items.iter().any(has_piped_upstreams),
        Value::Object(entries) => entries.values().any(has_piped_upstreams),
        _ => false,
    }
}
