//! What several kinds have in common, and what is to be said of every result.

use serde_json::{Map, Value, json};

use super::Kind;
use super::checked;
use super::draft::{Draft, Provider};
use super::source::{At, Source};
use super::vendor;

/// A route's settings.
pub(super) fn route(provider: &str, model: Option<&str>) -> Map<String, Value> {
    let mut route = Map::from_iter([("provider".to_owned(), json!(provider))]);
    if let Some(model) = model {
        route.insert("model".to_owned(), json!(model));
    }
    route
}

/// The provider at a value that is an address; where it is none, the value is listed.
pub(super) fn provider(name: Option<&str>, at: &At<'_>, wanted: Option<&str>) -> Option<(Provider, Option<String>)> {
    let written = at.filled()?;
    let Some(address) = vendor::of(&written, wanted) else {
        at.leave("it is no address of an upstream");
        return None;
    };
    let name = name.map_or_else(|| vendor::name_of(&address.settings), str::to_owned);
    Some((Provider::new(&name, address.settings), address.deployment))
}

/// Where the source listens: `host`, `:port`, `host:port`.
pub(super) fn listen(at: &At<'_>, draft: &mut Draft) {
    let Some(text) = at.filled() else { return };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None if text.chars().all(|c| c.is_ascii_digit()) => ("", Some(text.as_str())),
        None => (text.as_str(), None),
    };
    match port.map(str::parse::<u16>) {
        Some(Ok(port)) => draft.set("server.port", port),
        Some(Err(_)) => return at.leave("it is no address to listen on"),
        None => {}
    }
    if host.chars().any(|c| c.is_whitespace() || c == '/') {
        return at.leave("it is no address to listen on");
    }
    // Without a host, Go listens everywhere.
    draft.host = Some(if host.is_empty() { "0.0.0.0".to_owned() } else { host.trim_matches(['[', ']']).to_owned() });
}

/// `host` and `port` of a section.
pub(super) fn host_and_port(at: &At<'_>, draft: &mut Draft) {
    if let Some(host) = at.any(&["host", "listen_host", "bind", "HOST"]).and_then(|at| checked::host(&at)) {
        draft.host = Some(host);
    }
    if let Some(at) = at.any(&["port", "listen_port", "PORT"]) {
        match at.whole().map(u16::try_from) {
            Some(Ok(port)) => draft.set("server.port", port),
            Some(Err(_)) => at.leave("it is no port"),
            None => {}
        }
    }
}

/// A word of a logging level, in any case.
pub(super) fn level(at: &At<'_>, draft: &mut Draft) {
    let Some(word) = at.filled().map(|word| word.to_ascii_lowercase()) else { return };
    let level = match word.as_str() {
        "trace" | "verbose" => "trace",
        "debug" => "debug",
        "info" => "info",
        "warn" | "warning" => "warn",
        "error" | "critical" | "fatal" => "error",
        _ => return at.leave("llmgw's levels are error, warn, info, debug and trace"),
    };
    draft.set("logging.level", level);
}

/// Keys of clients: texts, `name|key`, mappings with `key` and `name`, or a mapping from names to keys.
pub(super) fn client_keys(at: &At<'_>, draft: &mut Draft) {
    if at.is_map() && at.any(&["key", "api_key", "token"]).is_none() {
        return at.entries().into_iter().for_each(|(name, at)| client_key(&at, Some(name.to_owned()), draft));
    }
    at.items().iter().for_each(|item| client_key(item, None, draft));
}

fn client_key(at: &At<'_>, name: Option<String>, draft: &mut Draft) {
    if !at.is_map() {
        if let Some(key) = at.filled() {
            draft.let_in(name, key, Vec::new());
        }
        return;
    }
    if let Some(enabled) = at.any(&["enabled", "active"])
        && enabled.flag() == Some(false)
    {
        return at.leave("this key is switched off, and llmgw has no switch for it");
    }
    let Some(key) = at.any(&["key", "api_key", "token"]).and_then(|at| at.filled()) else { return at.leave("there is no key in it") };
    let name = at.any(&["name", "description", "user", "alias"]).and_then(|at| at.filled()).or(name);
    let models = at.any(&["models", "allowed_models"]).map(|at| at.texts()).unwrap_or_default();
    draft.let_in(name, key, models);
}

/// One time limit for whole answers, as most gateways have it: also how long a stream may be silent.
pub(super) fn whole_timeout(provider: &mut Provider, limit: Option<&str>) {
    if let Some(limit) = limit {
        provider.set("timeout", Some(limit));
    }
}

/// What holds for every result: who may reach it, who may administer it, how failures look.
pub(super) fn everywhere(source: &Source, draft: &mut Draft) {
    if let Some(host) = draft.host.clone() {
        let is_local = matches!(host.as_str(), "127.0.0.1" | "localhost" | "::1");
        if is_local || draft.has_keys() {
            draft.set("server.host", host);
        } else {
            let text = format!(
                "the source listens on {host} and asks no key of clients; the result listens on 127.0.0.1. \
                 To open it, add `auth.keys` and `server.host: {host}` (or, without keys, `server.insecure: true`)"
            );
            source.note(text);
        }
    }
    if draft.host.is_none() && matches!(source.kind(), Kind::Litellm | Kind::OneApi) {
        source.note("the source listens on every address unless told otherwise, the result on 127.0.0.1: `server.host` opens it");
    }
    for (was, is) in &draft.renamed {
        source.note(format!("`{was}` cannot be a model's name here, and is now `{is}`"));
    }
    if !draft.has("admin.key") {
        source.note(match draft.has_keys() {
            true => "there is no `admin.key`: dashboard, /status, /reload and /config are closed until one is set (SIGHUP reloads)",
            false => "there is no `admin.key`: dashboard, /status, /reload and /config answer to this machine only",
        });
    }
    source.note(match source.kind() {
        Kind::Litellm | Kind::OneApi | Kind::Bifrost => {
            "when every upstream has failed, clients get 502, 503 or 504 with each attempt in the message, or the upstreams' common 429, 404, 408, 409"
        }
        _ => "when every upstream has failed, clients get 502, 503 or 504 where the source answered 500",
    });
}
