//! Streams: read, and written.

mod calls;
mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

use crate::hub::Event;

/// The terminator's data.
pub const DONE: &[u8] = b"[DONE]";

/// What one chunk says by itself, as events: for those who show an answer rather than pass it on. Of a tool call only what
/// stands where it is named is known.
pub fn events(data: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    // What is no chunk says nothing.
    let _ = Reader::default().read(data, &mut events);
    events.retain(|event| !matches!(event, Event::Start { .. }));
    events
}

#[cfg(test)]
mod tests;
