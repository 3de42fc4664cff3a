//! Wire formats ↔ hub. Pure: knows no provider, no URL, no socket, no clock and no randomness of its own.
//!
//! A dialect is a folder with one file for each thing that is said: `request`, `response`, `stream`, `error`; both
//! directions stand in each. There is no table of pairs: what one dialect says goes through the [`hub`](crate::hub) into
//! any other. Where both sides speak the same, nothing is translated; then only [`UpstreamDialect::chunk`] and
//! [`UpstreamDialect::glance`] look into what goes by.
//!
//! - [`custom`]: calls of custom tools from upstreams that know functions only.
//! - [`data_url`]: bytes within JSON.
//! - [`head`]: what every request is asked first: which model, whether it streams.
//! - [`hints`]: what of a request is lost on the way, by name.
//! - [`json`]: a JSON object's top-level members, found without building a tree, and changed by splicing.
//! - [`members`]: JSON objects taken apart, with the path of each value.
//! - [`multipart`]: the `model` part of a form, found and replaced in place.
//! - [`sse`]: a byte stream cut into events that can go out as the bytes that came in.

pub mod anthropic;
pub mod bedrock;
pub mod chunk;
pub mod custom;
pub mod data_url;
pub mod frames;
pub mod gemini;
pub mod head;
pub mod hints;
pub mod json;
pub mod members;
pub mod models;
pub mod multipart;
pub mod openai_chat;
pub mod openai_responses;
pub mod openai_text;
pub mod sse;
#[cfg(test)]
pub mod testing;

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::hub::{Answer, ApiError, Event, Kind, Quirks, Request};
use sse::Frame;

pub use chunk::{Chunk, Glance};
pub use head::{Head, HeadError};

/// The dialect `kind` as clients speak it. Of what only upstreams speak: OpenAI's chat, which nobody asks for then.
pub fn client(kind: Kind) -> &'static dyn ClientDialect {
    match kind {
        Kind::OpenAiChat | Kind::Gemini | Kind::Bedrock => &openai_chat::Chat,
        Kind::OpenAiText => &openai_text::TextCompletion,
        Kind::OpenAiResponses => &openai_responses::Responses,
        Kind::Anthropic => &anthropic::Messages,
    }
}

/// The dialect `kind` as upstreams speak it.
pub fn upstream(kind: Kind) -> &'static dyn UpstreamDialect {
    match kind {
        Kind::OpenAiChat => &openai_chat::Chat,
        Kind::OpenAiText => &openai_text::TextCompletion,
        Kind::OpenAiResponses => &openai_responses::Responses,
        Kind::Anthropic => &anthropic::Messages,
        Kind::Gemini => &gemini::Gemini,
        Kind::Bedrock => &bedrock::Converse,
    }
}

/// Whether a frame is an event that `dialect` has: nameless, or of one of its own names.
pub fn is_own_event(dialect: &dyn UpstreamDialect, frame: &[u8]) -> bool {
    let Some(name) = frame.strip_prefix(b"event:").map(<[u8]>::trim_ascii_start) else { return !frame.starts_with(b"event") };
    dialect.event_names().iter().any(|begin| name.starts_with(begin.as_bytes()))
}

/// Whether the header `name` (lower case) belongs to one of the dialects, and says nothing in another.
pub fn is_own_header(name: &str) -> bool {
    ["anthropic-", "openai-"].iter().any(|begin| name.starts_with(begin))
}

/// Why a message cannot be read or written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DialectError {
    /// A field is not what it must be.
    #[error("`{path}` must be {expected}")]
    Invalid {
        /// Where: `messages[2].content`.
        path: String,
        /// What it must be.
        expected: Cow<'static, str>,
    },
    /// A field is not there.
    #[error("`{path}` is missing")]
    Missing {
        /// Where.
        path: String,
    },
    /// It is valid, and has no meaning: a tool's result without its call.
    #[error("`{path}`: {reason}")]
    Senseless {
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
    /// It says what the other side has no words for, and what would change the meaning if it were left out.
    #[error("{feature} cannot be said to this upstream")]
    Unsupported {
        /// What, for people: "more than one choice (`n`)".
        feature: Cow<'static, str>,
    },
    /// It uses a service that only its own dialect's provider has, and its client does without once it reads `code`.
    #[error("{feature} is no service of this upstream")]
    Declined {
        /// What, for people.
        feature: &'static str,
        /// The word that the client waits for.
        code: &'static str,
    },
    /// It is no JSON, or nothing like a message of this dialect.
    #[error("{0}")]
    Malformed(String),
}

/// What an answer is made for, and what it is made with: this module has no clock and no dice.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// What was asked.
    pub request: Arc<Request>,
    /// Seconds since 1970.
    pub now: u64,
    /// For ids that must be made.
    pub seed: u64,
}

impl Occasion {
    /// An id that begins with `prefix`; another one for each `number`.
    pub fn id(&self, prefix: &str, number: u64) -> String {
        format!("{prefix}{:016x}{number:04x}", self.seed)
    }
}

/// What an upstream is, as far as a request's words depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Addressee<'a> {
    /// Its name of the model.
    pub model: &'a str,
    /// How it deviates from its dialect.
    pub quirks: &'a Quirks,
}

/// A request in an upstream's dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The body.
    pub body: Vec<u8>,
    /// Headers that the dialect wants: lower-case name and value.
    pub headers: Vec<(&'static str, String)>,
    /// Hints that were left out, by their names in the client's request where they have some.
    pub dropped: Vec<Cow<'static, str>>,
}

/// A wire format as clients speak it.
pub trait ClientDialect: Send + Sync {
    /// Reads a request.
    fn decode_request(&self, body: &[u8]) -> Result<Request, DialectError>;

    /// Writes a whole answer.
    fn encode_response(&self, answer: Answer, occasion: &Occasion) -> Vec<u8>;

    /// Writes a stream.
    fn encoder(&self, occasion: Occasion) -> Box<dyn Encoder>;

    /// An error's body. `status` is what the client gets; `code` one of ours where the upstream has none.
    fn encode_error(&self, status: u16, error: &ApiError) -> Vec<u8>;

    /// An error within a stream, as the frame that ends it.
    fn encode_stream_error(&self, error: &ApiError) -> Bytes;

    /// Failures that its clients know by their status, and handle: they get them as they are where all upstreams agree.
    fn known_failures(&self) -> &'static [u16] {
        &[404, 408, 409, 429]
    }
}

/// Writes one stream.
pub trait Encoder: Send + Sync {
    /// Writes what `event` makes possible to write: nothing, or one or more whole frames.
    fn encode(&mut self, event: Event, out: &mut BytesMut);

    /// Writes what belongs to the end of an answer that is complete. Nothing follows.
    fn end(&mut self, out: &mut BytesMut);
}

/// A wire format as upstreams speak it.
pub trait UpstreamDialect: Send + Sync {
    /// Writes a request.
    fn encode_request(&self, request: &Request, to: Addressee<'_>) -> Result<Encoded, DialectError>;

    /// Reads a whole answer. An error inside of it is [`Answer::error`].
    fn decode_response(&self, body: &[u8]) -> Result<Answer, DialectError>;

    /// Reads a stream.
    fn decoder(&self) -> Box<dyn Decoder>;

    /// The names under which a limit of the answer's tokens may stand at the top of a request; the first is the usual one.
    /// None: it stands further within.
    fn token_limits(&self) -> &'static [&'static str] {
        &[]
    }

    /// What the names of its events begin with; none: they have no names.
    fn event_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// What a frame means that goes by as it is.
    fn chunk(&self, frame: &Frame) -> Chunk;

    /// Whether a frame of a committed answer must be looked at by [`chunk`](Self::chunk) at all. Looks at bytes only; may
    /// say yes too often, never no to what ends, fails or counts tokens.
    fn is_of_interest(&self, frame: &[u8]) -> bool;

    /// Whether a frame is the terminator, after which nothing comes.
    fn is_end(&self, frame: &Frame) -> bool {
        self.is_of_interest(frame.bytes()) && self.chunk(frame).done
    }

    /// What a whole reply means that goes by as it is; `None`: it is none.
    fn glance(&self, body: &Bytes) -> Option<Glance>;
}

/// Reads one stream.
pub trait Decoder: Send + Sync {
    /// What `frame` says, in order, put behind what `events` holds.
    fn decode(&mut self, frame: &Frame, events: &mut Vec<Event>) -> Result<(), DialectError>;
}
