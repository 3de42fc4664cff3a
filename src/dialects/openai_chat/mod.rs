//! OpenAI's Chat Completions: clients and upstreams; and what its other endpoints share with it.
//!
//! - [`request`], [`response`], [`stream`], [`error`]: what is said, each in both directions.
//! - [`look`]: what goes by untouched, as a gateway sees it; legacy completions and embeddings look the same.
//! - [`usage`]: token counts, wherever vendors put them.
//!
//! Nearly every vendor speaks this dialect, and each in its own way: what is read is read leniently.
//! Facts: the OpenAI reference (chat completions, streaming, errors) and the vendors' deviations from it.

pub mod error;
pub mod look;
mod model;
mod reasoning;
pub mod request;
pub mod response;
pub mod stream;
pub mod usage;
mod wire;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

use crate::dialects::sse::Frame;
use crate::dialects::{Addressee, Chunk, ClientDialect, Decoder, DialectError, Encoded, Encoder, Glance, Occasion, UpstreamDialect};
use crate::hub::{Answer, ApiError, Request};

pub use look::{chunk, glance, is_of_interest};
pub use stream::events;
pub(in crate::dialects) use wire::finish_word;

/// OpenAI's Chat Completions.
#[derive(Clone, Copy, Debug)]
pub struct Chat;

impl ClientDialect for Chat {
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
}

impl UpstreamDialect for Chat {
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
        &["max_tokens", "max_completion_tokens"]
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

/// Writes `data` as one frame. What is carried as it was written may have lines, between its members: a frame has but one.
pub(in crate::dialects) fn write_frame(data: &impl Serialize, out: &mut BytesMut) {
    let Ok(mut data) = serde_json::to_vec(data) else { return };
    for byte in data.iter_mut().filter(|byte| matches!(**byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
    write_data(&data, out);
}

/// Writes bytes as one frame.
pub(in crate::dialects) fn write_data(data: &[u8], out: &mut BytesMut) {
    for piece in [b"data: ", data, b"\n\n"] {
        out.put_slice(piece);
    }
}

#[cfg(test)]
mod tests;
