//! What each agent must be told to talk to a gateway: variables, arguments, a file. Says it; starts nothing.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::sync::Arc;

use clap::ValueEnum;
use serde_json::json;
use tempfile::TempDir;

use crate::cli::failure::Failure;
use crate::cli::run::gateway::Gateway;
use crate::config::env::Env;
use crate::config::{AUTO, Config, Model, Origin, ProviderKind, Target};

/// The variable that agents are given the gateway's key in, where they can be told which.
pub const KEY: &str = "LLMGW_API_KEY";

/// What the gateway is called in an agent's own configuration.
const NAME: &str = "llmgw";

/// Agents that it is known of how they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Known {
    /// Claude Code
    Claude,
    /// OpenAI's Codex
    Codex,
    /// aichat
    Aichat,
}

/// What an agent is started with.
#[derive(Default)]
pub struct Setup {
    /// Before the user's own arguments.
    pub arguments: Vec<OsString>,
    /// Variables to set.
    pub set: Vec<(&'static str, String)>,
    /// Variables that would lead it elsewhere.
    pub unset: &'static [&'static str],
    /// Removed when the agent has ended.
    _directory: Option<TempDir>,
}

impl Known {
    /// What it is started as.
    pub fn program(self) -> &'static str {
        match self {
            Known::Claude => "claude",
            Known::Codex => "codex",
            Known::Aichat => "aichat",
        }
    }

    /// How it gets onto a machine.
    pub fn install(self) -> &'static str {
        match self {
            Known::Claude => "npm install -g @anthropic-ai/claude-code",
            Known::Codex => "npm install -g @openai/codex",
            Known::Aichat => "cargo install aichat",
        }
    }
}

impl Setup {
    /// For `agent`, or for any program; `model` is what it shall ask for.
    pub fn of(agent: Option<Known>, gateway: &Gateway, model: Option<String>, environment: &Env) -> Result<Setup, Failure> {
        let default = |offered: fn(&Config) -> bool| match gateway.config() {
            Some(config) if !offered(config) => Some(config.routing.default_model.to_string()),
            _ => None,
        };
        let mut setup = match agent {
            Some(Known::Claude) => claude(gateway, model.or_else(|| default(offers_claude))),
            Some(Known::Codex) => codex(gateway, model.or_else(|| default(offers_openai))),
            Some(Known::Aichat) => aichat(gateway, model)?,
            None => any(gateway, model),
        };
        setup.set.extend(no_proxy(environment));
        Ok(setup)
    }
}

/// Claude Code asks at the root, and sends the token as a bearer's.
fn claude(gateway: &Gateway, model: Option<String>) -> Setup {
    let mut set = vec![("ANTHROPIC_BASE_URL", gateway.root()), ("ANTHROPIC_AUTH_TOKEN", gateway.key().to_owned())];
    // It shows models of the gateway whose ids name Claude.
    set.push(("CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY", "1".to_owned()));
    // Uncertain: which of these a version reads for its small requests; what it does not know it ignores.
    const MODELS: [&str; 5] = [
        "ANTHROPIC_MODEL",
        "ANTHROPIC_SMALL_FAST_MODEL",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL",
        "ANTHROPIC_DEFAULT_SONNET_MODEL",
        "ANTHROPIC_DEFAULT_OPUS_MODEL",
    ];
    set.extend(model.iter().flat_map(|model| MODELS.map(|name| (name, model.clone()))));
    // With a key of Anthropic's beside the token it asks which one to use, and with a cloud's switch neither counts.
    let unset = &["ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"];
    Setup { set, unset, ..Setup::default() }
}

/// Codex takes any key of its configuration as `-c KEY=TOML`, and speaks Responses only.
fn codex(gateway: &Gateway, model: Option<String>) -> Setup {
    let ours = format!("model_providers.{NAME}");
    let mut settings = vec![
        ("model_provider".to_owned(), NAME.to_owned()),
        (format!("{ours}.name"), NAME.to_owned()),
        (format!("{ours}.base_url"), gateway.v1()),
        (format!("{ours}.env_key"), KEY.to_owned()),
        (format!("{ours}.wire_api"), "responses".to_owned()),
    ];
    if let Some(model) = model {
        settings.push(("model".to_owned(), model));
        // Only OpenAI runs its own tools, and others refuse what they cannot do.
        settings.push(("web_search".to_owned(), "disabled".to_owned()));
    }
    // JSON's strings are TOML's too.
    let arguments = settings.into_iter().flat_map(|(key, value)| ["-c".to_owned(), format!("{key}={}", json!(value))]);
    Setup { arguments: arguments.map(OsString::from).collect(), set: vec![(KEY, gateway.key().to_owned())], ..Setup::default() }
}

/// aichat reads a file; sessions and roles stay where they are. The key comes by a variable named after the client.
fn aichat(gateway: &Gateway, model: Option<String>) -> Result<Setup, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("cannot write a configuration for aichat: {}", error.kind()));
    let model = model.or_else(|| Some(gateway.config()?.routing.default_model.to_string())).unwrap_or_else(|| AUTO.to_owned());
    let mut names = gateway.config().map(names).unwrap_or_default();
    if !names.contains(&model) {
        names.insert(0, model.clone());
    }
    let models: Vec<_> = names.iter().map(|name| json!({ "name": name })).collect();
    let client = json!({ "type": "openai-compatible", "name": NAME, "api_base": gateway.v1(), "models": models });
    let text = json!({ "model": format!("{NAME}:{model}"), "clients": [client] }).to_string();
    let directory = tempfile::Builder::new().prefix("llmgw-aichat-").tempdir().map_err(failed)?;
    let path = directory.path().join("config.yaml");
    // YAML is a superset of JSON.
    fs::write(&path, text).map_err(failed)?;
    let set = vec![
        ("AICHAT_CONFIG_FILE", path.display().to_string()),
        // A model of the user's own would name a client that this file does not have.
        ("AICHAT_MODEL", format!("{NAME}:{model}")),
        (KEY, gateway.key().to_owned()),
    ];
    // Uncertain: versions before 0.25 call these otherwise.
    let unset = &["AICHAT_PLATFORM", "AICHAT_PROVIDER"];
    Ok(Setup { set, unset, _directory: Some(directory), ..Setup::default() })
}

/// What SDKs of OpenAI and Anthropic read, under their old names too.
fn any(gateway: &Gateway, model: Option<String>) -> Setup {
    let mut set = vec![
        ("OPENAI_BASE_URL", gateway.v1()),
        ("OPENAI_API_BASE", gateway.v1()),
        ("OPENAI_API_KEY", gateway.key().to_owned()),
        ("ANTHROPIC_BASE_URL", gateway.root()),
        ("ANTHROPIC_AUTH_TOKEN", gateway.key().to_owned()),
        (KEY, gateway.key().to_owned()),
    ];
    set.extend(model.iter().flat_map(|model| ["OPENAI_MODEL", "ANTHROPIC_MODEL"].map(|name| (name, model.clone()))));
    Setup { set, unset: &["ANTHROPIC_API_KEY"], ..Setup::default() }
}

/// Agents would ask the environment's proxy for this machine.
fn no_proxy(environment: &Env) -> Vec<(&'static str, String)> {
    const PROXIES: [&str; 6] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    if PROXIES.iter().all(|name| environment.get_filled(name).is_none()) {
        return Vec::new();
    }
    let set = environment.get_filled("no_proxy").or_else(|| environment.get_filled("NO_PROXY"));
    let hosts = set.map_or_else(String::new, |hosts| format!("{hosts},")) + "localhost,127.0.0.1,::1";
    vec![("NO_PROXY", hosts.clone()), ("no_proxy", hosts)]
}

/// Names that can be asked for and need no discovery.
fn names(config: &Config) -> Vec<String> {
    let own = config.models.iter().filter(|model| model.enabled && !model.name.contains('*')).map(|model| model.name.to_string());
    let listed = config.providers.iter().filter(|provider| provider.enabled).flat_map(|provider| provider.models.iter().flatten());
    let mut seen = HashSet::new();
    let all = own.chain(std::iter::once(AUTO.to_owned())).chain(listed.map(ToString::to_string));
    all.filter(|name| seen.insert(name.clone())).collect()
}

/// Whether the names that Claude Code asks for by itself may mean anything here.
fn offers_claude(config: &Config) -> bool {
    offers(config, |kind| matches!(kind, ProviderKind::Anthropic), "claude")
}

/// Likewise those of Codex.
fn offers_openai(config: &Config) -> bool {
    // Whoever else speaks OpenAI's dialect has other models.
    let openai = config.providers.iter().any(|provider| provider.enabled && provider.base_url.host_str() == Some("api.openai.com"));
    openai || offers(config, |kind| matches!(kind, ProviderKind::Azure(_)), "gpt-")
}

/// Whether a provider of `is_kind` is used, or a name here begins as those do.
fn offers(config: &Config, is_kind: impl Fn(&ProviderKind) -> bool, beginning: &str) -> bool {
    let has_name = |model: &Model| {
        let leads_somewhere = match &model.target {
            Target::Name(_) => true,
            Target::Routes { routes, .. } => !routes.is_empty(),
        };
        model.enabled && leads_somewhere && (model.name.starts_with(beginning) || &*model.name == "*")
    };
    let mut providers = config.providers.iter().filter(|provider| provider.enabled);
    let lists = |models: &[Arc<str>]| models.iter().any(|model| model.starts_with(beginning));
    // The mock that stands for a missing configuration answers to every name.
    config.origin == Origin::Mock
        || config.models.iter().any(has_name)
        || providers.any(|provider| is_kind(&provider.kind) || provider.models.as_deref().is_some_and(lists))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Known, Setup, offers_claude, offers_openai};
    use crate::cli::run::gateway::Gateway;
    use crate::config::Config;
    use crate::config::env::Env;
    use crate::config::load::{Overrides, load_text};

    fn config(providers: &str) -> Config {
        load_text("llmgw.yaml", providers, Path::new("."), &Env::for_tests(&[], "."), &Overrides::default()).unwrap().config
    }

    fn setup(agent: Option<Known>, providers: &str, model: Option<&str>, variables: &[(&str, &str)]) -> Setup {
        let gateway = Gateway::at("http://127.0.0.1:4567".parse().unwrap(), "sk-1", Some(config(providers)));
        Setup::of(agent, &gateway, model.map(str::to_owned), &Env::for_tests(variables, ".")).unwrap()
    }

    fn value<'a>(setup: &'a Setup, name: &str) -> Option<&'a str> {
        setup.set.iter().find(|(set, _)| *set == name).map(|(_, value)| value.as_str())
    }

    const ANTHROPIC: &str = "providers: [{ name: a, preset: anthropic, api_key: k }]";
    const DEEPSEEK: &str = "providers: [{ name: d, preset: deepseek, api_key: k }]\nrouting: { default_model: d/deepseek-v4-pro }";

    #[test]
    fn claude_keeps_its_models_where_there_are_such() {
        let own = setup(Some(Known::Claude), ANTHROPIC, None, &[]);
        assert_eq!(value(&own, "ANTHROPIC_BASE_URL"), Some("http://127.0.0.1:4567"));
        assert_eq!(value(&own, "ANTHROPIC_AUTH_TOKEN"), Some("sk-1"));
        assert_eq!(value(&own, "ANTHROPIC_MODEL"), None);
        assert!(own.unset.contains(&"ANTHROPIC_API_KEY"));
        let other = setup(Some(Known::Claude), DEEPSEEK, None, &[]);
        assert_eq!(value(&other, "ANTHROPIC_MODEL"), Some("d/deepseek-v4-pro"));
        assert_eq!(value(&other, "ANTHROPIC_SMALL_FAST_MODEL"), Some("d/deepseek-v4-pro"));
        assert_eq!(value(&setup(Some(Known::Claude), ANTHROPIC, Some("模型"), &[]), "ANTHROPIC_MODEL"), Some("模型"));
    }

    #[test]
    fn codex_is_told_by_its_own_flag() {
        let setup = setup(Some(Known::Codex), DEEPSEEK, Some("a \"quoted\" name"), &[]);
        let told: Vec<String> = setup.arguments.iter().map(|argument| argument.display().to_string()).collect();
        let expected = [
            "model_provider=\"llmgw\"",
            "model_providers.llmgw.name=\"llmgw\"",
            "model_providers.llmgw.base_url=\"http://127.0.0.1:4567/v1\"",
            "model_providers.llmgw.env_key=\"LLMGW_API_KEY\"",
            "model_providers.llmgw.wire_api=\"responses\"",
            "model=\"a \\\"quoted\\\" name\"",
            "web_search=\"disabled\"",
        ];
        assert_eq!(told.iter().filter(|argument| *argument != "-c").collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
        assert_eq!(told.len(), 2 * expected.len());
        assert!(!told.concat().contains("sk-1"), "others on this machine see arguments");
        assert_eq!(value(&setup, "LLMGW_API_KEY"), Some("sk-1"));
    }

    #[test]
    fn aichat_reads_a_file_without_the_key() {
        let listed = "providers: [{ name: m, type: mock, models: [一, 二] }]\nmodels: { best: m/一, \"gpt-*\": m/二 }";
        let setup = setup(Some(Known::Aichat), listed, None, &[]);
        let path = value(&setup, "AICHAT_CONFIG_FILE").unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let read: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(read["model"], "llmgw:auto");
        assert_eq!(read["clients"][0]["api_base"], "http://127.0.0.1:4567/v1");
        let names: Vec<&str> =
            read["clients"][0]["models"].as_sequence().unwrap().iter().filter_map(|model| model["name"].as_str()).collect();
        assert_eq!(names, ["best", "auto", "一", "二"]);
        assert!(!text.contains("sk-1"), "{text}");
        drop(setup);
        assert!(!Path::new(&path).exists());
    }

    #[test]
    fn any_program_finds_both_dialects() {
        let setup = setup(None, ANTHROPIC, None, &[]);
        assert_eq!(value(&setup, "OPENAI_BASE_URL"), Some("http://127.0.0.1:4567/v1"));
        assert_eq!(value(&setup, "ANTHROPIC_BASE_URL"), Some("http://127.0.0.1:4567"));
        assert_eq!(value(&setup, "NO_PROXY"), None);
    }

    #[test]
    fn a_proxy_is_not_asked_for_this_machine() {
        let setup = setup(None, ANTHROPIC, None, &[("http_proxy", "http://proxy:3128"), ("NO_PROXY", "a.example")]);
        assert_eq!(value(&setup, "no_proxy"), Some("a.example,localhost,127.0.0.1,::1"));
    }

    #[test]
    fn whose_models_are_offered_is_seen_in_the_configuration() {
        for (text, claude, openai) in [
            (ANTHROPIC, true, false),
            (DEEPSEEK, false, false),
            ("providers: [{ name: o, preset: openai, api_key: k }]", false, true),
            ("providers: [{ name: m, type: mock }]", false, false),
            ("providers: [{ name: d, preset: deepseek, api_key: k }]\nmodels: { \"claude-*\": auto, gpt-5: auto }", true, true),
            ("providers: [{ name: r, preset: openrouter, api_key: k, models: [claude-x] }]", true, false),
        ] {
            assert_eq!((offers_claude(&config(text)), offers_openai(&config(text))), (claude, openai), "{text}");
        }
    }
}
