//! The `llmgw.yaml` that `llmgw init` writes, as text. Pure.

use url::Url;

use crate::config::Secret;
use crate::config::presets::Preset;

/// One provider as it will be written.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is made from.
    pub preset: &'static Preset,
    /// What proves who asks.
    pub key: Key,
    /// Another address than the preset's.
    pub base_url: Option<Url>,
    /// What `auto` uses.
    pub default_model: Option<String>,
}

/// Where a provider's key is.
#[derive(Clone, Debug)]
pub enum Key {
    /// It needs none.
    None,
    /// In this variable of the environment.
    Variable(String),
    /// In a file, by its path from the configuration.
    File(String),
    /// In the configuration itself, because somebody wanted it there.
    Plain(Secret),
}

const HEAD: &str = "\
# llmgw: one address in front of every large language model. Written by `llmgw init`.
#
# `llmgw config check` checks this file, `llmgw config show` shows it with every default, and a running gateway takes
# changes at once. A string may hold ${VARIABLE} or ${VARIABLE:-default}; a key may be file:PATH.

# Upstream accounts. Those with a lower `priority` are tried first; `auto` is the `default_model` of each.
providers:
";

const MOCK: &str = "  # Answers by itself, without a network and without a model. Replace it with `preset: openai` and the like;
  # `llmgw list --presets` shows them all.
  - name: mock
    type: mock
";

/// Each line without its `# ` is part of a configuration.
const EXAMPLES: &str = "
# Names of your own for models. Their routes are tried in turn, then those of `fallback`.
#
# models:
#   best:
#     routes:
#       - { provider: PROVIDER, model: MODEL }
#     fallback: [auto]

# Who may ask. Without keys only this machine may, and every program on it.
#
# auth:
#   keys:
#     - { name: me, key: \"${LLMGW_KEY}\" }

# Where the gateway listens. Another host than this machine's needs `auth.keys`.
#
# server:
#   host: 127.0.0.1
#   port: 8000
";

/// A configuration of these providers, the first one preferred; of none: the built-in mock.
pub fn text(entries: &[Entry]) -> String {
    let ranked = entries.len() > 1;
    let providers: String = entries.iter().zip(1..).map(|(entry, place)| provider(entry, ranked.then_some(place))).collect();
    let (name, model) = match entries.first() {
        Some(first) => (first.preset.name.as_str(), first.default_model.as_deref().unwrap_or("MODEL")),
        None => ("mock", "MODEL"),
    };
    let examples = EXAMPLES.replace("PROVIDER", name).replace("MODEL", &scalar(model));
    format!("{HEAD}{}{examples}", if providers.is_empty() { MOCK } else { &providers })
}

fn provider(entry: &Entry, place: Option<u32>) -> String {
    let Entry { preset, key, base_url, default_model } = entry;
    let mut lines = vec![format!("  # {}", preset.title)];
    lines.extend(preset.note.iter().map(|note| format!("  # {note}")));
    lines.push(format!("  - name: {}", preset.name));
    lines.push(format!("    preset: {}", preset.name));
    lines.extend(match key {
        Key::None => None,
        Key::Variable(name) => Some(format!("    api_key: ${{{name}}}")),
        Key::File(path) => Some(format!("    api_key: {}", scalar(&format!("file:{path}")))),
        Key::Plain(secret) => Some(format!("    api_key: {}", scalar(secret.expose()))),
    });
    lines.extend(base_url.iter().map(|url| format!("    base_url: {}", scalar(url.as_str().trim_end_matches('/')))));
    lines.extend(default_model.iter().map(|model| format!("    default_model: {}", scalar(model))));
    lines.extend(place.map(|place| format!("    priority: {place}")));
    lines.join("\n") + "\n"
}

/// `text` as YAML reads it back: plain where nothing in it means anything else.
fn scalar(text: &str) -> String {
    let begins_plain = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let is_word = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if begins_plain && !is_word && text.chars().all(is_plain) {
        return text.to_owned();
    }
    // JSON's strings are YAML's too.
    serde_json::Value::from(text.replace("${", "$${")).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Entry, Key, scalar, text};
    use crate::config::env::Env;
    use crate::config::load::{Loaded, Overrides, load_text};
    use crate::config::{Secret, presets};

    /// Loads what was written, as every command does; there is nothing to say against it.
    fn load(written: &str, env: &Env, base: &Path) -> Loaded {
        let loaded = load_text("llmgw.yaml", written, base, env, &Overrides::default());
        let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{written}"));
        assert!(loaded.warnings.is_empty(), "{:#?}\n{written}", loaded.warnings);
        loaded
    }

    fn of(name: &str, key: Key) -> Entry {
        let preset = presets::find(name).unwrap();
        Entry { preset, key, base_url: None, default_model: preset.default_model.clone() }
    }

    #[test]
    fn every_preset_is_written_so_that_it_loads_without_a_warning() {
        let key = |preset: &presets::Preset| preset.env.first().map_or(Key::None, |name| Key::Variable(name.clone()));
        let entries: Vec<Entry> = presets::all().iter().map(|preset| of(&preset.name, key(preset))).collect();
        let variables: Vec<(&str, &str)> = presets::all().iter().flat_map(|one| &one.env).map(|name| (name.as_str(), "sk-1")).collect();
        let env = Env::for_tests(&variables, ".");
        let config = load(&text(&entries), &env, Path::new(".")).config;
        assert_eq!(config.providers.len(), presets::all().len());
        for (provider, (preset, place)) in config.providers.iter().zip(presets::all().iter().zip(1..)) {
            assert_eq!((&*provider.name, provider.priority), (preset.name.as_str(), place));
            assert_eq!(provider.default_model.as_deref(), preset.default_model.as_deref(), "{}", preset.name);
            assert_eq!(provider.api_keys.len(), usize::from(!preset.env.is_empty()), "{}", preset.name);
            load(&text(&[of(&preset.name, key(preset))]), &env, Path::new("."));
        }
    }

    #[test]
    fn a_key_is_where_somebody_wanted_it() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("deep seek.key"), "sk-in-a-file\n").unwrap();
        let entries = [
            of("openai", Key::Variable("OPENAI_API_KEY".to_owned())),
            of("deepseek", Key::File("deep seek.key".to_owned())),
            of("groq", Key::Plain(Secret::new("gsk: a${b}\"#'"))),
            Entry {
                base_url: Some("http://10.0.0.5:11434/v1".parse().unwrap()),
                default_model: Some("qwen3:8b".to_owned()),
                ..of("ollama", Key::None)
            },
        ];
        let written = text(&entries);
        let env = Env::for_tests(&[("OPENAI_API_KEY", "sk-of-the-environment")], ".");
        let config = load(&written, &env, directory.path()).config;
        let keys: Vec<&str> = config.providers.iter().flat_map(|provider| &provider.api_keys).map(Secret::expose).collect();
        assert_eq!(keys, ["sk-of-the-environment", "sk-in-a-file", "gsk: a${b}\"#'"]);
        assert!(!written.contains("sk-of-the-environment") && !written.contains("sk-in-a-file"), "{written}");
        let ollama = &config.providers[3];
        assert_eq!((ollama.base_url.as_str(), ollama.default_model.as_deref()), ("http://10.0.0.5:11434/v1", Some("qwen3:8b")));
    }

    #[test]
    fn what_is_commented_out_can_be_used_as_it_stands() {
        let env = Env::for_tests(&[("OPENAI_API_KEY", "sk-1"), ("LLMGW_KEY", "sk-2")], ".");
        for entries in [Vec::new(), vec![of("openai", Key::Variable("OPENAI_API_KEY".to_owned()))]] {
            let written = text(&entries);
            let (providers, examples) = written.split_once("\n# Names of your own").unwrap();
            let is_yaml = |line: &&str| line.contains(": ") || line.ends_with(':') || line.trim_start().starts_with("- ");
            let examples = examples.lines().filter_map(|line| line.strip_prefix("# ")).filter(is_yaml).collect::<Vec<_>>().join("\n");
            let config = load(&format!("{providers}\n{examples}\n"), &env, Path::new(".")).config;
            assert_eq!((config.models.len(), config.auth.keys.len(), config.server.port), (1, 1, 8000));
        }
    }

    #[test]
    fn strings_are_read_back_as_they_were() {
        assert_eq!([scalar("gpt-4o"), scalar("meta/llama")], ["gpt-4o", "meta/llama"]);
        for text in ["no", "4.5", "qwen3:8b", "a # b", "模型", "", "${HOME}", "~", "*x"] {
            let written = scalar(text);
            assert!(written.starts_with('"'), "{written}");
            let read: String = serde_yaml::from_str(&written).unwrap();
            assert_eq!(read.replace("$${", "${"), text);
        }
    }
}
