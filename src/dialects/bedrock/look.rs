//! Looks into frames and replies without translating them.

use bytes::Bytes;

use super::{error, response};
use crate::dialects::json::Object;
use crate::dialects::members::Members;
use crate::dialects::sse::Frame;
use crate::dialects::{Chunk, DialectError, Glance};

/// The name of a frame's event; empty if it has none.
pub fn name(frame: &[u8]) -> &[u8] {
    let mut lines = frame.split(|byte| matches!(byte, b'\r' | b'\n'));
    lines.find_map(|line| line.strip_prefix(b"event:")).map(<[u8]>::trim_ascii).unwrap_or_default()
}

/// What a frame means that goes by as it is. An answer that ends with `messageStop` is whole; `metadata` comes after it.
pub fn chunk(frame: &Frame) -> Chunk {
    read_chunk(name(frame.bytes()), &frame.data()).unwrap_or_default()
}

fn read_chunk(name: &[u8], data: &[u8]) -> Result<Chunk, DialectError> {
    let mut members = Members::of_body(data)?;
    let mut chunk = Chunk { valid: true, ..Chunk::default() };
    match name {
        b"messageStart" | b"contentBlockStop" => {}
        b"contentBlockStart" => chunk.content = members.object("start")?.is_some_and(|start| start.has("toolUse")),
        b"contentBlockDelta" => {
            let mut delta = members.object("delta")?;
            let text = delta.as_mut().map_or(Ok(None), |delta| delta.text("text"))?.unwrap_or_default();
            chunk.content = !text.is_empty() || delta.is_some_and(|delta| delta.left().next().is_some());
        }
        b"messageStop" => chunk.finish = true,
        b"metadata" => {
            chunk.done = true;
            chunk.usage = members.take("usage").as_ref().and_then(response::usage);
        }
        b"exception" => chunk.error = error::read(&mut members)?,
        _ => chunk.valid = false,
    }
    Ok(chunk)
}

/// Whether a frame may be the end, a failure or a token count: whatever is not a piece of a content block.
pub fn is_of_interest(frame: &[u8]) -> bool {
    !frame.starts_with(b"event: contentBlock")
}

/// What a whole reply means that goes by as it is.
pub fn glance(body: &Bytes) -> Option<Glance> {
    let object = Object::read_deep(body.clone()).ok()?;
    // Which of two would count is anybody's guess.
    if ["output", "usage"].iter().any(|name| object.is_duplicate(name)) {
        return None;
    }
    let mut members = Members::of_body(body).ok()?;
    let usage = members.take("usage").and_then(|usage| response::usage(&usage));
    let error = if members.has("output") { None } else { error::read(&mut members).ok()? };
    Some(Glance { error, usage })
}
