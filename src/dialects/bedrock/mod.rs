//! Bedrock's Converse as an upstream: requests, whole replies, and streams.
//!
//! A stream comes in AWS's binary framing; [`eventstream`] makes of it the server-sent events that the rest of the gateway
//! reads, each named as its message was. No client speaks this dialect, so nothing is written in it but requests. The
//! model's id and whether the answer streams stand in the path, not in the body.
//!
//! Facts: botocore's model of bedrock-runtime; the Smithy specification "Amazon Event Stream".

mod blocks;
mod error;
pub mod eventstream;
mod look;
mod model;
mod names;
mod request;
mod response;
mod stream;
mod thinking;
mod tools;
mod turns;

#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::dialects::sse::Frame;
use crate::dialects::{Addressee, Chunk, Decoder, DialectError, Encoded, Glance, UpstreamDialect};
use crate::hub::{Answer, Request};

/// Bedrock's Converse and ConverseStream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Converse;

impl UpstreamDialect for Converse {
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

    fn glance(&self, body: &Bytes) -> Option<Glance> {
        look::glance(body)
    }
}
