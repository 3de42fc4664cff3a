//! For tests of dialects: streams that are read, cut and damaged, and the turns of a conversation.

use bytes::Bytes;
use proptest::sample::Index;

use super::sse::{Frame, Framer};
use super::{Chunk, DialectError, UpstreamDialect};
use crate::hub::{Content, Event, Message, Part, Request, Role};

/// The frames of a stream that comes in `chunks`.
pub fn frames(chunks: &[&[u8]]) -> Vec<Frame> {
    let (mut framer, mut frames) = (Framer::new(), Vec::new());
    for chunk in chunks {
        framer.push(Bytes::copy_from_slice(chunk)).expect("small");
        frames.extend(std::iter::from_fn(|| framer.next_frame()));
    }
    frames.extend(framer.rest());
    frames
}

/// What a stream that comes in `chunks` says in `dialect`.
pub fn events(dialect: &dyn UpstreamDialect, chunks: &[&[u8]]) -> Result<Vec<Event>, DialectError> {
    let (mut decoder, mut events) = (dialect.decoder(), Vec::new());
    frames(chunks).iter().try_for_each(|frame| decoder.decode(frame, &mut events))?;
    Ok(events)
}

/// What the frames of `stream` mean to one who lets them go by.
pub fn looks(dialect: &dyn UpstreamDialect, stream: &[u8]) -> Vec<Chunk> {
    frames(&[stream]).iter().map(|frame| dialect.chunk(frame)).collect()
}

/// `stream` cut at `places`, in any order.
pub fn cut<'a>(stream: &'a [u8], places: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|index| index.index(stream.len())).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// `text` with one of its members' values made another type: which of them is `at`, which type is `put`, below 6.
pub fn damaged(text: &[u8], at: Index, put: usize) -> String {
    let put = ["null", "1", "\"\"", "[]", "{}", "true"][put];
    let text = String::from_utf8_lossy(text);
    let places: Vec<usize> = text.match_indices("\":").map(|(at, _)| at + 2).collect();
    let place = places[at.index(places.len())];
    let end = text[place..].find([',', '}', '\n']).map_or(text.len(), |end| place + end);
    format!("{}{put}{}", &text[..place], &text[end..])
}

/// A request that says `messages`.
pub fn says(messages: Vec<Message>) -> Request {
    Request { messages, ..Request::default() }
}

/// The shortest conversation.
pub fn hello() -> Request {
    says(vec![user(vec![Part::text("你好")])])
}

/// A turn of the user's.
pub fn user(parts: Vec<Part>) -> Message {
    Message::new(Role::User, parts)
}

/// A turn of the model's.
pub fn assistant(parts: Vec<Part>) -> Message {
    Message::new(Role::Assistant, parts)
}

/// A part without marks.
pub fn part(content: Content) -> Part {
    Part::from(content)
}
