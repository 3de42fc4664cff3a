//! The head scan: what it says of a body is what a whole JSON parser says.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use llmgw::access::Caller;
use llmgw::config::{Env, Overrides, load_text};
use llmgw::dialects::head::{Head, HeadError};
use llmgw::dialects::json::{DEEPEST, JsonError};
use llmgw::engine::demand::Demand;
use llmgw::engine::live::Lasting;
use llmgw::engine::{Error, Job, RequestId, Snapshot};
use llmgw::hub::Endpoint;
use serde_json::Value;

use super::object::parts;

/// What a request without a model gets.
const DEFAULT: &str = "默认";

static SNAPSHOT: LazyLock<Arc<Snapshot>> = LazyLock::new(|| {
    let text =
        format!("providers: [{{ name: local, type: mock }}]\nrouting: {{ default_model: {DEFAULT} }}\nmodels: {{ {DEFAULT}: local/a }}");
    let loaded = load_text("llmgw.yaml", &text, ".".as_ref(), &Env::for_tests(&[], "."), &Overrides::default()).expect("valid");
    Arc::new(Lasting::default().prepare(loaded.config).expect("a snapshot"))
});

/// Holds for any bytes as a body of any endpoint.
pub fn holds(body: &[u8]) {
    for endpoint in [Endpoint::ChatCompletions, Endpoint::Completions, Endpoint::Embeddings, Endpoint::AudioSpeech] {
        let read = Head::read(endpoint, Bytes::copy_from_slice(body));
        agrees(endpoint, body, &read);
        demands_the_same(endpoint, body, &read);
    }
}

/// The body `body` as a job.
pub fn demand(endpoint: Endpoint, content_type: &str, body: &[u8]) -> Result<Demand, Error> {
    let headers = HeaderMap::from_iter(HeaderValue::from_str(content_type).ok().map(|value| (CONTENT_TYPE, value)));
    Demand::read(&Job {
        snapshot: SNAPSHOT.clone(),
        id: RequestId::make(),
        endpoint,
        caller: Caller::anonymous(),
        client: None,
        headers,
        body: Bytes::copy_from_slice(body),
        received: tokio::time::Instant::now(),
    })
}

fn demands_the_same(endpoint: Endpoint, body: &[u8], read: &Result<Head, HeadError>) {
    match (demand(endpoint, "application/json", body), read) {
        (Ok(demand), Ok(request)) => {
            let asked = request.model.as_deref().filter(|model| !model.is_empty());
            let _ = request.is_bound();
            assert!(request.estimated_input() <= body.len() as u64, "a token has a byte at least");
            assert_eq!((&*demand.model, demand.is_stream()), (asked.unwrap_or(DEFAULT), request.stream));
        }
        (Err(error), Err(_)) => assert!(matches!(error, Error::InvalidJson(_) | Error::InvalidRequest { .. }), "{error}"),
        (demand, read) => panic!("{demand:?}, but {read:?}"),
    }
}

fn agrees(endpoint: Endpoint, body: &[u8], read: &Result<Head, HeadError>) {
    let value = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return assert_eq!(read.as_ref().err(), Some(&HeadError::Json(JsonError::NotAnObject))),
        Err(error) => return assert!(read.is_err() || is_only_unusual(body, &error), "{error}, but {read:?}"),
    };
    let parts = parts(std::str::from_utf8(body).expect("JSON is UTF-8"));
    let duplicate = ["model", "stream", "stream_options"].into_iter().find(|name| parts.is_duplicate(name));
    if let Some(name) = duplicate {
        return assert_eq!(read.as_ref().err(), Some(&HeadError::Duplicate(name)));
    }
    if required(endpoint).is_some_and(|field| parts.is_duplicate(field)) {
        // Which of the two counts is the upstream's to say.
        return;
    }
    let expected = head(endpoint, &value);
    let found = read.as_ref().map(|request| (request.model.clone(), request.stream, request.include_usage));
    match (found, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected),
        (Err(error), Err(field)) => assert_eq!(error.field(), Some(field), "{error}"),
        (found, expected) => panic!("found {found:?}, expected {expected:?}"),
    }
}

/// The model, whether it streams and asks for usage; or the first field that is wrong.
fn head(endpoint: Endpoint, body: &serde_json::Map<String, Value>) -> Result<(Option<String>, bool, bool), &'static str> {
    let get = |name: &str| body.get(name).filter(|value| !value.is_null());
    let model = get("model").map(|value| value.as_str().map(str::to_owned).ok_or("model")).transpose()?;
    let stream = get("stream").map(|value| value.as_bool().ok_or("stream")).transpose()?.unwrap_or(false);
    let options = get("stream_options").filter(|_| stream).map(|value| value.as_object().ok_or("stream_options")).transpose()?;
    let usage = options.and_then(|options| options.get("include_usage")).and_then(Value::as_bool).unwrap_or(false);
    let Some(required) = required(endpoint) else { return Ok((model, stream, usage)) };
    let content = body.get(required).ok_or(required)?;
    let is_content = endpoint != Endpoint::ChatCompletions || content.as_array().is_some_and(|messages| !messages.is_empty());
    is_content.then_some((model, stream, usage)).ok_or(required)
}

/// The field that an endpoint wants beside the model.
fn required(endpoint: Endpoint) -> Option<&'static str> {
    match endpoint {
        Endpoint::ChatCompletions => Some("messages"),
        Endpoint::Completions => Some("prompt"),
        Endpoint::Embeddings => Some("input"),
        _ => None,
    }
}

/// What is JSON by its grammar, though the parser of values wants none of it: numbers beyond a double, half of a surrogate
/// pair, more than 128 levels. It goes to the upstream as it is.
fn is_only_unusual(body: &[u8], error: &serde_json::Error) -> bool {
    let reason = error.to_string();
    let is_unusual = ["number out of range", "surrogate", "unexpected end of hex escape", "recursion limit"];
    std::str::from_utf8(body).is_ok() && is_unusual.iter().any(|unusual| reason.contains(unusual)) && DEEPEST > 128
}
