//! The error envelope, as vendors really write it, and as we do.

use std::borrow::Cow;

use serde_json::{Value, json};

/// What an upstream says went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    /// For people.
    pub message: String,
    /// `error.type`
    pub kind: String,
    /// `error.code`, numbers as text.
    pub code: String,
}

impl ApiError {
    /// Reads an error body. Vendors deviate: `error` as a string, `detail`, a flat `{code, message}`, numeric codes, an
    /// error inside a choice, a status inside a 200 (`base_resp`). `None`: the body holds no error.
    pub fn read(body: &[u8]) -> Option<ApiError> {
        ApiError::from_value(&serde_json::from_slice(body).ok()?)
    }

    /// The same for a parsed body.
    pub fn from_value(body: &Value) -> Option<ApiError> {
        let inside = body.get("error").or_else(|| body.pointer("/choices/0/error")).filter(|error| is_truthy(error));
        if let Some(error) = inside {
            return Some(match error {
                Value::Object(_) => ApiError { message: text(&error["message"]), kind: text(&error["type"]), code: text(&error["code"]) },
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

    /// Whether one of `patterns` (lower case) stands in the type or the code, or in the message if that counts.
    pub fn matches(&self, patterns: &[String], message_counts: bool) -> bool {
        let (kind, code, message) = (self.kind.to_lowercase(), self.code.to_lowercase(), self.message.to_lowercase());
        patterns.iter().any(|pattern| kind.contains(pattern) || code.contains(pattern) || (message_counts && message.contains(pattern)))
    }

    /// Whether the credential itself is refused, whatever the status. Messages repeat what clients write, so of those only
    /// whole sentences count, and only at their beginning.
    pub fn names_the_credential(&self) -> bool {
        const CODES: [&str; 5] =
            ["invalid_api_key", "insufficient_quota", "account_deactivated", "invalid_authentication", "authentication_error"];
        const SENTENCES: [&str; 3] = ["incorrect api key provided", "api key not valid", "invalid api key"];
        let (kind, code, message) = (self.kind.to_lowercase(), self.code.to_lowercase(), self.message.to_lowercase());
        CODES.iter().any(|word| kind == *word || code == *word) || SENTENCES.iter().any(|sentence| message.starts_with(sentence))
    }

    /// Whether it says, by its own code or type, that the request was wrong rather than the upstream.
    pub fn blames_the_request(&self) -> bool {
        const CODES: [&str; 7] =
            ["400", "413", "422", "content_filter", "content_policy_violation", "context_length_exceeded", "data_inspection_failed"];
        CODES.contains(&self.code.as_str()) || matches!(self.kind.as_str(), "invalid_request_error" | "content_filter")
    }

    /// In one line, for a list of attempts.
    pub fn summary(&self) -> Cow<'_, str> {
        const LONGEST_NAME: usize = 100;
        const LONGEST: usize = 200;
        let name = in_one_line(if self.code.is_empty() { &self.kind } else { &self.code }, LONGEST_NAME);
        let message = in_one_line(&self.message, LONGEST);
        match (name.is_empty(), message.is_empty()) {
            (true, true) => Cow::Borrowed("an error without a message"),
            (false, true) => Cow::Owned(name),
            (true, false) => Cow::Owned(message),
            (false, false) => Cow::Owned(format!("{name}: {message}")),
        }
    }
}

/// The words of `text` with single blanks between them, at most `longest` characters.
fn in_one_line(text: &str, longest: usize) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(longest).collect()
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
    use super::{ApiError, envelope};

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
    fn a_refused_request_is_told_from_a_failed_upstream() {
        let error = |kind: &str, code: &str| ApiError { message: "不行".to_owned(), kind: kind.to_owned(), code: code.to_owned() };
        for (kind, code) in [("", "400"), ("invalid_request_error", ""), ("", "content_filter"), ("x", "content_policy_violation")] {
            assert!(error(kind, code).blames_the_request(), "{kind} {code}");
        }
        for (kind, code) in [("", ""), ("server_error", "overloaded"), ("", "500"), ("rate_limit_error", "429")] {
            assert!(!error(kind, code).blames_the_request(), "{kind} {code}");
        }
    }

    #[test]
    fn a_summary_is_one_short_line_whatever_the_upstream_sends() {
        let error = ApiError { message: "长\r\n".repeat(500), kind: String::new(), code: "码 \n".repeat(500) };
        assert!(error.summary().chars().count() <= 302 && !error.summary().contains('\n'));
    }

    #[test]
    fn patterns_look_into_messages_only_where_they_count() {
        let error = ApiError { message: "Rate_Limit hit".to_owned(), kind: "x".to_owned(), code: String::new() };
        let patterns = ["rate_limit".to_owned()];
        assert!(error.matches(&patterns, true) && !error.matches(&patterns, false));
    }

    #[test]
    fn our_envelope_has_all_four_members() {
        assert_eq!(envelope("没有", "t", None, Some("c")), r#"{"error":{"message":"没有","type":"t","param":null,"code":"c"}}"#);
    }
}
