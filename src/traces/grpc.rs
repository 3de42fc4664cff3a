//! One call over gRPC: what is around a message, and how a reply says how it went.
//!
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>. All of gRPC that a single call without streams needs;
//! HTTP/2 itself is the transport's.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};
use prost::Message;

use crate::transport::control::Trailers;

/// What traces are sent to.
pub(super) const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// What stands before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// A collector's wish to be left alone for longer, in seconds, is no wish but a mistake.
const LONGEST_DELAY: u64 = 3600;

const OK: u32 = 0;
const UNKNOWN: u32 = 2;
const RESOURCE_EXHAUSTED: u32 = 8;
const UNAVAILABLE: u32 = 14;

/// How a call went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// Well; this is the reply's message.
    Well(Bytes),
    /// It failed; a later one may not, after this long if the server says so.
    Again(Option<Duration>, String),
    /// It failed, and would again.
    Wrong(String),
}

/// `message` as a request's body.
pub(super) fn framed(message: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(PREFIX + message.len());
    body.put_u8(0);
    // Batches are far from 4 GiB.
    body.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    body.put_slice(message);
    body.freeze()
}

/// What `response` says.
pub(super) fn read(response: &Response<Bytes>) -> Went {
    let none = HeaderMap::new();
    let trailers = response.extensions().get::<Trailers>().map_or(&none, |trailers| &trailers.0);
    // A reply without a message has its status in the head.
    let told = [trailers, response.headers()].into_iter().find(|headers| headers.contains_key("grpc-status"));
    let Some(told) = told else { return of_http(response.status()) };
    let code = text(told, "grpc-status").and_then(|code| code.parse().ok()).unwrap_or(UNKNOWN);
    if code == OK {
        return Went::Well(unframed(response.body()));
    }
    let message = text(told, "grpc-message").unwrap_or_default();
    let message = percent_encoding::percent_decode_str(message).decode_utf8_lossy();
    let wait = text(told, "grpc-status-details-bin").and_then(retry_delay);
    let reason = format!("gRPC status {code} {message}").trim_end().to_owned();
    match code {
        // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS: those that OTLP has sent again.
        1 | 4 | 10 | 11 | UNAVAILABLE | 15 => Went::Again(wait, reason),
        RESOURCE_EXHAUSTED if wait.is_some() => Went::Again(wait, reason),
        _ => Went::Wrong(reason),
    }
}

/// By gRPC's own table: something between us and the server answered.
fn of_http(status: StatusCode) -> Went {
    let reason = format!("HTTP status {status}, and none of gRPC: is this a collector's address for gRPC?");
    match status.as_u16() {
        429 | 502..=504 => Went::Again(None, reason),
        _ => Went::Wrong(reason),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn unframed(body: &Bytes) -> Bytes {
    if body.len() < PREFIX { Bytes::new() } else { body.slice(PREFIX..) }
}

/// `google.rpc.Status`, as far as it is read.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

/// `google.rpc.RetryInfo`
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`
#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// How long the server asks to be left alone.
fn retry_delay(details: &str) -> Option<Duration> {
    let status = BASE64_STANDARD_NO_PAD.decode(details.trim_end_matches('=')).ok()?;
    let status = Status::decode(&*status).ok()?;
    let info = status.details.into_iter().find(|detail| detail.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value).ok()?.retry_delay?;
    let seconds = u64::try_from(delay.seconds).ok()?.min(LONGEST_DELAY);
    Some(Duration::new(seconds, u32::try_from(delay.nanos).ok()?.min(999_999_999)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use bytes::Bytes;
    use http::{HeaderMap, Response};
    use prost::Message;

    use super::{Delay, Detail, RetryInfo, Status, Went, framed, read};
    use crate::transport::control::Trailers;

    fn replied(headers: &[(&'static str, &str)], body: &'static [u8]) -> Went {
        let mut response = Response::new(Bytes::from_static(body));
        let trailers: HeaderMap = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        response.extensions_mut().insert(Trailers(trailers));
        read(&response)
    }

    fn details(seconds: i64) -> String {
        let info = RetryInfo { retry_delay: Some(Delay { seconds, nanos: 500_000_000 }) };
        let detail = Detail { type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(), value: info.encode_to_vec().into() };
        BASE64_STANDARD.encode(Status { details: vec![detail] }.encode_to_vec())
    }

    #[test]
    fn a_message_has_its_length_before_it() {
        assert_eq!(framed(b"abc"), &b"\0\0\0\0\x03abc"[..]);
        assert_eq!(replied(&[("grpc-status", "0")], b"\0\0\0\0\x03abc"), Went::Well(Bytes::from_static(b"abc")));
        assert_eq!(replied(&[("grpc-status", "0")], b""), Went::Well(Bytes::new()));
    }

    #[test]
    fn what_may_go_better_later_is_told_from_what_will_not() {
        let again = |wait, reason: &str| Went::Again(wait, reason.to_owned());
        let wrong = |reason: &str| Went::Wrong(reason.to_owned());
        assert_eq!(
            replied(&[("grpc-status", "14"), ("grpc-message", "down%20for%20now")], b""),
            again(None, "gRPC status 14 down for now")
        );
        assert_eq!(replied(&[("grpc-status", "16")], b""), wrong("gRPC status 16"));
        assert_eq!(replied(&[("grpc-status", "8")], b""), wrong("gRPC status 8"));
        let wait = Some(Duration::from_millis(7500));
        assert_eq!(replied(&[("grpc-status", "8"), ("grpc-status-details-bin", &details(7))], b""), again(wait, "gRPC status 8"));
        for nonsense in ["", "!", "AAAA", &details(-1)] {
            assert_eq!(replied(&[("grpc-status", "14"), ("grpc-status-details-bin", nonsense)], b""), again(None, "gRPC status 14"));
        }
        assert_eq!(replied(&[("grpc-status", "x")], b""), wrong("gRPC status 2"));
    }

    #[test]
    fn what_is_no_grpc_at_all_is_told_as_such() {
        let status = |status: u16| {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = status.try_into().unwrap();
            read(&response)
        };
        assert!(matches!(status(503), Went::Again(None, _)));
        let Went::Wrong(reason) = status(404) else { panic!() };
        assert_eq!(reason, "HTTP status 404 Not Found, and none of gRPC: is this a collector's address for gRPC?");
    }
}
