//! Images and sound: the smallest of each.

use http::header::CONTENT_TYPE;
use http::{Request, Response};
use serde_json::{Value, json};

use bytes::Bytes;

use super::say;
use super::wire::{self, CREATED, Failure};
use super::{Asked, UpstreamBody};

/// One red pixel, half transparent.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

/// The head of an MPEG-1 layer 3 frame (128 kbit/s, 44.1 kHz), and the frame's length; zeros in it are silence.
const MP3_HEAD: [u8; 4] = [0xff, 0xfb, 0x90, 0x00];
const MP3_LENGTH: usize = 417;
const MP3_FRAMES: usize = 10;

const MOST_IMAGES: u64 = 10;

/// `POST /images/generations`
pub fn images(asked: &Asked<'_>) -> Response<UpstreamBody> {
    let prompt = asked.body["prompt"].as_str().unwrap_or_default();
    pictures(asked.body["n"].as_u64().unwrap_or(1), say::tokens(prompt))
}

/// `POST /audio/speech`
pub fn speech() -> Response<UpstreamBody> {
    let mut frame = MP3_HEAD.to_vec();
    frame.resize(MP3_LENGTH, 0);
    wire::bytes("audio/mpeg", frame.repeat(MP3_FRAMES))
}

/// What takes a form with a file: transcriptions, translations, changed images. Images may be named instead, in JSON.
pub fn uploaded(path: &str, request: &Request<Bytes>) -> Result<Response<UpstreamBody>, Failure> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if path == "/images/edits" && kind.starts_with("application/json") {
        return Ok(pictures(1, 1));
    }
    if !kind.starts_with("multipart/form-data") || !kind.contains("boundary=") {
        return Err(Failure::invalid("the body must be multipart/form-data", None));
    }
    if path.starts_with("/images") {
        return Ok(pictures(1, 1));
    }
    let text = format!("This is llmgw's built-in mock; it was sent {} bytes and hears nothing.", request.body().len());
    Ok(wire::json(&json!({"text": text, "usage": {"type": "duration", "seconds": 1}})))
}

fn pictures(count: u64, tokens: u64) -> Response<UpstreamBody> {
    let data: Vec<Value> = (0..count.clamp(1, MOST_IMAGES)).map(|_| json!({"b64_json": PNG})).collect();
    let usage = json!({"input_tokens": tokens, "output_tokens": data.len(), "total_tokens": tokens + data.len() as u64});
    wire::json(&json!({"created": CREATED, "data": data, "output_format": "png", "size": "1x1", "usage": usage}))
}
