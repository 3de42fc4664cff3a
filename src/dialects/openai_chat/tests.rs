//! What tests of both directions share, and what holds for any bytes.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{Chat, response};
use crate::dialects::sse::{Frame, Framer};
use crate::dialects::{Addressee, ClientDialect, DialectError, Encoded, Occasion, UpstreamDialect};
use crate::hub::{Answer, Event, Quirks, Request};

pub(super) fn read(body: &str) -> Result<Request, DialectError> {
    Chat.decode_request(body.as_bytes())
}

/// For OpenAI's own.
pub(super) fn own(request: &Request, model: &str) -> Result<Encoded, DialectError> {
    Chat.encode_request(request, Addressee { model, quirks: &Quirks::openai() })
}

/// For a server that only speaks like it.
pub(super) fn other(request: &Request) -> Result<Encoded, DialectError> {
    Chat.encode_request(request, Addressee { model: "qwen3", quirks: &Quirks::default() })
}

pub(super) fn occasion(request: Request) -> Occasion {
    Occasion { request: Arc::new(request), now: 1_763_600_000, seed: 0xabc }
}

/// A stream for a client that asked for `request`.
pub(super) fn written_for(request: Request, events: impl IntoIterator<Item = Event>) -> String {
    let mut encoder = Chat.encoder(occasion(request));
    let mut out = BytesMut::new();
    for event in events {
        encoder.encode(event, &mut out);
    }
    encoder.end(&mut out);
    String::from_utf8(out.to_vec()).expect("UTF-8")
}

pub(super) fn written(events: impl IntoIterator<Item = Event>) -> String {
    written_for(Request { model: "模型".to_owned(), include_usage: true, ..Request::default() }, events)
}

/// What a stream says that comes in these chunks.
pub(super) fn events_of(chunks: &[&[u8]]) -> Result<Vec<Event>, DialectError> {
    let (mut framer, mut decoder, mut events) = (Framer::new(), Chat.decoder(), Vec::new());
    for chunk in chunks {
        framer.push(Bytes::copy_from_slice(chunk)).expect("small");
        while let Some(frame) = framer.next_frame() {
            decoder.decode(&frame, &mut events)?;
        }
    }
    if let Some(frame) = framer.rest() {
        decoder.decode(&frame, &mut events)?;
    }
    Ok(events)
}

/// A stream of these chunks and the terminator.
pub(super) fn stream(chunks: &[&str]) -> String {
    chunks.iter().chain(&["[DONE]"]).map(|chunk| format!("data: {chunk}\n\n")).collect()
}

pub(super) fn streamed(chunks: &[&str]) -> Answer {
    Answer::of(events_of(&[stream(chunks).as_bytes()]).expect("a stream"))
}

pub(super) fn whole(body: &str) -> Answer {
    response::decode(body.as_bytes()).expect(body)
}

/// JSON that is nearly a message.
const PARTS: [&str; 12] = [
    r#"{"model":"m","messages":["#,
    r#"{"role":"assistant","reasoning_details":[{"type":"reasoning.text","signature":"llmgw.anthropic.s.x"}],"#,
    r#"{"choices":[{"index":0,"delta":{"#,
    r#""content":"你好","#,
    r#""tool_calls":[{"index":0,"function":{"name":"f","arguments":{}}}],"#,
    r#""tool_calls":[{"id":"a","custom":{"input":"x"}}]"#,
    r#""function_call":{"arguments":1}"#,
    r#""logprobs":{"content":[1]}"#,
    "}",
    "]",
    "null",
    ",",
];

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), parts in proptest::collection::vec(0..PARTS.len(), 0..12)) {
        let made: String = parts.into_iter().map(|part| PARTS[part]).collect();
        for body in [bytes.as_slice(), made.as_bytes()] {
            let _ = Chat.decode_request(body);
            let _ = Chat.decode_response(body);
            let frame = Frame::from_data(&String::from_utf8_lossy(body));
            let _ = (Chat.chunk(&frame), Chat.is_of_interest(body), Chat.glance(&Bytes::copy_from_slice(body)));
            let (mut decoder, mut events) = (Chat.decoder(), Vec::new());
            let _ = decoder.decode(&frame, &mut events).and_then(|()| decoder.decode(&frame, &mut events));
            let starts = events.iter().filter(|event| matches!(event, Event::Start { .. })).count();
            prop_assert!(starts <= 1);
        }
    }

    #[test]
    fn what_is_written_is_read(texts in proptest::collection::vec((0..4_usize, ".{1,8}"), 0..12)) {
        let mut calls = 0;
        let start = Event::Start { id: "chatcmpl-1".to_owned(), model: "m".to_owned() };
        let said = texts.into_iter().flat_map(|(kind, text)| match kind {
            0 => vec![Event::Text(text)],
            1 => vec![Event::Reasoning(text)],
            2 => vec![Event::Refusal(text)],
            _ => {
                calls += 1;
                let (index, id, name) = (calls - 1, format!("call_{calls}"), "f".to_owned());
                vec![Event::ToolCall { index, id, name, is_custom: false, signature: None }, Event::ToolArguments { index, text }]
            }
        });
        let events: Vec<Event> = std::iter::once(start).chain(said).collect();
        let again = Answer::of(events_of(&[written(events.clone()).as_bytes()]).expect("a stream"));
        prop_assert_eq!(again.parts, Answer::of(events).parts);
    }
}
