//! What a request's bodies say of it: parameters, the answer's id and end, and, where that is configured, what was said.
//!
//! Read after the request has ended, and only where bodies were kept. What cannot be read is left out.

use super::attributes::Attributes;
use super::contents::{Contents, Written};
use crate::dialects::frames::Framer;
use crate::dialects::{client, upstream};
use crate::hub::{Answer, Content, Endpoint, Event, FinishReason, Format, Kind, Message, Request};
use crate::telemetry::conventions::{self as names, Names};
use crate::telemetry::record::{Bodies, Record};
use crate::telemetry::redact::Known;

/// The end of an answer that calls tools, in a message.
const TOOL_CALL: &str = "tool_call";

/// What the bodies of `record` say; `contents`: with what was said, masked by what is `known` to be secret.
pub(super) fn said(record: &Record, names: Names, contents: Option<&Known>) -> Attributes {
    let mut about = Attributes::default();
    let chat = Endpoint::of_path(&record.endpoint).and_then(Endpoint::chat).filter(|_| record.dialect.is_some());
    let (Some(kind), Some(bodies)) = (chat, &record.bodies) else { return about };
    let contents = contents.map(Contents::new);
    if let Ok(request) = client(kind).decode_request(&bodies.request) {
        put_request(&mut about, &request, names);
        if let Some(contents) = &contents {
            let (instructions, turns) = split(kind, &request);
            put(&mut about, names::SYSTEM_INSTRUCTIONS, contents.instructions(instructions));
            put(&mut about, names::INPUT_MESSAGES, contents.messages(turns));
        }
    }
    // What an upstream says besides is an error, and stands in the span's status.
    if let Some(answer) = answer(kind, record.stream, bodies).filter(|_| record.status == 200) {
        put_answer(&mut about, &answer);
        if let Some(contents) = &contents {
            put(&mut about, names::OUTPUT_MESSAGES, contents.answer(&answer, finish(&answer).as_deref()));
        }
    }
    about
}

fn put(about: &mut Attributes, name: &str, written: Option<Written>) {
    let Some(Written { json, is_cut }) = written else { return };
    about.put(name, json);
    if is_cut && !about.has(names::CONTENTS_CUT) {
        about.put(names::CONTENTS_CUT, true);
    }
}

/// Instructions that stand apart from the conversation, as the client wrote it, and the conversation.
fn split(kind: Kind, request: &Request) -> (&[Message], &[Message]) {
    match kind {
        Kind::Anthropic | Kind::OpenAiResponses => request.instructions(),
        _ => (&[], &request.messages),
    }
}

fn put_request(about: &mut Attributes, request: &Request, names: Names) {
    let sampling = &request.sampling;
    about.put_some(names::REQUEST_MAX_TOKENS, request.max_tokens);
    about.put_some(names::REQUEST_TEMPERATURE, sampling.temperature);
    about.put_some(names::REQUEST_TOP_P, sampling.top_p);
    match names.has_whole_top_k {
        true => about.put_some(names::REQUEST_TOP_K, sampling.top_k),
        false => about.put_some(names::REQUEST_TOP_K, sampling.top_k.map(|top_k| top_k as f64)),
    }
    about.put_some(names::REQUEST_FREQUENCY_PENALTY, sampling.frequency_penalty);
    about.put_some(names::REQUEST_PRESENCE_PENALTY, sampling.presence_penalty);
    about.put_some(names::REQUEST_SEED, sampling.seed);
    about.put_some(names::REQUEST_STOP, (!request.stop.is_empty()).then(|| request.stop.clone()));
    about.put_some(names::OPENAI_REQUEST_TIER, request.service_tier.as_deref());
    if let (Some(name), Some(effort)) = (names.reasoning_level, request.reasoning.as_ref().and_then(|reasoning| reasoning.effort())) {
        about.put(name, effort.word());
    }
    if let (Some(name), Some(previous)) = (names.previous_response, &request.previous) {
        about.put(name, previous.as_str());
    }
    let is_json = matches!(request.format, Some(Format::Json | Format::Schema { .. }));
    about.put(names::OUTPUT_TYPE, if is_json { "json" } else { "text" });
}

fn put_answer(about: &mut Attributes, answer: &Answer) {
    about.put_some(names::RESPONSE_ID, filled(&answer.id));
    about.put_some(names::RESPONSE_MODEL, filled(&answer.model));
    // Here the word is the one that OpenAI has; in a message the conventions have their own.
    let reason = finish(answer).map(|reason| if reason == TOOL_CALL { "tool_calls".to_owned() } else { reason });
    about.put_some(names::FINISH_REASONS, reason.map(|reason| vec![reason]));
    about.put_some(names::OPENAI_RESPONSE_TIER, answer.service_tier.as_deref());
}

fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Why an answer ended, in the conventions' words.
fn finish(answer: &Answer) -> Option<String> {
    let calls = answer.parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let word = match answer.finish.as_ref()? {
        FinishReason::Stop if calls => TOOL_CALL,
        FinishReason::Stop | FinishReason::StopSequence(_) => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => TOOL_CALL,
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Pause => "pause",
        FinishReason::Other(word) => word,
    };
    Some(word.to_owned())
}

/// What the client was answered, in its own dialect; of a stream that was cut, or of which only the beginning was kept, as
/// far as it goes.
fn answer(kind: Kind, is_stream: bool, bodies: &Bodies) -> Option<Answer> {
    let dialect = upstream(kind);
    if !is_stream {
        return dialect.decode_response(&bodies.response).ok().filter(|_| !bodies.is_cut);
    }
    let (mut framer, mut decoder, mut events) = (Framer::of(kind), dialect.decoder(), Vec::<Event>::new());
    framer.push(bodies.response.clone()).ok()?;
    while let Some(frame) = framer.next_frame() {
        if decoder.decode(&frame, &mut events).is_err() {
            break;
        }
    }
    Some(Answer::of(events)).filter(|answer| !answer.parts.is_empty() || !answer.id.is_empty())
}
