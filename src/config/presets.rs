//! Vendors' ready-made settings, from `presets.yaml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::diagnostic::nearest;
use super::env::Env;
use super::file_kinds::ProviderTypeFile;
use super::secret::Secret;
use super::{Params, Provider, ProviderKind};
use crate::hub::{Kind, Quirks};

/// One vendor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What `preset:` takes.
    pub name: String,
    /// Other names for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// For people.
    pub title: String,
    /// How it is spoken to.
    #[serde(default = "openai", rename = "type")]
    pub kind: ProviderTypeFile,
    /// Where it is.
    pub base_url: String,
    /// Variables that conventionally hold its key.
    #[serde(default)]
    pub env: Vec<String>,
    /// Whether those are used without being asked.
    #[serde(default = "yes")]
    pub env_auto: bool,
    /// What `auto` uses.
    #[serde(default)]
    pub default_model: Option<String>,
    /// Whether `stream_options` is understood.
    #[serde(default = "yes")]
    pub stream_usage: bool,
    /// Dialects of chats that it speaks, most native first; empty: OpenAI's, the legacy text form among them.
    #[serde(default, deserialize_with = "kinds")]
    pub speaks: Vec<Kind>,
    /// What of OpenAI's chat it takes otherwise.
    #[serde(default)]
    pub quirks: Quirks,
    /// Changes to requests that the vendor needs.
    #[serde(default)]
    params: PresetParams,
    /// Worth knowing.
    #[serde(default)]
    pub note: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PresetParams {
    drop: Vec<String>,
    rename: BTreeMap<String, String>,
    set: BTreeMap<String, serde_json::Value>,
    max_tokens: Option<u64>,
}

/// Tokens that people keep in their environment for other purposes.
const NEVER_TAKEN: [&str; 2] = ["GITHUB_TOKEN", "HF_TOKEN"];

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| parse().unwrap_or_default());

/// All of them, in order of priority.
pub fn all() -> &'static [Preset] {
    &PRESETS
}

/// The one of this name or alias.
pub fn find(name: &str) -> Option<&'static Preset> {
    all().iter().find(|preset| preset.name == name || preset.aliases.iter().any(|alias| alias == name))
}

/// The one that `provider` was made from, else the vendor whose address it has.
pub fn of(provider: &Provider) -> Option<&'static Preset> {
    if let Some(name) = &provider.preset {
        return find(name);
    }
    // What listens on a port of this machine could be anything.
    let url = Some(&provider.base_url).filter(|url| url.scheme() == "https")?;
    all().iter().find(|preset| preset.host().is_some_and(|host| url.host_str() == Some(host)))
}

/// The name or alias that `written` was most likely meant to be.
pub fn suggest(written: &str) -> Option<&'static str> {
    let names = all().iter().flat_map(|preset| std::iter::once(&preset.name).chain(&preset.aliases));
    nearest(written, names.map(String::as_str))
}

impl Preset {
    /// How it is spoken to. A preset is never of a type that needs settings of its own.
    pub fn kind(&self) -> ProviderKind {
        match self.kind {
            ProviderTypeFile::Anthropic => ProviderKind::Anthropic,
            ProviderTypeFile::Gemini => ProviderKind::Gemini,
            ProviderTypeFile::Ollama => ProviderKind::Ollama,
            _ => ProviderKind::OpenAi,
        }
    }

    /// The host of its address.
    fn host(&self) -> Option<&str> {
        self.base_url.strip_prefix("https://")?.split('/').next()
    }

    /// Changes to requests that the vendor needs.
    pub fn params(&self) -> Params {
        Params {
            drop: self.params.drop.clone(),
            rename: self.params.rename.clone().into_iter().collect(),
            set: self.params.set.clone().into_iter().collect(),
            max_tokens: self.params.max_tokens,
        }
    }

    /// The variable of `env` that holds a key and may be used unasked, with the key.
    pub fn key_from(&self, env: &Env) -> Option<(&str, Secret)> {
        let names = self.env.iter().map(String::as_str).filter(|_| self.env_auto);
        names.filter(|name| !NEVER_TAKEN.contains(name)).find_map(|name| Some((name, Secret::new(env.get_filled(name)?.trim()))))
    }
}

/// Dialects by their words.
fn kinds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Kind>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    let kind = |word: String| Kind::of_word(&word).ok_or_else(|| D::Error::custom(format!("no dialect is called `{word}`")));
    words.into_iter().map(kind).collect()
}

fn parse() -> Result<Vec<Preset>, serde_yaml::Error> {
    serde_yaml::from_str(include_str!("presets.yaml"))
}

fn openai() -> ProviderTypeFile {
    ProviderTypeFile::Openai
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use url::Url;

    use super::{Env, find, parse, suggest};

    #[test]
    fn every_row_is_valid_and_names_are_unique() {
        let presets = parse().unwrap();
        assert!(presets.len() > 35);
        let (mut names, mut variables) = (HashSet::new(), HashSet::new());
        for preset in &presets {
            let url = Url::parse(&preset.base_url).unwrap();
            assert!(!preset.base_url.ends_with('/') && url.query().is_none(), "{}", preset.name);
            assert_eq!(preset.kind().as_str(), preset.kind.word(), "{} needs settings of its own", preset.name);
            assert_eq!(url.scheme() == "http", url.host_str() == Some("localhost"), "{}", preset.name);
            assert!(names.insert(&preset.name), "{}", preset.name);
            assert!(preset.aliases.iter().all(|alias| names.insert(alias)), "{}", preset.name);
            // A second row may name a variable, but only one takes it unasked.
            let taken = preset.env.iter().filter(|_| preset.env_auto);
            assert!(taken.into_iter().all(|variable| variables.insert(variable)), "{}", preset.name);
        }
    }

    #[test]
    fn other_gateways_names_are_understood() {
        for (alias, name) in [("together_ai", "together"), ("doubao", "volcengine"), ("hosted_vllm", "vllm"), ("openai", "openai")] {
            assert_eq!(find(alias).map(|preset| preset.name.as_str()), Some(name));
        }
        assert_eq!(suggest("deepseak"), Some("deepseek"));
        assert!(find("nobody").is_none());
    }

    #[test]
    fn tokens_with_other_purposes_are_never_taken_unasked() {
        let env = Env::for_tests(&[("GITHUB_TOKEN", "ghp_x"), ("HF_TOKEN", "hf_x"), ("GROQ_API_KEY", " "), ("XAI_API_KEY", "xai-1")], ".");
        let found: Vec<_> = super::all().iter().filter_map(|preset| preset.key_from(&env)).map(|(name, _)| name).collect();
        assert_eq!(found, ["XAI_API_KEY"]);
    }
}
