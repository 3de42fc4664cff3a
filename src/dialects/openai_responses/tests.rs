//! The dialect as a whole.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proptest::prelude::{any, prop_assert, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};

use super::Responses;
use crate::dialects::sse::{Frame, Framer};
use crate::dialects::{ClientDialect, Occasion, UpstreamDialect};
use crate::hub::{Answer, Event, FinishReason, Request};

fn occasion() -> Occasion {
    Occasion { request: Arc::new(Request::default()), now: 0, seed: 0 }
}

/// Pieces of real events, in any order and often broken.
fn data() -> impl Strategy<Value = String> {
    let kinds = prop_oneof![
        Just("response.output_item.added"),
        Just("response.output_item.done"),
        Just("response.output_text.delta"),
        Just("response.output_text.done"),
        Just("response.content_part.done"),
        Just("response.reasoning_summary_text.delta"),
        Just("response.reasoning_text.done"),
        Just("response.function_call_arguments.delta"),
        Just("response.function_call_arguments.done"),
        Just("response.completed"),
        Just("error"),
    ];
    let items = prop_oneof![
        Just(r#""item":{"type":"function_call","name":"查","call_id":"c","arguments":"{}"}"#),
        Just(r#""item":{"type":"message","content":[{"type":"output_text","text":"你好世界"}]}"#),
        Just(r#""item":{"type":"reasoning","summary":[{"text":"想"}],"encrypted_content":"g"}"#),
        Just(r#""part":{"type":"refusal","refusal":"不"}"#),
        Just(r#""response":{"output":[1]}"#),
        Just(r#""delta":"你好","text":"你","arguments":"界""#),
        Just(r#""delta":null"#),
    ];
    (kinds, items, 0..3_u64).prop_map(|(kind, item, index)| {
        format!(r#"{{"type":"{kind}","output_index":{index},"content_index":{},"summary_index":{index},{item}}}"#, index % 2)
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Responses.decode_request(&bytes);
        let _ = Responses.decode_response(&bytes);
        let _ = Responses.glance(&Bytes::from(bytes.clone()));
        let mut framer = Framer::new();
        framer.push(Bytes::from(bytes)).expect("small");
        let (mut decoder, mut events) = (Responses.decoder(), Vec::new());
        while let Some(frame) = framer.next_frame().or_else(|| framer.rest()) {
            let _ = Responses.chunk(&frame);
            let _ = decoder.decode(&frame, &mut events);
        }
    }

    #[test]
    fn no_order_of_events_makes_it_panic(frames in proptest::collection::vec(data(), 0..12)) {
        let (mut decoder, mut encoder) = (Responses.decoder(), Responses.encoder(occasion()));
        let mut out = BytesMut::new();
        for data in frames {
            let mut events = Vec::new();
            let _ = decoder.decode(&Frame::from_data(&data), &mut events);
            events.into_iter().for_each(|event| encoder.encode(event, &mut out));
        }
        encoder.end(&mut out);
        prop_assert!(std::str::from_utf8(&out).is_ok_and(|text| text.starts_with("event: response.created\n")));
    }
}

#[test]
fn a_whole_answer_is_what_its_stream_ends_with() {
    let events = [Event::Reasoning("想".to_owned()), Event::Text("你好".to_owned()), Event::Finish(FinishReason::Length)];
    let (mut encoder, mut out) = (Responses.encoder(occasion()), BytesMut::new());
    events.iter().for_each(|event| encoder.encode(event.clone(), &mut out));
    encoder.end(&mut out);
    let whole = String::from_utf8(Responses.encode_response(Answer::of(events), &occasion())).expect("UTF-8");
    let last = format!("\"response\":{whole}}}\n\n");
    assert!(out.ends_with(last.as_bytes()), "{}", String::from_utf8_lossy(&out));
}
