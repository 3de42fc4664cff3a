//! Anthropic's Messages: `base_url` without a version, a key as `x-api-key`.
//!
//! Also what others serve at addresses of the same form, such as Azure's `…/anthropic` and DeepSeek's.

use http::request::Parts;
use http::{HeaderName, Uri};

use super::address::Base;
use super::keyed::Addresses;
use super::keys::KeyIn;
use super::{Call, ProviderError, Target};
use crate::config;
use crate::hub::Kind;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// As many as one page may hold: more than there are.
const MODELS: &str = "/v1/models?limit=1000";

/// The addresses of an upstream that speaks Anthropic's Messages.
pub struct Anthropic {
    base: Base,
    messages: Uri,
}

impl Anthropic {
    /// The addresses of `config`'s upstream.
    pub fn new(config: &config::Provider) -> Result<Anthropic, ProviderError> {
        let base = Base::new(config);
        Ok(Anthropic { messages: base.join("/v1/messages")?, base })
    }

    fn uri(&self, target: &Target<'_>) -> Result<Uri, ProviderError> {
        match target {
            Target::Chat(Kind::Anthropic) => Ok(self.messages.clone()),
            Target::CountTokens(Kind::Anthropic) => self.base.join("/v1/messages/count_tokens"),
            Target::Models => self.base.join(MODELS),
            Target::Path(path) => self.base.join(path),
            Target::Chat(_) | Target::CountTokens(_) | Target::Endpoint(_) => Err(ProviderError::without(target)),
        }
    }
}

impl Addresses for Anthropic {
    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        let uri = self.uri(&call.target)?;
        Ok(self.base.head_in(Kind::Anthropic, call, uri))
    }

    fn key_in(&self, _: &Parts) -> KeyIn {
        KeyIn::Header(X_API_KEY)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::Anthropic;
    use crate::config::ProviderKind;
    use crate::hub::{Endpoint, Kind};
    use crate::providers::Target;
    use crate::providers::keyed::testing::{signed, uri};
    use crate::transport::testing::provider;

    #[test]
    fn every_path_begins_with_the_version() {
        let addresses = Anthropic::new(&provider("https://api.anthropic.com")).unwrap();
        for (target, expected) in [
            (Target::Chat(Kind::Anthropic), "https://api.anthropic.com/v1/messages"),
            (Target::CountTokens(Kind::Anthropic), "https://api.anthropic.com/v1/messages/count_tokens"),
            (Target::Models, "https://api.anthropic.com/v1/models?limit=1000"),
            (Target::Path("/v1/files?limit=2"), "https://api.anthropic.com/v1/files?limit=2"),
        ] {
            assert_eq!(uri(&addresses, target, "m", true).unwrap(), expected);
        }
        let below = Anthropic::new(&provider("https://r.services.ai.azure.com/anthropic/")).unwrap();
        let chat = uri(&below, Target::Chat(Kind::Anthropic), "m", true).unwrap();
        assert_eq!(chat, "https://r.services.ai.azure.com/anthropic/v1/messages");
    }

    #[test]
    fn what_it_does_not_have_is_told() {
        let addresses = Anthropic::new(&provider("https://api.anthropic.com")).unwrap();
        for (target, message) in [
            (Target::Endpoint(Endpoint::Embeddings), "it has no /embeddings"),
            (Target::Chat(Kind::OpenAiChat), "it does not speak `openai_chat`"),
            (Target::CountTokens(Kind::Gemini), "it does not count the tokens of `gemini`"),
        ] {
            let refused = uri(&addresses, target, "m", false).unwrap_err();
            assert_eq!(refused.to_string(), format!("cannot address the upstream: {message}"));
        }
    }

    #[tokio::test]
    async fn the_key_goes_alone_and_the_clients_version_and_betas_stay() {
        let mut config = provider("https://api.anthropic.com");
        config.kind = ProviderKind::Anthropic;
        let mut client = HeaderMap::new();
        client.append("anthropic-beta", HeaderValue::from_static("one"));
        client.append("anthropic-beta", HeaderValue::from_static("two"));
        for target in [Target::Chat(Kind::Anthropic), Target::Models, Target::Path("/v1/files")] {
            let head = signed(config.clone(), target, &client).await;
            assert_eq!(head.headers["x-api-key"], "the-key");
            assert!(head.headers["x-api-key"].is_sensitive() && !head.headers.contains_key("authorization"));
            assert_eq!(head.headers["anthropic-version"], "2023-06-01");
            assert_eq!(head.headers.get_all("anthropic-beta").iter().count(), 2);
        }
        client.insert("anthropic-version", HeaderValue::from_static("2026-10-21"));
        let head = signed(config, Target::Chat(Kind::Anthropic), &client).await;
        assert_eq!(head.headers["anthropic-version"], "2026-10-21");
    }
}
