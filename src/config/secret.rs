//! A string that cannot print itself.

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use super::{Config, Provider, ProviderKind, RequestAuth};

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
        self.providers.iter().flat_map(Provider::secrets).chain(self.admin.key.clone()).collect()
    }
}

impl Provider {
    /// What proves to the upstream who asks: keys, token, password, and headers that hold such.
    pub fn secrets(&self) -> Vec<Secret> {
        let login = match &self.kind {
            ProviderKind::Request(RequestAuth::Token(token)) => Some(token),
            ProviderKind::Request(RequestAuth::Login(login)) => Some(&login.password),
            ProviderKind::OpenAi | ProviderKind::Mock(_) => None,
        };
        let headers = self.headers.iter().filter_map(|(name, value)| secret_of_header(name, value));
        self.api_keys.iter().chain(login).cloned().chain(headers).collect()
    }
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
  - { name: b, type: request, base_url: "http://b.example/v1", auth: { token: fixed-token } }
  - { name: c, type: request, base_url: "http://c.example/v1", auth: { url: "http://c.example/auth", username: u, password: the-password } }
"#;
        let config = load_text("llmgw.yaml", text, Path::new("."), &Env::for_tests(&[], "."), &Overrides::default()).unwrap().config;
        let secrets = config.secrets();
        let exposed: Vec<&str> = secrets.iter().map(Secret::expose).collect();
        let expected = ["first-key", "second-key", "held-token", "a=1; b=2", "fixed-token", "the-password", "the-admin-key"];
        assert_eq!(exposed, expected);
    }
}
