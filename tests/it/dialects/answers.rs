//! Every answer of every upstream to every client, whole and as a stream.

use std::fmt::Write;

use bytes::{Bytes, BytesMut};
use llmgw::dialects::frames::Framer;
use llmgw::dialects::sse::{self, Frame};
use llmgw::dialects::{DialectError, client, upstream};
use llmgw::hub::{Answer, Content, Event, Kind, Request, Signature, ToolCall, Usage};

use super::{CLIENTS, Case, UPSTREAMS, cases, check, occasion, pretty};

/// What was asked, as far as an answer's form depends on it.
fn asked() -> Request {
    Request { model: "gpt-4".to_owned(), stream: true, include_usage: true, ..Request::default() }
}

/// Golden streams are written as events with names, whatever the framing on the wire.
fn frames(bytes: &[u8], cut: usize) -> Vec<Frame> {
    let mut framer = sse::Framer::new();
    let mut frames = Vec::new();
    let (first, second) = bytes.split_at(cut);
    for piece in [first, second] {
        framer.push(Bytes::copy_from_slice(piece)).expect("not too large");
        while let Some(frame) = framer.next_frame() {
            frames.push(frame);
        }
    }
    frames.extend(framer.rest());
    frames
}

fn decode(kind: Kind, frames: &[Frame]) -> Result<Vec<Event>, DialectError> {
    let mut decoder = upstream(kind).decoder();
    let mut events = Vec::new();
    for frame in frames {
        decoder.decode(frame, &mut events)?;
    }
    Ok(events)
}

/// A stream of `events` as a client of `kind` reads it.
fn encode(kind: Kind, events: Vec<Event>) -> BytesMut {
    let mut encoder = client(kind).encoder(occasion(asked()));
    let mut out = BytesMut::new();
    let failed = events.iter().find_map(|event| if let Event::Error(error) = event { Some(error.clone()) } else { None });
    for event in events {
        if matches!(event, Event::Error(_)) {
            break;
        }
        encoder.encode(event, &mut out);
    }
    match failed {
        Some(error) => out.extend_from_slice(&client(kind).encode_stream_error(&error)),
        None => encoder.end(&mut out),
    }
    out
}

fn whole(kind: Kind, case: &Case) -> String {
    match upstream(kind).decode_response(&case.bytes) {
        Err(error) => format!("error: {error}\n"),
        Ok(Answer { error: Some(error), .. }) => format!("failed: {}\n", error.summary()),
        Ok(answer) => CLIENTS.iter().fold(String::new(), |mut text, target| {
            let body = client(*target).encode_response(answer.clone(), &occasion(asked()));
            writeln!(text, "=== {target}\n{}", pretty(&body)).expect("written");
            text
        }),
    }
}

fn streamed(kind: Kind, case: &Case) -> String {
    match decode(kind, &frames(&case.bytes, 0)) {
        Err(error) => format!("error: {error}\n"),
        Ok(events) => CLIENTS.iter().fold(String::new(), |mut text, target| {
            let out = encode(*target, events.clone());
            writeln!(text, "=== {target}\n{}", String::from_utf8_lossy(&out)).expect("written");
            text
        }),
    }
}

fn every(what: &str, snapshot: impl Fn(Kind, &Case) -> String) -> Vec<String> {
    let all = UPSTREAMS.into_iter().flat_map(|(kind, _)| cases(what, kind).into_iter().map(move |case| (kind, case)));
    all.filter_map(|(kind, case)| case.matches_snapshot(&snapshot(kind, &case)).err()).collect()
}

#[test]
fn every_whole_answer_is_said_to_every_client() {
    check(every("responses", whole));
}

#[test]
fn every_stream_is_said_to_every_client() {
    check(every("streams", streamed));
}

#[test]
fn a_stream_says_the_same_wherever_it_is_cut() {
    for (kind, _) in UPSTREAMS {
        for case in cases("streams", kind) {
            let uncut = decode(kind, &frames(&case.bytes, 0)).map(Answer::of);
            // Every byte of the short ones; of the long ones as many places, spread. Each dialect's own tests cut at every byte.
            let step = (case.bytes.len() / 100).max(1);
            for cut in (1..case.bytes.len()).step_by(step) {
                assert_eq!(decode(kind, &frames(&case.bytes, cut)).map(Answer::of), uncut, "{} at {cut}", case.path.display());
            }
        }
    }
}

/// What an answer says, each kind of thing by itself: a whole chat completion has no order among them. Without what a stream
/// tells before it knows: where in the text a source counts, the id of a thought.
#[derive(Debug, Default, PartialEq)]
struct Said {
    text: String,
    citations: Vec<Option<String>>,
    reasoning: String,
    signatures: Vec<Signature>,
    refusal: String,
    calls: Vec<ToolCall>,
    images: usize,
}

impl Said {
    fn by(answer: &Answer) -> Said {
        let mut said = Said::default();
        for part in &answer.parts {
            match &part.content {
                Content::Text(text) => {
                    said.text += &text.text;
                    said.citations.extend(text.citations.iter().map(|citation| citation.url.clone()));
                }
                Content::Reasoning(thought) => {
                    said.reasoning += &thought.text;
                    said.signatures.extend(thought.signature.clone());
                }
                Content::Refusal(text) => said.refusal += text,
                Content::ToolCall(call) => said.calls.push(call.clone()),
                Content::Image { .. } => said.images += 1,
                other => panic!("{other:?}"),
            }
        }
        said
    }
}

/// A case of one name is one answer in two forms.
#[test]
fn whole_answers_and_streams_of_one_name_say_the_same() {
    for (kind, _) in UPSTREAMS {
        for case in cases("responses", kind) {
            let beside = case.path.to_string_lossy().replace("/responses/", "/streams/").replace(".json", ".sse");
            let Ok(stream) = std::fs::read(&beside) else { continue };
            let (Ok(whole), Ok(events)) = (upstream(kind).decode_response(&case.bytes), decode(kind, &frames(&stream, 0))) else {
                continue;
            };
            let streamed = Answer::of(events);
            if whole.error.is_some() || streamed.error.is_some() {
                continue;
            }
            let (streamed_said, whole_said) = (Said::by(&streamed), Said::by(&whole));
            assert_eq!((&streamed_said.text, streamed_said.calls.len()), (&whole_said.text, whole_said.calls.len()), "{beside}");
            assert_eq!((streamed.finish, streamed_said.images), (whole.finish, whole_said.images), "{beside}");
        }
    }
}

/// Whether a call's arguments are not whole.
fn is_cut_off(answer: &Answer) -> bool {
    let is_json = |arguments: &str| arguments.is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(arguments).is_ok();
    answer.parts.iter().any(|part| matches!(&part.content, Content::ToolCall(call) if !call.is_custom && !is_json(&call.arguments)))
}

/// A client's own reader, which is an upstream's, understands what was written for it.
#[test]
fn what_a_client_is_told_is_read_back_the_same_whole_and_as_a_stream() {
    for (kind, _) in UPSTREAMS {
        for case in cases("streams", kind) {
            let Ok(events) = decode(kind, &frames(&case.bytes, 0)) else { continue };
            // Anthropic's whole answers cannot say arguments that were cut off.
            if events.iter().any(|event| matches!(event, Event::Error(_))) || is_cut_off(&Answer::of(events.clone())) {
                continue;
            }
            for target in CLIENTS {
                let out = encode(target, events.clone());
                let streamed = decode(target, &frames(&out, 0)).map(Answer::of).expect("our own words");
                let body = client(target).encode_response(Answer::of(events.clone()), &occasion(asked()));
                let whole = upstream(target).decode_response(&body).expect("our own words");
                assert_eq!(Said::by(&streamed), Said::by(&whole), "{} for {target}", case.path.display());
                assert_eq!((streamed.finish, streamed.usage), (whole.finish, whole.usage), "{} for {target}", case.path.display());
            }
        }
    }
}

/// Who passes a stream on untouched sees its end, its failure and its tokens.
#[test]
fn what_goes_by_untouched_is_seen_as_what_it_says() {
    for (kind, _) in UPSTREAMS {
        for case in cases("streams", kind) {
            let Ok(events) = decode(kind, &frames(&case.bytes, 0)) else { continue };
            let dialect = upstream(kind);
            let (mut usage, mut failed, mut finished) = (None::<Usage>, false, false);
            for frame in frames(&case.bytes, 0) {
                if dialect.is_of_interest(frame.bytes()) {
                    let chunk = dialect.chunk(&frame);
                    // As the meter does.
                    usage = chunk.usage.map(|new| usage.map_or(new, |old| old.most(new))).or(usage);
                    failed |= chunk.error.is_some();
                    finished |= chunk.finish || chunk.done;
                }
            }
            let answer = Answer::of(events);
            assert_eq!(failed, answer.error.is_some(), "{}", case.path.display());
            if !failed {
                assert_eq!(usage, answer.usage, "{}", case.path.display());
                assert!(finished || answer.finish.is_none(), "{}", case.path.display());
            }
        }
    }
}

#[test]
fn no_framing_is_missing() {
    for kind in Kind::ALL {
        let mut framer = Framer::of(kind);
        assert!(framer.push(Bytes::new()).is_ok() && framer.next_frame().is_none() && framer.held() == 0, "{kind}");
    }
}
