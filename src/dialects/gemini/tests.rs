//! Replies and streams, from the golden ones that stand in `tests/dialects`.

use bytes::Bytes;
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::Gemini;
use crate::dialects::sse::Frame;
use crate::dialects::testing::{self, cut, damaged, frames};
use crate::dialects::{Chunk, DialectError, UpstreamDialect};
use crate::hub::{Answer, ApiError, Citation, Content, Event, FinishReason, Form, Kind, Part, Signature, Source, Text, ToolCall, Usage};

/// A golden stream.
macro_rules! stream {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/dialects/streams/gemini/", $name, ".sse")) as &[u8]
    };
}

/// A golden reply.
macro_rules! reply {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/dialects/responses/gemini/", $name, ".json")) as &[u8]
    };
}

/// A golden reply, and the stream that says the same.
macro_rules! golden {
    ($($name:literal),* $(,)?) => {
        [$(($name, reply!($name), stream!($name))),*]
    };
}

const GOLDEN: [(&str, &[u8], &[u8]); 32] = golden![
    "citations",
    "citations_unicode",
    "code_execution",
    "empty",
    "image",
    "json",
    "length",
    "length_in_thoughts",
    "logprobs",
    "malformed_function_call",
    "missing_thought_signature",
    "parallel_tools",
    "prompt_blocked",
    "prompt_blocked_with_words",
    "reasoning",
    "reasoning_signed",
    "reasoning_tool",
    "recitation",
    "safety",
    "signature_alone",
    "stop_in_every_frame",
    "text",
    "text_then_tool",
    "tool",
    "tool_digits",
    "tool_with_id",
    "tool_without_arguments",
    "unexpected_tool_call",
    "unicode",
    "unknown",
    "usage_cached",
    "usage_missing",
];

fn events(chunks: &[&[u8]]) -> Result<Vec<Event>, DialectError> {
    testing::events(&Gemini, chunks)
}

fn chunks(stream: &[u8]) -> Vec<Chunk> {
    testing::looks(&Gemini, stream)
}

fn streamed(stream: &[u8]) -> Answer {
    Answer::of(events(&[stream]).expect("a stream"))
}

fn whole(body: &[u8]) -> Answer {
    Gemini.decode_response(body).expect("a reply")
}

fn golden(name: &str) -> Answer {
    let (_, body, _) = GOLDEN.iter().find(|(known, ..)| *known == name).expect(name);
    Gemini.decode_response(body).expect(name)
}

fn calls(answer: Answer) -> Vec<ToolCall> {
    let call = |part: Part| if let Content::ToolCall(call) = part.content { Some(call) } else { None };
    answer.parts.into_iter().filter_map(call).collect()
}

fn text(answer: &Answer) -> &Text {
    let found = answer.parts.iter().find_map(|part| if let Content::Text(text) = &part.content { Some(text) } else { None });
    found.expect("text")
}

fn error(kind: &str, code: &str, message: &str) -> ApiError {
    ApiError { message: message.to_owned(), kind: kind.to_owned(), code: code.to_owned() }
}

#[test]
fn a_stream_says_what_the_whole_reply_says() {
    for (name, body, stream) in GOLDEN {
        assert_eq!(streamed(stream), Gemini.decode_response(body).expect(name), "{name}");
    }
}

#[test]
fn a_stream_may_be_cut_at_every_byte() {
    for (name, _, stream) in GOLDEN {
        let expected = events(&[stream]).expect(name);
        for at in 0..stream.len() {
            assert_eq!(events(&[&stream[..at], &stream[at..]]).expect(name), expected, "{name} at {at}");
        }
    }
}

#[test]
fn an_answer_begins_once_and_comes_piece_by_piece() {
    let events = events(&[stream!("unicode")]).expect("a stream");
    let start = Event::Start { id: "Zx02afKqLd2X1e8P4uTu02A".to_owned(), model: "gemini-3-flash-preview".to_owned() };
    assert_eq!(events[..2], [start, Event::Text("你好！".to_owned())]);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Start { .. })).count(), 1);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Text(text) if text.is_empty())).count(), 0);
    assert_eq!(events.last(), Some(&Event::Finish(FinishReason::Stop)));
}

#[test]
fn a_call_has_its_arguments_as_they_were_written_but_for_blanks() {
    let [call] = calls(golden("tool_digits")).try_into().expect("one");
    let arguments =
        r#"{"z":1.0,"amount":12345678901234567890,"rate":0.1,"nested":{"b":[],"a":[1,-2.5e-07,"a \"b\" \\ c\n  空格  "]},"note":null}"#;
    assert_eq!((call.name.as_str(), call.arguments.as_str()), ("transfer", arguments));
    let arguments: Vec<String> = calls(golden("tool_without_arguments")).into_iter().map(|call| call.arguments).collect();
    assert_eq!(arguments, ["{}", "{}"]);
    for name in ["tool", "parallel_tools", "tool_without_arguments"] {
        assert_eq!(golden(name).finish, Some(FinishReason::ToolCalls), "{name}");
    }
}

#[test]
fn a_call_without_an_id_gets_one_from_the_answer_and_its_position() {
    let ids = |answer| calls(answer).into_iter().map(|call| call.id).collect::<Vec<_>>();
    let answer = "call_Zx05afKqLd2X1e8P4uTu05A";
    assert_eq!(ids(golden("parallel_tools")), ["0", "1", "2"].map(|index| format!("{answer}_{index}")));
    assert_eq!(ids(golden("tool_with_id")), ["a7b3c9d1"]);
    assert_eq!(ids(whole(reply!("without_ids"))), ["call_0", "call_1"]);
}

#[test]
fn signatures_stay_where_they_were() {
    let is_signed = |signature: &Option<Signature>| {
        signature.as_ref().is_some_and(|signature| signature.of(Kind::Gemini).is_some() && signature.form == Form::Signed)
    };
    let signed: Vec<bool> = calls(golden("parallel_tools")).iter().map(|call| is_signed(&call.signature)).collect();
    assert_eq!(signed, [true, false, false]);
    let answer = golden("reasoning");
    assert!(is_signed(&text(&answer).signature) && text(&answer).text == "小于十的质数有四个：2、3、5、7。");
    let Content::Reasoning(thought) = &answer.parts[0].content else { panic!("{answer:?}") };
    assert!(thought.signature.is_none() && thought.text.starts_with("**先想一想**") && thought.text.contains("**再算一算**"));
    let Content::Reasoning(thought) = &golden("reasoning_signed").parts[0].content else { panic!("no thought") };
    assert!(is_signed(&thought.signature));
    let answer = golden("signature_alone");
    assert!(is_signed(&text(&answer).signature) && text(&answer).text.is_empty());
}

#[test]
fn every_reason_for_an_end_is_known() {
    for (words, expected) in [
        ("STOP", FinishReason::Stop),
        ("MAX_TOKENS CONTINUATION", FinishReason::Length),
        ("SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY OTHER", FinishReason::ContentFilter),
        ("IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION IMAGE_OTHER NO_IMAGE", FinishReason::ContentFilter),
        ("MODEL_ARMOR ESCALATION PUP_LIMITED_DISABLED", FinishReason::ContentFilter),
        ("SOME_NEW_REASON", FinishReason::Other("SOME_NEW_REASON".to_owned())),
    ] {
        for word in words.split(' ') {
            let body = format!(r#"{{"candidates":[{{"finishReason":"{word}"}}]}}"#);
            assert_eq!(whole(body.as_bytes()).finish, Some(expected.clone()), "{word}");
        }
    }
}

#[test]
fn an_end_that_is_a_failure_is_an_error() {
    let answer = golden("malformed_function_call");
    let words = "Malformed function call: print(default_api.get_weather(location='北京'";
    assert_eq!((answer.error, answer.finish), (Some(error("MALFORMED_FUNCTION_CALL", "", words)), None));
    let words = "the model called a tool that was not declared";
    assert_eq!(golden("unexpected_tool_call").error, Some(error("UNEXPECTED_TOOL_CALL", "", words)));
    for word in ["TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE", "FINISH_REASON_UNSPECIFIED"] {
        let body = format!(r#"{{"candidates":[{{"finishReason":"{word}"}}]}}"#);
        assert_eq!(whole(body.as_bytes()).error.expect(word).kind, word);
    }
}

#[test]
fn a_blocked_prompt_is_a_refusal() {
    let refusal = |words: &str| vec![Part::from(Content::Refusal(words.to_owned()))];
    let answer = golden("prompt_blocked");
    assert_eq!(answer.finish, Some(FinishReason::ContentFilter));
    assert_eq!(answer.parts, refusal("The prompt was blocked: PROHIBITED_CONTENT"));
    assert_eq!(golden("prompt_blocked_with_words").parts, refusal("The prompt was blocked: MODEL_ARMOR (提示被策略拦截。)"));
    let answered = br#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"promptFeedback":{"blockReason":"OTHER"}}"#;
    assert_eq!(whole(answered).parts, [Part::text("a")]);
}

#[test]
fn usage_includes_thoughts_and_the_cache() {
    let usage = |name: &str| golden(name).usage.expect(name);
    assert_eq!(usage("reasoning"), Usage { input: 14, output: 202, reasoning: 180, ..Usage::default() });
    assert_eq!(usage("usage_cached"), Usage { input: 4096, cached: 4000, output: 6, ..Usage::default() });
    assert_eq!(usage("code_execution"), Usage { input: 141, output: 45, reasoning: 15, ..Usage::default() });
    assert_eq!(usage("length_in_thoughts"), Usage { input: 11, output: 1021, reasoning: 1021, ..Usage::default() });
    assert_eq!(golden("usage_missing").usage, None);
    assert_eq!(whole(reply!("length_without_parts")).usage.expect("usage").output, 60);
    for usage in [r#""many""#, r#"{"promptTokenCount":"many"}"#, r#"{"trafficType":"ON_DEMAND"}"#] {
        let body = format!(r#"{{"candidates":[],"usageMetadata":{usage}}}"#);
        assert_eq!(whole(body.as_bytes()).usage, None, "{usage}");
    }
}

#[test]
fn usage_is_told_only_when_it_changes() {
    let told = |stream| -> Vec<u64> {
        let events = events(&[stream]).expect("a stream").into_iter();
        events.filter_map(|event| if let Event::Usage(usage) = event { Some(usage.output) } else { None }).collect()
    };
    assert_eq!(told(stream!("usage_growing")), [1, 2, 3]);
    assert_eq!(told(stream!("usage_of_vertex")), [4]);
    assert_eq!(told(stream!("text")), [0, 40]);
}

#[test]
fn a_reason_that_stands_in_every_frame_is_told_once() {
    let events = events(&[stream!("stop_in_every_frame")]).expect("a stream");
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Finish(_))).count(), 1);
}

#[test]
fn sources_tell_their_place_where_bytes_are_characters() {
    let source = |at: u32, title: &str, range| {
        let url = format!("https://vertexaisearch.cloud.google.com/grounding-api-redirect/AUZIYQ{at}");
        Citation { url: Some(url), title: Some(title.to_owned()), quote: None, range }
    };
    let answer = golden("citations");
    let expected =
        [source(1, "uefa.com", Some((0, 20))), source(2, "wikipedia.org", Some((0, 20))), source(2, "wikipedia.org", Some((21, 43)))];
    assert_eq!(text(&answer).citations, expected);
    assert_eq!(text(&golden("citations_unicode")).citations, [source(3, "新华网", None)]);
    let bare = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"groundingMetadata":
        {"groundingChunks":[{"retrievedContext":{"title":"t","text":"引文"}},{}]}}]}"#;
    let expected = Citation { title: Some("t".to_owned()), quote: Some("引文".to_owned()), ..Citation::default() };
    assert_eq!(text(&whole(bare.as_bytes())).citations, [expected]);
}

#[test]
fn sources_that_are_told_again_are_one() {
    let frame =
        r#"data: {"candidates":[{"content":{"parts":[{"text":"a"}]},"groundingMetadata":{"groundingChunks":[{"web":{"uri":"u"}}]}}]}"#;
    let answer = streamed(format!("{frame}\r\n\r\n{frame}\r\n\r\n").as_bytes());
    assert_eq!((text(&answer).text.as_str(), text(&answer).citations.len()), ("aa", 1));
}

#[test]
fn probabilities_are_openais() {
    let [list] = golden("logprobs").logprobs.try_into().expect("one");
    let top = r#"[{"token":"是","logprob":-0.0513,"bytes":[230,152,175]},{"token":"对","logprob":-3.25,"bytes":[229,175,185]}]"#;
    let first = format!(r#"{{"token":"是","logprob":-0.0513,"bytes":[230,152,175],"top_logprobs":{top}}}"#);
    assert!(list.text().starts_with(&format!("[{first},")) && list.text().contains(r#""logprob":0.0"#), "{}", list.text());
}

#[test]
fn images_are_read_and_what_is_not_known_is_left_out() {
    let Content::Image { source: Source::Base64 { media_type, data }, .. } = &golden("image").parts[1].content else { panic!("no image") };
    assert!(media_type == "image/png" && data.starts_with("iVBORw0KGgo"));
    assert_eq!(golden("code_execution").parts, [Part::text("算一下。答案是 42。")]);
    assert_eq!(golden("unknown").parts, [Part::text("好的")]);
    assert_eq!(golden("empty").parts, []);
    let two = br#"{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]}},{"index":0,"content":{"parts":[{"text":"a"}]}}]}"#;
    assert_eq!(whole(two).parts, [Part::text("a")]);
}

#[test]
fn an_error_may_stand_in_a_success() {
    let answer = whole(reply!("error_key"));
    let words = "API key not valid. Please pass a valid API key.";
    assert_eq!(answer.error, Some(error("INVALID_ARGUMENT", "400", words)));
    assert!(answer.error.expect("an error").names_the_credential());
    let quota = error("RESOURCE_EXHAUSTED", "429", "You exceeded your current quota.");
    assert_eq!(whole(reply!("error_list")).error, Some(quota.clone()));
    assert_eq!(events(&[stream!("error_list")]), Ok(vec![Event::Error(quota)]));
    assert_eq!(streamed(stream!("error_first")).error.expect("an error").code, "503");
    for none in ["{}", "[]", r#"{"error":null}"#, "<html>", "1", ""] {
        assert!(matches!(Gemini.decode_response(none.as_bytes()), Err(DialectError::Malformed(_))), "{none}");
    }
    assert!(Gemini.decode_response(reply!("nothing")).is_err());
}

#[test]
fn an_error_in_the_middle_keeps_what_was_said() {
    let answer = streamed(stream!("error_in_the_middle"));
    assert_eq!(answer.parts, [Part::text("先说一半")]);
    assert_eq!((answer.error, answer.finish), (Some(error("INTERNAL", "500", "内部错误")), None));
    assert_eq!(streamed(stream!("cut_off")).finish, None);
}

#[test]
fn lists_comments_and_a_foreign_terminator_are_understood() {
    let answer = whole(reply!("list_of_replies"));
    assert_eq!((answer.parts, answer.finish), (vec![Part::text("并非事件流")], Some(FinishReason::Stop)));
    let answer = streamed(stream!("comments_and_done"));
    assert_eq!((answer.parts, answer.finish), (vec![Part::text("慢慢来。")], Some(FinishReason::Stop)));
}

#[test]
fn a_frame_that_cannot_be_understood_is_malformed() {
    for data in ["{", "1", r#"{"candidates":1}"#, r#"{"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}"#] {
        let stream = format!("data: {data}\r\n\r\n");
        assert!(matches!(events(&[stream.as_bytes()]), Err(DialectError::Malformed(_))), "{data}");
        assert!(!chunks(stream.as_bytes())[0].valid, "{data}");
    }
}

#[test]
fn looks_see_content_end_usage_and_failure() {
    for (name, _, stream) in GOLDEN {
        let (chunks, answer) = (chunks(stream), golden(name));
        let is_empty = answer.parts.is_empty() || name == "signature_alone";
        assert_eq!(chunks.iter().any(|chunk| chunk.content), !is_empty, "{name}");
        assert_eq!(chunks.iter().any(|chunk| chunk.finish), answer.finish.is_some(), "{name}");
        assert_eq!(chunks.iter().rev().find_map(|chunk| chunk.usage), answer.usage, "{name}");
        assert_eq!(chunks.iter().find_map(|chunk| chunk.error.clone()), answer.error, "{name}");
        assert!(chunks.iter().all(|chunk| chunk.valid && !chunk.done && !chunk.no_choices), "{name}");
    }
    assert_eq!(chunks(stream!("error_first"))[0].error.as_ref().map(|error| error.code.as_str()), Some("503"));
    assert_eq!(chunks(b": comment\n\n"), [Chunk { valid: true, ..Chunk::default() }]);
}

#[test]
fn whatever_ends_fails_or_counts_is_of_interest() {
    let failing = [stream!("error_first"), stream!("error_list"), stream!("error_in_the_middle")];
    for stream in GOLDEN.map(|(.., stream)| stream).into_iter().chain(failing) {
        for frame in frames(&[stream]) {
            let chunk = Gemini.chunk(&frame);
            let matters = chunk.finish || chunk.usage.is_some() || chunk.error.is_some();
            assert!(!matters || Gemini.is_of_interest(frame.bytes()), "{frame:?}");
        }
    }
    let dull = r#"data: {"candidates": [{"content": {"parts": [{"text": "\"error\": \"usageMetadata\""}],"role": "model"}}]}"#;
    assert!(!Gemini.is_of_interest(dull.as_bytes()));
}

#[test]
fn a_glance_sees_usage_and_failure() {
    for (name, body, _) in GOLDEN {
        let glance = Gemini.glance(&Bytes::from_static(body)).expect(name);
        assert_eq!((glance.usage, glance.error), (golden(name).usage, golden(name).error), "{name}");
    }
    assert!(Gemini.glance(&Bytes::from_static(b"<html>")).is_none());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, json in "[\\[{}\\]\":,a-z0-9]{0,60}") {
        let wild = [b"data: ", &*bytes, b"\n\n"].concat();
        for stream in [Frame::from_data(&json).bytes(), &*wild, &*bytes, json.as_bytes()] {
            let _ = events(&[stream]);
            let _ = chunks(stream);
            let _ = Gemini.decode_response(stream);
            let _ = Gemini.glance(&Bytes::copy_from_slice(stream));
        }
    }

    #[test]
    fn a_part_of_any_member_may_be_of_any_type(at: proptest::sample::Index, put in 0..6_usize) {
        let (_, body, stream) = GOLDEN[at.index(GOLDEN.len())];
        for text in [body, stream] {
            let changed = damaged(text, at, put);
            let _ = Gemini.decode_response(changed.as_bytes());
            let _ = events(&[changed.as_bytes()]);
        }
    }

    #[test]
    fn a_stream_may_be_cut_anywhere(at in 0..32_usize, cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12)) {
        let (_, _, stream) = GOLDEN[at];
        prop_assert_eq!(events(&cut(stream, &cuts)), events(&[stream]));
    }
}
