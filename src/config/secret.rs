//! A string that cannot print itself.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use super::source::is_secret_key;
use super::{Bedrock, Config, Otlp, Params, Provider, ProviderKind, Proxy, RequestAuth, Route, Target};

/// A key, token or password. `Debug` and `Display` show `sk-ab****cdef`; only [`Secret::expose`] gives it away.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps `value`.
    pub fn new(value: impl Into<Arc<str>>) -> Secret {
        Secret(value.into())
    }

    /// The value itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the value.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl Config {
    /// Everything that must never be shown, whatever it looks like. Clients' keys are known by their digest only.
    pub fn secrets(&self) -> Vec<Secret> {
        let providers = self.providers.iter().flat_map(Provider::secrets);
        let others = self.admin.key.clone().into_iter().chain(self.telemetry.otlp.iter().flat_map(Otlp::secrets));
        providers.chain(self.routes().flat_map(|route| route.params.secrets())).chain(others).collect()
    }

    /// What must not come back from the provider at `index`: what proves who asks, and under which name it logs in.
    pub fn secrets_of(&self, index: usize) -> Vec<Secret> {
        let Some(provider) = self.providers.get(index) else { return Vec::new() };
        let username = match &provider.kind {
            ProviderKind::Request(RequestAuth::Login(login)) => Some(Secret::new(login.username.as_str())),
            ProviderKind::Bedrock(Bedrock { keys: Some(keys), .. }) => Some(keys.access_key_id.clone()),
            _ => None,
        };
        let routes = self.routes().filter(|route| route.provider == index);
        provider.secrets().into_iter().chain(username).chain(routes.flat_map(|route| route.params.secrets())).collect()
    }

    fn routes(&self) -> impl Iterator<Item = &Route> {
        self.models.iter().flat_map(|model| match &model.target {
            Target::Routes { routes, .. } => routes.as_slice(),
            Target::Name(_) => &[],
        })
    }
}

impl Provider {
    /// What proves to the upstream who asks: keys, token, password, and headers, parameters and addresses that hold such.
    pub fn secrets(&self) -> Vec<Secret> {
        let (of_kind, address) = match &self.kind {
            ProviderKind::Request(RequestAuth::Token(token)) => (vec![token], None),
            ProviderKind::Request(RequestAuth::Login(login)) => (vec![&login.password], Some(&login.url)),
            ProviderKind::Bedrock(Bedrock { keys: Some(keys), .. }) => {
                ([&keys.secret_access_key].into_iter().chain(&keys.session_token).collect(), None)
            }
            ProviderKind::OpenAi
            | ProviderKind::Anthropic
            | ProviderKind::Gemini
            | ProviderKind::Azure(_)
            | ProviderKind::Bedrock(_)
            | ProviderKind::Vertex(_)
            | ProviderKind::Ollama
            | ProviderKind::Mock(_) => (Vec::new(), None),
        };
        let headers = self.headers.iter().filter_map(|(name, value)| secret_of_header(name, value));
        let proxies = match &self.proxy {
            Proxy::Through(url) => [Some(url), None],
            Proxy::Environment { https, http, .. } => [https.as_ref(), http.as_ref()],
            Proxy::None => [None, None],
        };
        let addresses = proxies.into_iter().flatten().chain(address).chain([&self.base_url]).flat_map(secrets_of_url);
        self.api_keys.iter().chain(of_kind).cloned().chain(headers).chain(self.params.secrets()).chain(addresses).collect()
    }
}

impl Params {
    /// Values for bodies that by their names are secrets.
    fn secrets(&self) -> Vec<Secret> {
        let mut found = Vec::new();
        self.set.iter().for_each(|(name, value)| secrets_of_value(name, value, &mut found));
        found
    }
}

fn secrets_of_value(name: &str, value: &Value, found: &mut Vec<Secret>) {
    match value {
        Value::String(text) if is_secret_key(name) && !text.is_empty() => found.push(Secret::new(text.as_str())),
        Value::Object(members) => members.iter().for_each(|(name, value)| secrets_of_value(name, value, found)),
        Value::Array(items) => items.iter().for_each(|item| secrets_of_value(name, item, found)),
        _ => {}
    }
}

/// Its password, alone and as HTTP sends it; a user without one is often a token; what its query says.
pub(super) fn secrets_of_url(url: &Url) -> Vec<Secret> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut found = Vec::new();
    match (url.username(), url.password()) {
        (user, Some(password)) => {
            let password = decoded(password);
            found.push(BASE64_STANDARD.encode(format!("{}:{password}", decoded(user))));
            found.push(password);
        }
        (user, None) => found.push(decoded(user)),
    }
    found.extend(url.query_pairs().filter(|(name, _)| is_secret_key(name)).map(|(_, value)| value.into_owned()));
    found.into_iter().filter(|secret| !secret.is_empty()).map(Secret::new).collect()
}

/// What of a configured header is secret; nothing of one such as `X-Team`, whose value may be an ordinary word.
fn secret_of_header(name: &HeaderName, value: &HeaderValue) -> Option<Secret> {
    const GIVEN_AWAY_BY: [&str; 6] = ["auth", "cookie", "key", "password", "secret", "token"];
    let text = value.to_str().ok().filter(|_| GIVEN_AWAY_BY.iter().any(|word| name.as_str().contains(word)))?.trim();
    // An upstream that quotes a credential may leave out its scheme.
    let credential = text.split_once(' ').filter(|_| name.as_str().contains("auth")).map(|(_, credential)| credential.trim());
    let secret = credential.unwrap_or(text);
    (!secret.is_empty()).then(|| Secret::new(secret))
}

/// `sk-abcdefgh1234` → `sk-ab****1234`; anything under 16 characters is `****`.
pub fn mask(value: &str) -> String {
    let characters: Vec<char> = value.chars().collect();
    if characters.len() < 16 {
        return "****".to_owned();
    }
    let head: String = characters[..5].iter().collect();
    let tail: String = characters[characters.len() - 4..].iter().collect();
    format!("{head}****{tail}")
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Secret, mask};
    use crate::config::{Env, Overrides, load_text};

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("sk-abcdefghijklcdef");
        assert_eq!(format!("{secret} {secret:?}"), "sk-ab****cdef sk-ab****cdef");
        assert_eq!(mask("short"), "****");
        assert_eq!(mask("密钥密钥密钥密钥密钥密钥密钥密钥"), "密钥密钥密****密钥密钥");
    }

    #[test]
    fn all_that_proves_who_asks_is_secret() {
        let text = r#"
admin: { key: the-admin-key }
auth: { keys: [sk-client] }
providers:
  - { name: a, type: openai, base_url: "http://a.example/v1", api_keys: [first-key, second-key], headers: { X-Team: blue, X-Authorization: Bearer held-token, Cookie: a=1; b=2 } }
  - { name: b, type: request, base_url: "http://b.example/v1", auth: { token: fixed-token }, proxy: "http://user:p%40ss@proxy" }
  - name: c
    type: request
    base_url: "http://c.example/v1"
    auth: { url: "http://c.example/auth?client_secret=in-a-query&page=2", username: the-user, password: the-password }
    proxy: "socks5://lonely-user@proxy"
    params: { set: { user: gateway, extra: { api_key: in-a-body } } }
  - { name: d, type: bedrock, region: us-east-1, access_key_id: the-key-id, secret_access_key: the-secret-key, session_token: the-session, models: [m] }
models: { m: { routes: [{ provider: a, params: { set: { token: of-a-route } } }] } }
"#;
        let config = load_text("llmgw.yaml", text, Path::new("."), &Env::for_tests(&[], "."), &Overrides::default()).unwrap().config;
        let exposed = |secrets: Vec<Secret>| secrets.iter().map(Secret::expose).collect::<Vec<_>>().join(" | ");
        let of_a = "first-key | second-key | held-token | a=1; b=2";
        let of_c = "the-password | in-a-body | lonely-user | in-a-query";
        assert_eq!(exposed(config.secrets_of(0)), format!("{of_a} | of-a-route"));
        assert_eq!(exposed(config.secrets_of(1)), "fixed-token | dXNlcjpwQHNz | p@ss");
        assert_eq!(exposed(config.secrets_of(2)), format!("{of_c} | the-user"));
        let of_d = "the-secret-key | the-session";
        assert_eq!(exposed(config.secrets_of(3)), format!("{of_d} | the-key-id"));
        assert_eq!(exposed(config.secrets_of(4)), "");
        let all = format!("{of_a} | fixed-token | dXNlcjpwQHNz | p@ss | {of_c} | {of_d} | of-a-route | the-admin-key");
        assert_eq!(exposed(config.secrets()), all);
    }
}
