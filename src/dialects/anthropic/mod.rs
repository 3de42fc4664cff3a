//! Anthropic's Messages: clients and upstreams.
//!
//! - [`request`], [`response`], [`stream`], [`error`]: what is said, each in both directions.
//! - [`look`]: what goes by untouched, as a gateway sees it.
//! - [`model`]: what each of Claude's models takes; requests of other dialects are fitted to it.

pub mod error;
pub mod look;
pub mod model;
pub mod request;
pub mod response;
pub mod stream;

use std::borrow::Cow;

use bytes::Bytes;

use crate::dialects::sse::Frame;
use crate::dialects::{Addressee, Chunk, ClientDialect, Decoder, DialectError, Encoded, Encoder, Glance, Occasion, UpstreamDialect};
use crate::hub::{Answer, ApiError, Kind, Request};

/// Whose signatures are ours.
const OWN: Kind = Kind::Anthropic;

/// The version that takes all that the hub can say: later ones refuse sampling parameters whatever the model.
pub const VERSION: &str = "2023-06-01";

/// `id` in the characters that Anthropic takes in a tool call's id. The same for a call and its result, and different for
/// different ids: one that is changed ends with a number made of all of it.
fn tool_id(id: &str) -> Cow<'_, str> {
    let is_fine = |each: char| each.is_ascii_alphanumeric() || matches!(each, '_' | '-');
    if !id.is_empty() && id.chars().all(is_fine) {
        return id.into();
    }
    let clean: String = id.chars().map(|each| if is_fine(each) { each } else { '_' }).collect();
    format!("{clean}_{:08x}", crc32fast::hash(id.as_bytes())).into()
}

/// Anthropic's Messages.
#[derive(Clone, Copy, Debug)]
pub struct Messages;

impl ClientDialect for Messages {
    fn decode_request(&self, body: &[u8]) -> Result<Request, DialectError> {
        request::decode(body)
    }

    fn encode_response(&self, answer: Answer, occasion: &Occasion) -> Vec<u8> {
        response::encode(&answer, occasion)
    }

    fn encoder(&self, occasion: Occasion) -> Box<dyn Encoder> {
        Box::new(stream::Writer::new(occasion))
    }

    fn encode_error(&self, status: u16, error: &ApiError) -> Vec<u8> {
        error::encode(status, error)
    }

    fn encode_stream_error(&self, error: &ApiError) -> Bytes {
        error::frame(error)
    }

    fn known_failures(&self) -> &'static [u16] {
        &[404, 408, 409, 429, 529]
    }
}

impl UpstreamDialect for Messages {
    fn encode_request(&self, request: &Request, to: Addressee<'_>) -> Result<Encoded, DialectError> {
        request::encode(request, to)
    }

    fn decode_response(&self, body: &[u8]) -> Result<Answer, DialectError> {
        response::decode(body)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(stream::Reader::default())
    }

    fn token_limits(&self) -> &'static [&'static str] {
        &["max_tokens"]
    }

    fn event_names(&self) -> &'static [&'static str] {
        &["message_", "content_block_", "ping"]
    }

    fn chunk(&self, frame: &Frame) -> Chunk {
        look::chunk(&frame.data())
    }

    fn is_of_interest(&self, frame: &[u8]) -> bool {
        look::is_of_interest(frame)
    }

    fn glance(&self, body: &Bytes) -> Option<Glance> {
        look::glance(body)
    }
}

#[cfg(test)]
mod tests;
