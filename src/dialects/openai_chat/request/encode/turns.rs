//! The conversation.
//!
//! What a tool gave back is a message of its own, before the rest of the user's turn; images have no room in it and stand
//! in that turn. Reasoning goes back only where a server wants it, and what other providers signed never.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::json;

use super::super::super::wire::{WireCall, whole_arguments};
use super::Target;
use super::media::{Breakpoint, Kind, Piece};
use crate::dialects::DialectError;
use crate::dialects::hints::Dropped;
use crate::hub::text::beginning;
use crate::hub::{Content, Message, Part, Request, Role, ToolCall};

/// More marks than this are refused.
const MOST_MARKS: usize = 4;

/// A longer id of a call is refused [?].
const LONGEST_ID: usize = 40;

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(super) enum WireMessage<'a> {
    System(Said<'a>),
    Developer(Said<'a>),
    User(Said<'a>),
    Assistant(Answered<'a>),
    Tool { tool_call_id: Cow<'a, str>, content: String },
}

#[derive(Serialize)]
pub(super) struct Said<'a> {
    content: Contents<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Default, Serialize)]
pub(super) struct Answered<'a> {
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Contents<'a> {
    Text(Cow<'a, str>),
    Pieces(Vec<Piece<'a>>),
}

struct Writer<'a, 't, 'd> {
    target: Target<'t>,
    dropped: &'d mut Dropped,
    marks: usize,
    messages: Vec<WireMessage<'a>>,
}

/// Writes all that is said.
pub(super) fn write<'a>(request: &'a Request, target: Target<'_>, dropped: &mut Dropped) -> Result<Vec<WireMessage<'a>>, DialectError> {
    let mut writer = Writer { target, dropped, marks: 0, messages: Vec::with_capacity(request.messages.len()) };
    for message in &request.messages {
        match message.role {
            Role::System | Role::Developer => writer.instructions(message)?,
            Role::User => writer.user(message)?,
            Role::Assistant => writer.assistant(message)?,
        }
    }
    if writer.messages.is_empty() {
        return Err(DialectError::Senseless { path: "messages".to_owned(), reason: "nothing is said in them".to_owned() });
    }
    Ok(writer.messages)
}

impl<'a> Writer<'a, '_, '_> {
    fn instructions(&mut self, message: &'a Message) -> Result<(), DialectError> {
        let mut texts = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            let Content::Text(text) = &part.content else {
                return Err(DialectError::Unsupported { feature: "instructions that are not text".into() });
            };
            self.dropped.add_if(part.cache.is_some(), "cache_control");
            texts.push(text.text.as_str());
        }
        // Not every server takes a list here.
        let content = match texts.as_slice() {
            [] => return Ok(()),
            [text] => Contents::Text((*text).into()),
            texts => Contents::Text(texts.join("\n\n").into()),
        };
        let said = Said { content, name: self.name(message) };
        let is_developer = message.role == Role::Developer && self.target.quirks.developer;
        self.messages.push(if is_developer { WireMessage::Developer(said) } else { WireMessage::System(said) });
        Ok(())
    }

    /// Others than OpenAI may refuse the word.
    fn name(&mut self, message: &'a Message) -> Option<&'a str> {
        self.dropped.keep_if(self.target.is_own, message.name.as_deref(), "name")
    }

    fn user(&mut self, message: &'a Message) -> Result<(), DialectError> {
        // From results, which come first.
        let mut pieces = Vec::new();
        for part in &message.parts {
            if let Content::ToolResult { id, parts, is_error } = &part.content {
                self.dropped.add_if(part.cache.is_some(), "cache_control");
                self.result(id, parts, *is_error, &mut pieces)?;
            }
        }
        for part in &message.parts {
            if !matches!(part.content, Content::ToolResult { .. }) {
                pieces.push(self.piece(part)?);
            }
        }
        let has_more = pieces.iter().any(|piece| !piece.kind.is_empty());
        if has_more {
            pieces.retain(|piece| !piece.kind.is_empty());
        } else {
            pieces.truncate(1);
        }
        let content = match pieces.pop() {
            None => return Ok(()),
            Some(Piece { kind: Kind::Text { text }, prompt_cache_breakpoint: None }) if pieces.is_empty() => Contents::Text(text),
            Some(last) => {
                pieces.push(last);
                Contents::Pieces(pieces)
            }
        };
        let said = Said { content, name: self.name(message) };
        self.messages.push(WireMessage::User(said));
        Ok(())
    }

    fn piece(&mut self, part: &'a Part) -> Result<Piece<'a>, DialectError> {
        let Some(kind) = Kind::of(&part.content)? else {
            return Err(DialectError::Unsupported { feature: "a tool call or reasoning in a turn of the user".into() });
        };
        let is_named_text = matches!((&part.content, &kind), (Content::File { name: Some(_), .. }, Kind::Text { .. }));
        self.dropped.add_if(is_named_text, "filename");
        let takes_mark = self.target.model.cache_marks && self.marks < MOST_MARKS;
        let cache = self.dropped.keep_if(takes_mark, part.cache.as_ref(), "cache_control");
        self.marks += usize::from(cache.is_some());
        Ok(Piece { kind, prompt_cache_breakpoint: cache.map(Breakpoint::of) })
    }

    /// A failure has no word of its own, so it is said.
    fn result(&mut self, id: &'a str, parts: &'a [Part], is_error: bool, others: &mut Vec<Piece<'a>>) -> Result<(), DialectError> {
        let mut texts: Vec<Cow<'a, str>> = Vec::new();
        let before = others.len();
        for part in parts {
            let Piece { kind, prompt_cache_breakpoint } = self.piece(part)?;
            match kind {
                Kind::Text { text } => texts.push(text),
                kind => others.push(Piece { kind, prompt_cache_breakpoint }),
            }
        }
        let mut content = texts.join("\n\n");
        if content.is_empty() && others.len() > before {
            content.push_str("See what follows.");
        }
        if is_error {
            content.insert_str(0, "Error: ");
        }
        self.messages.push(WireMessage::Tool { tool_call_id: tool_id(id), content });
        Ok(())
    }

    fn assistant(&mut self, message: &'a Message) -> Result<(), DialectError> {
        let (mut text, mut refusal, mut thought) = (String::new(), String::new(), String::new());
        let mut answered = Answered::default();
        for part in &message.parts {
            self.dropped.add_if(part.cache.is_some(), "cache_control");
            match &part.content {
                Content::Text(said) => {
                    self.dropped.add_if(!said.citations.is_empty(), "annotations");
                    self.dropped.add_if(said.signature.is_some(), "thought_signature");
                    text.push_str(&said.text);
                }
                Content::Refusal(said) if self.target.is_own => refusal.push_str(said),
                Content::Refusal(said) => text.push_str(said),
                Content::Reasoning(said) => thought.push_str(&said.text),
                Content::ToolCall(call) => {
                    self.dropped.add_if(call.signature.is_some(), "thought_signature");
                    answered.tool_calls.push(wire_call(call, self.target.is_own));
                }
                Content::Image { .. } => self.dropped.add_if(true, "images"),
                Content::Audio { .. } | Content::File { .. } | Content::ToolResult { .. } => {
                    return Err(DialectError::Unsupported { feature: "sound, a file or a tool's result in a turn of the model".into() });
                }
            }
        }
        let has_calls = !answered.tool_calls.is_empty();
        answered.reasoning_content = self.echo(message, thought, has_calls);
        if text.is_empty() && refusal.is_empty() && !has_calls {
            return Ok(());
        }
        // Some servers refuse null, and some that there is nothing at all.
        answered.content = Some(text).filter(|text| !text.is_empty() || !self.target.is_own);
        answered.refusal = Some(refusal).filter(|refusal| !refusal.is_empty());
        answered.name = self.name(message);
        self.messages.push(WireMessage::Assistant(answered));
        Ok(())
    }

    /// Where reasoning must be sent back, calls are not taken without: a blank will do for one that is not known (DeepSeek).
    fn echo(&mut self, message: &Message, thought: String, has_calls: bool) -> Option<String> {
        let has_thought = message.parts.iter().any(|part| matches!(part.content, Content::Reasoning(_)));
        if !self.target.quirks.echo_reasoning {
            self.dropped.add_if(has_thought, "reasoning_content");
            return None;
        }
        match thought.as_str() {
            "" => has_calls.then(|| " ".to_owned()),
            _ => Some(thought),
        }
    }
}

fn wire_call(call: &ToolCall, is_own: bool) -> WireCall<'_> {
    let input = match (call.is_custom, is_own) {
        (true, true) => call.arguments.as_str().into(),
        (true, false) => json!({ "input": call.arguments }).to_string().into(),
        (false, _) => whole_arguments(&call.arguments).into(),
    };
    WireCall::new(tool_id(&call.id), &call.name, input, call.is_custom && is_own)
}

/// `id`, short enough: the same for a call and its result, and different for different ids.
fn tool_id(id: &str) -> Cow<'_, str> {
    if id.len() <= LONGEST_ID {
        return id.into();
    }
    format!("{}_{:08x}", beginning(id, LONGEST_ID - 9), crc32fast::hash(id.as_bytes())).into()
}
