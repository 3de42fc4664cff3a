//! Pieces of a user's turn: texts, images, sounds, files.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::dialects::DialectError;
use crate::dialects::data_url::DataUrl;
use crate::hub::{Cache, Content, Source};

/// A piece, and its mark.
#[derive(Serialize)]
pub(super) struct Piece<'a> {
    #[serde(flatten)]
    pub(super) kind: Kind<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_cache_breakpoint: Option<Breakpoint>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Kind<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: ImageUrl<'a> },
    InputAudio { input_audio: InputAudio<'a> },
    File { file: File<'a> },
}

#[derive(Serialize)]
pub(super) struct ImageUrl<'a> {
    url: Address<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Address<'a> {
    Here(DataUrl<'a>),
    Web(&'a str),
}

#[derive(Serialize)]
pub(super) struct InputAudio<'a> {
    data: &'a str,
    format: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum File<'a> {
    Data { filename: &'a str, file_data: DataUrl<'a> },
    Id { file_id: &'a str },
}

/// A cache may end here.
#[derive(Serialize)]
pub(super) struct Breakpoint {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl Breakpoint {
    /// Other times than OpenAI's are left out.
    pub(super) fn of(cache: &Cache) -> Breakpoint {
        let ttl = ["30m", "12h"].into_iter().find(|known| cache.ttl.as_deref() == Some(known));
        Breakpoint { mode: "explicit", ttl }
    }
}

impl<'a> Kind<'a> {
    /// `None`: it is none that stands in a turn of the user.
    pub(super) fn of(content: &'a Content) -> Result<Option<Kind<'a>>, DialectError> {
        Ok(Some(match content {
            Content::Text(text) => Kind::Text { text: text.text.as_str().into() },
            Content::Refusal(text) => Kind::Text { text: text.as_str().into() },
            Content::Image { source, detail } => Kind::ImageUrl { image_url: ImageUrl { url: image(source)?, detail: detail.as_deref() } },
            Content::Audio { data, format } => Kind::InputAudio { input_audio: InputAudio { data, format } },
            Content::File { source, name } => file(source, name.as_deref())?,
            Content::ToolCall(_) | Content::ToolResult { .. } | Content::Reasoning(_) => return Ok(None),
        }))
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Kind::Text { text } if text.is_empty())
    }
}

fn unsupported<T>(feature: &'static str) -> Result<T, DialectError> {
    Err(DialectError::Unsupported { feature: feature.into() })
}

fn image(source: &Source) -> Result<Address<'_>, DialectError> {
    match source {
        Source::Base64 { media_type, data } => Ok(Address::Here(DataUrl { media_type, data })),
        Source::Url(url) => Ok(Address::Web(url)),
        Source::Id(_) => unsupported("an image at another provider (`file_id`)"),
        Source::Text(_) => unsupported("an image that is text"),
    }
}

/// Texts are said as such, for only few servers know files at all; an image is one, however it came.
fn file<'a>(source: &'a Source, name: Option<&'a str>) -> Result<Kind<'a>, DialectError> {
    // OpenAI wants a name, by whose ending it knows the file.
    const NAME: &str = "document.pdf";
    match source {
        Source::Text(text) => Ok(Kind::Text { text: text.into() }),
        Source::Id(file_id) => Ok(Kind::File { file: File::Id { file_id } }),
        Source::Url(_) => unsupported("a file on the web"),
        Source::Base64 { media_type, data } if media_type.starts_with("image/") => {
            Ok(Kind::ImageUrl { image_url: ImageUrl { url: Address::Here(DataUrl { media_type, data }), detail: None } })
        }
        Source::Base64 { media_type, data } => {
            let text = Some(data).filter(|_| media_type.starts_with("text/")).and_then(|data| STANDARD.decode(data).ok());
            if let Some(text) = text.and_then(|text| String::from_utf8(text).ok()) {
                return Ok(Kind::Text { text: text.into() });
            }
            Ok(Kind::File { file: File::Data { filename: name.unwrap_or(NAME), file_data: DataUrl { media_type, data } } })
        }
    }
}
