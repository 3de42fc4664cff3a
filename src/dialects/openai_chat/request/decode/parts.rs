//! Pieces of a turn.

use super::read_cache;
use crate::dialects::DialectError;
use crate::dialects::data_url::{DataUrl, is_base64};
use crate::dialects::hints::LeftOut;
use crate::dialects::members::{Members, Value};
use crate::hub::{Content, Part, Role, Source, Thought};

/// A text, or a list of pieces. `role`: whose; what a tool gave back counts as the user's.
pub(super) fn read(content: &Value<'_>, role: Role, left: &mut LeftOut) -> Result<Vec<Part>, DialectError> {
    if content.is_text() {
        return Ok(vec![Part::text(content.text()?)]);
    }
    let list = content.list().map_err(|_| content.invalid("a string or a list of content parts"))?;
    let mut parts = Vec::with_capacity(list.len());
    for part in &list {
        let mut members = part.object()?;
        let cache = read_cache(&mut members, left)?;
        let content = read_part(part, &mut members, role)?;
        left.rest(&members);
        parts.push(Part { content, cache });
    }
    Ok(parts)
}

fn read_part(part: &Value<'_>, members: &mut Members<'_>, role: Role) -> Result<Content, DialectError> {
    let kind = members.required_text("type")?;
    match kind.as_str() {
        "text" => Ok(Part::text(members.required_text("text")?).content),
        "refusal" if role == Role::Assistant => Ok(Content::Refusal(members.required_text("refusal")?)),
        // Mistral's.
        "thinking" if role == Role::Assistant => thinking(&members.required("thinking")?),
        "image_url" if !role.is_instruction() => image(&members.required("image_url")?),
        "input_audio" if role == Role::User => audio(members.required("input_audio")?.object()?),
        "file" if role == Role::User => file(members.required("file")?.object()?),
        "refusal" | "thinking" | "image_url" | "input_audio" | "file" => {
            let place = match role {
                Role::System | Role::Developer => "instructions",
                Role::User => "a turn of the user",
                Role::Assistant => "a turn of the assistant",
            };
            Err(DialectError::Senseless { path: part.path(), reason: format!("no `{kind}` stands in {place}") })
        }
        _ => Err(DialectError::Unsupported { feature: format!("a content part of the type `{kind}` (`{}`)", part.path()).into() }),
    }
}

fn thinking(value: &Value<'_>) -> Result<Content, DialectError> {
    let mut text = String::new();
    if value.is_text() {
        text = value.text()?;
    } else {
        for piece in value.list()? {
            text.push_str(&piece.object()?.text("text")?.unwrap_or_default());
        }
    }
    Ok(Content::Reasoning(Thought { text, ..Thought::default() }))
}

/// An address, or an object with one; within it, perhaps, the image.
pub(super) fn image(value: &Value<'_>) -> Result<Content, DialectError> {
    let (url, detail) = if value.is_text() {
        (value.clone(), None)
    } else {
        let mut members = value.object()?;
        (members.required("url")?, members.text("detail")?)
    };
    Ok(Content::Image { source: source(&url)?, detail })
}

fn source(value: &Value<'_>) -> Result<Source, DialectError> {
    let url = value.text()?;
    if !DataUrl::is_begun(&url) {
        return Ok(Source::Url(url));
    }
    let DataUrl { media_type, data } = DataUrl::read(&url).ok_or_else(|| value.invalid("an address, or a data URL in base64"))?;
    Ok(Source::Base64 { media_type: media_type.to_owned(), data: data.to_owned() })
}

fn audio(mut members: Members<'_>) -> Result<Content, DialectError> {
    let data = members.required("data")?;
    let text = data.text()?;
    if !is_base64(&text) {
        return Err(data.invalid("base64"));
    }
    Ok(Content::Audio { data: text, format: members.required_text("format")? })
}

fn file(mut members: Members<'_>) -> Result<Content, DialectError> {
    let name = members.text("filename")?;
    if let Some(id) = members.text("file_id")? {
        return Ok(Content::File { source: Source::Id(id), name });
    }
    let data = members.required("file_data")?;
    let text = data.text()?;
    // Some write the bytes alone, which for OpenAI are those of a PDF.
    if is_base64(&text) {
        return Ok(Content::File { source: Source::Base64 { media_type: "application/pdf".to_owned(), data: text }, name });
    }
    let is_address = DataUrl::is_begun(&text) || text.starts_with("https://") || text.starts_with("http://");
    if !is_address {
        return Err(data.invalid("a data URL in base64"));
    }
    Ok(Content::File { source: source(&data)?, name })
}
