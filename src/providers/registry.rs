//! Makes a provider and its transport from a configuration: the one place that knows all kinds.

use std::sync::Arc;

use super::anthropic::Anthropic;
use super::azure::Azure;
use super::bedrock::{Bedrock, Signed};
use super::gemini::Gemini;
use super::keyed::{Addresses, Keyed};
use super::keys::{KeyPool, KeyStore};
use super::mock::{self, Mock};
use super::ollama::Ollama;
use super::openai::OpenAi;
use super::request::LoggedIn;
use super::speaks::Speech;
use super::tokens::TokenStore;
use super::vertex::Vertex;
use super::{Provider, ProviderError};
use crate::config::{self, ProviderKind, RequestAuth, Secret};
use crate::transport::{Control, Pools, Transport, TransportSetupError};

/// What outlives a reload: connections, tokens, how keys fare. One for an engine's whole life.
#[derive(Default)]
pub struct Shared {
    pools: Pools,
    keys: KeyStore,
    tokens: TokenStore,
}

/// A provider, and the way to its upstream.
pub struct Built {
    /// Where calls go, and with which credentials.
    pub provider: Arc<dyn Provider>,
    /// How they get there.
    pub transport: Arc<dyn Transport>,
}

/// A provider cannot be made as configured.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Its connections cannot be set up.
    #[error(transparent)]
    Transport(#[from] TransportSetupError),
    /// A key holds what a header may not, a line break for instance.
    #[error("provider `{provider}`: key {position} cannot be sent in a header")]
    Key {
        /// Whose.
        provider: String,
        /// Counted from 1.
        position: usize,
    },
    /// Its address is of no use.
    #[error("provider `{provider}` has an unusable address")]
    Address {
        /// Whose.
        provider: String,
        /// Why.
        source: ProviderError,
    },
}

/// The provider that `config` describes, with what `shared` still holds of it. Connects to nothing.
pub fn build(config: &config::Provider, shared: &Shared) -> Result<Built, BuildError> {
    if let ProviderKind::Mock(settings) = &config.kind {
        let provider = Mock::new(config).map_err(|source| address_error(config, source))?;
        return Ok(Built { provider: Arc::new(provider), transport: Arc::new(mock::transport(config, settings)) });
    }
    Ok(Built { provider: provider(config, shared)?, transport: shared.pools.relay(config)? })
}

fn provider(config: &config::Provider, shared: &Shared) -> Result<Arc<dyn Provider>, BuildError> {
    let wrong = |source| address_error(config, source);
    let keys = &config.api_keys;
    match &config.kind {
        ProviderKind::OpenAi => keyed(OpenAi::new(config).map_err(wrong)?, config, shared, keys),
        ProviderKind::Anthropic => keyed(Anthropic::new(config).map_err(wrong)?, config, shared, keys),
        ProviderKind::Gemini => keyed(Gemini::new(config), config, shared, keys),
        ProviderKind::Azure(api) => keyed(Azure::new(config, api).map_err(wrong)?, config, shared, keys),
        ProviderKind::Bedrock(config::Bedrock { region, keys: Some(aws) }) if keys.is_empty() => {
            Ok(Arc::new(Signed::new(Bedrock::new(config), region, aws, Speech::of(config))))
        }
        ProviderKind::Bedrock(_) => keyed(Bedrock::new(config), config, shared, keys),
        ProviderKind::Vertex(settings) => keyed(Vertex::new(config, settings), config, shared, keys),
        ProviderKind::Ollama => keyed(Ollama::new(config).map_err(wrong)?, config, shared, keys),
        ProviderKind::Request(RequestAuth::Token(token)) => {
            keyed(OpenAi::new(config).map_err(wrong)?, config, shared, std::slice::from_ref(token))
        }
        ProviderKind::Request(RequestAuth::Login(login)) => {
            let control = Control::for_provider(config)?;
            let token = shared.tokens.state(login);
            Ok(Arc::new(LoggedIn::new(config, login, token, control).map_err(wrong)?))
        }
        ProviderKind::Mock(_) => Ok(Arc::new(Mock::new(config).map_err(wrong)?)),
    }
}

fn keyed<A: Addresses + 'static>(
    addresses: A,
    config: &config::Provider,
    shared: &Shared,
    secrets: &[Secret],
) -> Result<Arc<dyn Provider>, BuildError> {
    let key_error = |position| BuildError::Key { provider: config.name.to_string(), position };
    let keys = KeyPool::new(&shared.keys, &config.base_url, secrets).map_err(key_error)?;
    Ok(Arc::new(Keyed::new(addresses, keys, Speech::of(config))))
}

fn address_error(config: &config::Provider, source: ProviderError) -> BuildError {
    BuildError::Address { provider: config.name.to_string(), source }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::{HeaderMap, Method, Request};

    use super::{Shared, build};
    use crate::config::{ProviderKind, RequestAuth, Secret};
    use crate::hub::Endpoint;
    use crate::providers::{Call, CredentialId, Target};
    use crate::transport::Payload;
    use crate::transport::testing::{accept, listen, provider, read_request, text};

    #[tokio::test]
    async fn an_openai_provider_sends_its_key_and_the_clients_body() {
        let (listener, url) = listen("http").await;
        let (heard, mut hears) = tokio::sync::mpsc::channel(1);
        accept(listener, move |mut stream| {
            let heard = heard.clone();
            async move {
                heard.send(read_request(&mut stream).await.unwrap()).await.unwrap();
                tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
            }
        });
        let mut config = provider(&format!("{url}/v1"));
        config.api_keys = vec![Secret::new("sk-1")];
        let built = build(&config, &Shared::default()).unwrap();
        let target = Target::Endpoint(Endpoint::ChatCompletions);
        let call = Call { target, method: &Method::POST, model: "m", stream: false, headers: &HeaderMap::new() };
        let mut head = built.provider.head(&call).unwrap();
        let body = Payload::from(Bytes::from_static(b"{\"model\": \"m\"}"));
        built.provider.sign(&mut head, "m", &body).await.unwrap();
        let response = built.transport.send(Request::from_parts(head, body)).await.unwrap();
        assert_eq!(text(response.into_body()).await, "{}");
        let request = hears.recv().await.unwrap();
        assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("authorization: Bearer sk-1\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\n{\"model\": \"m\"}"), "{request}");
    }

    #[tokio::test]
    async fn without_keys_no_credential_is_sent_and_a_fixed_token_is_a_key() {
        let mut config = provider("https://a.example/v1");
        let call = Call { target: Target::Models, method: &Method::GET, model: "", stream: false, headers: &HeaderMap::new() };
        let shared = Shared::default();
        let built = build(&config, &shared).unwrap();
        let mut head = built.provider.head(&call).unwrap();
        let credential = built.provider.sign(&mut head, "", &Payload::empty()).await.unwrap();
        assert_eq!(credential, CredentialId::NONE);
        assert!(!head.headers.contains_key("authorization"));

        config.kind = ProviderKind::Request(RequestAuth::Token(Secret::new("token")));
        let built = build(&config, &shared).unwrap();
        built.provider.sign(&mut head, "", &Payload::empty()).await.unwrap();
        assert_eq!(head.headers["authorization"], "Bearer token");
        assert!(head.headers["authorization"].is_sensitive());
    }

    #[test]
    fn an_unsendable_key_is_named_by_its_position() {
        let mut config = provider("https://a.example/v1");
        config.api_keys = vec![Secret::new("fine"), Secret::new("not\nfine")];
        let error = build(&config, &Shared::default()).err().unwrap();
        assert_eq!(error.to_string(), "provider `test`: key 2 cannot be sent in a header");
    }

    #[tokio::test]
    async fn a_reload_keeps_the_connections() {
        let shared = Shared::default();
        let config = provider("https://a.example/v1");
        let (one, two) = (build(&config, &shared).unwrap(), build(&config, &shared).unwrap());
        assert!(Arc::ptr_eq(&one.transport, &two.transport));
    }
}
