//! Any OpenAI-compatible upstream: `base_url` + path, a key as `Authorization: Bearer`.

use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::address::Address;
use super::keys::KeyPool;
use super::{Call, CredentialId, Provider, ProviderError, Refusal, Retry};
use crate::transport::Payload;

/// One account at an OpenAI-compatible upstream.
pub struct OpenAi {
    address: Address,
    keys: KeyPool,
}

impl OpenAi {
    /// The account at `address` that `keys` belong to; without keys nothing is sent.
    pub fn new(address: Address, keys: KeyPool) -> OpenAi {
        OpenAi { address, keys }
    }
}

impl Provider for OpenAi {
    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        self.address.head(call)
    }

    fn sign<'a>(&'a self, head: &'a mut Parts, model: &'a str, _: &'a Payload) -> BoxFuture<'a, Result<CredentialId, ProviderError>> {
        let credential = self.keys.pick(model).map_or(CredentialId::NONE, |(credential, bearer)| {
            head.headers.insert(AUTHORIZATION, bearer.clone());
            credential
        });
        Box::pin(std::future::ready(Ok(credential)))
    }

    fn refused(&self, used: CredentialId, refusal: &Refusal<'_>) -> Retry {
        self.keys.refused(used, refusal)
    }

    fn credentials(&self) -> (usize, usize) {
        self.keys.count()
    }
}
