//! Our file in the making.

use std::collections::BTreeMap;

use globset::Glob;
use serde_json::{Map, Value, json};

use super::Kind;
use super::write::{block_item, entry};
use crate::config::AUTO;

/// Keys of a provider in the order in which people read them.
const ORDER: [&str; 12] = [
    "preset",
    "type",
    "base_url",
    "api_key",
    "api_keys",
    "auth",
    "api_version",
    "region",
    "priority",
    "enabled",
    "models",
    "default_model",
];

/// The sections that are not lists of their own, in the order of the file; what stands before the providers first.
const BEFORE: [&str; 3] = ["server", "admin", "auth"];

/// The same, after the models.
const AFTER: [&str; 5] = ["routing", "logging", "telemetry", "storage", "prices"];

/// Everything that will stand in it.
#[derive(Default)]
pub(super) struct Draft {
    /// Upstreams.
    pub(super) providers: Vec<Provider>,
    /// Public names, in order.
    pub(super) models: Vec<Model>,
    /// Where the source listens; whether that may be written is decided when all keys are known.
    pub(super) host: Option<String>,
    /// Public names that had to be changed.
    pub(super) renamed: BTreeMap<String, String>,
    keys: Vec<ClientKey>,
    sections: Map<String, Value>,
    comments: BTreeMap<String, String>,
}

/// One upstream account.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Provider {
    /// Unique, and a name that ours may have.
    pub(super) name: String,
    /// All other keys.
    pub(super) settings: Map<String, Value>,
    /// What stands above it.
    pub(super) comment: Option<String>,
}

/// A public name.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    /// It.
    pub(super) name: String,
    /// Its routes.
    pub(super) routes: Vec<Map<String, Value>>,
    /// All other keys.
    pub(super) settings: Map<String, Value>,
    /// The name is short for this one.
    pub(super) short_for: Option<String>,
}

struct ClientKey {
    name: String,
    key: String,
    models: Vec<String>,
}

impl Provider {
    /// With what an address came to.
    pub(super) fn new(name: &str, settings: Map<String, Value>) -> Provider {
        Provider { name: name.to_owned(), settings, comment: None }
    }

    /// Sets `key`, if there is something to set.
    pub(super) fn set(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.settings.insert(key.to_owned(), value.into());
        }
    }

    /// Sets its key, or its keys.
    pub(super) fn set_keys(&mut self, mut keys: Vec<String>) {
        keys.dedup();
        match keys.len() {
            0 => {}
            1 => self.set("api_key", keys.pop()),
            _ => self.set("api_keys", Some(keys)),
        }
    }

    /// Sets one of its time limits.
    pub(super) fn set_timeout(&mut self, key: &str, value: Option<String>) {
        let Some(value) = value else { return };
        let timeout = self.settings.entry("timeout").or_insert_with(|| json!({}));
        timeout[key] = json!(value);
    }

    /// It offers `model`, too.
    pub(super) fn offer(&mut self, model: &str) {
        let models = self.settings.entry("models").or_insert_with(|| json!([]));
        if let Some(models) = models.as_array_mut().filter(|models| !models.contains(&json!(model))) {
            models.push(json!(model));
        }
    }
}

impl Draft {
    /// Adds a provider under its name, or one like it, and says under which.
    pub(super) fn add(&mut self, mut provider: Provider) -> String {
        provider.name = self.free_name(&provider.name);
        let name = provider.name.clone();
        self.providers.push(provider);
        name
    }

    /// The provider that is like this one but for its name and models, or this one, added.
    pub(super) fn find_or_add(&mut self, provider: Provider) -> usize {
        let bare = |provider: &Provider| {
            let mut settings = provider.settings.clone();
            settings.shift_remove("models");
            settings
        };
        let wanted = bare(&provider);
        self.providers.iter().position(|known| bare(known) == wanted).unwrap_or_else(|| {
            self.add(provider);
            self.providers.len() - 1
        })
    }

    fn free_name(&self, wanted: &str) -> String {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let clean: String = wanted.trim().chars().map(|c| if fits(c) { c } else { '-' }).collect();
        let clean = clean.trim_matches('-');
        let clean = if clean.is_empty() { "upstream".to_owned() } else { clean.to_owned() };
        let is_free = |name: &String| self.providers.iter().all(|provider| provider.name != *name);
        std::iter::once(clean.clone()).chain((2..).map(|number| format!("{clean}-{number}"))).find(is_free).unwrap_or(clean)
    }

    /// The public name `name`, made if it is not there. What cannot be a name of ours is changed into one.
    pub(super) fn model(&mut self, name: &str) -> &mut Model {
        let clean = clean_model(name);
        if clean != name {
            self.renamed.insert(name.to_owned(), clean.clone());
        }
        let name = clean.as_str();
        let index = self.models.iter().position(|model| model.name == name).unwrap_or_else(|| {
            self.models.push(Model { name: name.to_owned(), ..Model::default() });
            self.models.len() - 1
        });
        &mut self.models[index]
    }

    /// Lets `key` in; a second one of the same value is the first. Empty `models`: every model.
    pub(super) fn let_in(&mut self, name: Option<String>, key: String, models: Vec<String>) {
        if self.keys.iter().any(|known| known.key == key) {
            return;
        }
        let wanted = name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("key-{}", self.keys.len() + 1));
        let is_free = |name: &String| self.keys.iter().all(|known| known.name != *name);
        let name = std::iter::once(wanted.clone()).chain((2..).map(|number| format!("{wanted}-{number}"))).find(is_free).unwrap_or(wanted);
        // What is no pattern stands for itself.
        let as_pattern = |model: String| if Glob::new(&model).is_ok() { model } else { globset::escape(&model) };
        let models = models.into_iter().map(as_pattern).collect();
        self.keys.push(ClientKey { name, key, models });
    }

    /// Whether clients need a key.
    pub(super) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether `path`, such as `admin.key`, is set.
    pub(super) fn has(&self, path: &str) -> bool {
        let found = path.split('.').try_fold(None, |at: Option<&Value>, key| at.map_or(self.sections.get(key), |at| at.get(key)).map(Some));
        found.is_some()
    }

    /// Sets the value at a path such as `routing.cooldown.for`.
    pub(super) fn set(&mut self, path: &str, value: impl Into<Value>) {
        let mut keys: Vec<&str> = path.split('.').collect();
        let Some(last) = keys.pop() else { return };
        let mut map = &mut self.sections;
        for key in keys {
            let below = map.entry(key).or_insert_with(|| json!({}));
            if !below.is_object() {
                *below = json!({});
            }
            let Some(next) = below.as_object_mut() else { return };
            map = next;
        }
        map.insert(last.to_owned(), value.into());
    }

    /// Sets it, if there is something to set.
    pub(super) fn set_some(&mut self, path: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(path, value);
        }
    }

    /// Attempts per request as they are set so far; 0 where nothing is.
    pub(super) fn attempts(&self) -> u64 {
        self.sections.get("routing").and_then(|routing| routing.get("max_attempts")?.as_u64()).unwrap_or(0)
    }

    /// What a model costs, in USD per million tokens.
    pub(super) fn price(&mut self, model: &str, price: Value) {
        let prices = self.sections.entry("prices").or_insert_with(|| json!({}));
        if let Some(prices) = prices.as_object_mut() {
            prices.insert(model.to_owned(), price);
        }
    }

    /// What stands above a section or a key of one, such as `routing.max_attempts`.
    pub(super) fn comment(&mut self, path: &str, text: &str) {
        self.comments.insert(path.to_owned(), text.to_owned());
    }

    /// The text of the file.
    pub(super) fn render(mut self, kind: Kind) -> String {
        if !self.keys.is_empty() {
            let key = |key: &ClientKey| {
                let mut entry = json!({ "name": key.name, "key": key.key });
                if !key.models.is_empty() {
                    entry["models"] = json!(key.models);
                }
                entry
            };
            let keys: Vec<Value> = self.keys.iter().map(key).collect();
            self.set("auth.keys", keys);
        }
        let mut out = format!("# Made by `llmgw config import` from a file of the kind {}.\n", kind.word());
        out.push_str("# `llmgw config check` looks for mistakes in it, `llmgw explain MODEL` shows where a request would go.\n");
        BEFORE.iter().for_each(|section| self.section(&mut out, section));
        self.render_providers(&mut out);
        self.render_models(&mut out);
        AFTER.iter().for_each(|section| self.section(&mut out, section));
        out
    }

    fn section(&self, out: &mut String, name: &str) {
        let Some(section) = self.sections.get(name) else { return };
        out.push('\n');
        self.render_comment(out, name, 0);
        let Some(entries) = section.as_object() else { return entry(out, name, section, 0, 0) };
        out.push_str(&format!("{name}:\n"));
        // Where it listens is what people look for.
        let (first, others): (Vec<_>, Vec<_>) = entries.iter().partition(|(key, _)| matches!(key.as_str(), "host" | "port"));
        for (key, value) in first.into_iter().rev().chain(others) {
            self.render_comment(out, &format!("{name}.{key}"), 2);
            entry(out, key, value, 2, 0);
        }
    }

    fn render_comment(&self, out: &mut String, path: &str, indent: usize) {
        let lines = self.comments.get(path).into_iter().flat_map(|text| text.lines());
        lines.for_each(|line| out.push_str(&format!("{}# {line}\n", " ".repeat(indent))));
    }

    fn render_providers(&self, out: &mut String) {
        out.push_str("\nproviders:\n");
        for provider in &self.providers {
            if let Some(comment) = &provider.comment {
                out.push_str(&format!("  # {comment}\n"));
            }
            let mut map = Map::from_iter([("name".to_owned(), json!(provider.name))]);
            let known = ORDER.iter().filter_map(|key| Some(((*key).to_owned(), provider.settings.get(*key)?.clone())));
            map.extend(known);
            let others = provider.settings.iter().filter(|(key, _)| !ORDER.contains(&key.as_str()));
            map.extend(others.map(|(key, value)| (key.clone(), value.clone())));
            block_item(out, &map, 2);
        }
    }

    fn render_models(&self, out: &mut String) {
        if self.models.is_empty() {
            return;
        }
        out.push_str("\nmodels:\n");
        for model in &self.models {
            if let Some(name) = &model.short_for {
                entry(out, &model.name, &json!(name), 2, 0);
                continue;
            }
            let mut map = model.settings.clone();
            let after = map.shift_remove("fallback").map(|fallback| ("fallback".to_owned(), fallback));
            let on = map.shift_remove("fallback_on").map(|on| ("fallback_on".to_owned(), on));
            if !model.routes.is_empty() {
                map.insert("routes".to_owned(), json!(model.routes));
            }
            map.extend(after.into_iter().chain(on));
            entry(out, &model.name, &Value::Object(map), 2, 1);
        }
    }
}

/// A name of ours has no blanks, and `auto` is taken.
pub(super) fn clean_model(name: &str) -> String {
    if name == AUTO {
        return format!("{AUTO}-imported");
    }
    name.trim().chars().map(|c| if c.is_whitespace() || c.is_control() { '-' } else { c }).collect()
}
