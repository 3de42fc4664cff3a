//! Turns, as a client sends them.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::super::super::{reasoning, wire};
use super::parts;
use crate::dialects::DialectError;
use crate::dialects::hints::LeftOut;
use crate::dialects::members::{Members, Value};
use crate::hub::{Content, Message, Part, Role, ToolCall};

/// Reads a conversation, and knows the calls so far.
struct Reader<'l> {
    left: &'l mut LeftOut,
    ids: HashSet<String>,
    /// The functions called and not answered so far, in OpenAI's older words: their names, and the ids that they were given.
    functions: Vec<(String, String)>,
    messages: Vec<Message>,
    /// The last message is what tools gave back; more of it belongs to it.
    takes_results: bool,
}

/// Reads `messages`.
pub(super) fn read(members: &mut Members<'_>, left: &mut LeftOut) -> Result<Vec<Message>, DialectError> {
    let list = members.required("messages")?;
    let turns = list.list()?;
    if turns.is_empty() {
        return Err(DialectError::Senseless { path: list.path, reason: "there must be at least one message".to_owned() });
    }
    let messages = Vec::with_capacity(turns.len());
    let mut reader = Reader { left, ids: HashSet::new(), functions: Vec::new(), messages, takes_results: false };
    for turn in &turns {
        reader.message(turn)?;
    }
    Ok(reader.messages)
}

impl Reader<'_> {
    fn message(&mut self, turn: &Value<'_>) -> Result<(), DialectError> {
        let mut members = turn.object()?;
        let role = members.required("role")?;
        match role.text()?.as_str() {
            "system" => self.said(Role::System, &mut members)?,
            "developer" => self.said(Role::Developer, &mut members)?,
            "user" => self.said(Role::User, &mut members)?,
            "assistant" => self.answered(&mut members)?,
            "tool" => {
                let id = self.answered_call(&mut members)?;
                self.result(id, &mut members)?;
            }
            "function" => {
                let id = self.answered_function(&mut members)?;
                self.result(id, &mut members)?;
            }
            _ => return Err(role.invalid("`system`, `developer`, `user`, `assistant`, `tool` or `function`")),
        }
        self.left.rest(&members);
        Ok(())
    }

    fn push(&mut self, message: Message) {
        self.takes_results = false;
        self.messages.push(message);
    }

    fn said(&mut self, role: Role, members: &mut Members<'_>) -> Result<(), DialectError> {
        let parts = parts::read(&members.required("content")?, role, self.left)?;
        let name = members.text("name")?;
        self.push(Message { role, parts, name });
        Ok(())
    }

    fn answered(&mut self, members: &mut Members<'_>) -> Result<(), DialectError> {
        if members.take("audio").is_some() {
            let feature = format!("sound that was said earlier (`{}`)", members.path_of("audio"));
            return Err(DialectError::Unsupported { feature: feature.into() });
        }
        let plain = members.text("reasoning_content")?;
        let plain = plain.or(members.text("reasoning")?);
        let details: Vec<Json> = members.get("reasoning_details", "a list")?.unwrap_or_default();
        let mut parts: Vec<Part> =
            reasoning::thoughts(plain, &details).into_iter().map(|thought| Content::Reasoning(thought).into()).collect();
        if let Some(content) = members.take("content") {
            let said = parts::read(&content, Role::Assistant, self.left)?;
            parts.extend(said.into_iter().filter(|part| !is_empty(part)));
        }
        self.note_text(members, &mut parts)?;
        for image in members.list("images")? {
            let content = parts::image(&image.object()?.required("image_url")?)?;
            parts.push(content.into());
        }
        parts.extend(members.text("refusal")?.filter(|text| !text.is_empty()).map(|text| Content::Refusal(text).into()));
        for call in members.list("tool_calls")? {
            let call = self.call(&call)?;
            parts.push(Content::ToolCall(call).into());
        }
        if let Some(call) = members.object("function_call")? {
            let call = self.function_call(call)?;
            parts.push(Content::ToolCall(call).into());
        }
        let name = members.text("name")?;
        self.push(Message { role: Role::Assistant, parts, name });
        Ok(())
    }

    /// What replies say of their text beside it, where a client sends them back as they were.
    fn note_text(&mut self, members: &mut Members<'_>, parts: &mut [Part]) -> Result<(), DialectError> {
        let annotations: Vec<Json> = members.get("annotations", "a list")?.unwrap_or_default();
        let extra: Option<Json> = members.get("extra_content", "an object")?;
        let Some(text) = parts.iter_mut().rev().find_map(|part| match &mut part.content {
            Content::Text(text) => Some(text),
            _ => None,
        }) else {
            return Ok(());
        };
        text.citations = annotations.iter().filter_map(wire::citation).collect();
        text.signature = extra.as_ref().and_then(wire::ExtraContent::read);
        Ok(())
    }

    fn call(&mut self, call: &Value<'_>) -> Result<ToolCall, DialectError> {
        let mut outside = call.object()?;
        let kind = outside.text("type")?.unwrap_or_else(|| "function".to_owned());
        let (is_custom, member) = match kind.as_str() {
            "function" => (false, "arguments"),
            "custom" => (true, "input"),
            _ => return Err(DialectError::Unsupported { feature: format!("a call of the type `{kind}` (`{}`)", call.path).into() }),
        };
        let mut inside = outside.required(&kind)?.object()?;
        let (name, arguments) = (inside.required_text("name")?, read_arguments(&mut inside, member)?);
        let extra: Option<Json> = outside.get("extra_content", "an object")?;
        let id = outside.text("id")?.filter(|id| !id.is_empty()).unwrap_or_else(|| self.made_id());
        // In streams only, and sent back by clients that put them together.
        outside.take("index");
        self.left.rest(&inside);
        self.left.rest(&outside);
        self.ids.insert(id.clone());
        Ok(ToolCall { id, name, arguments, is_custom, signature: extra.as_ref().and_then(wire::ExtraContent::read) })
    }

    fn function_call(&mut self, mut call: Members<'_>) -> Result<ToolCall, DialectError> {
        let (name, arguments) = (call.required_text("name")?, read_arguments(&mut call, "arguments")?);
        let id = self.made_id();
        self.ids.insert(id.clone());
        self.functions.push((name.clone(), id.clone()));
        Ok(ToolCall { id, name, arguments, is_custom: false, signature: None })
    }

    /// By position, so that it is the same when the conversation goes on.
    fn made_id(&self) -> String {
        let mut number = self.ids.len();
        loop {
            let id = format!("call_{number}");
            if !self.ids.contains(&id) {
                return id;
            }
            number += 1;
        }
    }

    fn answered_call(&mut self, members: &mut Members<'_>) -> Result<String, DialectError> {
        let id = members.required_text("tool_call_id")?;
        // The tool's, which its call has as well.
        members.take("name");
        if !self.ids.contains(&id) {
            let reason = format!("no tool call before it has the id `{id}`");
            return Err(DialectError::Senseless { path: members.path_of("tool_call_id"), reason });
        }
        Ok(id)
    }

    fn answered_function(&mut self, members: &mut Members<'_>) -> Result<String, DialectError> {
        let name = members.required_text("name")?;
        let Some(at) = self.functions.iter().position(|(called, _)| *called == name) else {
            let reason = format!("no call of the function `{name}` waits for it");
            return Err(DialectError::Senseless { path: members.path_of("name"), reason });
        };
        Ok(self.functions.remove(at).1)
    }

    fn result(&mut self, id: String, members: &mut Members<'_>) -> Result<(), DialectError> {
        let parts = members.take("content").map_or(Ok(Vec::new()), |content| parts::read(&content, Role::User, self.left))?;
        let result = Part::from(Content::ToolResult { id, parts, is_error: false });
        match self.messages.last_mut().filter(|_| self.takes_results) {
            Some(last) => last.parts.push(result),
            None => {
                self.push(Message::new(Role::User, vec![result]));
                self.takes_results = true;
            }
        }
        Ok(())
    }
}

fn is_empty(part: &Part) -> bool {
    matches!(&part.content, Content::Text(text) if text.text.is_empty())
}

/// A text; some clients send the object itself.
fn read_arguments(members: &mut Members<'_>, member: &str) -> Result<String, DialectError> {
    match members.take(member) {
        None => Ok(String::new()),
        Some(arguments) if arguments.is_object() => Ok(arguments.raw.get().to_owned()),
        Some(arguments) => arguments.text(),
    }
}
