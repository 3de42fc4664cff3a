//! AWS Bedrock's Converse: the model in the path, and a signature (SigV4) over the very bytes that are sent, or one of
//! Bedrock's API keys as `Authorization: Bearer`.

use std::time::SystemTime;

use futures_util::future::BoxFuture;
use http::Uri;
use http::request::Parts;

use super::address::{Base, segment};
use super::keyed::Addresses;
use super::keys::KeyIn;
use super::sigv4::Signer;
use super::speaks::{Asked, Speech};
use super::{Call, CredentialId, Provider, ProviderError, Refusal, Retry, Target};
use crate::config::{self, AwsKeys};
use crate::hub::{Kind, Quirks};
use crate::transport::Payload;

/// The name under which AWS checks Bedrock's signatures.
const SERVICE: &str = "bedrock";

/// The addresses of Bedrock in one region.
pub struct Bedrock(Base);

impl Bedrock {
    /// The addresses of `config`'s upstream.
    pub fn new(config: &config::Provider) -> Bedrock {
        Bedrock(Base::new(config))
    }

    fn uri(&self, call: &Call<'_>) -> Result<Uri, ProviderError> {
        let of_model = |operation: &str| self.0.join(&format!("/model/{}/{operation}", segment(call.model)));
        match call.target {
            Target::Chat(Kind::Bedrock) => of_model(if call.stream { "converse-stream" } else { "converse" }),
            Target::CountTokens(Kind::Bedrock) => of_model("count-tokens"),
            Target::Path(path) => self.0.join(path),
            Target::Chat(_) | Target::CountTokens(_) | Target::Endpoint(_) | Target::Models => Err(ProviderError::without(&call.target)),
        }
    }
}

impl Addresses for Bedrock {
    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        Ok(self.0.head(call, self.uri(call)?))
    }

    fn key_in(&self, _: &Parts) -> KeyIn {
        KeyIn::Bearer
    }
}

/// An account whose requests are signed with an access key.
pub struct Signed {
    addresses: Bedrock,
    signer: Signer,
    speech: Speech,
}

impl Signed {
    /// The account of `keys` at `addresses` in `region`.
    pub fn new(addresses: Bedrock, region: &str, keys: &AwsKeys, speech: Speech) -> Signed {
        let signer = Signer { region: region.to_owned(), service: SERVICE, keys: keys.clone() };
        Signed { addresses, signer, speech }
    }
}

impl Provider for Signed {
    fn speaks(&self, call: &Asked<'_>) -> &'static [Kind] {
        self.speech.dialects(call)
    }

    fn quirks(&self) -> &Quirks {
        self.speech.quirks()
    }

    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        self.addresses.head(call)
    }

    fn sign<'a>(&'a self, head: &'a mut Parts, _: &'a str, body: &'a Payload) -> BoxFuture<'a, Result<CredentialId, ProviderError>> {
        let signed = self.signer.sign(head, body, SystemTime::now()).map(|()| CredentialId(0));
        Box::pin(std::future::ready(signed))
    }

    fn refused(&self, _: CredentialId, _: &Refusal<'_>) -> Retry {
        Retry::No
    }

    fn credentials(&self) -> (usize, usize) {
        (0, 1)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::Bedrock;
    use crate::config::{self, AwsKeys, ProviderKind, Secret};
    use crate::hub::{Endpoint, Kind};
    use crate::providers::keyed::testing::{signed, uri};
    use crate::providers::registry::{Shared, build};
    use crate::providers::{Call, Target};
    use crate::transport::Payload;
    use crate::transport::testing::provider;

    const CHAT: Target<'static> = Target::Chat(Kind::Bedrock);

    #[test]
    fn the_model_stands_in_the_path_whatever_its_name() {
        let addresses = Bedrock::new(&provider("https://bedrock-runtime.us-east-1.amazonaws.com"));
        let address = |target, model, stream| uri(&addresses, target, model, stream).unwrap();
        let base = "https://bedrock-runtime.us-east-1.amazonaws.com";
        assert_eq!(address(CHAT, "us.anthropic.claude-x:0", false), format!("{base}/model/us.anthropic.claude-x%3A0/converse"));
        assert_eq!(address(CHAT, "m", true), format!("{base}/model/m/converse-stream"));
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/p";
        let encoded = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fp";
        assert_eq!(address(CHAT, arn, false), format!("{base}/model/{encoded}/converse"));
        assert_eq!(address(Target::CountTokens(Kind::Bedrock), "m", false), format!("{base}/model/m/count-tokens"));
        for target in [Target::Models, Target::Endpoint(Endpoint::Embeddings), Target::Chat(Kind::Anthropic)] {
            assert!(uri(&addresses, target, "m", false).is_err());
        }
    }

    #[tokio::test]
    async fn an_access_key_signs_and_an_api_key_is_a_bearers() {
        let mut config = provider("https://bedrock-runtime.eu-west-1.amazonaws.com");
        let keys = AwsKeys { access_key_id: Secret::new("AKI"), secret_access_key: Secret::new("s"), session_token: None };
        config.kind = ProviderKind::Bedrock(config::Bedrock { region: "eu-west-1".to_owned(), keys: Some(keys) });
        let built = build(&config, &Shared::default()).unwrap();
        let call = Call { target: CHAT, method: &Method::POST, model: "m", stream: false, headers: &HeaderMap::new() };
        let mut head = built.provider.head(&call).unwrap();
        built.provider.sign(&mut head, "m", &Payload::empty()).await.unwrap();
        let signature = head.headers["authorization"].to_str().unwrap();
        assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKI/") && signature.contains("/eu-west-1/bedrock/aws4_request"));

        config.kind = ProviderKind::Bedrock(config::Bedrock { region: "eu-west-1".to_owned(), keys: None });
        assert_eq!(signed(config, CHAT, &HeaderMap::new()).await.headers["authorization"], "Bearer the-key");
    }
}
