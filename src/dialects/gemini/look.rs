//! Looks into frames and replies without handing on what they say.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;

use super::response;
use super::stream::Stream;
use crate::dialects::sse::Frame;
use crate::dialects::{Chunk, Decoder, Glance};
use crate::hub::Event;

/// What a frame means, read as if it were the first. There is no terminator: a reason for the end is all there is.
pub fn chunk(frame: &Frame) -> Chunk {
    let mut events = Vec::new();
    let valid = Stream::default().decode(frame, &mut events).is_ok();
    let mut chunk = Chunk { valid, ..Chunk::default() };
    for event in events {
        match event {
            Event::Text(_) | Event::Reasoning(_) | Event::Refusal(_) | Event::ToolCall { .. } | Event::Image { .. } => chunk.content = true,
            Event::Finish(_) => chunk.finish = true,
            Event::Usage(usage) => chunk.usage = Some(usage),
            Event::Error(error) => chunk.error = Some(error),
            Event::Start { .. }
            | Event::Citation(_)
            | Event::TextSignature(_)
            | Event::ReasoningEnd { .. }
            | Event::ToolArguments { .. }
            | Event::Logprobs(_)
            | Event::ServiceTier(_) => {}
        }
    }
    chunk
}

/// Whether a frame may be the end, a failure or a token count: usually every one counts tokens.
pub fn is_of_interest(frame: &[u8]) -> bool {
    frame.len() < SHORTEST || OF_INTEREST.iter().any(|member| member.find(frame).is_some())
}

/// What is shorter is no piece of an answer.
const SHORTEST: usize = 64;

/// Members that may say something of interest, with their quotes: within a text those would be escaped.
static OF_INTEREST: LazyLock<[Finder<'static>; 4]> =
    LazyLock::new(|| ["\"usageMetadata\"", "\"finishReason\"", "\"error\"", "\"promptFeedback\""].map(Finder::new));

/// What a whole reply means that goes by as it is.
pub fn glance(body: &Bytes) -> Option<Glance> {
    let answer = response::decode(body).ok()?;
    Some(Glance { error: answer.error, usage: answer.usage })
}
