//! What a reload changes, as key paths, and with values for those who are shown the masked configuration.

use serde_json::{Map, Value};

use super::Config;
use super::show::{Secrets, Section};
use super::spanned::join;

/// Paths that count only at start. Certificates are reloaded; whether there is HTTPS at all is not.
const AT_START: [&str; 7] = ["server.host", "server.port", "server.workers", "server.tls", "admin.port", "logging.format", "storage.path"];

/// The difference of two configurations.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Diff {
    /// Key paths such as `providers.openai.priority`; `… (added)` and `… (removed)` for providers, models, roles, keys and prices.
    pub changed: Vec<String>,
    /// Those of `changed` that take effect only when the server is started again.
    pub restart_required: Vec<String>,
    /// `changed`, with values.
    #[serde(skip)]
    pub changes: Vec<Change>,
}

/// One key that changes, with its values as a person may see them. A secret may look the same before and after.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Change {
    /// The path of the key.
    pub key: String,
    /// What it is; `None`: it is not there.
    pub before: Option<Value>,
    /// What it will be; `None`: it goes.
    pub after: Option<Value>,
    /// It takes effect only when the server is started again.
    pub restart_required: bool,
}

impl Diff {
    /// Whether the two are the same.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }
}

/// What is different in `new`.
pub fn diff(old: &Config, new: &Config) -> Diff {
    diff_of(&Section::ALL, old, new)
}

/// What of the difference takes effect only when the server is started again.
pub fn restart_required(old: &Config, new: &Config) -> Vec<String> {
    let holds_some = |section: &Section| AT_START.iter().any(|key| key.split('.').next() == Some(section.name()));
    diff_of(&Section::ALL.into_iter().filter(holds_some).collect::<Vec<_>>(), old, new).restart_required
}

fn diff_of(sections: &[Section], old: &Config, new: &Config) -> Diff {
    let found = sections.iter().flat_map(|section| diff_of_section(*section, old, new));
    let tls_stays = old.server.tls.is_some() == new.server.tls.is_some();
    let mut diff = Diff::default();
    for Found { key, named, before, after } in found {
        let restart_required = AT_START.contains(&key.as_str()) && !(tls_stays && key == "server.tls");
        let path = match (named, &before, &after) {
            (true, None, Some(_)) => format!("{key} (added)"),
            (true, Some(_), None) => format!("{key} (removed)"),
            _ => key.clone(),
        };
        diff.restart_required.extend(restart_required.then(|| path.clone()));
        diff.changed.push(path);
        diff.changes.push(Change { key, before, after, restart_required });
    }
    diff
}

/// One section at a time, and as it is shown only where something differs: ten thousand models are a large tree.
fn diff_of_section(section: Section, old: &Config, new: &Config) -> Vec<Found> {
    let of = |config: &Config, secrets| by_name(section, config.section(section, secrets));
    let (old_real, new_real) = (of(old, Secrets::Digests), of(new, Secrets::Digests));
    let mut found = Vec::new();
    if old_real != new_real {
        let (old_shown, new_shown) = (of(old, Secrets::Masked), of(new, Secrets::Masked));
        compare(section.name(), Side { real: &old_real, shown: &old_shown }, Side { real: &new_real, shown: &new_shown }, &mut found);
    }
    found
}

/// A value as it is compared, and as it is shown.
#[derive(Clone, Copy)]
struct Side<'a> {
    real: &'a Value,
    shown: &'a Value,
}

impl<'a> Side<'a> {
    fn member(self, key: &str) -> Option<Side<'a>> {
        let real = self.real.get(key)?;
        Some(Side { real, shown: self.shown.get(key).unwrap_or(&Value::Null) })
    }
}

/// A difference, before it is said in words.
struct Found {
    key: String,
    /// Of a provider, model, role, key or price: it may come and go.
    named: bool,
    before: Option<Value>,
    after: Option<Value>,
}

/// Lists of named things as mappings, so that a moved one is not a changed one.
fn by_name(section: Section, mut value: Value) -> Value {
    let list = match section {
        Section::Providers => Some(&mut value),
        Section::Auth => value.get_mut("keys"),
        _ => None,
    };
    if let Some(list) = list
        && let Value::Array(items) = list.take()
    {
        let named = items.into_iter().map(|item| (item["name"].as_str().unwrap_or_default().to_owned(), item));
        *list = Value::Object(named.collect());
    }
    value
}

fn compare(path: &str, old: Side<'_>, new: Side<'_>, found: &mut Vec<Found>) {
    match (old.real, new.real) {
        (Value::Object(_), Value::Object(_)) => compare_objects(path, old, new, found),
        (before, after) if before == after => {}
        _ => found.push(Found { key: path.to_owned(), named: false, before: Some(old.shown.clone()), after: Some(new.shown.clone()) }),
    }
}

fn compare_objects(path: &str, old: Side<'_>, new: Side<'_>, found: &mut Vec<Found>) {
    let named = matches!(path, "providers" | "models" | "roles" | "auth.keys" | "prices");
    let keys = |side: Side<'_>| side.real.as_object().into_iter().flat_map(Map::keys).cloned().collect::<Vec<String>>();
    for key in keys(new) {
        let (Some(after), key) = (new.member(&key), key) else { continue };
        match old.member(&key) {
            Some(before) => compare(&join(path, &key), before, after, found),
            None => found.push(Found { key: join(path, &key), named, before: None, after: Some(after.shown.clone()) }),
        }
    }
    for key in keys(old) {
        let Some(before) = old.member(&key).filter(|_| new.member(&key).is_none()) else { continue };
        found.push(Found { key: join(path, &key), named, before: Some(before.shown.clone()), after: None });
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Config, Diff, diff};
    use crate::config::{Env, Overrides, load_text};

    fn config(text: &str) -> Config {
        let env = Env::for_tests(&[], ".");
        load_text("llmgw.yaml", text, Path::new("."), &env, &Overrides::default()).unwrap().config
    }

    fn check(old: &str, new: &str, changed: &[&str], restart_required: &[&str]) {
        let own = |paths: &[&str]| -> Vec<String> { paths.iter().map(|path| (*path).to_owned()).collect() };
        let Diff { changed: found, restart_required: waiting, .. } = diff(&config(old), &config(new));
        assert_eq!((found, &waiting), (own(changed), &own(restart_required)));
        assert_eq!(super::restart_required(&config(old), &config(new)), waiting);
    }

    const ONE: &str = "providers: [{ name: a, type: openai, api_key: sk-1111 }, { name: b, type: mock }]\n";

    #[test]
    fn the_same_is_no_difference_even_in_another_order() {
        check(ONE, ONE, &[], &[]);
        check(ONE, "providers: [{ name: b, type: mock }, { name: a, type: openai, api_key: sk-1111 }]", &[], &[]);
    }

    #[test]
    fn changed_keys_are_named_without_their_values() {
        let new =
            "providers: [{ name: a, type: openai, api_key: sk-2222, priority: 2 }, { name: c, type: mock }]\nmodels: { gpt-4: c/x }\n";
        let changed =
            ["providers.a.api_keys", "providers.a.priority", "providers.c (added)", "providers.b (removed)", "models.gpt-4 (added)"];
        check(ONE, new, &changed, &[]);
        let keys = |keys: &str| format!("{ONE}auth: {{ keys: {keys} }}");
        check(&keys("[sk-one]"), &keys("[sk-two]"), &["auth.keys.key-1.key"], &[]);
    }

    #[test]
    fn values_are_shown_masked() {
        let new = "providers: [{ name: a, type: openai, api_key: sk-2222222222222222, priority: 2 }]\nserver: { port: 9000 }\n";
        let changes = diff(&config(&ONE.replace("sk-1111", "sk-1111111111111111")), &config(new)).changes;
        let shown: Vec<String> = changes.iter().map(|change| serde_json::to_string(change).unwrap()).collect();
        assert!(shown.iter().all(|text| !text.contains("2222222") && !text.contains("1111111")), "{shown:?}");
        let priority = shown.iter().find(|text| text.contains("priority")).unwrap();
        assert_eq!(priority, r#"{"key":"providers.a.priority","before":1,"after":2,"restart_required":false}"#);
        let removed = changes.iter().find(|change| change.key == "providers.b").unwrap();
        assert!(removed.before.is_some() && removed.after.is_none());
        assert!(changes.iter().any(|change| change.key == "server.port" && change.restart_required));
    }

    #[test]
    fn keepalive_changes_without_a_restart() {
        let new = format!("{ONE}server: {{ keepalive: {{ every: 20s, before_headers: null }} }}");
        check(ONE, &new, &["server.keepalive.every", "server.keepalive.before_headers"], &[]);
    }

    #[test]
    fn another_database_needs_a_restart_and_what_is_kept_in_it_none() {
        let new = format!("{ONE}storage: {{ path: /var/lib/a.db, responses: {{ keep: 1h }} }}");
        check(ONE, &new, &["storage.path", "storage.responses"], &["storage.path"]);
        check(&new, &new.replace("1h", "2h"), &["storage.responses.keep"], &[]);
    }

    #[test]
    fn what_is_measured_changes_without_a_restart() {
        let new = format!("{ONE}telemetry: {{ metrics: false, callers: true }}");
        check(ONE, &new, &["telemetry.metrics", "telemetry.callers"], &[]);
    }

    #[test]
    fn the_logs_format_needs_a_restart_and_its_files_none() {
        let new = format!("{ONE}logging: {{ level: debug, format: json, file: a.log, rotate: {{ keep: 1 }}, requests: {{ dir: a }} }}");
        let changed = ["logging.level", "logging.format", "logging.file", "logging.rotate.keep", "logging.requests.dir"];
        check(ONE, &new, &changed, &["logging.format"]);
    }

    #[test]
    fn listeners_need_a_restart() {
        let new = format!("{ONE}server: {{ port: 9000, max_body: 1MB }}\nadmin: {{ port: 9001 }}");
        check(ONE, &new, &["server.port", "server.max_body", "admin.port"], &["server.port", "admin.port"]);
    }
}
