//! Turns and their blocks, as a client sends them.

use std::collections::HashSet;

use super::super::super::OWN;
use super::super::super::response::read_citation;
use super::read_cache;
use crate::dialects::DialectError;
use crate::dialects::data_url::is_base64;
use crate::dialects::hints::LeftOut;
use crate::dialects::members::{Members, Value};
use crate::hub::{Content, Form, Message, Part, Role, Signature, Source, Text, Thought, ToolCall};

/// Where a block stands: what it may be depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    System,
    User,
    Assistant,
    /// Within a tool's result.
    Result,
}

/// Reads a conversation, and knows the calls so far.
pub(super) struct Reader<'l> {
    left: &'l mut LeftOut,
    calls: HashSet<String>,
}

/// What a block becomes.
enum Block {
    Content(Content),
    /// Another provider's signature of the call behind it or of the text before it: see [`Reader::blocks`].
    Signature(Signature),
    Nothing,
}

impl<'l> Reader<'l> {
    pub(super) fn new(left: &'l mut LeftOut) -> Reader<'l> {
        Reader { left, calls: HashSet::new() }
    }

    pub(super) fn leave_out(&mut self, path: String) {
        self.left.add(path);
    }

    pub(super) fn message(&mut self, turn: &Value<'_>) -> Result<Message, DialectError> {
        let mut members = turn.object()?;
        let role = members.required("role")?;
        let (role, place) = match role.text()?.as_str() {
            "user" => (Role::User, Place::User),
            "assistant" => (Role::Assistant, Place::Assistant),
            "system" => (Role::System, Place::System),
            _ => return Err(role.invalid("`user`, `assistant` or `system`")),
        };
        let content = members.required("content")?;
        let parts = self.contents(&content, place)?;
        self.left.rest(&members);
        Ok(Message::new(role, parts))
    }

    /// A text, or blocks.
    pub(super) fn contents(&mut self, content: &Value<'_>, place: Place) -> Result<Vec<Part>, DialectError> {
        if !content.is_text() {
            let blocks = content.list().map_err(|_| content.invalid("a string or a list of content blocks"))?;
            return self.blocks(&blocks, place);
        }
        let text = content.text()?;
        Ok(if text.is_empty() && place == Place::System { Vec::new() } else { vec![Part::text(text)] })
    }

    /// A signature of another provider's text or call stands as a block of its own, for neither has room for it here: the
    /// encoder puts it directly behind the text, or directly before the call.
    fn blocks(&mut self, blocks: &[Value<'_>], place: Place) -> Result<Vec<Part>, DialectError> {
        let mut parts: Vec<Part> = Vec::with_capacity(blocks.len());
        let mut waiting: Option<Signature> = None;
        for block in blocks {
            let mut members = block.object()?;
            let cache = read_cache(&mut members, self.left)?;
            let read = self.block(block, &mut members, place)?;
            let mut content = match read {
                Block::Content(content) => content,
                Block::Signature(signature) => {
                    settle(waiting.replace(signature), &mut parts);
                    continue;
                }
                Block::Nothing => continue,
            };
            self.left.rest(&members);
            match &mut content {
                Content::ToolCall(call) => call.signature = waiting.take(),
                _ => settle(waiting.take(), &mut parts),
            }
            parts.push(Part { content, cache });
        }
        settle(waiting, &mut parts);
        Ok(parts)
    }

    fn block(&mut self, block: &Value<'_>, members: &mut Members<'_>, place: Place) -> Result<Block, DialectError> {
        let kind = members.required_text("type")?;
        let content = match (kind.as_str(), place) {
            ("text", _) => self.text(members)?,
            ("image", Place::User | Place::Assistant | Place::Result) => {
                Content::Image { source: read_source(&members.required("source")?)?, detail: None }
            }
            ("document", Place::User | Place::Assistant | Place::Result) => self.document(members)?,
            ("search_result", Place::User | Place::Result) => {
                let source = Source::Text(self.text_of(&members.required("content")?)?);
                Content::File { source, name: members.text("title")? }
            }
            ("tool_use", Place::Assistant) => self.call(members)?,
            ("tool_result", Place::User) => self.result(members)?,
            ("thinking", Place::Assistant) => thought(members)?,
            ("redacted_thinking", Place::Assistant) => return redacted(members),
            // Answered by the provider itself long ago, and what came of it stands in the text.
            ("server_tool_use" | "mcp_tool_use" | "tool_reference" | "compaction", _) => return Ok(self.nothing(block)),
            (result, _) if result.ends_with("_tool_result") => return Ok(self.nothing(block)),
            ("image" | "document" | "search_result" | "tool_use" | "tool_result" | "thinking" | "redacted_thinking", _) => {
                let place = match place {
                    Place::System => "instructions",
                    Place::User => "a turn of the user",
                    Place::Assistant => "a turn of the assistant",
                    Place::Result => "a tool's result",
                };
                return Err(DialectError::Senseless { path: block.path(), reason: format!("no `{kind}` stands in {place}") });
            }
            _ => {
                return Err(DialectError::Unsupported {
                    feature: format!("a content block of the type `{kind}` (`{}`)", block.path()).into(),
                });
            }
        };
        Ok(Block::Content(content))
    }

    fn nothing(&mut self, block: &Value<'_>) -> Block {
        self.left.add(block.path());
        Block::Nothing
    }

    fn text(&mut self, members: &mut Members<'_>) -> Result<Content, DialectError> {
        let text = members.required_text("text")?;
        let citations = members.list("citations")?.iter().map(read_citation).collect::<Result<_, _>>()?;
        Ok(Content::Text(Text { text, citations, signature: None }))
    }

    fn document(&mut self, members: &mut Members<'_>) -> Result<Content, DialectError> {
        let name = members.text("title")?;
        let source = members.required("source")?;
        let mut inside = source.object()?;
        if inside.text("type")?.as_deref() == Some("content") {
            let source = Source::Text(self.text_of(&inside.required("content")?)?);
            return Ok(Content::File { source, name });
        }
        Ok(Content::File { source: read_source(&source)?, name })
    }

    /// The texts of a document that is written in blocks.
    fn text_of(&mut self, content: &Value<'_>) -> Result<String, DialectError> {
        let mut whole = Vec::new();
        for part in self.contents(content, Place::Result)? {
            match part.content {
                Content::Text(text) => whole.push(text.text),
                _ => return Err(DialectError::Unsupported { feature: format!("images within a document (`{}`)", content.path()).into() }),
            }
        }
        Ok(whole.join("\n\n"))
    }

    fn call(&mut self, members: &mut Members<'_>) -> Result<Content, DialectError> {
        let (id, name) = (members.required_text("id")?, members.required_text("name")?);
        let arguments = match members.take("input") {
            None => "{}".to_owned(),
            Some(input) if input.is_object() => input.raw.get().to_owned(),
            Some(input) => return Err(input.invalid("an object")),
        };
        self.calls.insert(id.clone());
        Ok(Content::ToolCall(ToolCall { id, name, arguments, is_custom: false, signature: None }))
    }

    fn result(&mut self, members: &mut Members<'_>) -> Result<Content, DialectError> {
        let id = members.required_text("tool_use_id")?;
        if !self.calls.contains(&id) {
            let reason = format!("no `tool_use` before it has the id `{id}`");
            return Err(DialectError::Senseless { path: members.path_of("tool_use_id"), reason });
        }
        let parts = members.take("content").map_or(Ok(Vec::new()), |content| self.contents(&content, Place::Result))?;
        Ok(Content::ToolResult { id, parts, is_error: members.get("is_error", "true or false")?.unwrap_or(false) })
    }
}

/// A signature before which no call stood belongs to the text before it.
fn settle(signature: Option<Signature>, parts: &mut Vec<Part>) {
    let Some(signature) = signature else { return };
    match parts.last_mut().map(|part| &mut part.content) {
        Some(Content::Text(text)) if text.signature.is_none() => text.signature = Some(signature),
        _ => parts.push(Content::Reasoning(Thought { signature: Some(signature), ..Thought::default() }).into()),
    }
}

/// Reasoning whose signature is empty is another provider's, and was never signed.
fn thought(members: &mut Members<'_>) -> Result<Content, DialectError> {
    let text = members.required_text("thinking")?;
    let signature = members.text("signature")?.filter(|signature| !signature.is_empty());
    let signature = signature.map(|signature| Signature::read(OWN, Form::Signed, &signature));
    Ok(Content::Reasoning(Thought { text, signature, id: None }))
}

fn redacted(members: &mut Members<'_>) -> Result<Block, DialectError> {
    let signature = Signature::read(OWN, Form::Encrypted, &members.required_text("data")?);
    Ok(match signature.form {
        Form::Signed => Block::Signature(signature),
        Form::Encrypted => Block::Content(Content::Reasoning(Thought { signature: Some(signature), ..Thought::default() })),
    })
}

/// Where the bytes of an image or a document are.
fn read_source(source: &Value<'_>) -> Result<Source, DialectError> {
    let mut members = source.object()?;
    let kind = members.required("type")?;
    Ok(match kind.text()?.as_str() {
        "base64" => {
            let media_type = members.required_text("media_type")?;
            let data = members.required("data")?;
            let text = data.text()?;
            if !is_base64(&text) {
                return Err(data.invalid("base64"));
            }
            Source::Base64 { media_type, data: text }
        }
        "url" => Source::Url(members.required_text("url")?),
        "file" => Source::Id(members.required_text("file_id")?),
        "text" => Source::Text(members.required_text("data")?),
        _ => return Err(kind.invalid("`base64`, `url`, `file`, `text` or `content`")),
    })
}
