//! What was said, as the conventions have it: JSON of messages and their parts, masked and cut.
//!
//! Bytes of images, sounds and documents are never in it, only that they were there.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::hub::text::beginning;
use crate::hub::{Answer, Content, Message, Part, Role, Source};
use crate::telemetry::redact::Known;

/// So many bytes of texts, and what is around them, has an attribute: collectors refuse messages of more than 4 MiB, and what
/// is looked at is the end of a conversation. What comes before is left out.
const MOST: usize = 64 * 1024;

/// What a message or a part takes beside its texts.
const AROUND: usize = 64;

/// Stands where a text was cut.
const CUT: &str = "…";

/// Writes what was said.
pub(super) struct Contents<'a> {
    known: &'a Known,
}

/// What was said, as JSON.
pub(super) struct Written {
    /// It.
    pub json: String,
    /// It is not all.
    pub is_cut: bool,
}

/// What there is still room for.
struct Room<'a> {
    known: &'a Known,
    left: usize,
    is_cut: bool,
}

impl<'a> Contents<'a> {
    /// Masks what is `known` to be secret, and what looks like it.
    pub(super) fn new(known: &'a Known) -> Contents<'a> {
        Contents { known }
    }

    /// Instructions that stand apart from the conversation; `None`: there are none.
    pub(super) fn instructions(&self, messages: &[Message]) -> Option<Written> {
        self.written(messages, |room, messages| {
            let parts: Vec<&Part> = messages.iter().flat_map(|message| &message.parts).collect();
            room.parts(&parts)
        })
    }

    /// A conversation; `None`: nothing was said.
    pub(super) fn messages(&self, messages: &[Message]) -> Option<Written> {
        self.written(messages, |room, messages| {
            let mut written: Vec<Value> = messages.iter().rev().map_while(|message| room.message(message)).collect();
            room.is_cut |= written.len() < messages.len();
            written.reverse();
            written
        })
    }

    /// An answer, which ended for the reason `finish`; `None`: nothing was said.
    pub(super) fn answer(&self, answer: &Answer, finish: Option<&str>) -> Option<Written> {
        self.written(&answer.parts, |room, parts| {
            let parts = room.parts(&parts.iter().collect::<Vec<_>>());
            let mut message = json!({ "role": "assistant", "parts": parts });
            // The conventions want one; of what broke off, the reason is that.
            message["finish_reason"] = finish.unwrap_or("error").into();
            vec![message]
        })
    }

    fn written<T>(&self, said: &[T], write: impl FnOnce(&mut Room<'_>, &[T]) -> Vec<Value>) -> Option<Written> {
        if said.is_empty() {
            return None;
        }
        let mut room = Room { known: self.known, left: MOST, is_cut: false };
        let json = Value::Array(write(&mut room, said)).to_string();
        Some(Written { json, is_cut: room.is_cut })
    }
}

impl Room<'_> {
    /// `None`: there is no room for any of it.
    fn message(&mut self, message: &Message) -> Option<Value> {
        if self.left < AROUND {
            return None;
        }
        let role = match message.role {
            Role::System | Role::Developer => "system",
            Role::Assistant => "assistant",
            Role::User if is_of_tools(message) => "tool",
            Role::User => "user",
        };
        let parts: Vec<&Part> = message.parts.iter().collect();
        let mut written = json!({ "role": role, "parts": self.parts(&parts) });
        if let Some(name) = &message.name {
            written["name"] = self.text(name).into();
        }
        Some(written)
    }

    /// As many as there is room for, from the end; at least one.
    fn parts(&mut self, parts: &[&Part]) -> Vec<Value> {
        let mut written = Vec::new();
        for part in parts.iter().rev() {
            if self.left < AROUND && !written.is_empty() {
                break;
            }
            self.left = self.left.saturating_sub(AROUND);
            written.push(self.part(part));
        }
        self.is_cut |= written.len() < parts.len();
        written.reverse();
        written
    }

    fn part(&mut self, part: &Part) -> Value {
        match &part.content {
            Content::Text(text) => json!({ "type": "text", "content": self.text(&text.text) }),
            Content::Reasoning(thought) => json!({ "type": "reasoning", "content": self.text(&thought.text) }),
            Content::Refusal(text) => json!({ "type": "text", "content": self.text(text) }),
            Content::ToolCall(call) => {
                let arguments = self.text(&call.arguments);
                // Whole ones as what they say; what was cut, or was never JSON, as text.
                let arguments = serde_json::from_str(&arguments).unwrap_or(Value::String(arguments));
                json!({ "type": "tool_call", "id": self.text(&call.id), "name": self.text(&call.name), "arguments": arguments })
            }
            Content::ToolResult { id, parts, .. } => {
                let response = match parts.as_slice() {
                    [Part { content: Content::Text(text), .. }] => Value::String(self.text(&text.text)),
                    parts => Value::Array(self.parts(&parts.iter().collect::<Vec<_>>())),
                };
                json!({ "type": "tool_call_response", "id": self.text(id), "response": response })
            }
            Content::Image { source, .. } => self.source("image", source),
            Content::Audio { format, .. } => {
                let media_type = self.text(&format!("audio/{format}"));
                json!({ "type": "blob", "modality": "audio", "mime_type": media_type, "content": "" })
            }
            Content::File { source, name } => {
                let mut file = self.source("file", source);
                if let (Some(name), Value::Object(file)) = (name, &mut file) {
                    file.insert("name".to_owned(), self.text(name).into());
                }
                file
            }
        }
    }

    fn source(&mut self, modality: &str, source: &Source) -> Value {
        let mut part = Map::from_iter([("modality".to_owned(), Value::from(modality))]);
        let (kind, more) = match source {
            Source::Base64 { media_type, .. } => ("blob", vec![("mime_type", self.text(media_type)), ("content", String::new())]),
            Source::Url(url) => ("uri", vec![("uri", self.text(url))]),
            Source::Id(id) => ("file", vec![("file_id", self.text(id))]),
            Source::Text(text) => ("text", vec![("content", self.text(text))]),
        };
        part.insert("type".to_owned(), kind.into());
        part.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        Value::Object(part)
    }

    /// Masked before it is cut: the half of a key is not known as one.
    fn text(&mut self, text: &str) -> String {
        let masked: Cow<'_, str> = self.known.redact(text);
        if masked.len() <= self.left {
            self.left -= masked.len();
            return masked.into_owned();
        }
        let shown = beginning(&masked, self.left);
        (self.left, self.is_cut) = (0, true);
        format!("{shown}{CUT}")
    }
}

/// What tools gave back stands in turns of the user; the conventions have a role for it.
fn is_of_tools(message: &Message) -> bool {
    !message.parts.is_empty() && message.parts.iter().all(|part| matches!(part.content, Content::ToolResult { .. }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Contents, MOST};
    use crate::config::Secret;
    use crate::hub::{Answer, Content, Event, FinishReason, Message, Part, Role, Source};
    use crate::telemetry::redact::Known;

    fn user(text: &str) -> Message {
        Message::new(Role::User, vec![Part::text(text)])
    }

    fn messages(messages: &[Message]) -> (Value, bool) {
        let known = Known::new(vec![Secret::new("the-upstreams-key")]);
        let written = Contents::new(&known).messages(messages).unwrap();
        (serde_json::from_str(&written.json).unwrap(), written.is_cut)
    }

    #[test]
    fn a_conversation_is_written_as_the_conventions_have_it() {
        let image = Content::Image { source: Source::Base64 { media_type: "image/png".to_owned(), data: "AAAA".to_owned() }, detail: None };
        let result = Content::ToolResult { id: "call_1".to_owned(), parts: vec![Part::text("晴")], is_error: false };
        let answer = Answer::of([
            Event::ToolCall { index: 0, id: "call_1".to_owned(), name: "weather".to_owned(), is_custom: false, signature: None },
            Event::ToolArguments { index: 0, text: r#"{"city":"北京"}"#.to_owned() },
            Event::Finish(FinishReason::ToolCalls),
        ]);
        let conversation = [
            Message::new(Role::Developer, vec![Part::text("简短")]),
            Message::new(Role::User, vec![Part::text("你好"), image.into()]),
            Message::new(Role::Assistant, answer.parts.clone()),
            Message::new(Role::User, vec![result.into()]),
        ];
        let expected = json!([
            { "role": "system", "parts": [{ "type": "text", "content": "简短" }] },
            { "role": "user", "parts": [
                { "type": "text", "content": "你好" },
                { "modality": "image", "type": "blob", "mime_type": "image/png", "content": "" },
            ] },
            { "role": "assistant", "parts": [
                { "type": "tool_call", "id": "call_1", "name": "weather", "arguments": { "city": "北京" } },
            ] },
            { "role": "tool", "parts": [{ "type": "tool_call_response", "id": "call_1", "response": "晴" }] },
        ]);
        assert_eq!(messages(&conversation), (expected, false));
        let known = Known::default();
        let said = Contents::new(&known).answer(&answer, Some("tool_call")).unwrap();
        assert!(said.json.ends_with(r#""finish_reason":"tool_call"}]"#), "{}", said.json);
    }

    #[test]
    fn no_secret_is_in_it_neither_known_nor_by_its_looks_nor_cut() {
        let (said, _) = messages(&[user("my key is sk-abcdefghijklcdef, yours the-upstreams-key")]);
        assert_eq!(said[0]["parts"][0]["content"], "my key is sk-ab****cdef, yours the-u****-key");
        // The cut would go through the middle of it.
        let long = format!("{}the-upstreams-key", "字".repeat((MOST - 72) / 3));
        let (said, is_cut) = messages(&[user(&long)]);
        assert!(is_cut && !said.to_string().contains("the-upstreams"), "{}", &said.to_string()[MOST - 100..]);
    }

    #[test]
    fn of_what_is_long_the_end_is_kept_and_it_stays_json() {
        let many: Vec<Message> = (0..10_000).map(|number| user(&format!("第 {number} 句"))).collect();
        let (said, is_cut) = messages(&many);
        let kept = said.as_array().unwrap();
        assert!(is_cut && kept.len() < 1000 && said.to_string().len() < 2 * MOST, "{}", kept.len());
        assert_eq!(kept.last().unwrap()["parts"][0]["content"], "第 9999 句");
        let (said, is_cut) = messages(&[user("earlier"), user(&"字".repeat(MOST))]);
        let kept = said.as_array().unwrap();
        assert!(is_cut && kept.len() == 1 && kept[0]["parts"][0]["content"].as_str().unwrap().ends_with('…'));
    }
}
