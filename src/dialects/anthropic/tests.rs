//! Every recorded request, reply and stream, there and back again.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proptest::prelude::{any, prop_assert, proptest};

use super::{Messages, tool_id};
use crate::dialects::sse::Frame;
use crate::dialects::testing::{self, frames};
use crate::dialects::{Addressee, ClientDialect, DialectError, Occasion, UpstreamDialect};
use crate::hub::{Answer, Event, FinishReason, Quirks, Request};

/// The recordings of one kind: names and contents.
fn recorded(kind: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/dialects").join(kind).join("anthropic");
    let files = std::fs::read_dir(&folder).expect("a folder").map(|file| file.expect("a file").path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension != "snap"));
    let mut all: Vec<_> = files
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), std::fs::read(&path).expect("contents")))
        .collect();
    all.sort();
    assert!(all.len() > 20, "{kind}");
    all
}

pub(super) fn events(stream: &[u8]) -> Result<Vec<Event>, DialectError> {
    testing::events(&Messages, &[stream])
}

pub(super) fn occasion() -> Occasion {
    Occasion { request: Arc::new(Request { model: "模型".to_owned(), ..Request::default() }), now: 0, seed: 7 }
}

pub(super) fn written(events: impl IntoIterator<Item = Event>) -> String {
    let (mut encoder, mut out) = (Messages.encoder(occasion()), BytesMut::new());
    events.into_iter().for_each(|event| encoder.encode(event, &mut out));
    encoder.end(&mut out);
    String::from_utf8(out.to_vec()).expect("UTF-8")
}

fn encoded(request: &Request) -> Result<Vec<u8>, DialectError> {
    let quirks = Quirks::default();
    Messages.encode_request(request, Addressee { model: &request.model, quirks: &quirks }).map(|encoded| encoded.body)
}

#[test]
fn a_stream_says_what_the_whole_reply_says() {
    let replies = recorded("responses");
    let mut pairs = 0;
    for (name, stream) in recorded("streams") {
        let Some((_, body)) = replies.iter().find(|(other, _)| *other == name) else { continue };
        let streamed = Answer::of(events(&stream).expect("a stream"));
        assert_eq!(streamed, Messages.decode_response(body).expect("a reply"), "{name}");
        assert!(streamed.finish.is_some() && streamed.usage.is_some() && streamed.service_tier.is_some(), "{name}");
        pairs += 1;
    }
    assert!(pairs > 20);
}

#[test]
fn a_stream_may_be_cut_anywhere() {
    for (name, stream) in recorded("streams") {
        let whole = events(&stream);
        assert_eq!(whole.is_err(), name.starts_with("bad_"), "{name}");
        // Byte by byte below is every place; here each place alone, or many of them where the stream is long.
        for at in (0..stream.len()).step_by(if stream.len() < 1500 { 1 } else { 13 }) {
            assert_eq!(testing::events(&Messages, &[&stream[..at], &stream[at..]]), whole, "{name} {at}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(testing::events(&Messages, &bytes), whole, "{name}");
    }
}

#[test]
fn what_goes_by_is_seen_as_it_is_read() {
    for (name, stream) in recorded("streams") {
        let (mut usage, mut error, mut is_finished) = (None, None, false);
        for frame in frames(&[&stream]) {
            if Messages.is_of_interest(frame.bytes()) {
                let chunk = Messages.chunk(&frame);
                (usage, error) = (chunk.usage.or(usage), chunk.error.or(error));
                is_finished |= chunk.finish;
            }
        }
        let Ok(events) = events(&stream) else { continue };
        let answer = Answer::of(events);
        assert_eq!((error, is_finished), (answer.error, answer.finish.is_some()), "{name}");
        assert_eq!(usage.map(|usage| usage.output), answer.usage.map(|usage| usage.output), "{name}");
    }
    for (name, body) in recorded("responses") {
        let (seen, answer) =
            (Messages.glance(&Bytes::from(body.clone())).expect("a reply"), Messages.decode_response(&body).expect("a reply"));
        assert_eq!((seen.usage, seen.error), (answer.usage, answer.error), "{name}");
    }
}

#[test]
fn an_answer_that_is_written_says_the_same() {
    for (name, body) in recorded("responses") {
        let answer = Messages.decode_response(&body).expect("a reply");
        if answer.error.is_some() {
            continue;
        }
        let whole = Messages.decode_response(&Messages.encode_response(answer.clone(), &occasion())).expect("a reply");
        let streamed = Answer::of(events(written(answer.clone().into_events()).as_bytes()).expect("a stream"));
        // A refusal's words become a text, and a reason without a name here the natural end.
        let is_changed = matches!(answer.finish, Some(FinishReason::Other(_))) || name == "refusal";
        assert_eq!(streamed.parts, whole.parts, "{name}");
        assert_eq!((&streamed.finish, &streamed.usage, &streamed.model), (&whole.finish, &whole.usage, &whole.model), "{name}");
        if !is_changed {
            let (parts, finish, usage) = (answer.parts, answer.finish, answer.usage);
            assert_eq!((parts, finish, usage), (whole.parts, whole.finish, whole.usage), "{name}");
        }
    }
}

#[test]
fn a_request_that_is_written_says_the_same() {
    let mut same = 0;
    for (name, body) in recorded("requests") {
        let request = match Messages.decode_request(&body) {
            Ok(request) => request,
            Err(error) => {
                assert!(name.starts_with("bad_") || ["server_tools", "thread"].contains(&&*name), "{name}: {error}");
                continue;
            }
        };
        assert!(!name.starts_with("bad_"), "{name}");
        let first = encoded(&request).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = Messages.decode_request(&first).expect("a request");
        assert_eq!(encoded(&again).expect("a request"), first, "{name}");
        same += usize::from(again == Request { left_out: Vec::new(), ..request });
    }
    // Not the same is what had to be fitted: neighbours of one role, empty texts, too many marks, another's reasoning.
    assert!(same > 18, "{same}");
}

#[test]
fn an_id_is_changed_alike_and_only_where_it_must_be() {
    assert_eq!(tool_id("toolu_01-A"), "toolu_01-A");
    let (one, other) = (tool_id("functions.查:0"), tool_id("functions.看:0"));
    assert_ne!(one, other);
    assert_eq!(one, tool_id("functions.查:0"));
    assert_eq!(tool_id(&one), one);
    assert!(one.starts_with("functions___0_") && !tool_id("").is_empty());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = events(&bytes);
        let _ = Messages.decode_request(&bytes);
        let _ = Messages.decode_response(&bytes);
        let _ = Messages.glance(&Bytes::from(bytes.clone()));
        prop_assert!(!Messages.chunk(&Frame::from_data("x")).valid);
    }

    #[test]
    fn no_changed_recording_makes_it_panic(
        which in any::<proptest::sample::Index>(),
        at in any::<proptest::sample::Index>(),
        insert in proptest::sample::select(vec!["", "null", "{", "}", "\"", "[]", "1e999", "-1", "\\ud800", "你", "\n\n", "event: error\n"]),
        remove in 0..40_usize,
    ) {
        let change = |all: &[(String, Vec<u8>)]| {
            let mut bytes = which.get(all).1.clone();
            let at = at.index(bytes.len());
            let end = (at + remove).min(bytes.len());
            bytes.splice(at..end, insert.bytes());
            bytes
        };
        if let Ok(events) = events(&change(&recorded("streams"))) {
            written(events);
        }
        if let Ok(request) = Messages.decode_request(&change(&recorded("requests"))) {
            let _ = encoded(&request);
        }
        if let Ok(answer) = Messages.decode_response(&change(&recorded("responses"))) {
            Messages.encode_response(answer, &occasion());
        }
    }
}
