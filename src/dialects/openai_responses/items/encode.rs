//! Messages → items of a request.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;

use super::parts::WirePart;
use crate::dialects::DialectError;
use crate::dialects::hints::Dropped;
use crate::dialects::openai_responses::OWN;
use crate::hub::text::beginning;
use crate::hub::{Content, Message, Part, Role, Thought, ToolCall};

/// OpenAI refuses longer ids of calls (`string_above_max_length`); other providers make them.
const LONGEST_ID: usize = 64;

/// An item.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WireItem<'a> {
    /// What somebody said.
    Message {
        /// Who.
        role: &'static str,
        /// What.
        content: Vec<WirePart<'a>>,
    },
    /// What the model thought.
    Reasoning {
        /// As OpenAI named it; it takes it back without a name as well.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        /// What of it was shown.
        summary: Vec<WireSummary<'a>>,
        /// All of it.
        encrypted_content: &'a str,
    },
    /// A call of a function.
    FunctionCall {
        /// By which its result is known.
        call_id: Cow<'a, str>,
        /// The tool.
        name: &'a str,
        /// JSON text.
        arguments: &'a str,
    },
    /// A call of a custom tool.
    CustomToolCall {
        /// By which its result is known.
        call_id: Cow<'a, str>,
        /// The tool.
        name: &'a str,
        /// Text.
        input: &'a str,
    },
    /// What a function gave back.
    FunctionCallOutput {
        /// Of which call.
        call_id: Cow<'a, str>,
        /// What.
        output: WireOutput<'a>,
    },
    /// What a custom tool gave back.
    CustomToolCallOutput {
        /// Of which call.
        call_id: Cow<'a, str>,
        /// What.
        output: WireOutput<'a>,
    },
}

/// What was shown of a thought.
#[derive(Debug, Serialize)]
pub struct WireSummary<'a> {
    r#type: &'static str,
    text: &'a str,
}

/// What a tool gave back.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum WireOutput<'a> {
    /// Text.
    Text(&'a str),
    /// Text, images, documents.
    Parts(Vec<WirePart<'a>>),
}

/// Writes all messages, in order.
pub fn encode<'a>(messages: &'a [Message], dropped: &mut Dropped) -> Result<Vec<WireItem<'a>>, DialectError> {
    let mut writer = Writer { items: Vec::new(), custom: HashSet::new(), dropped };
    for message in messages {
        writer.message(message)?;
    }
    Ok(writer.items)
}

struct Writer<'a, 'd> {
    items: Vec<WireItem<'a>>,
    /// Ids of custom tools' calls: their results are another item than a function's.
    custom: HashSet<&'a str>,
    dropped: &'d mut Dropped,
}

impl<'a> Writer<'a, '_> {
    /// Pieces that are content make one item as long as nothing else stands between them.
    fn message(&mut self, message: &'a Message) -> Result<(), DialectError> {
        let role = word(message.role);
        let mut content = Vec::new();
        for part in &message.parts {
            let item = match &part.content {
                Content::ToolCall(call) => self.call(call),
                Content::ToolResult { id, parts, is_error } => {
                    if *is_error {
                        self.dropped.add("is_error");
                    }
                    self.result(id, parts)?
                }
                Content::Reasoning(thought) => match wire_thought(thought) {
                    Some(item) => item,
                    None => {
                        self.dropped.add("reasoning");
                        continue;
                    }
                },
                said => {
                    content.push(self.said(message.role, said)?);
                    continue;
                }
            };
            self.flush(role, &mut content);
            self.items.push(item);
        }
        self.flush(role, &mut content);
        Ok(())
    }

    fn flush(&mut self, role: &'static str, content: &mut Vec<WirePart<'a>>) {
        if !content.is_empty() {
            self.items.push(WireItem::Message { role, content: std::mem::take(content) });
        }
    }

    fn said(&mut self, role: Role, content: &'a Content) -> Result<WirePart<'a>, DialectError> {
        match role {
            Role::Assistant => WirePart::output(content, self.dropped),
            Role::User => WirePart::input(content, "a turn of the user", self.dropped),
            Role::System | Role::Developer => WirePart::input(content, "instructions", self.dropped),
        }
    }

    fn call(&mut self, call: &'a ToolCall) -> WireItem<'a> {
        let ToolCall { id, name, arguments, is_custom, .. } = call;
        let call_id = call_id(id);
        if !is_custom {
            return WireItem::FunctionCall { call_id, name, arguments };
        }
        self.custom.insert(id);
        WireItem::CustomToolCall { call_id, name, input: arguments }
    }

    fn result(&mut self, id: &'a str, parts: &'a [Part]) -> Result<WireItem<'a>, DialectError> {
        let call_id = call_id(id);
        let output = match parts {
            [] => WireOutput::Text(""),
            [Part { content: Content::Text(text), .. }] => WireOutput::Text(&text.text),
            parts => {
                let parts = parts.iter().map(|part| WirePart::input(&part.content, "a tool's result", self.dropped));
                WireOutput::Parts(parts.collect::<Result<_, _>>()?)
            }
        };
        Ok(match self.custom.contains(id) {
            true => WireItem::CustomToolCallOutput { call_id, output },
            false => WireItem::FunctionCallOutput { call_id, output },
        })
    }
}

fn word(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::Developer => "developer",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// Only what OpenAI encrypted itself can it read again.
fn wire_thought(thought: &Thought) -> Option<WireItem<'_>> {
    let encrypted_content = thought.signature.as_ref().and_then(|signature| signature.of(OWN))?;
    let text = Some(thought.text.as_str()).filter(|text| !text.is_empty());
    let summary = text.map(|text| WireSummary { r#type: "summary_text", text }).into_iter().collect();
    Some(WireItem::Reasoning { id: thought.id.as_deref(), summary, encrypted_content })
}

/// `id`, shortened where it is too long: the same for a call and its result, and another one for each id.
fn call_id(id: &str) -> Cow<'_, str> {
    if id.len() <= LONGEST_ID {
        return Cow::Borrowed(id);
    }
    Cow::Owned(format!("{}_{:08x}", beginning(id, LONGEST_ID - 9), crc32fast::hash(id.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::call_id;

    #[test]
    fn a_long_id_is_cut_and_stays_its_own() {
        let (one, other) = ("呼".repeat(40) + "1", "呼".repeat(40) + "2");
        assert_eq!(call_id("call_1"), "call_1");
        assert!(call_id(&one).len() <= 64 && call_id(&one) != call_id(&other));
        assert_eq!(call_id(&one), call_id(&one.clone()));
    }
}
