//! The frames of a stream for a client: numbered, each named twice.

use bytes::{BufMut, BytesMut};
use serde::Serialize;

use crate::dialects::openai_responses::items::WireCitation;
use crate::dialects::openai_responses::response::{Piece, Summary};
use crate::hub::Raw;

/// Where frames go. A whole answer is made like a stream, of which nobody sees the frames.
pub struct Sink<'a>(pub Option<&'a mut BytesMut>);

/// What any event has; which of it an event has, its kind decides.
#[derive(Default, Serialize)]
pub struct Body<'a> {
    /// Its name.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Filled in where it is written.
    pub sequence_number: u64,
    /// Which item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_id: Option<&'a str>,
    /// The item's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_index: Option<u64>,
    /// The place of a piece of the item's content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_index: Option<u64>,
    /// The place of a piece of a thought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_index: Option<u64>,
    /// The place of a source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation_index: Option<u64>,
    /// More of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<&'a str>,
    /// All of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    /// All of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<&'a str>,
    /// The function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// All of a function's arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<&'a str>,
    /// All of a custom tool's input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<&'a str>,
    /// Log probabilities; texts must have the list, if an empty one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<&'a [Raw]>,
    /// A piece of content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<Part<'a>>,
    /// A source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation: Option<WireCitation<'a>>,
    /// An item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<&'a Raw>,
    /// The response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<&'a Raw>,
}

/// A piece of a message, or of a thought.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Part<'a> {
    /// Of a message.
    Content(&'a Piece),
    /// Of a thought.
    Summary(Summary<'a>),
}

/// Numbers frames.
#[derive(Debug, Default)]
pub struct Frames {
    next: u64,
}

impl Frames {
    /// Writes the next frame.
    pub fn write(&mut self, mut body: Body<'_>, sink: &mut Sink<'_>) {
        let Some(out) = &mut sink.0 else { return };
        body.sequence_number = self.next;
        let begin = out.len();
        for piece in ["event: ", body.kind, "\ndata: "] {
            out.extend_from_slice(piece.as_bytes());
        }
        let data = out.len();
        if serde_json::to_writer((&mut **out).writer(), &body).is_err() {
            return out.truncate(begin);
        }
        blank_line_ends(&mut out[data..]);
        out.extend_from_slice(b"\n\n");
        self.next += 1;
    }
}

/// What is carried as it was written, like the client's own schemas, may have line ends between its values: within texts
/// JSON has none.
fn blank_line_ends(mut data: &mut [u8]) {
    while let Some(at) = memchr::memchr2(b'\n', b'\r', data) {
        data[at] = b' ';
        data = &mut data[at + 1..];
    }
}
