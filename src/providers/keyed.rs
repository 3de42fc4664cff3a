//! An account whose credential is a key in a header: at most upstreams. The kinds differ in their addresses only.

use futures_util::future::BoxFuture;
use http::request::Parts;

use super::keys::{KeyIn, KeyPool};
use super::speaks::{Asked, Speech};
use super::{Call, CredentialId, Provider, ProviderError, Refusal, Retry};
use crate::config::Params;
use crate::hub::{Kind, Quirks};
use crate::transport::Payload;

/// The addresses of one upstream.
pub trait Addresses: Send + Sync {
    /// Where `call` goes, see [`Provider::head`].
    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError>;

    /// See [`Provider::params`].
    fn params(&self, _spoken: Kind) -> Option<&Params> {
        None
    }

    /// Where in `head`, which was made here, the key goes.
    fn key_in(&self, head: &Parts) -> KeyIn;
}

/// An account at an upstream with these addresses; without keys nothing is sent.
pub struct Keyed<A> {
    addresses: A,
    keys: KeyPool,
    speech: Speech,
}

impl<A: Addresses> Keyed<A> {
    /// The account at `addresses` that `keys` belong to.
    pub fn new(addresses: A, keys: KeyPool, speech: Speech) -> Keyed<A> {
        Keyed { addresses, keys, speech }
    }
}

impl<A: Addresses> Provider for Keyed<A> {
    fn speaks(&self, call: &Asked<'_>) -> &'static [Kind] {
        self.speech.dialects(call)
    }

    fn quirks(&self) -> &Quirks {
        self.speech.quirks()
    }

    fn params(&self, spoken: Kind) -> Option<&Params> {
        self.addresses.params(spoken)
    }

    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        self.addresses.head(call)
    }

    fn sign<'a>(&'a self, head: &'a mut Parts, model: &'a str, _: &'a Payload) -> BoxFuture<'a, Result<CredentialId, ProviderError>> {
        let key_in = self.addresses.key_in(head);
        let credential = self.keys.sign(head, model, &key_in);
        Box::pin(std::future::ready(Ok(credential)))
    }

    fn name_of(&self, used: CredentialId) -> Option<String> {
        self.keys.name_of(used)
    }

    fn sign_as(&self, head: &mut Parts, name: &str) -> Option<CredentialId> {
        let key_in = self.addresses.key_in(head);
        self.keys.sign_as(head, name, &key_in)
    }

    fn refused(&self, used: CredentialId, refusal: &Refusal<'_>) -> Retry {
        self.keys.refused(used, refusal)
    }

    fn forgive(&self) {
        self.keys.forgive();
    }

    fn credentials(&self) -> (usize, usize) {
        self.keys.count()
    }
}

#[cfg(test)]
pub mod testing {
    //! What a kind's tests ask of its addresses.

    use http::request::Parts;
    use http::{HeaderMap, Method};

    use super::Addresses;
    use crate::config::{Provider, Secret};
    use crate::providers::registry::{Shared, build};
    use crate::providers::{Call, ProviderError, Target};
    use crate::transport::Payload;

    /// The address of a call for `model`.
    pub fn uri(addresses: &impl Addresses, target: Target<'_>, model: &str, stream: bool) -> Result<String, ProviderError> {
        let call = Call { target, method: &Method::POST, model, stream, headers: &HeaderMap::new() };
        Ok(addresses.head(&call)?.uri.to_string())
    }

    /// The head of a chat with the model `m`, signed as `config` says, with the key `the-key`.
    pub async fn signed(mut config: Provider, target: Target<'_>, headers: &HeaderMap) -> Parts {
        config.api_keys = vec![Secret::new("the-key")];
        let built = build(&config, &Shared::default()).unwrap();
        let call = Call { target, method: &Method::POST, model: "m", stream: false, headers };
        let mut head = built.provider.head(&call).unwrap();
        built.provider.sign(&mut head, "m", &Payload::empty()).await.unwrap();
        head
    }
}
