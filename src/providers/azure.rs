//! Azure OpenAI: its v1 API, which is OpenAI's below `/openai/v1`, or the classic one with a deployment in the path and a
//! dated version; a key as `api-key`.
//!
//! Upstream models are deployments either way.

use http::request::Parts;
use http::{HeaderName, Uri};

use super::address::{Address, Base, segment};
use super::keyed::Addresses;
use super::keys::KeyIn;
use super::{Call, ProviderError, Target};
use crate::config::{self, AzureApi};
use crate::hub::{Endpoint, Kind};

const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// The addresses of one of Azure's two APIs.
pub enum Azure {
    /// As OpenAI's.
    V1(Box<Address>),
    /// The base ends in `/openai`, and carries the version.
    Dated(Base),
}

impl Azure {
    /// The addresses of `config`'s upstream.
    pub fn new(config: &config::Provider, api: &AzureApi) -> Result<Azure, ProviderError> {
        let base = Base::new(config);
        Ok(match api {
            AzureApi::V1 if base.ends_with("/openai/v1") => Azure::V1(Box::new(Address::at(base)?)),
            AzureApi::V1 => Azure::V1(Box::new(Address::at(base.below("/openai", "/openai/v1"))?)),
            AzureApi::Dated(date) => Azure::Dated(base.below("/openai", "/openai").with_query(format!("api-version={date}"))),
        })
    }
}

/// Where the classic API has `call`.
fn dated(base: &Base, call: &Call<'_>) -> Result<Uri, ProviderError> {
    let of_deployment = |endpoint: Endpoint| base.join(&format!("/deployments/{}{}", segment(call.model), endpoint.path()));
    match call.target {
        Target::Chat(Kind::OpenAiChat) => of_deployment(Endpoint::ChatCompletions),
        Target::Chat(Kind::OpenAiText) => of_deployment(Endpoint::Completions),
        // Newer than the classic API: its body names the deployment.
        Target::Chat(Kind::OpenAiResponses) => base.join("/responses"),
        Target::Endpoint(Endpoint::Moderations | Endpoint::Rerank) => Err(ProviderError::without(&call.target)),
        Target::Endpoint(endpoint) => of_deployment(endpoint),
        Target::Models => base.join("/models"),
        Target::Path(path) => base.join(path),
        Target::Chat(_) | Target::CountTokens(_) => Err(ProviderError::without(&call.target)),
    }
}

impl Addresses for Azure {
    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        match self {
            Azure::V1(address) => address.head(call),
            Azure::Dated(base) => Ok(base.head(call, dated(base, call)?)),
        }
    }

    fn key_in(&self, _: &Parts) -> KeyIn {
        KeyIn::Header(API_KEY)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::Azure;
    use crate::config::{AzureApi, ProviderKind};
    use crate::hub::{Endpoint, Kind};
    use crate::providers::Target;
    use crate::providers::keyed::testing::{signed, uri};
    use crate::transport::testing::provider;

    const CHAT: Target<'static> = Target::Chat(Kind::OpenAiChat);

    #[test]
    fn the_v1_api_is_openais() {
        for base in ["https://r.openai.azure.com", "https://r.openai.azure.com/openai/", "https://r.openai.azure.com/openai/v1"] {
            let addresses = Azure::new(&provider(base), &AzureApi::V1).unwrap();
            for (target, path) in [
                (CHAT, "chat/completions"),
                (Target::Chat(Kind::OpenAiResponses), "responses"),
                (Target::Endpoint(Endpoint::Embeddings), "embeddings"),
                (Target::Models, "models"),
                (Target::Path("/files"), "files"),
            ] {
                assert_eq!(uri(&addresses, target, "my gpt", false).unwrap(), format!("https://r.openai.azure.com/openai/v1/{path}"));
            }
        }
    }

    #[test]
    fn the_classic_api_has_the_deployment_in_its_path() {
        let version = AzureApi::Dated("2024-10-21".to_owned());
        for base in ["https://r.openai.azure.com", "https://r.openai.azure.com/openai"] {
            let addresses = Azure::new(&provider(base), &version).unwrap();
            for (target, path) in [
                (CHAT, "deployments/my%20gpt/chat/completions"),
                (Target::Chat(Kind::OpenAiText), "deployments/my%20gpt/completions"),
                (Target::Chat(Kind::OpenAiResponses), "responses"),
                (Target::Endpoint(Endpoint::AudioSpeech), "deployments/my%20gpt/audio/speech"),
                (Target::Models, "models"),
                (Target::Path("/files"), "files"),
            ] {
                let expected = format!("https://r.openai.azure.com/openai/{path}?api-version=2024-10-21");
                assert_eq!(uri(&addresses, target, "my gpt", false).unwrap(), expected);
            }
            assert!(uri(&addresses, Target::Endpoint(Endpoint::Rerank), "m", false).is_err());
            assert!(uri(&addresses, Target::Chat(Kind::Anthropic), "m", false).is_err());
        }
    }

    #[tokio::test]
    async fn the_key_goes_into_azures_own_header() {
        let mut config = provider("https://r.openai.azure.com");
        config.kind = ProviderKind::Azure(AzureApi::V1);
        let head = signed(config, CHAT, &HeaderMap::new()).await;
        assert_eq!(head.headers["api-key"], "the-key");
        assert!(head.headers["api-key"].is_sensitive() && !head.headers.contains_key("authorization"));
    }
}
