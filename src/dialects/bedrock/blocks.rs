//! The pieces of a turn.

use std::borrow::Cow;

use serde::Serialize;

use super::model::Family;
use super::names;
use crate::dialects::DialectError;
use crate::dialects::hints::Dropped;
use crate::hub::{Cache, Content, Form, Kind, Part, Raw, Source, Thought, ToolCall};

/// A piece of a turn, of the instructions or of a tool's result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Block<'a> {
    /// Never blank: Converse refuses that.
    Text(&'a str),
    Image(Image<'a>),
    Document(Document<'a>),
    ToolUse(ToolUse<'a>),
    ToolResult(ToolResult<'a>),
    ReasoningContent(Reasoning<'a>),
    CachePoint(CachePoint<'a>),
}

#[derive(Debug, Serialize)]
pub struct Image<'a> {
    format: &'static str,
    source: Bytes<'a>,
}

#[derive(Debug, Serialize)]
pub struct Document<'a> {
    format: &'static str,
    name: String,
    source: Bytes<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Bytes<'a> {
    /// Base64.
    Bytes(&'a str),
    /// Plain text; of documents only.
    Text(&'a str),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUse<'a> {
    tool_use_id: Cow<'a, str>,
    name: Cow<'a, str>,
    input: Raw,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResult<'a> {
    tool_use_id: Cow<'a, str>,
    content: Vec<Block<'a>>,
    /// Success is what counts without it, and not every model takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reasoning<'a> {
    ReasoningText { text: &'a str, signature: &'a str },
    RedactedContent(&'a str),
}

/// A cache may end here.
#[derive(Debug, Serialize)]
pub struct CachePoint<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Only where it is not the default: not every model takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

/// Image formats by their media types.
const IMAGES: [(&str, &str); 5] =
    [("image/png", "png"), ("image/jpeg", "jpeg"), ("image/jpg", "jpeg"), ("image/gif", "gif"), ("image/webp", "webp")];

/// Document formats by their media types.
const DOCUMENTS: [(&str, &str); 10] = [
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
    ("text/x-markdown", "md"),
];

impl Block<'_> {
    /// A call or a result.
    pub fn is_of_tools(&self) -> bool {
        matches!(self, Block::ToolUse(_) | Block::ToolResult(_))
    }

    /// Which tool it calls.
    pub fn tool(&self) -> Option<&str> {
        if let Block::ToolUse(call) = self { Some(&call.name) } else { None }
    }
}

impl<'a> CachePoint<'a> {
    /// Where `cache` says so and the family can.
    pub fn of(cache: Option<&'a Cache>, family: Family, dropped: &mut Dropped) -> Option<CachePoint<'a>> {
        let cache = cache?;
        dropped.add_if(!family.cache, "cache_control");
        family.cache.then(|| CachePoint { kind: "default", ttl: cache.ttl.as_deref().filter(|ttl| *ttl == "1h") })
    }
}

/// Writes the pieces of all turns of one request.
pub struct Writer<'d> {
    /// What the model takes.
    pub family: Family,
    /// What is left out.
    pub dropped: &'d mut Dropped,
    /// Which message of the request is being written, for errors.
    pub message: usize,
    /// Names of documents so far.
    names: Vec<String>,
}

impl<'d> Writer<'d> {
    /// Before the first piece.
    pub fn new(family: Family, dropped: &'d mut Dropped) -> Writer<'d> {
        Writer { family, dropped, message: 0, names: Vec::new() }
    }

    /// Writes `part`, and a cache point behind it where it is marked.
    pub fn write<'a>(&mut self, part: &'a Part, blocks: &mut Vec<Block<'a>>) -> Result<(), DialectError> {
        let Some(block) = self.block(&part.content)? else { return Ok(()) };
        blocks.push(block);
        // Within a tool's result there can be none, so it ends behind the result.
        let within = if let Content::ToolResult { parts, .. } = &part.content { parts.as_slice() } else { &[] };
        let cache = part.cache.as_ref().or_else(|| within.iter().rev().find_map(|part| part.cache.as_ref()));
        blocks.extend(CachePoint::of(cache, self.family, self.dropped).map(Block::CachePoint));
        Ok(())
    }

    fn block<'a>(&mut self, content: &'a Content) -> Result<Option<Block<'a>>, DialectError> {
        Ok(match content {
            Content::Text(text) => {
                self.dropped.add_if(!text.citations.is_empty(), "citations");
                words(&text.text)
            }
            Content::Refusal(text) => words(text),
            Content::Image { source, detail } => {
                self.dropped.add_if(detail.as_ref().is_some_and(|detail| detail != "auto"), "detail");
                Some(Block::Image(image(source)?))
            }
            Content::Audio { .. } => return Err(DialectError::Unsupported { feature: "audio (`input_audio`)".into() }),
            Content::File { source, name } => Some(Block::Document(self.document(source, name.as_deref())?)),
            Content::ToolCall(call) => Some(Block::ToolUse(self.call(call)?)),
            Content::ToolResult { id, parts, is_error } => {
                let mut content = Vec::with_capacity(parts.len());
                for part in parts {
                    content.extend(self.result(&part.content)?);
                }
                let status = is_error.then_some("error");
                Some(Block::ToolResult(ToolResult { tool_use_id: names::id(id), content, status }))
            }
            Content::Reasoning(thought) => {
                let said = reasoning(thought);
                self.dropped.add_if(said.is_none(), "reasoning");
                said.map(Block::ReasoningContent)
            }
        })
    }

    /// A piece of a tool's result. [?] A result may be without any.
    fn result<'a>(&mut self, content: &'a Content) -> Result<Option<Block<'a>>, DialectError> {
        match content {
            Content::Text(_) | Content::Refusal(_) | Content::Image { .. } | Content::Audio { .. } | Content::File { .. } => {
                self.block(content)
            }
            Content::ToolCall(_) | Content::ToolResult { .. } | Content::Reasoning(_) => {
                Err(DialectError::Unsupported { feature: "a tool's result that is neither text, image nor document".into() })
            }
        }
    }

    fn call<'a>(&self, call: &'a ToolCall) -> Result<ToolUse<'a>, DialectError> {
        if call.is_custom {
            return Err(DialectError::Unsupported { feature: format!("a call of a custom tool (`{}`)", call.name).into() });
        }
        let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
        let Some(input) = Raw::parse(arguments).filter(Raw::is_object) else {
            let path = format!("messages[{}].tool_calls[{}].arguments", self.message, call.id);
            return Err(DialectError::Invalid { path, expected: "a JSON object".into() });
        };
        Ok(ToolUse { tool_use_id: names::id(&call.id), name: names::name(&call.name), input })
    }

    fn document<'a>(&mut self, source: &'a Source, name: Option<&str>) -> Result<Document<'a>, DialectError> {
        let (format, source) = match source {
            Source::Base64 { media_type, data } => (format(&DOCUMENTS, media_type, "a document")?, Bytes::Bytes(data)),
            Source::Text(text) => ("txt", Bytes::Text(text)),
            Source::Url(_) | Source::Id(_) => return Err(elsewhere("a document")),
        };
        Ok(Document { format, name: self.free_name(name.unwrap_or_default()), source })
    }

    /// A name that Converse takes for a document and that no other has [?]: letters, digits, single blanks, hyphens and
    /// brackets. Where none of it remains, it is a document.
    fn free_name(&mut self, name: &str) -> String {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let fits = |c: char| c.is_ascii_alphanumeric() || "-()[]".contains(c);
        let words: String = stem.chars().map(|c| if fits(c) { c } else { ' ' }).collect();
        let plain = words.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let plain = if plain.contains(|c: char| c.is_ascii_alphanumeric()) { &plain } else { "document" };
        let short: String = plain.chars().take(LONGEST_NAME).collect();
        let mut free = short.trim_end().to_owned();
        for number in 2.. {
            if !self.names.contains(&free) {
                break;
            }
            free = format!("{} ({number})", short.trim_end());
        }
        self.names.push(free.clone());
        free
    }
}

/// Of a document's name; leaves room for a number.
const LONGEST_NAME: usize = 180;

fn words(text: &str) -> Option<Block<'_>> {
    (!text.trim().is_empty()).then_some(Block::Text(text))
}

fn image(source: &Source) -> Result<Image<'_>, DialectError> {
    match source {
        Source::Base64 { media_type, data } => Ok(Image { format: format(&IMAGES, media_type, "an image")?, source: Bytes::Bytes(data) }),
        Source::Url(_) | Source::Id(_) | Source::Text(_) => Err(elsewhere("an image")),
    }
}

/// Only what Bedrock itself has made: the rest would be refused.
fn reasoning(thought: &Thought) -> Option<Reasoning<'_>> {
    let signature = thought.signature.as_ref()?;
    let data = signature.of(Kind::Bedrock)?;
    Some(match signature.form {
        Form::Signed => Reasoning::ReasoningText { text: &thought.text, signature: data },
        Form::Encrypted => Reasoning::RedactedContent(data),
    })
}

fn format(known: &[(&str, &'static str)], media_type: &str, what: &str) -> Result<&'static str, DialectError> {
    let bare = media_type.split(';').next().unwrap_or_default().trim();
    let found = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(bare)).map(|(_, format)| *format);
    found.ok_or_else(|| DialectError::Unsupported { feature: format!("{what} of the type `{bare}`").into() })
}

fn elsewhere(what: &str) -> DialectError {
    DialectError::Unsupported { feature: format!("{what} whose bytes are not in the request (an address, an id)").into() }
}
