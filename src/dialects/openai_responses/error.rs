//! Errors: OpenAI's envelope, and the frame that ends a stream.

use bytes::Bytes;
use serde::Serialize;

use crate::dialects::json::as_text;
use crate::dialects::members::{Members, Value as Member};
use crate::dialects::openai_chat::error::{code_of, envelope};
use crate::hub::ApiError;

/// An error within a stream.
///
/// The API's own is flat, and the SDKs hand it on as one more event; what they raise is an `error` inside. So it is both.
#[derive(Serialize)]
struct ErrorFrame<'a> {
    r#type: &'static str,
    code: Option<&'a str>,
    message: &'a str,
    param: Option<&'a str>,
    sequence_number: u64,
    error: Inside<'a>,
}

#[derive(Serialize)]
struct Inside<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

/// Writes an error's body.
pub fn encode(status: u16, error: &ApiError) -> Vec<u8> {
    let kind = if error.kind.is_empty() { type_of(status) } else { &error.kind };
    envelope(&error.message, kind, None, code_of(error)).into_bytes()
}

/// Writes the frame that ends a stream. How many frames were before it is not known here.
pub fn frame(error: &ApiError) -> Bytes {
    let kind = if error.kind.is_empty() { SERVER_ERROR } else { &error.kind };
    let (message, code) = (error.message.as_str(), code_of(error));
    let inside = Inside { message, r#type: kind, param: None, code };
    let frame = ErrorFrame { r#type: "error", code, message, param: None, sequence_number: 0, error: inside };
    let data = serde_json::to_vec(&frame).unwrap_or_default();
    [&b"event: error\ndata: "[..], &data, b"\n\n"].concat().into()
}

/// What is the server's fault and has no type of its own.
pub(super) const SERVER_ERROR: &str = "server_error";

fn type_of(status: u16) -> &'static str {
    match status {
        429 => "rate_limit_error",
        400..500 => "invalid_request_error",
        503 => "service_unavailable_error",
        _ => SERVER_ERROR,
    }
}

/// Reads an `error` event, or a frame that is nothing but an error: flat, or with an `error` inside.
pub(super) fn read_event(members: &mut Members<'_>) -> ApiError {
    match members.take("error") {
        Some(inside) => read(&inside),
        None => {
            // The event's own, and the same for all of them.
            members.take("type");
            read_members(members)
        }
    }
}

/// Reads the value of a member `error`: an object, or a text.
pub(super) fn read(error: &Member<'_>) -> ApiError {
    match error.object() {
        Ok(mut members) => read_members(&mut members),
        Err(_) => ApiError { message: error.text().unwrap_or_else(|_| error.raw.get().to_owned()), ..ApiError::default() },
    }
}

fn read_members(members: &mut Members<'_>) -> ApiError {
    let mut text = |name: &str| members.take(name).and_then(|value| value.get("a text").ok()).as_ref().map(as_text).unwrap_or_default();
    ApiError { message: text("message"), kind: text("type"), code: text("code") }
}

#[cfg(test)]
mod tests {
    use super::{encode, frame, read_event};
    use crate::dialects::members::Members;
    use crate::hub::ApiError;

    fn error(kind: &str, code: &str) -> ApiError {
        ApiError { message: "上游失败".to_owned(), kind: kind.to_owned(), code: code.to_owned() }
    }

    #[test]
    fn a_body_is_openais_envelope() {
        let body = |status, error: &ApiError| String::from_utf8(encode(status, error)).expect("UTF-8");
        assert_eq!(
            body(400, &error("", "")),
            r#"{"error":{"message":"上游失败","type":"invalid_request_error","param":null,"code":null}}"#
        );
        assert!(body(502, &error("", "x")).ends_with(r#""type":"server_error","param":null,"code":"x"}}"#));
        assert!(body(429, &error("tokens", "rate_limit_exceeded")).contains(r#""type":"tokens""#));
    }

    #[test]
    fn a_frame_is_flat_for_types_and_nested_for_what_raises() {
        let frame = String::from_utf8(frame(&error("", "server_is_overloaded")).to_vec()).expect("UTF-8");
        let data = frame.strip_prefix("event: error\ndata: ").and_then(|rest| rest.strip_suffix("\n\n")).expect("a frame");
        let value: serde_json::Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(
            (&value["type"], &value["message"], &value["code"]),
            (&"error".into(), &"上游失败".into(), &"server_is_overloaded".into())
        );
        assert_eq!((&value["sequence_number"], &value["error"]["type"]), (&0.into(), &"server_error".into()));
    }

    #[test]
    fn an_event_is_read_in_either_shape() {
        let read = |text: &str| read_event(&mut Members::of_body(text.as_bytes()).expect("an object"));
        assert_eq!(read(r#"{"type":"error","code":"c","message":"上游失败","param":null}"#), error("", "c"));
        assert_eq!(read(r#"{"type":"error","error":{"type":"t","code":429,"message":"上游失败"}}"#), error("t", "429"));
        assert_eq!(read(r#"{"error":"上游失败"}"#), error("", ""));
    }
}
