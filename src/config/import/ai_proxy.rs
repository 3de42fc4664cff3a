//! ai-proxy: `config.json` with upstreams in one string each, `name|url|key`, and clients likewise, `description|key`.
//!
//! Its keys have had several names; what a text looks like decides.

use super::draft::Draft;
use super::kind::is_piped_upstream;
use super::parts;
use super::source::{At, Source};

/// Where clients' keys stand.
const TOKENS: [&str; 6] = ["tokens", "access_tokens", "auth_tokens", "api_keys", "access_keys", "keys"];

/// Limits by the words that may stand in a section `pool`, `timeout`, or at the top, in seconds.
const TIMES: [(&str, &[&str]); 6] = [
    ("connect", &["connect_timeout", "dial_timeout", "connect", "dial"]),
    ("first_byte", &["response_header_timeout", "read_timeout", "first_byte_timeout", "response_header", "read"]),
    ("idle", &["stream_timeout", "stream_idle_timeout", "stream"]),
    ("non_stream", &["request_timeout", "total_timeout", "upstream_timeout", "timeout", "request", "total"]),
    ("idle_timeout", &["idle_conn_timeout", "idle_timeout", "keepalive_timeout", "keepalive_expiry", "idle_connection_timeout"]),
    ("deadline", &["deadline"]),
];

/// Numbers of connections, likewise.
const POOLS: [(&str, &[&str]); 2] = [
    (
        "idle_connections",
        &[
            "max_idle_conns_per_host",
            "max_idle_connections_per_host",
            "max_keepalive_connections",
            "pool_size",
            "max_idle_conns",
            "max_idle_connections",
        ],
    ),
    ("max_in_flight", &["max_conns_per_host", "max_connections_per_host", "max_connections", "max_concurrent", "max_concurrency"]),
];

pub(super) fn convert(source: &Source, draft: &mut Draft) {
    let root = source.root();
    draft.set("auth.open_models", true);
    if let Some(at) = root.get("listen") {
        parts::listen(&at, draft);
    }
    let server = root.get("server").filter(At::is_map).unwrap_or_else(|| root.clone());
    parts::host_and_port(&server, draft);
    clients(&root, draft);
    upstreams(&root, draft);
    if draft.providers.len() > 1 {
        source.note(
            "upstreams that offer the same model are tried in the order in which they stand; give them one `priority` to spread over them",
        );
    }
    models(&root, draft);
    limits(&root, draft);
    if let Some(at) = root.any(&["log_level", "logging_level"]) {
        parts::level(&at, draft);
    }
    if root.get("debug").and_then(|at| at.flag()) == Some(true) {
        draft.set("logging.level", "debug");
    }
    for key in ["max_retries", "retries", "retry"] {
        let Some(at) = root.get(key).filter(|at| !at.is_map()) else { continue };
        if let Some(retries) = at.whole() {
            draft.set("routing.max_attempts", retries + 1);
        }
    }
}

fn upstreams(at: &At<'_>, draft: &mut Draft) {
    if at.is_list() || at.value.is_string() {
        return at.items().iter().for_each(|item| {
            if item.is_map() || item.is_list() {
                upstreams(item, draft);
            } else if item.value.as_str().is_some_and(is_piped_upstream) {
                upstream(item, draft);
            }
        });
    }
    at.entries().iter().for_each(|(_, at)| upstreams(at, draft));
}

fn upstream(at: &At<'_>, draft: &mut Draft) {
    let Some(text) = at.filled() else { return };
    let mut fields = text.splitn(3, '|').map(str::trim);
    let (name, url, key) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let Some(address) = super::vendor::of(url, None) else { return at.leave("it is not `name|url|key`: there is no address in it") };
    let name = if name.is_empty() { super::vendor::name_of(&address.settings) } else { name.to_owned() };
    let mut provider = super::draft::Provider::new(&name, address.settings);
    // Several keys stand behind one another.
    let keys = key.split([',', '|']).map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
    provider.set_keys(keys);
    // In their order.
    provider.set("priority", Some(draft.providers.len() as u64 + 1));
    draft.add(provider);
}

/// `description|key`, a key alone, or a mapping.
fn clients(root: &At<'_>, draft: &mut Draft) {
    let Some(at) = root.any(&TOKENS).or_else(|| root.get("auth").and_then(|at| at.any(&TOKENS))) else { return };
    for item in at.items() {
        let piped = item.value.as_str().and_then(|text| text.rsplit_once('|'));
        if piped.is_none() {
            parts::client_keys(&item, draft);
            continue;
        }
        let Some(text) = item.filled() else { continue };
        let Some((name, key)) = text.rsplit_once('|').map(|(name, key)| (name.trim(), key.trim())) else { continue };
        match key.is_empty() {
            true => item.leave("it is not `description|key`: there is no key in it"),
            false => draft.let_in(Some(name.to_owned()), key.to_owned(), Vec::new()),
        }
    }
}

/// A list for all upstreams, or one for each by name.
fn models(root: &At<'_>, draft: &mut Draft) {
    let Some(at) = root.any(&["supported_models", "models"]) else { return };
    if at.is_map() {
        for (name, at) in at.entries() {
            match draft.providers.iter_mut().find(|provider| provider.name == name) {
                Some(provider) => at.texts().iter().for_each(|model| provider.offer(model)),
                None => at.leave(format!("there is no upstream `{name}`")),
            }
        }
        return;
    }
    let models = at.texts();
    for provider in &mut draft.providers {
        models.iter().for_each(|model| provider.offer(model));
    }
}

fn limits(root: &At<'_>, draft: &mut Draft) {
    let sections: Vec<At<'_>> = ["pool", "connection_pool", "timeout", "timeouts", "transport", "http", "http_client"]
        .iter()
        .filter_map(|key| root.get(key).filter(At::is_map))
        .chain([root.clone()])
        .collect();
    for (ours, theirs) in TIMES {
        let found = sections.iter().find_map(|section| section.any(theirs).filter(|at| !at.is_map()));
        let Some(limit) = found.and_then(|at| at.seconds()) else { continue };
        match ours {
            "deadline" => draft.set("routing.deadline", limit),
            "idle_timeout" => draft.providers.iter_mut().for_each(|provider| provider.set("idle_timeout", Some(limit.clone()))),
            "non_stream" => {
                for key in ["first_content", ours] {
                    draft.providers.iter_mut().for_each(|provider| provider.set_timeout(key, Some(limit.clone())));
                }
            }
            _ => draft.providers.iter_mut().for_each(|provider| provider.set_timeout(ours, Some(limit.clone()))),
        }
    }
    for (ours, theirs) in POOLS {
        let found = sections.iter().find_map(|section| section.any(theirs).filter(|at| !at.is_map()));
        let Some(most) = found.and_then(|at| at.whole()).filter(|most| *most > 0) else { continue };
        draft.providers.iter_mut().for_each(|provider| provider.set(ours, Some(most)));
    }
}
