//! Google Vertex AI: Gemini and Claude below a project and a location, with an access token as `Authorization: Bearer`.
//!
//! The token is a key like any other: it is not made here, and an expired one is refused.

use http::Uri;
use http::request::Parts;

use super::address::{Base, segment};
use super::gemini::generate;
use super::keyed::Addresses;
use super::keys::KeyIn;
use super::{Call, ProviderError, Target};
use crate::config::{self, Params};
use crate::hub::Kind;

/// What Claude's bodies say here instead of a header; every model takes it.
const CLAUDE_VERSION: &str = "vertex-2023-10-16";

/// The addresses of one project's models.
pub struct Vertex {
    base: Base,
    publishers: String,
    claude: Params,
}

impl Vertex {
    /// The addresses of `config`'s upstream.
    pub fn new(config: &config::Provider, settings: &config::Vertex) -> Vertex {
        let (project, location) = (segment(&settings.project), segment(&settings.location));
        let publishers = format!("/v1/projects/{project}/locations/{location}/publishers");
        // The model stands in the path, the version in the body.
        let set = vec![("anthropic_version".to_owned(), CLAUDE_VERSION.into())];
        let claude = Params { drop: vec!["model".to_owned()], set, ..Params::default() };
        Vertex { base: Base::new(config), publishers, claude }
    }

    fn uri(&self, call: &Call<'_>) -> Result<Uri, ProviderError> {
        let of = |publisher: &str, rest: &str| self.base.join(&format!("{}/{publisher}/models/{rest}", self.publishers));
        match call.target {
            Target::Chat(Kind::Gemini) => of("google", &generate(call.model, call.stream)),
            Target::CountTokens(Kind::Gemini) => of("google", &format!("{}:countTokens", segment(call.model))),
            Target::Chat(Kind::Anthropic) => {
                // Dated models are called `name@date`, and Google takes the sign as it is.
                let model = segment(call.model).to_string().replace("%40", "@");
                of("anthropic", &format!("{model}:{}", if call.stream { "streamRawPredict" } else { "rawPredict" }))
            }
            Target::CountTokens(Kind::Anthropic) => of("anthropic", "count-tokens:rawPredict"),
            Target::Path(path) => self.base.join(path),
            Target::Chat(_) | Target::CountTokens(_) | Target::Endpoint(_) | Target::Models => Err(ProviderError::without(&call.target)),
        }
    }
}

impl Addresses for Vertex {
    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        Ok(self.base.head(call, self.uri(call)?))
    }

    fn params(&self, spoken: Kind) -> Option<&Params> {
        (spoken == Kind::Anthropic).then_some(&self.claude)
    }

    fn key_in(&self, _: &Parts) -> KeyIn {
        KeyIn::Bearer
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::Vertex;
    use crate::config::{self, ProviderKind};
    use crate::hub::Kind;
    use crate::providers::Target;
    use crate::providers::keyed::Addresses;
    use crate::providers::keyed::testing::{signed, uri};
    use crate::transport::testing::provider;

    #[tokio::test]
    async fn claude_and_gemini_stand_below_their_publishers() {
        let mut config = provider("https://us-east5-aiplatform.googleapis.com");
        let settings = config::Vertex { project: "my-project".to_owned(), location: "us-east5".to_owned() };
        let addresses = Vertex::new(&config, &settings);
        let below = "https://us-east5-aiplatform.googleapis.com/v1/projects/my-project/locations/us-east5/publishers";
        for (target, model, stream, rest) in [
            (Target::Chat(Kind::Gemini), "gemini-3", false, "google/models/gemini-3:generateContent"),
            (Target::Chat(Kind::Gemini), "gemini-3", true, "google/models/gemini-3:streamGenerateContent?alt=sse"),
            (Target::CountTokens(Kind::Gemini), "gemini-3", false, "google/models/gemini-3:countTokens"),
            (Target::Chat(Kind::Anthropic), "claude-x@20260101", false, "anthropic/models/claude-x@20260101:rawPredict"),
            (Target::Chat(Kind::Anthropic), "claude-x", true, "anthropic/models/claude-x:streamRawPredict"),
            (Target::CountTokens(Kind::Anthropic), "claude-x", false, "anthropic/models/count-tokens:rawPredict"),
        ] {
            assert_eq!(uri(&addresses, target, model, stream).unwrap(), format!("{below}/{rest}"));
        }
        let claude = addresses.params(Kind::Anthropic).unwrap();
        assert_eq!((&claude.drop[..], claude.set[0].0.as_str()), (&["model".to_owned()][..], "anthropic_version"));
        assert!(addresses.params(Kind::Gemini).is_none());
        let refused = uri(&addresses, Target::Models, "", false).unwrap_err();
        assert_eq!(refused.to_string(), "cannot address the upstream: it has no list of models");

        config.kind = ProviderKind::Vertex(settings);
        let head = signed(config, Target::Chat(Kind::Anthropic), &HeaderMap::new()).await;
        assert_eq!(head.headers["authorization"], "Bearer the-key");
        assert_eq!(head.headers["anthropic-version"], "2023-06-01");
    }
}
