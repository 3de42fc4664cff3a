//! What is there already: keys in the environment, a local Ollama.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::cli::context::Context;
use crate::cli::init::text::{Entry, Key};
use crate::cli::inquiry::inquire;
use crate::config::env::Env;
use crate::config::load::{from_environment, of_environment};
use crate::config::presets::{self, Preset};
use crate::config::{Provider, Secret, proxy};

/// It answered a moment ago.
const OLLAMA_LISTS_WITHIN: Duration = Duration::from_secs(2);

/// Everything that would be used without a configuration, in the presets' order. Nothing outside of this machine is asked.
pub async fn found(context: &Context) -> Vec<Entry> {
    let environment = &context.environment;
    let has_ollama = context.has_ollama().await;
    let mut entries = Vec::new();
    for provider in from_environment(environment, has_ollama).providers {
        let Some(preset) = provider.preset.as_deref().and_then(presets::find) else { continue };
        let key = preset.key_from(environment).map_or(Key::None, |(name, _)| Key::Variable(name.to_owned()));
        let mut entry = entry(preset, key, &provider);
        if preset.name == "ollama" && entry.default_model.is_none() {
            entry.default_model = first_model(provider).await;
        }
        entries.push(entry);
    }
    entries
}

/// `preset` with the key in `key`, and where `provider` is.
pub fn entry(preset: &'static Preset, key: Key, provider: &Provider) -> Entry {
    let usual = Url::parse(&preset.base_url).ok();
    let base_url = Some(&provider.base_url).filter(|url| Some(*url) != usual.as_ref()).cloned();
    Entry { preset, key, base_url, default_model: provider.default_model.as_deref().map(str::to_owned) }
}

/// The provider that `preset` would be with this key, as the environment has it connected.
pub fn provider(preset: &'static Preset, key: Option<Secret>, environment: &Env) -> Option<Provider> {
    let provider = of_environment(preset, key, environment)?;
    Some(Provider { proxy: proxy::from_environment(environment), ..provider })
}

/// The variable of `preset` that is set, whoever else may use it, with what it holds.
pub fn variable(preset: &'static Preset, environment: &Env) -> Option<(&'static str, Secret)> {
    preset.env.iter().find_map(|name| Some((name.as_str(), Secret::new(environment.get_filled(name)?.trim()))))
}

async fn first_model(provider: Provider) -> Option<String> {
    let models: Vec<Arc<str>> = inquire(provider, OLLAMA_LISTS_WITHIN).await.ok()?.models.ok()?;
    models.first().map(|model| model.to_string())
}
