//! Gemini's generateContent as an upstream: requests, whole replies, and streams.
//!
//! No client speaks this dialect here, so nothing is written in it but requests. The model's name and whether the answer
//! streams stand in the path, not in the body. Every frame of a stream is a whole reply that holds only what is new; there
//! is no terminator: an answer is complete when a reason for its end was told and the stream ended cleanly.
//!
//! Facts: types and converters of google-genai; the Gemini API's pages on function calling and on thought signatures.

mod citations;
mod logprobs;
mod look;
mod model;
mod parts;
mod request;
mod response;
mod stream;
mod thinking;
mod turns;
mod wire;

#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::dialects::sse::Frame;
use crate::dialects::{Addressee, Chunk, Decoder, DialectError, Encoded, Glance, UpstreamDialect};
use crate::hub::{Answer, Request};

/// Gemini's generateContent and streamGenerateContent (`alt=sse`), of the Developer API and of Vertex AI.
///
/// Custom tools are refused: a reply does not tell which of its calls would be one of theirs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gemini;

impl UpstreamDialect for Gemini {
    fn encode_request(&self, request: &Request, to: Addressee<'_>) -> Result<Encoded, DialectError> {
        request::encode(request, to.model)
    }

    fn decode_response(&self, body: &[u8]) -> Result<Answer, DialectError> {
        response::decode(body)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(stream::Stream::default())
    }

    fn chunk(&self, frame: &Frame) -> Chunk {
        look::chunk(frame)
    }

    fn is_of_interest(&self, frame: &[u8]) -> bool {
        look::is_of_interest(frame)
    }

    fn is_end(&self, _: &Frame) -> bool {
        // It has no terminator, and nearly every frame is of interest.
        false
    }

    fn glance(&self, body: &Bytes) -> Option<Glance> {
        look::glance(body)
    }
}
