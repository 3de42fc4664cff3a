//! The pieces of a turn as they stand on the wire.

use serde::Serialize;

use crate::dialects::DialectError;
use crate::hub::{Kind, Raw, Signature, Source, Text, Thought, ToolCall};

/// A piece of a turn or of the instructions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part<'a> {
    #[serde(flatten)]
    pub piece: Piece<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub thought: bool,
    /// Base64, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thought_signature: Option<&'a str>,
}

/// What a piece is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Piece<'a> {
    /// Empty only if it is signed: Gemini itself signs such, and refuses others.
    Text(&'a str),
    InlineData(Blob<'a>),
    FileData(File<'a>),
    FunctionCall(Call<'a>),
    FunctionResponse(CallResult<'a>),
}

/// Bytes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blob<'a> {
    pub mime_type: String,
    /// Base64.
    pub data: &'a str,
}

/// What Gemini opens itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<&'static str>,
    pub file_uri: &'a str,
}

/// A call of a tool.
#[derive(Debug, Serialize)]
pub struct Call<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub args: Raw,
}

/// What a tool gave back.
#[derive(Debug, Serialize)]
pub struct CallResult<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub response: Response,
    /// Images and documents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Piece<'a>>,
    /// Which call of the conversation it answers.
    #[serde(skip)]
    pub call: usize,
}

/// Gemini knows no other results than objects; these two members are the ones it documents.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Response {
    Output(String),
    Error(String),
    #[serde(untagged)]
    Object(Raw),
}

/// Addresses that Gemini opens itself: Cloud Storage, its own files, YouTube.
const OWN_ADDRESSES: [&str; 5] = [
    "gs://",
    "https://generativelanguage.googleapis.com/",
    "https://www.youtube.com/watch",
    "https://youtube.com/watch",
    "https://youtu.be/",
];

/// Media types by the ends of addresses: Vertex wants to know them of files in Cloud Storage.
const MEDIA_TYPES: [(&str, &str); 16] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("mp3", "audio/mp3"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("mp4", "video/mp4"),
    ("mov", "video/mov"),
    ("webm", "video/webm"),
];

impl<'a> From<Piece<'a>> for Part<'a> {
    fn from(piece: Piece<'a>) -> Part<'a> {
        Part { piece, thought: false, thought_signature: None }
    }
}

impl<'a> Part<'a> {
    /// Text, if it says something or is signed.
    pub fn of_text(text: &'a Text) -> Option<Part<'a>> {
        let thought_signature = own(text.signature.as_ref());
        let is_said = !text.text.is_empty() || thought_signature.is_some();
        is_said.then_some(Part { piece: Piece::Text(&text.text), thought: false, thought_signature })
    }

    /// Only what Gemini itself has signed. Without words it is the signature of an empty text, for thoughts have some.
    pub fn of_thought(thought: &'a Thought) -> Option<Part<'a>> {
        let thought_signature = Some(own(thought.signature.as_ref())?);
        Some(Part { piece: Piece::Text(&thought.text), thought: !thought.text.is_empty(), thought_signature })
    }

    /// A call of a tool that takes `args`.
    pub fn of_call(call: &'a ToolCall, args: Raw) -> Part<'a> {
        let piece = Piece::FunctionCall(Call { id: &call.id, name: &call.name, args });
        Part { piece, thought: false, thought_signature: own(call.signature.as_ref()) }
    }
}

/// What Gemini itself has signed: nothing else goes to it.
fn own(signature: Option<&Signature>) -> Option<&str> {
    signature.and_then(|signature| signature.of(Kind::Gemini))
}

impl<'a> Piece<'a> {
    /// Text, if it says something.
    pub fn of_words(text: &'a str) -> Option<Piece<'a>> {
        (!text.is_empty()).then_some(Piece::Text(text))
    }

    /// What is at `source`, which is `what` in words.
    pub fn at(source: &'a Source, what: &str) -> Result<Option<Piece<'a>>, DialectError> {
        let feature = match source {
            Source::Base64 { media_type, data } => {
                let mime_type = if media_type == "image/jpg" { "image/jpeg" } else { media_type };
                return Ok(Some(Piece::InlineData(Blob { mime_type: mime_type.to_owned(), data })));
            }
            Source::Text(text) => return Ok(Piece::of_words(text)),
            Source::Url(address) | Source::Id(address) if OWN_ADDRESSES.iter().any(|own| address.starts_with(own)) => {
                return Ok(Some(Piece::FileData(File { mime_type: media_type(address), file_uri: address })));
            }
            Source::Url(_) => format!("{what} by its URL (this upstream needs its bytes)"),
            Source::Id(_) => format!("{what} by an id (this upstream needs its bytes)"),
        };
        Err(DialectError::Unsupported { feature: feature.into() })
    }
}

fn media_type(address: &str) -> Option<&'static str> {
    let (_, ending) = address.rsplit_once('.')?;
    MEDIA_TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(ending)).map(|(_, media_type)| *media_type)
}

impl Response {
    /// Of what a tool said.
    pub fn of(text: String, is_error: bool) -> Response {
        match Raw::parse(&text).filter(Raw::is_object) {
            _ if is_error => Response::Error(text),
            Some(object) => Response::Object(object),
            None => Response::Output(text),
        }
    }
}
