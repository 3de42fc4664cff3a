//! What upstreams answer: read without a panic, and nothing that matters is overlooked.

use bytes::Bytes;
use llmgw::dialects::openai_chat::{self, chunk, events, glance, is_of_interest};
use llmgw::dialects::sse::Frame;
use llmgw::hub::{ApiError, Event};
use serde_json::Value;

/// Longer summaries would flood the list of attempts.
const LONGEST: usize = 400;

/// Holds for any bytes as a body, and as the data of an event.
pub fn holds(bytes: &[u8]) {
    let answer = glance(&Bytes::copy_from_slice(bytes)).and_then(|answer| answer.error);
    let has_error = answer.is_some();
    let read = [ApiError::read(bytes), ApiError::read_failed(bytes), answer];
    for error in read.iter().flatten() {
        let summary = error.summary();
        assert!(!summary.is_empty() && summary.chars().count() <= LONGEST && !summary.contains('\n'), "{summary}");
        let _ = (error.matches(&["限流".to_owned()], true), error.names_the_credential(), error.blames_the_request());
    }
    assert!(read[0].is_none() || read[1] == read[0], "an error in a success is one in a failure too");
    if has_error {
        assert!(read[0].is_some());
    }
    a_chunk_is_read_the_same_in_every_way(bytes);
}

fn a_chunk_is_read_the_same_in_every_way(data: &[u8]) {
    let chunk = chunk(data);
    let events = events(data);
    if chunk.done {
        return assert!(chunk.valid && chunk.error.is_none());
    }
    assert_eq!(chunk.error.is_some(), events.iter().any(|event| matches!(event, Event::Error(_))));
    assert_eq!(chunk.usage, events.iter().find_map(|event| if let Event::Usage(usage) = event { Some(*usage) } else { None }));
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return assert!(!chunk.valid && !chunk.content && !chunk.finish);
    };
    // As every server writes it: on one line, names without escapes.
    let text = value.to_string();
    let (again, frame) = (openai_chat::chunk(text.as_bytes()), Frame::from_data(&text));
    assert_eq!(&*frame.data(), text.as_bytes());
    let matters = again.usage.is_some() || again.error.is_some() || again.finish;
    assert!(!matters || is_of_interest(frame.bytes()), "overlooked: {text}");
}
