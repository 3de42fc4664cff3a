//! Passes requests that name a provider instead of a model through, both bodies as they come.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, Uri};
use http_body::Body as _;
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;

use crate::access::Caller;
use crate::engine::{self, Forward};
use crate::server::caller::authenticate;
use crate::server::error::Rejection;
use crate::server::reply;
use crate::server::state::{App, Arrival};
use crate::transport::{Payload, TransportError};

/// `/providers/{name}/…`
pub(super) async fn to_named(State(app): State<Arc<App>>, request: Request) -> Response {
    let (provider, path) = split_named(request.uri());
    forward(app, Some(provider), path, request).await
}

/// Any other `/v1/…`: to the provider that `x-llmgw-provider` names, else to `routing.passthrough`.
pub(super) async fn to_configured(State(app): State<Arc<App>>, request: Request) -> Response {
    let provider = named_in_header(request.headers());
    let path = with_query(request.uri(), request.uri().path().strip_prefix("/v1").unwrap_or_default());
    forward(app, provider, path, request).await
}

/// `/v1/responses/{id}…` of a response that is the caller's own, and that this provider keeps.
pub(super) async fn to_keeper(app: Arc<App>, provider: String, key: Option<String>, request: Request) -> Response {
    let path = with_query(request.uri(), request.uri().path().strip_prefix("/v1").unwrap_or_default());
    answer(app, prepare(Some(provider), path, request, |_| true).map(|forward| Forward { key, ..forward })).await
}

/// Whether a request for a path that is not llmgw's own says, or the configuration does, where it goes.
pub(super) fn has_provider(arrival: &Arrival, headers: &HeaderMap) -> bool {
    named_in_header(headers).is_some() || arrival.snapshot.config.routing.passthrough.is_some()
}

async fn forward(app: Arc<App>, provider: Option<String>, path: String, request: Request) -> Response {
    answer(app, prepare(provider, path, request, Caller::may_pass_through)).await
}

async fn answer(app: Arc<App>, prepared: Result<Forward, Rejection>) -> Response {
    match prepared {
        Ok(forward) => reply::metered(app.engine.forward(forward).await),
        Err(rejection) => rejection.into_response(),
    }
}

/// `may`: whether the caller may.
fn prepare(provider: Option<String>, path: String, request: Request, may: fn(&Caller) -> bool) -> Result<Forward, Rejection> {
    let (mut parts, body) = request.into_parts();
    // An upstream's answer to it is the request that it got, with our credential in it (RFC 9110 §9.3.8).
    if parts.method == Method::TRACE {
        return Err(Rejection::MethodNotAllowed { method: parts.method.to_string(), path: parts.uri.path().to_owned() });
    }
    let Arrival { id, client, received, snapshot } = Arrival::take(&mut parts)?;
    let caller = authenticate(&snapshot.keys, &parts.headers, client)?;
    if !may(&caller) {
        return Err(engine::Error::NotAllowed("this key may not use endpoints that name no model (`passthrough`)".to_owned()).into());
    }
    let (method, headers, body) = (parts.method, parts.headers, payload(body));
    Ok(Forward { snapshot, id, caller, client: Some(client), provider, key: None, method, path, headers, body, received })
}

fn payload(body: Body) -> Payload {
    if body.is_end_stream() {
        return Payload::empty();
    }
    Payload::streamed(body.map_err(|error| TransportError::Request(error.to_string())).boxed_unsync())
}

/// `/providers/NAME/rest?query` → (`NAME`, `/rest?query`); the rest stays as it was encoded.
fn split_named(uri: &Uri) -> (String, String) {
    let below = uri.path().strip_prefix("/providers/").unwrap_or_default();
    let (name, rest) = below.find('/').map_or((below, "/"), |slash| below.split_at(slash));
    (percent_decode_str(name).decode_utf8_lossy().into_owned(), with_query(uri, rest))
}

fn with_query(uri: &Uri, path: &str) -> String {
    match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

fn named_in_header(headers: &HeaderMap) -> Option<String> {
    let name = headers.get("x-llmgw-provider")?.to_str().ok()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::split_named;

    #[test]
    fn a_path_is_split_into_provider_and_rest_without_decoding_the_rest() {
        for (uri, name, rest) in [
            ("/providers/openai/files/a%2Fb?limit=2", "openai", "/files/a%2Fb?limit=2"),
            ("/providers/openai", "openai", "/"),
            ("/providers/my%20one/", "my one", "/"),
            ("/providers/a/../b", "a", "/../b"),
        ] {
            let split = split_named(&uri.parse::<Uri>().unwrap());
            assert_eq!((split.0.as_str(), split.1.as_str()), (name, rest), "{uri}");
        }
    }
}
