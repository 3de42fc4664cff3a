//! Google's Gemini API: `base_url` without a version, the model in the path, a key as `x-goog-api-key`.
//!
//! What of OpenAI's API it serves beside it, embeddings and images, is asked for there, with the key as a bearer's.

use http::request::Parts;
use http::{HeaderName, Uri};

use super::address::{Base, segment};
use super::keyed::Addresses;
use super::keys::KeyIn;
use super::{Call, ProviderError, Target};
use crate::config;
use crate::hub::{Endpoint, Kind};

const X_GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// As many as one page may hold: more than there are.
const MODELS: &str = "/v1beta/models?pageSize=1000";

/// Where Google serves OpenAI's API.
const OPENAI: &str = "/v1beta/openai";

/// The addresses of Google's Gemini API.
pub struct Gemini(Base);

impl Gemini {
    /// The addresses of `config`'s upstream.
    pub fn new(config: &config::Provider) -> Gemini {
        Gemini(Base::new(config))
    }

    fn uri(&self, call: &Call<'_>) -> Result<Uri, ProviderError> {
        match call.target {
            Target::Chat(Kind::Gemini) => self.0.join(&format!("/v1beta/models/{}", generate(call.model, call.stream))),
            Target::CountTokens(Kind::Gemini) => self.0.join(&format!("/v1beta/models/{}:countTokens", segment(bare(call.model)))),
            Target::Endpoint(endpoint @ (Endpoint::Embeddings | Endpoint::ImageGenerations)) => {
                self.0.join(&format!("{OPENAI}{}", endpoint.path()))
            }
            Target::Models => self.0.join(MODELS),
            Target::Path(path) => self.0.join(path),
            Target::Chat(_) | Target::CountTokens(_) | Target::Endpoint(_) => Err(ProviderError::without(&call.target)),
        }
    }
}

impl Addresses for Gemini {
    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        Ok(self.0.head(call, self.uri(call)?))
    }

    fn key_in(&self, head: &Parts) -> KeyIn {
        if head.uri.path().contains(OPENAI) { KeyIn::Bearer } else { KeyIn::Header(X_GOOG_API_KEY) }
    }
}

/// A model and what it shall do, as the end of a path.
pub fn generate(model: &str, stream: bool) -> String {
    let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    format!("{}:{method}", segment(bare(model)))
}

/// The model's name without the folder that Google's own lists put before it.
fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::Gemini;
    use crate::config::ProviderKind;
    use crate::hub::{Endpoint, Kind};
    use crate::providers::Target;
    use crate::providers::keyed::testing::{signed, uri};
    use crate::transport::testing::provider;

    #[test]
    fn the_model_and_the_method_stand_in_the_path() {
        let addresses = Gemini::new(&provider("https://generativelanguage.googleapis.com"));
        let address = |target, model, stream| uri(&addresses, target, model, stream).unwrap();
        let base = "https://generativelanguage.googleapis.com/v1beta";
        let chat = Target::Chat(Kind::Gemini);
        assert_eq!(address(chat, "gemini-3", false), format!("{base}/models/gemini-3:generateContent"));
        assert_eq!(address(chat, "gemini-3", true), format!("{base}/models/gemini-3:streamGenerateContent?alt=sse"));
        assert_eq!(address(chat, "models/a b/../c?d", false), format!("{base}/models/a%20b%2F..%2Fc%3Fd:generateContent"));
        assert_eq!(address(Target::CountTokens(Kind::Gemini), "gemini-3", true), format!("{base}/models/gemini-3:countTokens"));
        assert_eq!(address(Target::Models, "", false), format!("{base}/models?pageSize=1000"));
        assert_eq!(address(Target::Path("/v1beta/files"), "", false), format!("{base}/files"));
        assert_eq!(address(Target::Endpoint(Endpoint::Embeddings), "m", false), format!("{base}/openai/embeddings"));
        let refused = uri(&addresses, Target::Endpoint(Endpoint::Rerank), "m", false).unwrap_err();
        assert_eq!(refused.to_string(), "cannot address the upstream: it has no /rerank");
    }

    #[tokio::test]
    async fn the_key_goes_into_googles_own_header_and_to_the_openai_api_as_a_bearers() {
        let mut config = provider("https://generativelanguage.googleapis.com");
        config.kind = ProviderKind::Gemini;
        let head = signed(config.clone(), Target::Chat(Kind::Gemini), &HeaderMap::new()).await;
        assert_eq!(head.headers["x-goog-api-key"], "the-key");
        assert!(head.headers["x-goog-api-key"].is_sensitive() && !head.headers.contains_key("authorization"));
        let head = signed(config, Target::Endpoint(Endpoint::Embeddings), &HeaderMap::new()).await;
        assert_eq!(head.headers["authorization"], "Bearer the-key");
        assert!(!head.headers.contains_key("x-goog-api-key"));
    }
}
