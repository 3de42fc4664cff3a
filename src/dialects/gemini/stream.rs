//! A stream: each frame is a whole reply that holds only what is new.

use super::response::Reader;
use crate::dialects::sse::Frame;
use crate::dialects::{Decoder, DialectError};
use crate::hub::Event;

/// Reads one stream.
#[derive(Debug, Default)]
pub struct Stream {
    reader: Reader,
}

/// OpenAI's terminator, which some relays put behind Gemini's frames.
const DONE: &[u8] = b"[DONE]";

impl Decoder for Stream {
    fn decode(&mut self, frame: &Frame, events: &mut Vec<Event>) -> Result<(), DialectError> {
        let data = frame.data();
        let data = data.trim_ascii();
        // Comments hold nothing.
        if data.is_empty() || data == DONE { Ok(()) } else { self.reader.read(data, events) }
    }
}
