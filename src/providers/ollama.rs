//! Ollama at its root: chats by its OpenAI-compatible API, models by its own list.
//!
//! Its own chats are not spoken: what they can and OpenAI's cannot, such as `num_ctx`, goes through `/providers/NAME/api/…`.

use http::request::Parts;

use super::address::{Address, Base};
use super::keyed::Addresses;
use super::keys::KeyIn;
use super::{Call, ProviderError, Target};
use crate::config;
use crate::hub::Kind;

/// The addresses of an Ollama.
pub struct Ollama {
    root: Base,
    compatible: Address,
}

impl Ollama {
    /// The addresses of `config`'s upstream.
    pub fn new(config: &config::Provider) -> Result<Ollama, ProviderError> {
        Ok(Ollama { root: Base::new(config), compatible: Address::at(Base::new(config).below("", "/v1"))? })
    }
}

impl Addresses for Ollama {
    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        match call.target {
            Target::Models => Ok(self.root.head(call, self.root.join("/api/tags")?)),
            Target::Path(path) => Ok(self.root.head(call, self.root.join(path)?)),
            Target::CountTokens(Kind::Anthropic) => Err(ProviderError::without(&call.target)),
            Target::Chat(_) | Target::CountTokens(_) | Target::Endpoint(_) => self.compatible.head(call),
        }
    }

    fn key_in(&self, _: &Parts) -> KeyIn {
        KeyIn::Bearer
    }
}

#[cfg(test)]
mod tests {
    use super::Ollama;
    use crate::hub::{Endpoint, Kind};
    use crate::providers::Target;
    use crate::providers::keyed::testing::uri;
    use crate::transport::testing::provider;

    #[test]
    fn chats_are_openais_and_the_rest_is_its_own() {
        let addresses = Ollama::new(&provider("http://localhost:11434")).unwrap();
        for (target, path) in [
            (Target::Chat(Kind::OpenAiChat), "/v1/chat/completions"),
            (Target::Chat(Kind::Anthropic), "/v1/messages"),
            (Target::Chat(Kind::OpenAiResponses), "/v1/responses"),
            (Target::Endpoint(Endpoint::Embeddings), "/v1/embeddings"),
            (Target::Models, "/api/tags"),
            (Target::Path("/api/ps"), "/api/ps"),
        ] {
            assert_eq!(uri(&addresses, target, "m", false).unwrap(), format!("http://localhost:11434{path}"));
        }
        assert!(uri(&addresses, Target::CountTokens(Kind::Anthropic), "m", false).is_err());
    }
}
