//! `application/vnd.amazon.eventstream`: binary messages cut out of a byte stream, handed out as server-sent events.
//!
//! A message is the length of all of it, the length of its headers, a CRC-32 of these eight bytes, headers, payload, and a
//! CRC-32 of everything before; all numbers are big-endian. What the payload means is not this file's to know.

use std::borrow::Cow;

use bytes::{Buf, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::dialects::sse::{self, Frame};

/// What the protocol allows a payload.
pub const LARGEST_PAYLOAD: usize = 24 * 1024 * 1024;

/// What the protocol allows the headers of one message.
pub const LARGEST_HEADERS: usize = 128 * 1024;

/// The two lengths and their checksum.
const PRELUDE: usize = 12;

const CHECKSUM: usize = 4;

const LARGEST_MESSAGE: usize = PRELUDE + LARGEST_HEADERS + LARGEST_PAYLOAD + CHECKSUM;

/// The type of a header that is text.
const TEXT: u8 = 7;

/// Why a stream can be read no further.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// A message says that it is larger than the protocol allows.
    #[error("a message is larger than the event stream's protocol allows")]
    TooLarge,
    /// A message's lengths contradict each other.
    #[error("the lengths of a message contradict each other")]
    Lengths,
    /// Bytes were changed or lost on the way.
    #[error("the checksum of a message is wrong")]
    Checksum,
    /// Headers that break the protocol.
    #[error("the headers of a message cannot be read")]
    Headers,
}

/// Cuts chunks into [`Frame`]s: an event becomes `event: NAME` and `data: PAYLOAD`, an exception the event `exception` with
/// `{"error":{"type":…,"message":…}}`. After an error it gives the same error again.
#[derive(Debug, Default)]
pub struct Framer(BytesMut);

impl Framer {
    /// Before the first byte.
    pub fn new() -> Framer {
        Framer::default()
    }

    /// Takes in the next chunk. All frames of the one before must have been taken out.
    pub fn push(&mut self, chunk: Bytes) -> Result<(), FrameError> {
        if self.0.len() > LARGEST_MESSAGE {
            return Err(FrameError::TooLarge);
        }
        self.0.extend_from_slice(&chunk);
        Ok(())
    }

    /// The next whole frame, if there is one.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some((length, headers)) = lengths(&self.0)? else { return Ok(None) };
        let Some(message) = self.0.get(..length) else { return Ok(None) };
        let (checked, checksum) = message.split_at(length - CHECKSUM);
        if crc32fast::hash(checked) != number(checksum) {
            return Err(FrameError::Checksum);
        }
        let (headers, payload) = checked[PRELUDE..].split_at(headers);
        let frame = frame_of(headers, payload)?;
        self.0.advance(length);
        Ok(Some(frame))
    }

    /// At the stream's end: nothing. A message that is not whole has no checksum, so nobody may read it.
    pub fn rest(&mut self) -> Option<Frame> {
        self.0.clear();
        None
    }

    /// Bytes held back.
    pub fn held(&self) -> usize {
        self.0.len()
    }
}

/// The length of the message that begins here, and that of its headers; `None`: too few bytes to know.
fn lengths(bytes: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
    let Some(prelude) = bytes.get(..PRELUDE) else { return Ok(None) };
    if crc32fast::hash(&prelude[..8]) != number(&prelude[8..]) {
        return Err(FrameError::Checksum);
    }
    let (length, headers) = (number(&prelude[..4]) as usize, number(&prelude[4..8]) as usize);
    let payload = length.checked_sub(PRELUDE + CHECKSUM).and_then(|rest| rest.checked_sub(headers)).ok_or(FrameError::Lengths)?;
    if headers > LARGEST_HEADERS || payload > LARGEST_PAYLOAD {
        return Err(FrameError::TooLarge);
    }
    Ok(Some((length, headers)))
}

/// Big-endian.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn frame_of(headers: &[u8], payload: &[u8]) -> Result<Frame, FrameError> {
    let headers = texts(headers)?;
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value);
    let fault = match header(":message-type") {
        Some("exception") => Fault { kind: header(":exception-type").unwrap_or_default(), message: message_of(payload) },
        Some("error") => {
            let message = header(":error-message").unwrap_or_default().to_owned();
            Fault { kind: header(":error-code").unwrap_or_default(), message }
        }
        _ => return named(header(":event-type").unwrap_or_default(), payload),
    };
    let data = serde_json::to_vec(&Envelope { error: fault }).map_err(|_| FrameError::Headers)?;
    named("exception", &data)
}

/// An exception as the rest of the gateway reads it.
#[derive(Serialize)]
struct Envelope<'a> {
    error: Fault<'a>,
}

#[derive(Serialize)]
struct Fault<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: String,
}

/// What an exception's payload says to people.
fn message_of(payload: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(alias = "Message")]
        message: Option<String>,
        #[serde(rename = "originalMessage")]
        original: Option<String>,
    }
    let said = serde_json::from_slice::<Payload>(payload).ok().and_then(|payload| payload.message.or(payload.original));
    said.unwrap_or_else(|| String::from_utf8_lossy(payload).into_owned())
}

/// The event `name` with `data`, which is JSON: a raw line break in it stands between two tokens, so a blank says the same.
fn named(name: &str, data: &[u8]) -> Result<Frame, FrameError> {
    let mut bytes = BytesMut::with_capacity(name.len() + data.len() + 16);
    bytes.extend_from_slice(b"event: ");
    bytes.extend(name.bytes().filter(u8::is_ascii_graphic));
    bytes.extend_from_slice(b"\ndata: ");
    let start = bytes.len();
    bytes.extend_from_slice(if data.is_empty() { b"{}" } else { data });
    bytes[start..].iter_mut().filter(|byte| matches!(byte, b'\r' | b'\n')).for_each(|byte| *byte = b' ');
    bytes.extend_from_slice(b"\n\n");
    // The only maker of frames is the framer of text.
    let mut framer = sse::Framer::new();
    framer.push(bytes.freeze()).map_err(|_| FrameError::TooLarge)?;
    framer.next_frame().ok_or(FrameError::Headers)
}

/// The headers that are text.
fn texts(mut bytes: &[u8]) -> Result<Vec<(&str, Cow<'_, str>)>, FrameError> {
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        let length = number(take(&mut bytes, 1)?) as usize;
        let name = std::str::from_utf8(take(&mut bytes, length)?).map_err(|_| FrameError::Headers)?;
        let kind = number(take(&mut bytes, 1)?) as u8;
        let length = match kind {
            // True and false; numbers of one, two, four and eight bytes.
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            // A number, and a time.
            5 | 8 => 8,
            // Bytes and text say how long they are.
            6 | TEXT => number(take(&mut bytes, 2)?) as usize,
            // A UUID.
            9 => 16,
            _ => return Err(FrameError::Headers),
        };
        let value = take(&mut bytes, length)?;
        if kind == TEXT {
            headers.push((name, String::from_utf8_lossy(value)));
        }
    }
    Ok(headers)
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], FrameError> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or(FrameError::Headers)?;
    *bytes = rest;
    Ok(taken)
}

/// Writes one message whose headers are all text. For tests and mocks: names and values must fit the protocol.
pub fn encode_message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(name.len() as u8);
        head.extend_from_slice(name.as_bytes());
        head.push(TEXT);
        head.extend_from_slice(&(value.len() as u16).to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let length = PRELUDE + head.len() + payload.len() + CHECKSUM;
    let mut message = Vec::with_capacity(length);
    message.extend_from_slice(&(length as u32).to_be_bytes());
    message.extend_from_slice(&(head.len() as u32).to_be_bytes());
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message.extend_from_slice(&head);
    message.extend_from_slice(payload);
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message
}

#[cfg(test)]
mod tests;
