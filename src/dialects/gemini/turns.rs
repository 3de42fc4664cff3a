//! The conversation of a request: turns alternate and the user begins; instructions stand apart.

use serde::Serialize;

use super::model::Model;
use super::parts::{Blob, CallResult, Part, Piece, Response};
use crate::dialects::DialectError;
use crate::dialects::hints::Dropped;
use crate::hub::{self, Message, Raw, Request, Role, ToolCall};

/// One turn.
#[derive(Debug, Serialize)]
pub struct Content<'a> {
    role: &'static str,
    /// Never empty.
    parts: Vec<Part<'a>>,
}

/// Stands for the signature of a call that Gemini did not make: a documented way out, at the price of a worse answer. The
/// documented literal is `skip_thought_signature_validator`; the field holds base64, and this is the literal in base64.
/// [?] Other gateways send the literal as it is, which happens to be valid base64, too; both are said to be taken.
const UNSIGNED: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// What stands before a conversation that the model begins: the user must, and an empty text is refused.
const NOTHING_SAID: &str = " ";

/// The instructions, and the turns after them. Where nothing is said but instructions, they are the user's turn: a
/// conversation must have one.
pub fn conversation<'a>(
    request: &'a Request,
    model: Model,
    dropped: &mut Dropped,
) -> Result<(Vec<Part<'a>>, Vec<Content<'a>>), DialectError> {
    let (instructions, messages) = request.instructions();
    let (instructions, messages) = if messages.is_empty() { (messages, instructions) } else { (instructions, messages) };
    let mut writer = Writer { model, dropped, calls: Vec::new(), message: 0 };
    let mut system = Vec::new();
    for (at, message) in instructions.iter().enumerate() {
        writer.message = at;
        writer.write(message, &mut system)?;
    }
    if system.iter().any(|part| !matches!(part.piece, Piece::Text(_))) {
        return Err(DialectError::Unsupported { feature: "instructions that are not text".into() });
    }
    let mut contents: Vec<Content<'_>> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        writer.message = instructions.len() + at;
        let role = if message.role == Role::Assistant { "model" } else { "user" };
        let mut parts = Vec::with_capacity(message.parts.len());
        writer.write(message, &mut parts)?;
        match contents.last_mut().filter(|last| last.role == role) {
            Some(last) => last.parts.append(&mut parts),
            None if parts.is_empty() => {}
            None => contents.push(Content { role, parts }),
        }
    }
    finish(&mut contents, model)?;
    Ok((system, contents))
}

fn finish(contents: &mut Vec<Content<'_>>, model: Model) -> Result<(), DialectError> {
    let Some(first) = contents.first() else {
        return Err(DialectError::Senseless { path: "messages".to_owned(), reason: "nothing is said".to_owned() });
    };
    if first.role == "model" {
        contents.insert(0, Content { role: "user", parts: vec![Piece::Text(NOTHING_SAID).into()] });
    }
    for content in contents {
        // Results come directly after their calls and in their order.
        content.parts.sort_by_key(|part| if let Piece::FunctionResponse(result) = &part.piece { result.call } else { usize::MAX });
        // Of calls that were made at once only the first is signed.
        let first_call = content.parts.iter_mut().find(|part| matches!(part.piece, Piece::FunctionCall(_)));
        if let Some(call) = first_call.filter(|_| model.wants_signatures) {
            call.thought_signature.get_or_insert(UNSIGNED);
        }
    }
    Ok(())
}

/// Writes the pieces of all turns of one request.
struct Writer<'a, 'd> {
    model: Model,
    dropped: &'d mut Dropped,
    /// Calls so far: results say which tool they are of.
    calls: Vec<&'a ToolCall>,
    /// Which message of the request is being written, for errors.
    message: usize,
}

impl<'a> Writer<'a, '_> {
    fn write(&mut self, message: &'a Message, parts: &mut Vec<Part<'a>>) -> Result<(), DialectError> {
        self.dropped.add_if(message.name.is_some(), "name");
        message.parts.iter().try_for_each(|part| self.write_part(part, parts))
    }

    fn write_part(&mut self, part: &'a hub::Part, parts: &mut Vec<Part<'a>>) -> Result<(), DialectError> {
        self.dropped.add_if(part.cache.is_some(), "cache_control");
        match &part.content {
            hub::Content::Text(text) => {
                self.dropped.add_if(!text.citations.is_empty(), "citations");
                parts.extend(Part::of_text(text));
            }
            hub::Content::Refusal(text) => parts.extend(Piece::of_words(text).map(Part::from)),
            hub::Content::Image { .. } | hub::Content::Audio { .. } | hub::Content::File { .. } => {
                parts.extend(self.medium(&part.content)?.map(Part::from));
            }
            hub::Content::ToolCall(call) => parts.push(self.call(call)?),
            hub::Content::ToolResult { id, parts: said, is_error } => self.write_result(id, said, *is_error, parts)?,
            hub::Content::Reasoning(thought) => {
                let thought = Part::of_thought(thought);
                self.dropped.add_if(thought.is_none(), "reasoning");
                parts.extend(thought);
            }
        }
        Ok(())
    }

    /// An image, a sound or a document.
    fn medium(&mut self, content: &'a hub::Content) -> Result<Option<Piece<'a>>, DialectError> {
        match content {
            hub::Content::Image { source, detail } => {
                self.dropped.add_if(detail.as_ref().is_some_and(|detail| detail != "auto"), "detail");
                Piece::at(source, "an image")
            }
            hub::Content::File { source, name } => {
                self.dropped.add_if(name.is_some(), "filename");
                Piece::at(source, "a file")
            }
            hub::Content::Audio { data, format } => Ok(Some(Piece::InlineData(Blob { mime_type: format!("audio/{format}"), data }))),
            hub::Content::Text(_)
            | hub::Content::Refusal(_)
            | hub::Content::ToolCall(_)
            | hub::Content::ToolResult { .. }
            | hub::Content::Reasoning(_) => {
                Err(DialectError::Unsupported { feature: "a tool's result that is neither text, image, sound nor document".into() })
            }
        }
    }

    fn call(&mut self, call: &'a ToolCall) -> Result<Part<'a>, DialectError> {
        if call.is_custom {
            return Err(DialectError::Unsupported { feature: format!("a call of a custom tool (`{}`)", call.name).into() });
        }
        let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
        let Some(args) = Raw::parse(arguments).filter(Raw::is_object) else {
            let path = format!("messages[{}].tool_calls[{}].arguments", self.message, call.id);
            return Err(DialectError::Senseless { path, reason: "this upstream takes nothing but a JSON object".to_owned() });
        };
        self.calls.push(call);
        Ok(Part::of_call(call, args))
    }

    /// A result, and behind it the images and documents that it may not hold.
    fn write_result(&mut self, id: &'a str, said: &'a [hub::Part], is_error: bool, parts: &mut Vec<Part<'a>>) -> Result<(), DialectError> {
        // An id may come again in a later turn.
        let Some((call, called)) = self.calls.iter().enumerate().rfind(|(_, call)| call.id == id) else {
            let path = format!("messages[{}]", self.message);
            return Err(DialectError::Senseless { path, reason: format!("no call before it has the id `{id}`") });
        };
        let name = called.name.as_str();
        let (mut texts, mut media) = (Vec::new(), Vec::new());
        for part in said {
            self.dropped.add_if(part.cache.is_some(), "cache_control");
            match &part.content {
                hub::Content::Text(text) => texts.push(text.text.as_str()),
                hub::Content::Refusal(text) => texts.push(text),
                other => match self.medium(other)? {
                    Some(Piece::Text(text)) => texts.push(text),
                    medium => media.extend(medium),
                },
            }
        }
        let within = if self.model.takes_media_in_results { std::mem::take(&mut media) } else { Vec::new() };
        let response = Response::of(texts.join("\n"), is_error);
        parts.push(Piece::FunctionResponse(CallResult { id, name, response, parts: within, call }).into());
        parts.extend(media.into_iter().map(Part::from));
        Ok(())
    }
}
