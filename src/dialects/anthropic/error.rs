//! The error envelope.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dialects::json::as_text;
use crate::hub::ApiError;

/// `{"type":"error",…}`
#[derive(Serialize)]
struct Envelope<'a> {
    r#type: &'static str,
    error: Inside<'a>,
    request_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Inside<'a> {
    r#type: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

#[derive(Serialize)]
struct Details<'a> {
    error_code: &'a str,
}

/// Every type that Anthropic's errors have, and the status that each comes with.
const TYPES: [(&str, u16); 12] = [
    ("invalid_request_error", 400),
    ("authentication_error", 401),
    ("billing_error", 402),
    ("permission_error", 403),
    ("not_found_error", 404),
    ("timeout_error", 408),
    ("conflict_error", 409),
    ("request_too_large", 413),
    ("rate_limit_error", 429),
    ("timeout_error", 504),
    ("overloaded_error", 503),
    ("overloaded_error", 529),
];

/// Anything that is the server's fault and has no type of its own.
const API_ERROR: &str = "api_error";

/// Writes an error's body.
pub fn encode(status: u16, error: &ApiError) -> Vec<u8> {
    envelope(type_of(status), error)
}

/// Writes an error within a stream, which has no status: the upstream's own word counts, if it is one of Anthropic's, and
/// a code that is a status.
pub fn frame(error: &ApiError) -> Bytes {
    let by_word = TYPES.iter().find(|(word, _)| *word == error.kind).map(|(word, _)| *word);
    let by_code = || error.code.parse().ok().filter(|status| (400..600).contains(status)).map(type_of);
    let body = envelope(by_word.or_else(by_code).unwrap_or(API_ERROR), error);
    [&b"event: error\ndata: "[..], &body, b"\n\n"].concat().into()
}

fn type_of(status: u16) -> &'static str {
    let fallback = if (400..500).contains(&status) { "invalid_request_error" } else { API_ERROR };
    TYPES.iter().find(|(_, known)| *known == status).map_or(fallback, |(word, _)| word)
}

fn envelope(r#type: &'static str, error: &ApiError) -> Vec<u8> {
    let details = Some(Details { error_code: &error.code }).filter(|details| !details.error_code.is_empty());
    let envelope = Envelope { r#type: "error", error: Inside { r#type, message: &error.message, details }, request_id: None };
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// Reads the member `error` of an envelope; vendors that imitate Anthropic write a text, or numbers as codes.
pub(super) fn read(error: &str) -> ApiError {
    #[derive(Deserialize)]
    struct Read {
        #[serde(default)]
        r#type: Value,
        #[serde(default)]
        message: Value,
        #[serde(default)]
        code: Value,
        #[serde(default)]
        details: Value,
    }
    let Ok(read) = serde_json::from_str::<Read>(error) else {
        return ApiError { message: serde_json::from_str(error).unwrap_or_else(|_| error.to_owned()), ..ApiError::default() };
    };
    let code = read.details.get("error_code").unwrap_or(&read.code);
    ApiError { message: as_text(&read.message), kind: as_text(&read.r#type), code: as_text(code) }
}

#[cfg(test)]
mod tests {

    use super::{encode, frame, read};
    use crate::hub::ApiError;

    fn error(kind: &str, code: &str) -> ApiError {
        ApiError { message: "余额不足".to_owned(), kind: kind.to_owned(), code: code.to_owned() }
    }

    #[test]
    fn a_status_has_its_type() {
        for (status, kind) in [
            (400, "invalid_request_error"),
            (402, "billing_error"),
            (422, "invalid_request_error"),
            (429, "rate_limit_error"),
            (500, "api_error"),
            (502, "api_error"),
            (503, "overloaded_error"),
            (504, "timeout_error"),
            (529, "overloaded_error"),
        ] {
            let body = String::from_utf8(encode(status, &error("x", ""))).expect("UTF-8");
            let expected = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"余额不足"}},"request_id":null}}"#);
            assert_eq!(body, expected, "{status}");
        }
    }

    #[test]
    fn a_stream_fails_in_the_upstreams_own_words_where_they_are_anthropics() {
        for (kind, code, expected) in
            [("overloaded_error", "", "overloaded_error"), ("", "429", "rate_limit_error"), ("server_error", "x", "api_error")]
        {
            let frame = String::from_utf8(frame(&error(kind, code)).to_vec()).expect("UTF-8");
            let begin = format!("event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{expected}\",");
            assert!(frame.starts_with(&begin) && frame.ends_with("\n\n"), "{frame}");
        }
    }

    #[test]
    fn what_is_written_is_read_and_vendors_shapes_too() {
        for (body, expected) in [
            (r#"{"type":"t","message":"余额不足","details":{"error_code":"c"}}"#, error("t", "c")),
            (r#"{"message":"余额不足","code":402}"#, error("", "402")),
            (r#""余额不足""#, error("", "")),
        ] {
            assert_eq!(read(body), expected, "{body}");
        }
    }
}
