//! The request as an OpenAI client would send it: messages, and what flags and roles say beside them.

use serde_json::{Map, Value, json};

/// What a request holds beside its messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Who is asked; empty: whom the gateway asks by default.
    pub model: String,
    /// The user or a role has named it: it is no default.
    pub is_named: bool,
    /// How freely words are chosen.
    pub temperature: Option<f64>,
    /// Longest answer, in tokens.
    pub max_tokens: Option<u64>,
    /// Further fields; they overwrite those above.
    pub params: Vec<(String, Value)>,
    /// Whether the answer shall come piece by piece.
    pub stream: bool,
}

impl Settings {
    /// Whether a further field is set.
    pub fn has(&self, field: &str) -> bool {
        self.params.iter().any(|(name, _)| name == field)
    }

    /// The request that sends `messages`.
    pub fn body(&self, messages: &[Value]) -> Value {
        let mut body = Map::new();
        if !self.model.is_empty() {
            body.insert("model".to_owned(), self.model.as_str().into());
        }
        body.insert("messages".to_owned(), messages.into());
        body.extend(self.temperature.map(|value| ("temperature".to_owned(), value.into())));
        body.extend(self.max_tokens.map(|value| ("max_tokens".to_owned(), value.into())));
        body.extend(self.params.iter().cloned());
        body.insert("stream".to_owned(), self.stream.into());
        body.into()
    }
}

/// A message of `role`: `system`, `user` or `assistant`.
pub fn message(role: &str, content: impl Into<Value>) -> Value {
    json!({ "role": role, "content": content.into() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Settings, message};

    #[test]
    fn the_request_is_what_an_openai_client_sends() {
        let settings = Settings {
            model: "gpt-4".to_owned(),
            is_named: true,
            temperature: Some(0.5),
            max_tokens: Some(10),
            params: vec![("seed".to_owned(), json!(1)), ("max_tokens".to_owned(), json!(20))],
            stream: true,
        };
        let messages = [message("system", "be short"), message("user", "你是谁")];
        let expected = r#"{"model":"gpt-4","messages":[{"role":"system","content":"be short"},{"role":"user","content":"你是谁"}],"temperature":0.5,"max_tokens":20,"seed":1,"stream":true}"#;
        assert_eq!(settings.body(&messages).to_string(), expected);
        assert_eq!(Settings::default().body(&[]).to_string(), r#"{"messages":[],"stream":false}"#);
    }
}
