use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::Rejection;
use crate::access::AccessError;
use crate::engine::{Attempt, Error};

fn envelope(rejection: &Rejection) -> Value {
    let envelope: Value = serde_json::from_slice(&rejection.body()).unwrap();
    for name in ["message", "type", "param", "code"] {
        assert!(envelope["error"].get(name).is_some(), "{name} is missing in {envelope}");
    }
    envelope["error"].clone()
}

fn attempt() -> Attempt {
    Attempt { provider: "a".into(), model: "m".into(), status: Some(500), reason: "boom".into(), took: Duration::ZERO }
}

#[test]
fn each_rejection_has_its_status_type_and_code() {
    let cases: Vec<(Rejection, u16, &str, &str)> = vec![
        (Error::InvalidJson("x".into()).into(), 400, "invalid_request_error", "invalid_json"),
        (Error::ModelNotFound("x".into()).into(), 404, "invalid_request_error", "model_not_found"),
        (Error::NotAllowed("x".into()).into(), 403, "permission_error", "model_not_allowed"),
        (Error::Upstream { attempts: vec![attempt()] }.into(), 502, "upstream_error", "upstream_error"),
        (Error::Timeout { attempts: vec![] }.into(), 504, "upstream_error", "upstream_timeout"),
        (AccessError::Missing.into(), 401, "invalid_request_error", "invalid_api_key"),
        (Rejection::Forbidden("x".into()), 403, "permission_error", "forbidden"),
        (Rejection::TooLarge { limit: 1 }, 413, "invalid_request_error", "body_too_large"),
        (Rejection::UnsupportedMediaType("x".into()), 415, "invalid_request_error", "unsupported_media_type"),
        (Rejection::NotSupported("x".into()), 501, "server_error", "not_supported"),
        (Rejection::InvalidConfig(vec!["x".into()]), 400, "invalid_request_error", "invalid_config"),
        (Rejection::TargetTooLong { limit: 1 }, 414, "invalid_request_error", "uri_too_long"),
        (Rejection::Malformed("x"), 400, "invalid_request_error", "invalid_request"),
        (Rejection::MethodRefused("TRACE".into()), 405, "invalid_request_error", "method_not_allowed"),
        (Rejection::Full { what: "requests", limit: 1, key: "x" }, 503, "server_error", "no_upstream_available"),
        (Rejection::Panicked, 500, "server_error", "internal_error"),
    ];
    for (rejection, status, kind, code) in cases {
        assert_eq!(rejection.status().as_u16(), status, "{rejection:?}");
        let error = envelope(&rejection);
        assert_eq!((error["type"].as_str(), error["code"].as_str()), (Some(kind), Some(code)), "{rejection:?}");
    }
}

#[test]
fn when_to_come_back_is_told_in_seconds_rounded_up_and_in_milliseconds() {
    let error =
        Error::Unavailable { model: "m".into(), reason: "cooling".into(), retry_after: Duration::from_millis(1200), attempts: vec![] };
    let headers = Rejection::from(error).headers();
    assert_eq!((&headers["retry-after"], &headers["retry-after-ms"]), (&"2".parse().unwrap(), &"1200".parse().unwrap()));
}

#[test]
fn nobody_shall_retry_what_was_tried_everywhere() {
    let headers = Rejection::from(Error::Upstream { attempts: vec![attempt(), attempt()] }).headers();
    assert_eq!((&headers["x-should-retry"], &headers["x-llmgw-attempts"]), (&"false".parse().unwrap(), &"2".parse().unwrap()));
    assert!(!Rejection::Panicked.headers().contains_key("x-should-retry"));
}

#[test]
fn the_words_of_an_upstream_that_every_attempt_met_are_passed_on() {
    let body = bytes::Bytes::from_static(br#"{"error":{"message":"slow down"}}"#);
    let (status, headers, overhead) = (StatusCode::TOO_MANY_REQUESTS, Box::default(), Duration::ZERO);
    let error = Error::SameStatus { status, body: Some(body.clone()), headers, overhead, retry_after: None, attempts: vec![] };
    let rejection = Rejection::from(error);
    assert_eq!((rejection.status().as_u16(), rejection.body()), (429, body));
}

#[test]
fn a_refused_key_names_the_scheme_and_a_bad_configuration_its_mistakes() {
    assert_eq!(Rejection::from(AccessError::Unknown).headers()["www-authenticate"], "Bearer");
    let error = envelope(&Rejection::InvalidConfig(vec!["llmgw.yaml:3:1: unknown key".into()]));
    assert_eq!(error["diagnostics"][0], "llmgw.yaml:3:1: unknown key");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("llmgw.yaml:3:1")));
}
