//! How to reach an upstream, and prove who we are. Never parses or changes a body, never retries.

mod address;
pub mod anthropic;
pub mod azure;
pub mod bedrock;
pub mod gemini;
pub mod headers;
pub mod keyed;
pub mod keys;
pub mod mock;
pub mod ollama;
pub mod openai;
pub mod path;
pub mod registry;
pub mod request;
mod sigv4;
pub mod speaks;
pub mod tokens;
pub mod vertex;

use std::time::Duration;

use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, Method};

use crate::config::Params;
use crate::hub::{Endpoint, Kind, Quirks};
use crate::transport::Payload;

pub use registry::{BuildError, Built, Shared, build};
pub use speaks::Asked;

/// What shall be done at an upstream.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A chat in this dialect.
    Chat(Kind),
    /// How many tokens a chat in this dialect has.
    CountTokens(Kind),
    /// An operation of the OpenAI-shaped API that names a model.
    Endpoint(Endpoint),
    /// The list of models.
    Models,
    /// Any path below the base URL, with a leading slash, with its query; already checked to stay below it.
    Path(&'a str),
}

/// One call, as far as addressing it needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// What shall be done.
    pub target: Target<'a>,
    /// The method.
    pub method: &'a Method,
    /// The upstream's name of the model; empty where none is named.
    pub model: &'a str,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// The client's headers that may go on (contract §4): no credentials, nothing hop-by-hop.
    pub headers: &'a HeaderMap,
}

/// One configured account at one upstream.
pub trait Provider: Send + Sync {
    /// The dialects that the upstream speaks for this call, most native first; never empty.
    fn speaks(&self, call: &Asked<'_>) -> &'static [Kind];

    /// What of OpenAI's chat it takes otherwise than OpenAI does.
    fn quirks(&self) -> &Quirks;

    /// What every chat in the dialect `spoken` must hold or leave out here, beside what is configured.
    fn params(&self, _spoken: Kind) -> Option<&Params> {
        None
    }

    /// Where `call` goes: method, absolute URI and headers, without credentials. Pure. [`ProviderError::Address`] for what
    /// the upstream does not have.
    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError>;

    /// Puts a credential into `head`; may wait for a login. `model` because a key may be at its limit for one model only.
    fn sign<'a>(&'a self, head: &'a mut Parts, model: &'a str, body: &'a Payload) -> BoxFuture<'a, Result<CredentialId, ProviderError>>;

    /// Which of several credentials `used` is, in a word that outlives the process and does not lead back to it.
    fn name_of(&self, _used: CredentialId) -> Option<String> {
        None
    }

    /// Puts the credential of that name into `head`; `None`: there is none of it, and [`Provider::sign`] may take any.
    fn sign_as(&self, _head: &mut Parts, _name: &str) -> Option<CredentialId> {
        None
    }

    /// The upstream refused the credential `used`, for this reason. Ignored unless `used` is still in use.
    /// Says whether another attempt with a fresh or different credential makes sense.
    fn refused(&self, used: CredentialId, refusal: &Refusal<'_>) -> Retry;

    /// Lets no credential rest any longer.
    fn forgive(&self) {}

    /// Credentials that are at rest now, for the status page; `(resting, all)`.
    fn credentials(&self) -> (usize, usize);
}

/// Which credential signed a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CredentialId(pub u64);

impl CredentialId {
    /// No credential was needed.
    pub const NONE: CredentialId = CredentialId(u64::MAX);
}

/// Why an upstream refused a credential.
#[derive(Clone, Copy, Debug)]
pub enum Refusal<'a> {
    /// 401, 402, or a body that names the key: it rests for all models.
    Credential {
        /// For how long.
        rest: Duration,
    },
    /// 429: it rests for this model.
    RateLimited {
        /// The upstream's model.
        model: &'a str,
        /// For how long.
        rest: Duration,
    },
}

/// Whether the same upstream is worth another request at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Another credential, or a fresh token, is at hand.
    Another,
    /// None is.
    No,
}

/// Why a request could not be addressed or signed.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// A login did not yield a token. `connect`: the login's server could not be reached at all.
    #[error("login failed: {reason}")]
    Login {
        /// Without secrets.
        reason: String,
        /// The upstream refused the username and password (rather than failed).
        refused: bool,
    },
    /// The address cannot be built, or there is none.
    #[error("cannot address the upstream: {0}")]
    Address(String),
    /// A signature cannot be made.
    #[error("cannot sign the request: {0}")]
    Signature(&'static str),
}

impl ProviderError {
    /// The upstream has nothing for `target`.
    fn without(target: &Target<'_>) -> ProviderError {
        ProviderError::Address(match target {
            Target::Chat(kind) => format!("it does not speak `{kind}`"),
            Target::CountTokens(kind) => format!("it does not count the tokens of `{kind}`"),
            Target::Endpoint(endpoint) => format!("it has no {}", endpoint.path()),
            Target::Models => "it has no list of models".to_owned(),
            Target::Path(_) => "it has no such path".to_owned(),
        })
    }
}
