//! The error envelope, as vendors really write it, and as OpenAI does.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::dialects::json::as_text;
use crate::hub::ApiError;

/// OpenAI's words for the kind of a failure, by its status; the same as the server's own.
const KINDS: [(u16, &str); 5] =
    [(403, "permission_error"), (409, "conflict"), (429, "rate_limit_error"), (502, UPSTREAM_ERROR), (504, UPSTREAM_ERROR)];

/// The kind of an error within a stream that says nothing of it.
const UPSTREAM_ERROR: &str = "upstream_error";

impl ApiError {
    /// Reads an error body. Vendors deviate: `error` as a string, `detail`, a flat `{code, message}`, numeric codes, an
    /// error inside a choice, a status inside a 200 (`base_resp`). `None`: the body holds no error.
    pub fn read(body: &[u8]) -> Option<ApiError> {
        ApiError::from_value(&serde_json::from_slice(body).ok()?)
    }

    /// The same for a parsed body.
    pub fn from_value(body: &Value) -> Option<ApiError> {
        // Gemini wraps it into a list where it does not stream events.
        let body = body.get(0).unwrap_or(body);
        let inside = body.get("error").or_else(|| body.pointer("/choices/0/error")).filter(|error| is_truthy(error));
        if let Some(error) = inside {
            return Some(match error {
                Value::Object(_) => {
                    let kind = error.get("type").filter(|kind| !kind.is_null()).unwrap_or(&error["status"]);
                    ApiError { message: as_text(&error["message"]), kind: as_text(kind), code: as_text(&error["code"]) }
                }
                other => ApiError { message: as_text(other), ..ApiError::default() },
            });
        }
        let base = body.get("base_resp").filter(|base| base["status_code"].as_i64().is_some_and(|code| code != 0));
        if let Some(base) = base {
            return Some(ApiError { message: as_text(&base["status_msg"]), kind: String::new(), code: as_text(&base["status_code"]) });
        }
        None
    }

    /// Reads the body of a reply whose status already says that it failed: shapes count that would mean nothing in a success.
    pub fn read_failed(body: &[u8]) -> Option<ApiError> {
        let value: Value = serde_json::from_slice(body).ok()?;
        ApiError::from_value(&value).or_else(|| {
            let message = value.get("message").or_else(|| value.get("detail")).or_else(|| value.get("msg"))?;
            Some(ApiError { message: as_text(message), kind: as_text(&value["type"]), code: as_text(&value["code"]) })
        })
    }
}

/// `{"error":{…}}` with all four members that the SDKs' types expect.
pub fn envelope(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> String {
    json!({ "error": { "message": message, "type": kind, "param": param, "code": code } }).to_string()
}

/// Writes an error's body.
pub fn encode(status: u16, error: &ApiError) -> Vec<u8> {
    let fallback = if status >= 500 { "server_error" } else { "invalid_request_error" };
    let kind = KINDS.iter().find(|(known, _)| *known == status).map_or(fallback, |(_, kind)| kind);
    envelope(&error.message, kind, None, code_of(error)).into_bytes()
}

/// Writes the frame that ends a stream. It has no status, so the upstream's own word for the kind is the best there is.
pub fn frame(error: &ApiError) -> Bytes {
    let kind = if error.kind.is_empty() { UPSTREAM_ERROR } else { &error.kind };
    format!("data: {}\n\n", envelope(&error.message, kind, None, code_of(error))).into()
}

/// `error.code`; `None`: there is none.
pub fn code_of(error: &ApiError) -> Option<&str> {
    Some(error.code.as_str()).filter(|code| !code.is_empty())
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(_) | Value::Bool(true) | Value::Array(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{encode, envelope, frame};
    use crate::hub::ApiError;

    #[test]
    fn errors_are_read_in_every_shape() {
        let cases = [
            (r#"{"error":{"message":"m","type":"t","code":"c"}}"#, "c: m"),
            (r#"{"error":{"message":"余额不足","code":402}}"#, "402: 余额不足"),
            (r#"{"error":"model not found"}"#, "model not found"),
            (r#"{"choices":[{"error":{"message":"down","code":502}}]}"#, "502: down"),
            (r#"{"base_resp":{"status_code":1004,"status_msg":"login fail"}}"#, "1004: login fail"),
        ];
        for (body, summary) in cases {
            assert_eq!(ApiError::read(body.as_bytes()).expect(body).summary(), summary);
        }
        for body in [r#"{"error":null,"choices":[]}"#, r#"{"base_resp":{"status_code":0}}"#, "<html>", r#"{"message":"flat"}"#] {
            assert_eq!(ApiError::read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(ApiError::read_failed(br#"{"code":20012,"message":"Model does not exist","data":null}"#).expect("flat").code, "20012");
        assert!(ApiError::read_failed(br#"{"detail":[{"msg":"bad"}]}"#).expect("detail").message.contains("bad"));
    }

    #[test]
    fn our_envelope_has_all_four_members() {
        assert_eq!(envelope("没有", "t", None, Some("c")), r#"{"error":{"message":"没有","type":"t","param":null,"code":"c"}}"#);
    }
    #[test]
    fn a_status_has_its_kind() {
        let error = |kind: &str, code: &str| ApiError { message: "不行".to_owned(), kind: kind.to_owned(), code: code.to_owned() };
        for (status, kind) in [
            (400, "invalid_request_error"),
            (401, "invalid_request_error"),
            (403, "permission_error"),
            (409, "conflict"),
            (429, "rate_limit_error"),
            (500, "server_error"),
            (502, "upstream_error"),
            (529, "server_error"),
        ] {
            assert_eq!(encode(status, &error("api_error", "")), envelope("不行", kind, None, None).into_bytes(), "{status}");
        }
        let expected = format!("data: {}\n\n", envelope("不行", "overloaded_error", None, Some("529")));
        assert_eq!(frame(&error("overloaded_error", "529")), expected);
        assert_eq!(frame(&error("", "")), format!("data: {}\n\n", envelope("不行", "upstream_error", None, None)));
    }
}
