//! Any OpenAI-compatible upstream: `base_url` + path, a key as `Authorization: Bearer`.

use http::request::Parts;

use super::address::Address;
use super::keyed::Addresses;
use super::keys::KeyIn;
use super::{Call, ProviderError};
use crate::config;

/// The addresses of an OpenAI-compatible upstream.
pub struct OpenAi(Address);

impl OpenAi {
    /// The addresses of `config`'s upstream.
    pub fn new(config: &config::Provider) -> Result<OpenAi, ProviderError> {
        Ok(OpenAi(Address::new(config)?))
    }
}

impl Addresses for OpenAi {
    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        self.0.head(call)
    }

    fn key_in(&self, _: &Parts) -> KeyIn {
        KeyIn::Bearer
    }
}
