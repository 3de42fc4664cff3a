//! What a reload changes, as key paths; no values, for some are secrets.

use serde_json::{Map, Value};

use super::Config;
use super::show::Secrets;
use super::spanned::join;

/// Paths that count only at start. Certificates are reloaded; whether there is HTTPS at all is not.
const AT_START: [&str; 7] = ["server.host", "server.port", "server.workers", "server.tls", "admin.port", "logging.format", "storage.path"];

/// The difference of two configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Diff {
    /// Key paths such as `providers.openai.priority`; `… (added)` and `… (removed)` for providers, models, keys and prices.
    pub changed: Vec<String>,
    /// Those of `changed` that take effect only when the server is started again.
    pub restart_required: Vec<String>,
}

impl Diff {
    /// Whether the two are the same.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }
}

/// What is different in `new`.
pub fn diff(old: &Config, new: &Config) -> Diff {
    let mut changed = Vec::new();
    compare("", &by_name(old.as_json(Secrets::Digests)), &by_name(new.as_json(Secrets::Digests)), &mut changed);
    let tls_stays = old.server.tls.is_some() == new.server.tls.is_some();
    let at_start = |path: &&String| AT_START.contains(&path.as_str()) && !(tls_stays && path.as_str() == "server.tls");
    let restart_required = changed.iter().filter(at_start).cloned().collect();
    Diff { changed, restart_required }
}

/// Lists of named things as mappings, so that a moved one is not a changed one.
fn by_name(mut config: Value) -> Value {
    for pointer in ["/providers", "/auth/keys"] {
        let Some(list) = config.pointer_mut(pointer) else { continue };
        let items = list.as_array().cloned().unwrap_or_default();
        let named = items.into_iter().map(|item| (item["name"].as_str().unwrap_or_default().to_owned(), item));
        *list = Value::Object(named.collect());
    }
    config
}

fn compare(path: &str, old: &Value, new: &Value, changed: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => compare_objects(path, old, new, changed),
        _ if old == new => {}
        _ => changed.push(path.to_owned()),
    }
}

fn compare_objects(path: &str, old: &Map<String, Value>, new: &Map<String, Value>, changed: &mut Vec<String>) {
    let named = matches!(path, "providers" | "models" | "auth.keys" | "prices");
    for (key, value) in new {
        let path = join(path, key);
        match old.get(key) {
            Some(before) => compare(&path, before, value, changed),
            None if named => changed.push(format!("{path} (added)")),
            None => changed.push(path),
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        let path = join(path, key);
        changed.push(if named { format!("{path} (removed)") } else { path });
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
        let own = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        assert_eq!(diff(&config(old), &config(new)), Diff { changed: own(changed), restart_required: own(restart_required) });
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
