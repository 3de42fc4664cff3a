//! OpenAI's Responses: clients and upstreams.
//!
//! - [`request`], [`response`], [`stream`], [`error`]: what is said, each in both directions.
//! - [`items`]: the conversation, which is a list of items here and one of messages in the hub.
//! - [`look`]: what goes by untouched, as a gateway sees it.
//!
//! Nothing is kept: what goes on from an earlier response must have been put together before it is read here.

pub mod error;
pub mod items;
pub mod look;
pub mod request;
pub mod response;
pub mod stream;

use bytes::Bytes;

use crate::dialects::sse::Frame;
use crate::dialects::{Addressee, Chunk, ClientDialect, Decoder, DialectError, Encoded, Encoder, Glance, Occasion, UpstreamDialect};
use crate::hub::{Answer, ApiError, Kind, Request};

/// Whose signatures are ours.
const OWN: Kind = Kind::OpenAiResponses;

/// Begins the ids of reasoning that OpenAI did not make: it refuses to take back reasoning under an id that is not its own.
const MADE_REASONING: &str = "rs_llmgw_";

/// Begins a signature that belongs to the call after it, where it stands as reasoning: a call has no room for one here.
const SIGNS_CALL: &str = "call:";

/// Begins a signature that belongs to the text before it, where it stands as reasoning.
const SIGNS_TEXT: &str = "text:";

/// OpenAI's Responses.
#[derive(Clone, Copy, Debug)]
pub struct Responses;

impl ClientDialect for Responses {
    fn decode_request(&self, body: &[u8]) -> Result<Request, DialectError> {
        request::decode(body)
    }

    fn encode_response(&self, answer: Answer, occasion: &Occasion) -> Vec<u8> {
        response::encode(answer, occasion)
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
}

impl UpstreamDialect for Responses {
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
        &["max_output_tokens"]
    }

    fn event_names(&self) -> &'static [&'static str] {
        &["response."]
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
