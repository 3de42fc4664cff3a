//! Turns what the engine hands back into an HTTP answer.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use percent_encoding::{CONTROLS, utf8_percent_encode};

use crate::engine::{Error, Reply, ReplyBody, Trace};
use crate::hub::MediaType;
use crate::server::error::{RETRY_AFTER_MS, Rejection};
use crate::server::state::Metered;

const PROVIDER: HeaderName = HeaderName::from_static("x-llmgw-provider");
const MODEL: HeaderName = HeaderName::from_static("x-llmgw-model");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-llmgw-attempts");
const OVERHEAD: HeaderName = HeaderName::from_static("x-llmgw-overhead-ms");
const DROPPED: HeaderName = HeaderName::from_static("x-llmgw-dropped");
/// Tells nginx not to gather a stream's pieces.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The answer to a request that the engine accounted for.
pub(super) fn metered(result: Result<Reply, Error>) -> Response {
    metered_with(result, Body::new)
}

/// The same, with a body made by `wrap`.
pub(super) fn metered_with(result: Result<Reply, Error>, wrap: impl FnOnce(ReplyBody) -> Body) -> Response {
    let mut response = match result {
        Ok(reply) => respond(reply, wrap),
        Err(error) => {
            let upstream = upstream_of(&error);
            let mut response = Rejection::from(error).into_response();
            if let Some((headers, trace)) = upstream {
                let ours = response.headers_mut();
                // What we say ourselves, about when to come back for instance, takes all upstreams into account.
                headers.into_iter().filter_map(|(name, value)| Some((name?, value))).for_each(|(name, value)| {
                    ours.entry(name).or_insert(value);
                });
                name_upstream(ours, &trace);
            }
            response
        }
    };
    response.extensions_mut().insert(Metered);
    response
}

/// Whose answer it is after all, where every attempt ended in the same status.
fn upstream_of(error: &Error) -> Option<(HeaderMap, Trace)> {
    let Error::SameStatus { headers, overhead, attempts, .. } = error else { return None };
    let mut headers = HeaderMap::clone(headers);
    // Where it made sense, we say it ourselves.
    for name in [RETRY_AFTER, RETRY_AFTER_MS] {
        headers.remove(name);
    }
    let last = attempts.last()?;
    let tried = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
    let trace =
        Trace { provider: last.provider.clone(), model: last.model.clone(), attempts: tried, overhead: *overhead, dropped: Vec::new() };
    Some((headers, trace))
}

/// The head of a stream of events of which nobody knows yet where it will come from.
pub(super) fn early(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    keep_flowing(response.headers_mut());
    response.extensions_mut().insert(Metered);
    response
}

fn respond(reply: Reply, wrap: impl FnOnce(ReplyBody) -> Body) -> Response {
    let Reply { status, mut headers, body, trace } = reply;
    name_upstream(&mut headers, &trace);
    keep_flowing(&mut headers);
    let mut response = Response::new(wrap(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn name_upstream(headers: &mut HeaderMap, trace: &Trace) {
    headers.insert(PROVIDER, as_value(&trace.provider));
    if !trace.model.is_empty() {
        headers.insert(MODEL, as_value(&trace.model));
    }
    headers.insert(ATTEMPTS, HeaderValue::from(trace.attempts));
    let overhead = trace.overhead.as_micros();
    if !trace.dropped.is_empty() {
        headers.insert(DROPPED, as_value(&trace.dropped.join(", ")));
    }
    headers.insert(OVERHEAD, as_value(&format!("{}.{:03}", overhead / 1000, overhead % 1000)));
}

/// Caches and proxies shall not hold back a stream of events.
fn keep_flowing(headers: &mut HeaderMap) {
    if MediaType::of(headers).is_some_and(MediaType::is_event_stream) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(BUFFERING, HeaderValue::from_static("no"));
    }
}

/// Names may be in any script; headers may not.
fn as_value(text: &str) -> HeaderValue {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    }
    let encoded = utf8_percent_encode(text, CONTROLS).to_string();
    HeaderValue::try_from(encoded).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

    use super::{as_value, keep_flowing, name_upstream};
    use crate::engine::Trace;

    #[test]
    fn an_answer_names_who_gave_it() {
        let mut headers = HeaderMap::new();
        let trace = Trace {
            provider: "智谱".into(),
            model: "glm-4".into(),
            attempts: 2,
            overhead: Duration::from_micros(412),
            dropped: Vec::new(),
        };
        name_upstream(&mut headers, &trace);
        let values: Vec<_> =
            ["provider", "model", "attempts", "overhead-ms"].map(|name| headers[format!("x-llmgw-{name}")].to_str().unwrap()).into();
        assert_eq!(values, ["%E6%99%BA%E8%B0%B1", "glm-4", "2", "0.412"]);
        assert_eq!(as_value("a\nb"), "a%0Ab");
    }

    #[test]
    fn only_streams_of_events_ask_not_to_be_held_back() {
        for (content_type, expected) in
            [("text/event-stream; charset=utf-8", true), ("Text/Event-Stream", true), ("application/json", false)]
        {
            let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            keep_flowing(&mut headers);
            assert_eq!(headers.contains_key("x-accel-buffering"), expected);
        }
    }
}
