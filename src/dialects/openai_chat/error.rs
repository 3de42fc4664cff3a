//! The error envelope, as vendors really write it, and as OpenAI does.

use serde_json::{Value, json};

use crate::hub::ApiError;

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
                    ApiError { message: text(&error["message"]), kind: text(kind), code: text(&error["code"]) }
                }
                other => ApiError { message: text(other), ..ApiError::default() },
            });
        }
        let base = body.get("base_resp").filter(|base| base["status_code"].as_i64().is_some_and(|code| code != 0));
        if let Some(base) = base {
            return Some(ApiError { message: text(&base["status_msg"]), kind: String::new(), code: text(&base["status_code"]) });
        }
        None
    }

    /// Reads the body of a reply whose status already says that it failed: shapes count that would mean nothing in a success.
    pub fn read_failed(body: &[u8]) -> Option<ApiError> {
        let value: Value = serde_json::from_slice(body).ok()?;
        ApiError::from_value(&value).or_else(|| {
            let message = value.get("message").or_else(|| value.get("detail")).or_else(|| value.get("msg"))?;
            Some(ApiError { message: text(message), kind: text(&value["type"]), code: text(&value["code"]) })
        })
    }
}

/// `{"error":{…}}` with all four members that the SDKs' types expect.
pub fn envelope(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> String {
    json!({ "error": { "message": message, "type": kind, "param": param, "code": code } }).to_string()
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(_) | Value::Bool(true) | Value::Array(_) => true,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::envelope;
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
}
