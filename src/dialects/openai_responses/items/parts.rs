//! Pieces of a message's content, or of a tool's result.

use std::borrow::Cow;

use serde::Serialize;

use crate::dialects::DialectError;
use crate::dialects::data_url::{DataUrl, is_base64};
use crate::dialects::hints::{Dropped, LeftOut};
use crate::dialects::members::{Members, Value};
use crate::hub::{Cache, Citation, Content, Part, Source, Text};

/// A piece as it stands in a request.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WirePart<'a> {
    /// Text of anyone but the model.
    InputText {
        /// The words.
        text: &'a str,
    },
    /// Text of the model.
    OutputText {
        /// The words.
        text: &'a str,
        /// What they are based on.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        annotations: Vec<WireCitation<'a>>,
    },
    /// The model declined.
    Refusal {
        /// Its words.
        refusal: &'a str,
    },
    /// An image; one of the two addresses it.
    InputImage {
        /// On the web, or a data URL.
        #[serde(skip_serializing_if = "Option::is_none")]
        image_url: Option<Cow<'a, str>>,
        /// At OpenAI.
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<&'a str>,
        /// `low`, `high`, `auto`, `original`
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'a str>,
    },
    /// A document; one of the three addresses it.
    InputFile {
        /// A data URL.
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<String>,
        /// On the web.
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<&'a str>,
        /// At OpenAI.
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<&'a str>,
        /// Its name; data must have one.
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'a str>,
    },
}

/// A source on the web. Others have no words here.
#[derive(Debug, Serialize)]
pub struct WireCitation<'a> {
    r#type: &'static str,
    url: &'a str,
    title: &'a str,
    start_index: u64,
    end_index: u64,
}

impl<'a> WireCitation<'a> {
    /// `end`: how much text there is; where it is not told which part of it is meant, it is the place behind it.
    pub fn of(citation: &'a Citation, end: u64) -> Option<WireCitation<'a>> {
        let (start_index, end_index) = citation.range.unwrap_or((end, end));
        let title = citation.title.as_deref().unwrap_or_default();
        Some(WireCitation { r#type: "url_citation", url: citation.url.as_deref()?, title, start_index, end_index })
    }
}

/// Reads an annotation of a text that begins at the character `base` of a longer one. `None`: it names no source.
pub fn read_citation(annotation: &Value<'_>, base: u64) -> Result<Option<Citation>, DialectError> {
    let mut members = annotation.object()?;
    let start = members.get::<u64>("start_index", "a whole number")?;
    let end = members.get::<u64>("end_index", "a whole number")?;
    let range = start.zip(end).map(|(start, end)| (start.saturating_add(base), end.saturating_add(base)));
    Ok(match members.required_text("type")?.as_str() {
        "url_citation" => Some(Citation { url: members.text("url")?, title: title(members.text("title")?), quote: None, range }),
        "file_citation" | "container_file_citation" => {
            Some(Citation { url: None, title: title(members.text("filename")?), quote: None, range })
        }
        _ => None,
    })
}

fn title(title: Option<String>) -> Option<String> {
    title.filter(|title| !title.is_empty())
}

/// Reads a piece of a message, or of a tool's result.
pub(super) fn read(value: &Value<'_>, left: &mut LeftOut) -> Result<Part, DialectError> {
    let mut members = value.object()?;
    let kind = members.required_text("type")?;
    let content = match kind.as_str() {
        "input_text" | "output_text" => read_text(&mut members)?,
        "refusal" => Content::Refusal(members.required_text("refusal")?),
        "input_image" => read_image(&mut members)?,
        "input_file" => read_file(&mut members)?,
        "input_audio" => {
            let mut audio = members.required("input_audio")?.object()?;
            let data = audio.required("data")?;
            Content::Audio { data: padded(&data, data.text()?)?, format: audio.required_text("format")? }
        }
        _ => return Err(DialectError::Unsupported { feature: format!("content of the type `{kind}` (`{}`)", value.path()).into() }),
    };
    let mark = members.object("prompt_cache_breakpoint")?;
    let cache = mark.map(|mut mark| Ok::<_, DialectError>(Cache { ttl: mark.text("ttl")? })).transpose()?;
    left.rest(&members);
    Ok(Part { content, cache })
}

fn read_text(members: &mut Members<'_>) -> Result<Content, DialectError> {
    let text = members.required_text("text")?;
    let mut citations = Vec::new();
    for annotation in members.list("annotations")? {
        citations.extend(read_citation(&annotation, 0)?);
    }
    // Of the answer that the text once was; nothing to go on from.
    members.take("logprobs");
    Ok(Content::Text(Text { text, citations, signature: None }))
}

fn read_image(members: &mut Members<'_>) -> Result<Content, DialectError> {
    let detail = members.text("detail")?;
    let source = match (members.text("file_id")?, members.take("image_url")) {
        (_, Some(url)) => read_url(&url)?,
        (Some(id), None) => Source::Id(id),
        (None, None) => return Err(DialectError::Missing { path: members.path_of("image_url") }),
    };
    Ok(Content::Image { source, detail })
}

fn read_file(members: &mut Members<'_>) -> Result<Content, DialectError> {
    let name = members.text("filename")?;
    let source = match (members.take("file_data"), members.text("file_url")?, members.text("file_id")?) {
        (Some(data), ..) => match read_url(&data)? {
            Source::Url(_) => return Err(data.invalid(DATA_URL)),
            source => source,
        },
        (None, Some(url), _) => Source::Url(url),
        (None, None, Some(id)) => Source::Id(id),
        (None, None, None) => return Err(DialectError::Missing { path: members.path_of("file_data") }),
    };
    Ok(Content::File { source, name })
}

const DATA_URL: &str = "a data URL: `data:TYPE;base64,…`";

/// An address on the web, or a data URL.
fn read_url(value: &Value<'_>) -> Result<Source, DialectError> {
    let url = value.text()?;
    if !url.starts_with("data:") {
        return Ok(Source::Url(url));
    }
    let read = DataUrl::split(&url).filter(|read| read.media_type.contains('/')).ok_or_else(|| value.invalid(DATA_URL))?;
    Ok(Source::Base64 { media_type: read.media_type.to_owned(), data: padded(value, read.data.to_owned())? })
}

/// `data`, if it is base64 as every upstream takes it: with its padding.
fn padded(value: &Value<'_>, data: String) -> Result<String, DialectError> {
    match is_base64(&data) && data.len().is_multiple_of(4) {
        true => Ok(data),
        false => Err(value.invalid("valid base64")),
    }
}

impl<'a> WirePart<'a> {
    /// A piece of what anyone but the model said; `place` is for people.
    pub(super) fn input(content: &'a Content, place: &str, dropped: &mut Dropped) -> Result<WirePart<'a>, DialectError> {
        match content {
            Content::Text(text) => Ok(WirePart::InputText { text: &text.text }),
            Content::Image { source, detail } => WirePart::image(source, detail.as_deref(), place),
            Content::File { source, name } => Ok(WirePart::file(source, name.as_deref(), dropped)),
            // Whether the API takes sound at all is uncertain [?].
            Content::Audio { .. } => Err(unsupported("sound", place)),
            Content::ToolCall(_) => Err(unsupported("a tool call", place)),
            Content::ToolResult { .. } => Err(unsupported("a tool's result", place)),
            Content::Reasoning(_) => Err(unsupported("reasoning", place)),
            Content::Refusal(_) => Err(unsupported("a refusal", place)),
        }
    }

    /// A piece of what the model said.
    pub(super) fn output(content: &'a Content, dropped: &mut Dropped) -> Result<WirePart<'a>, DialectError> {
        match content {
            Content::Text(text) => {
                let end = text.text.chars().count() as u64;
                let annotations: Vec<_> = text.citations.iter().filter_map(|citation| WireCitation::of(citation, end)).collect();
                if annotations.len() < text.citations.len() {
                    dropped.add("citations");
                }
                Ok(WirePart::OutputText { text: &text.text, annotations })
            }
            Content::Refusal(refusal) => Ok(WirePart::Refusal { refusal }),
            Content::Image { .. } => Err(unsupported("an image", "a turn of the assistant")),
            other => WirePart::input(other, "a turn of the assistant", dropped),
        }
    }

    fn image(source: &'a Source, detail: Option<&'a str>, place: &str) -> Result<WirePart<'a>, DialectError> {
        let (image_url, file_id) = match source {
            Source::Url(url) => (Some(Cow::Borrowed(url.as_str())), None),
            Source::Base64 { media_type, data } => (Some(DataUrl { media_type, data }.to_string().into()), None),
            Source::Id(id) => (None, Some(id.as_str())),
            Source::Text(_) => return Err(unsupported("an image that is text", place)),
        };
        Ok(WirePart::InputImage { image_url, file_id, detail })
    }

    /// A document that is plain text is text.
    fn file(source: &'a Source, name: Option<&'a str>, dropped: &mut Dropped) -> WirePart<'a> {
        let (file_data, file_url, file_id) = match source {
            Source::Base64 { media_type, data } => (Some(DataUrl { media_type, data }.to_string()), None, None),
            Source::Url(url) => (None, Some(url.as_str()), None),
            Source::Id(id) => (None, None, Some(id.as_str())),
            Source::Text(text) => {
                if name.is_some() {
                    dropped.add("title");
                }
                return WirePart::InputText { text };
            }
        };
        let unnamed = file_data.as_ref().map(|_| "document.pdf");
        WirePart::InputFile { file_data, file_url, file_id, filename: name.or(unnamed) }
    }
}

fn unsupported(what: &str, place: &str) -> DialectError {
    DialectError::Unsupported { feature: format!("{what} in {place}").into() }
}
