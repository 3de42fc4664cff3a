//! Asks upstreams which models they have.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use futures_util::stream;
use http::header::DATE;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use tracing::{debug, warn};

use crate::dialects::models;
use crate::engine::attempt::credential_rest;
use crate::engine::live::Snapshot;
use crate::providers::{Call, CredentialId, ProviderError, Refusal, Retry, Target};
use crate::transport::{Handshake, Payload, TransportError, UpstreamBody};

/// A list of models that takes longer is not worth waiting for.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request for an unknown name waits for a first discovery (contract §4).
pub const WAIT: Duration = Duration::from_secs(5);

/// A list of models is some hundred kilobytes at most.
const LARGEST: usize = 16 * 1024 * 1024;

/// Upstreams asked at once.
const AT_ONCE: usize = 16;

/// Asks those providers that discover and that `which` picks, concurrently. Returns `(provider, reason)` of those that failed.
pub async fn discover(snapshot: &Snapshot, timeout: Option<Duration>, which: impl Fn(usize) -> bool) -> Vec<(String, String)> {
    let indices = (0..snapshot.upstreams.len()).filter(|index| snapshot.discovers(*index) && which(*index));
    let asked = stream::iter(indices).map(async |index| {
        let error = ask(snapshot, index, timeout.unwrap_or(TIMEOUT)).await.err()?;
        Some((snapshot.config.providers[index].name.to_string(), error))
    });
    asked.buffer_unordered(AT_ONCE).filter_map(async |failed| failed).collect().await
}

/// Asks one provider and takes its answer in. Whoever comes while another asks shares that answer.
async fn ask(snapshot: &Snapshot, index: usize, timeout: Duration) -> Result<(), String> {
    let catalog = &snapshot.upstreams[index].catalog;
    let before = catalog.known();
    let _asking = catalog.asking.lock().await;
    let now = catalog.known();
    if now.at != before.at {
        return now.error.clone().map_or(Ok(()), Err);
    }
    let provider = &snapshot.config.providers[index].name;
    match tokio::time::timeout(timeout, list(snapshot, index)).await.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}"))) {
        Ok(models) => {
            debug!(%provider, models = models.len(), "models discovered");
            catalog.found(models);
            Ok(())
        }
        Err(error) => {
            // Said once: an upstream without a list of models will never have one.
            match now.error.as_ref() == Some(&error) {
                true => debug!(%provider, %error, "models not discovered"),
                false => warn!(%provider, %error, "models not discovered"),
            }
            catalog.failed(error.clone());
            Err(error)
        }
    }
}

/// What a provider answered when it was asked for its models.
#[derive(Debug)]
pub struct Inquiry {
    /// Its models, or why the answer is no list of them.
    pub models: Result<Vec<Arc<str>>, String>,
    /// The status.
    pub status: StatusCode,
    /// What its clock says.
    pub date: Option<SystemTime>,
    /// How long the connection took, where one was made for it.
    pub handshake: Option<Handshake>,
}

/// Why a provider answered nothing.
#[derive(Debug, thiserror::Error)]
pub enum Silence {
    /// It has no list of models to ask for.
    #[error(transparent)]
    Unlisted(ProviderError),
    /// What proves who asks cannot be had.
    #[error(transparent)]
    Unsigned(ProviderError),
    /// Nothing came back.
    #[error(transparent)]
    Unanswered(#[from] TransportError),
}

/// The models of one provider, as its `/models` lists them.
pub async fn list(snapshot: &Snapshot, index: usize) -> Result<Vec<Arc<str>>, String> {
    inquire(snapshot, index).await.map_err(|silence| silence.to_string())?.models
}

/// Asks one provider for its models, and tells all that its answer says. A credential that is refused gives way to the
/// next, as in an attempt.
pub async fn inquire(snapshot: &Snapshot, index: usize) -> Result<Inquiry, Silence> {
    let provider = &snapshot.upstreams[index].provider;
    let refusal = Refusal::Credential { rest: credential_rest(snapshot) };
    let (_, credentials) = provider.credentials();
    // A fresh token is one credential more than there are.
    let mut sends_left = credentials.max(1);
    let response = loop {
        let (used, response) = ask_models(snapshot, index).await?;
        let is_refused = response.status() == StatusCode::UNAUTHORIZED;
        if !is_refused || provider.refused(used, &refusal) == Retry::No || sends_left == 0 {
            break response;
        }
        sends_left -= 1;
    };
    let date = response.headers().get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let (status, handshake) = (response.status(), response.extensions().get::<Handshake>().copied());
    Ok(Inquiry { models: read(response).await, status, date, handshake })
}

async fn read(response: Response<UpstreamBody>) -> Result<Vec<Arc<str>>, String> {
    if !response.status().is_success() {
        return Err(format!("GET /models answered {}", response.status()));
    }
    let body = Limited::new(response.into_body(), LARGEST).collect().await.map_err(|error| error.to_string())?.to_bytes();
    models::read(&body).ok_or_else(|| "GET /models answered something that is no list of models".to_owned())
}

async fn ask_models(snapshot: &Snapshot, index: usize) -> Result<(CredentialId, Response<UpstreamBody>), Silence> {
    let upstream = &snapshot.upstreams[index];
    let headers = HeaderMap::new();
    let call = Call { target: Target::Models, method: &Method::GET, model: "", stream: false, headers: &headers };
    let mut head = upstream.provider.head(&call).map_err(Silence::Unlisted)?;
    let payload = Payload::empty();
    let used = upstream.provider.sign(&mut head, "", &payload).await.map_err(Silence::Unsigned)?;
    Ok((used, upstream.transport.send(Request::from_parts(head, payload)).await?))
}
