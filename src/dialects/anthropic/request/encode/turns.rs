//! A conversation as Anthropic takes it: turns alternate, no text is empty, and what tools gave back stands first in the
//! turn right behind their calls.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::super::super::{OWN, tool_id};
use super::Marks;
use super::wire::{Block, Contents, Input, Marked, Source};
use crate::dialects::DialectError;
use crate::dialects::hints::Dropped;
use crate::hub::{self, Content, Form, Message, Part, Raw, Request, Role, Thought, ToolCall};

/// All that is said.
pub(super) struct Conversation<'a> {
    pub(super) system: Option<Contents<'a>>,
    pub(super) turns: Vec<Turn<'a>>,
}

/// One turn.
pub(super) struct Turn<'a> {
    role: Role,
    /// What tools gave back: before all else.
    results: Vec<Marked<'a>>,
    rest: Contents<'a>,
}

impl Turn<'_> {
    pub(super) fn is_user(&self) -> bool {
        self.role == Role::User
    }
}

impl Serialize for Turn<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("role", if self.is_user() { "user" } else { "assistant" })?;
        if self.results.is_empty() {
            map.serialize_entry("content", &self.rest)?;
        } else {
            let all: Vec<&Marked<'_>> = self.results.iter().chain(&self.rest.0).collect();
            map.serialize_entry("content", &all)?;
        }
        map.end()
    }
}

/// Writes the conversation of `request`. Instructions at its beginning are `system`; later ones are said by the user: which
/// models take the role `system` between turns is not written down [?]. Instructions alone are what the user says.
pub(super) fn write<'a>(request: &'a Request, marks: &mut Marks, dropped: &mut Dropped) -> Result<Conversation<'a>, DialectError> {
    let (instructions, turns) = request.instructions();
    let split = if turns.is_empty() { instructions.len().saturating_sub(1) } else { instructions.len() };
    let mut writer = Writer { turns: Vec::new(), homes: HashMap::new(), marks, dropped };
    let mut system = Vec::new();
    for message in &request.messages[..split] {
        for part in &message.parts {
            if !matches!(part.content, Content::Text(_)) {
                return Err(DialectError::Unsupported { feature: "instructions that are not text".into() });
            }
            system.extend(writer.plain(part)?);
        }
    }
    for (index, message) in request.messages.iter().enumerate().skip(split) {
        writer.message(index, message)?;
    }
    let mut turns = writer.turns;
    if turns.is_empty() {
        return Err(DialectError::Senseless { path: "messages".to_owned(), reason: "nothing is said in them".to_owned() });
    }
    trim_prefill(&mut turns);
    Ok(Conversation { system: Some(Contents(system)).filter(|system| !system.is_empty()), turns })
}

/// An answer that is begun must not end with a blank: "final assistant content cannot end with trailing whitespace".
fn trim_prefill(turns: &mut [Turn<'_>]) {
    let Some(last) = turns.last_mut().filter(|turn| !turn.is_user()) else { return };
    if let Some(Marked { block: Block::Text { text }, .. }) = last.rest.0.last_mut() {
        *text = text.trim_end();
    }
}

/// Whether the model shall go on from what tools gave back, and did not think before it called them, as far as is known.
pub(super) fn goes_on_without_thought(turns: &[Turn<'_>]) -> bool {
    let [.., calls, results] = turns else { return false };
    let is_thought = |marked: &Marked<'_>| matches!(marked.block, Block::Thinking { .. } | Block::RedactedThinking { .. });
    !results.results.is_empty() && !calls.rest.0.first().is_some_and(is_thought)
}

struct Writer<'a, 'w> {
    turns: Vec<Turn<'a>>,
    /// By a call's id: the turn in which its result must stand.
    homes: HashMap<&'a str, usize>,
    marks: &'w mut Marks,
    dropped: &'w mut Dropped,
}

impl<'a> Writer<'a, '_> {
    fn message(&mut self, index: usize, message: &'a Message) -> Result<(), DialectError> {
        let role = if message.role == Role::Assistant { Role::Assistant } else { Role::User };
        let mut calls = 0;
        for part in &message.parts {
            match &part.content {
                Content::ToolCall(call) => {
                    let input = input(call).ok_or_else(|| DialectError::Senseless {
                        path: format!("messages[{index}].tool_calls[{calls}].arguments"),
                        reason: "a tool is called with a JSON object".to_owned(),
                    })?;
                    calls += 1;
                    let block = Block::ToolUse { id: tool_id(&call.id), name: &call.name, input };
                    self.push(Role::Assistant, part, block);
                    self.homes.insert(&call.id, self.turns.len());
                }
                Content::ToolResult { id, parts, is_error } => self.result(part, id, parts, *is_error)?,
                Content::Image { .. } if role == Role::Assistant => self.dropped.add("assistant images"),
                _ => {
                    if let Some(marked) = self.plain(part)? {
                        self.turn(role).rest.0.push(marked);
                    }
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, role: Role, part: &'a Part, block: Block<'a>) {
        let cache_control = self.marks.mark(&part.cache, self.dropped);
        self.turn(role).rest.0.push(Marked { block, cache_control });
    }

    /// The turn that goes on, or a new one.
    fn turn(&mut self, role: Role) -> &mut Turn<'a> {
        let at = match self.turns.last() {
            Some(last) if last.role == role => self.turns.len() - 1,
            _ => {
                self.turns.push(Turn { role, results: Vec::new(), rest: Contents(Vec::new()) });
                self.turns.len() - 1
            }
        };
        &mut self.turns[at]
    }

    fn result(&mut self, part: &'a Part, id: &'a str, parts: &'a [Part], is_error: bool) -> Result<(), DialectError> {
        let mut content = Vec::new();
        for part in parts {
            content.extend(self.plain(part)?);
        }
        let block = Block::ToolResult { tool_use_id: tool_id(id), content: Contents(content), is_error };
        let marked = Marked { block, cache_control: self.marks.mark(&part.cache, self.dropped) };
        let home = self.homes.get(id).copied();
        match home.and_then(|home| self.turns.get_mut(home)) {
            Some(turn) => turn.results.push(marked),
            None => self.turn(Role::User).results.push(marked),
        }
        Ok(())
    }

    /// What is neither a call nor a result; `None`: nothing that can be said.
    fn plain(&mut self, part: &'a Part) -> Result<Option<Marked<'a>>, DialectError> {
        let block = match &part.content {
            Content::Text(text) => {
                self.dropped.add_if(!text.citations.is_empty(), "citations");
                spoken(&text.text)
            }
            Content::Refusal(text) => spoken(text),
            Content::Image { source, detail } => {
                self.dropped.add_if(detail.is_some(), "detail");
                Some(Block::Image { source: image(source)? })
            }
            Content::File { source, name } => Some(document(source, name.as_deref())?),
            // No mark is taken there.
            Content::Reasoning(thought) => {
                let block = own(thought);
                self.dropped.add_if(block.is_none(), "reasoning_content");
                return Ok(block.map(|block| Marked { block, cache_control: None }));
            }
            Content::Audio { .. } => return Err(DialectError::Unsupported { feature: "sound (`input_audio`)".into() }),
            Content::ToolCall(_) | Content::ToolResult { .. } => {
                return Err(DialectError::Unsupported { feature: "a tool call within a tool's result".into() });
            }
        };
        Ok(block.map(|block| Marked { block, cache_control: self.marks.mark(&part.cache, self.dropped) }))
    }
}

/// Reasoning that Claude signed; it takes no other.
fn own(thought: &Thought) -> Option<Block<'_>> {
    let signature = thought.signature.as_ref()?;
    let data = signature.of(OWN)?;
    Some(match signature.form {
        Form::Signed => Block::Thinking { thinking: &thought.text, signature: data },
        Form::Encrypted => Block::RedactedThinking { data },
    })
}

/// A blank text is refused.
fn spoken(text: &str) -> Option<Block<'_>> {
    (!text.trim().is_empty()).then_some(Block::Text { text })
}

/// What a tool is called with; `None`: it is no object.
fn input(call: &ToolCall) -> Option<Input<'_>> {
    match call.arguments.trim() {
        _ if call.is_custom => Some(Input::Custom { input: &call.arguments }),
        "" | "null" => Some(Input::Nothing {}),
        arguments => Raw::parse(arguments).filter(Raw::is_object).map(Input::Json),
    }
}

fn image(source: &hub::Source) -> Result<Source<'_>, DialectError> {
    match source {
        hub::Source::Base64 { media_type, data } => Ok(Source::Base64 { media_type, data }),
        hub::Source::Url(url) => Ok(Source::Url { url }),
        hub::Source::Id(file_id) => Ok(Source::File { file_id }),
        hub::Source::Text(_) => Err(DialectError::Unsupported { feature: "an image that is text".into() }),
    }
}

/// Anthropic reads PDF and plain text; an image is one, however it came.
fn document<'a>(source: &'a hub::Source, title: Option<&'a str>) -> Result<Block<'a>, DialectError> {
    let text = |data: Cow<'a, str>| Source::Text { media_type: "text/plain", data };
    let source = match source {
        hub::Source::Url(url) => Source::Url { url },
        hub::Source::Id(file_id) => Source::File { file_id },
        hub::Source::Text(data) => text(data.into()),
        hub::Source::Base64 { media_type, data } => {
            let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            match essence.as_str() {
                "application/pdf" => Source::Base64 { media_type: "application/pdf", data },
                "application/json" => text(decoded(data)?.into()),
                image if image.starts_with("image/") => return Ok(Block::Image { source: Source::Base64 { media_type, data } }),
                plain if plain.starts_with("text/") => text(decoded(data)?.into()),
                _ => return Err(DialectError::Unsupported { feature: format!("a file of the type `{media_type}`").into() }),
            }
        }
    };
    Ok(Block::Document { source, title })
}

fn decoded(data: &str) -> Result<String, DialectError> {
    let invalid = || DialectError::Senseless { path: "messages".to_owned(), reason: "a file is not base64 of UTF-8".to_owned() };
    let bytes = STANDARD.decode(data).map_err(|_| invalid())?;
    String::from_utf8(bytes).map_err(|_| invalid())
}
