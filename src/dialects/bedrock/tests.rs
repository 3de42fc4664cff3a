//! Replies and streams, from the golden ones that stand in `tests/dialects`.

use bytes::Bytes;
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::Converse;
use crate::dialects::sse::Frame;
use crate::dialects::testing::{self, cut, damaged, frames};
use crate::dialects::{Chunk, DialectError, UpstreamDialect};
use crate::hub::{Answer, ApiError, Content, Event, FinishReason, Form, Kind, Part, Signature, Source, Thought, Usage};

/// A golden stream.
macro_rules! stream {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/dialects/streams/bedrock/", $name, ".sse")) as &[u8]
    };
}

/// A golden reply, and the stream that says the same.
macro_rules! golden {
    ($($name:literal),* $(,)?) => {
        [$((
            $name,
            include_bytes!(concat!("../../../tests/dialects/responses/bedrock/", $name, ".json")) as &[u8],
            stream!($name),
        )),*]
    };
}

const GOLDEN: [(&str, &[u8], &[u8]); 29] = golden![
    "citations",
    "content_filtered",
    "context_window",
    "empty",
    "guardrail",
    "image",
    "json",
    "length",
    "length_in_tool",
    "malformed_output",
    "malformed_tool_use",
    "parallel_tools",
    "reasoning",
    "reasoning_hidden",
    "reasoning_redacted",
    "reasoning_tool",
    "reasoning_twice",
    "reasoning_unsigned",
    "service_tier",
    "stop_sequence",
    "stop_sequence_untold",
    "text",
    "tool",
    "tool_digits",
    "tool_without_input",
    "unicode",
    "unknown",
    "usage_cache",
    "usage_missing",
];

fn events(chunks: &[&[u8]]) -> Result<Vec<Event>, DialectError> {
    testing::events(&Converse, chunks)
}

fn chunks(stream: &[u8]) -> Vec<Chunk> {
    testing::looks(&Converse, stream)
}

fn streamed(stream: &[u8]) -> Answer {
    Answer::of(events(&[stream]).expect("a stream"))
}

fn golden(name: &str) -> Answer {
    let (_, body, _) = GOLDEN.iter().find(|(known, ..)| *known == name).expect(name);
    Converse.decode_response(body).expect(name)
}

fn whole(body: &str) -> Answer {
    Converse.decode_response(body.as_bytes()).expect(body)
}

fn error(kind: &str, code: &str, message: &str) -> ApiError {
    ApiError { message: message.to_owned(), kind: kind.to_owned(), code: code.to_owned() }
}

#[test]
fn a_stream_says_what_the_whole_reply_says() {
    for (name, body, stream) in GOLDEN {
        assert_eq!(streamed(stream), Converse.decode_response(body).expect(name), "{name}");
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
fn text_comes_piece_by_piece() {
    let (_, _, text) = GOLDEN.into_iter().find(|(name, ..)| *name == "unicode").expect("golden");
    let events = events(&[text]).expect("a stream");
    assert_eq!(events[0], Event::Start { id: String::new(), model: String::new() });
    assert_eq!(events[1..3], [Event::Text("你好！".to_owned()), Event::Text("我是克劳德".to_owned())]);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Finish(FinishReason::Stop))).count(), 1);
}

#[test]
fn a_call_has_its_arguments_as_they_were_written() {
    let answer = golden("tool_digits");
    let Content::ToolCall(call) = &answer.parts[0].content else { panic!("{answer:?}") };
    assert_eq!(call.arguments, r#"{"z":1.0,"amount":12345678901234567890.10,"note":"换行\n\"引号\"","a":[1,2,{"深":null}]}"#);
    assert_eq!((call.id.as_str(), call.name.as_str()), ("tooluse_D1g1t5AndOrder0000000w", "transfer"));
    assert_eq!(answer.finish, Some(FinishReason::ToolCalls));
    let Content::ToolCall(call) = &golden("tool_without_input").parts[0].content else { panic!("no call") };
    assert_eq!(call.arguments, "{}");
}

#[test]
fn a_call_without_an_id_is_known_by_its_position() {
    let body =
        r#"{"output":{"message":{"content":[{"toolUse":{"name":"f"}},{"toolUse":{"toolUseId":"","name":"g"}}]}},"stopReason":"tool_use"}"#;
    let ids: Vec<String> = whole(body)
        .parts
        .into_iter()
        .map(|part| match part.content {
            Content::ToolCall(call) => call.id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, ["call_0", "call_1"]);
}

#[test]
fn a_signature_is_bedrocks_own() {
    let answer = golden("reasoning_tool");
    let Content::Reasoning(thought) = &answer.parts[0].content else { panic!("{answer:?}") };
    assert_eq!(thought.text, "用户想知道天气，我需要调用工具。");
    let signature = thought.signature.as_ref().expect("signed");
    assert_eq!((signature.origin, signature.form), (Kind::Bedrock, Form::Signed));
    let Content::Reasoning(thought) = &golden("reasoning_redacted").parts[0].content else { panic!("no thought") };
    assert_eq!(thought.text, "");
    assert_eq!(thought.signature.as_ref().map(|signature| signature.form), Some(Form::Encrypted));
    assert_eq!(golden("reasoning_twice").parts.len(), 4);
    let unsigned = Thought { text: "Okay, the user said 你好. I should greet back.\n".to_owned(), signature: None, id: None };
    assert_eq!(golden("reasoning_unsigned").parts[0], Part::from(Content::Reasoning(unsigned)));
}

#[test]
fn every_reason_to_stop_is_known() {
    let cases = [
        ("text", FinishReason::Stop),
        ("tool", FinishReason::ToolCalls),
        ("length", FinishReason::Length),
        ("context_window", FinishReason::Length),
        ("stop_sequence", FinishReason::StopSequence("四".to_owned())),
        ("stop_sequence_untold", FinishReason::Stop),
        ("guardrail", FinishReason::ContentFilter),
        ("content_filtered", FinishReason::ContentFilter),
        ("malformed_output", FinishReason::Other("malformed_model_output".to_owned())),
        ("malformed_tool_use", FinishReason::Other("malformed_tool_use".to_owned())),
    ];
    for (name, finish) in cases {
        assert_eq!(golden(name).finish, Some(finish), "{name}");
    }
}

#[test]
fn usage_includes_what_the_cache_held() {
    let expected = Usage { input: 12 + 4096 + 2044, cached: 4096, cache_write: 2044, output: 9, reasoning: 0 };
    assert_eq!(golden("usage_cache").usage, Some(expected));
    assert_eq!(golden("usage_missing").usage, None);
    let huge = format!(r#"{{"output":{{"message":{{}}}},"usage":{{"inputTokens":{0},"cacheReadInputTokens":{0}}}}}"#, u64::MAX);
    assert_eq!(whole(&huge).usage.expect("usage").input, u64::MAX);
    assert_eq!(whole(r#"{"output":{"message":{}},"usage":{"inputTokens":"many"}}"#).usage, None);
    assert_eq!(golden("service_tier").service_tier.as_deref(), Some("priority"));
}

#[test]
fn sources_and_images_are_read() {
    let answer = golden("citations");
    let Content::Text(text) = &answer.parts[0].content else { panic!("{answer:?}") };
    assert_eq!(text.text, "根据文档，Converse 是统一的接口。");
    assert_eq!(text.citations[0].quote.as_deref(), Some("Converse 是统一的接口。"));
    assert_eq!(text.citations[1].url.as_deref(), Some("https://aws.amazon.com/bedrock/"));
    let Content::Image { source: Source::Base64 { media_type, data }, .. } = &golden("image").parts[1].content else { panic!("no image") };
    assert!(media_type == "image/png" && data.starts_with("iVBORw0KGgo"));
}

#[test]
fn what_is_not_known_is_left_out() {
    assert_eq!(golden("unknown").parts, [Part::text("still here")]);
    assert_eq!(golden("empty").parts, []);
}

#[test]
fn an_error_may_stand_in_a_success() {
    let cases = [
        (
            r#"{"message":"请稍后","__type":"com.amazon.bedrock#ThrottlingException:http://x/"}"#,
            error("ThrottlingException", "429", "请稍后"),
        ),
        (r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"}}"#, error("UnknownOperationException", "", "")),
        (r#"{"Message":"too long","__type":"ValidationException"}"#, error("ValidationException", "400", "too long")),
        (r#"{"error":{"type":"validationException","message":"m"}}"#, error("validationException", "400", "m")),
        (r#"{"error":"down"}"#, error("", "", "down")),
    ];
    for (body, expected) in cases.clone() {
        assert_eq!(whole(body).error, Some(expected.clone()), "{body}");
        assert_eq!(Converse.glance(&Bytes::from(body)).expect(body).error, Some(expected), "{body}");
    }
    for (body, code) in [
        (include_str!("../../../tests/dialects/responses/bedrock/error_message.json"), "429"),
        (include_str!("../../../tests/dialects/responses/bedrock/error_validation.json"), "400"),
        (include_str!("../../../tests/dialects/responses/bedrock/error_front.json"), ""),
    ] {
        assert_eq!(whole(body).error.expect(body).code, code, "{body}");
    }
    assert!(whole(cases[2].0).error.expect("an error").blames_the_request());
    assert_eq!(Converse.decode_response(b"{}").expect_err("nothing"), DialectError::Missing { path: "output".to_owned() });
    assert!(matches!(Converse.decode_response(b"<html>"), Err(DialectError::Malformed(_))));
}

#[test]
fn an_exception_ends_a_stream_and_keeps_what_was_said() {
    let answer = streamed(stream!("exception_mid_text"));
    assert_eq!(answer.parts, [Part::text("The answer is 四十")]);
    let failed = answer.error.expect("an error");
    assert_eq!((failed.kind.as_str(), failed.code.as_str()), ("modelStreamErrorException", "424"));
    assert!(!failed.blames_the_request());
    assert!(streamed(stream!("exception_validation")).error.expect("an error").blames_the_request());
    assert_eq!(streamed(stream!("exception_unknown")).error, Some(error("someNewException", "", "")));
    for (stream, code) in [
        (stream!("exception_first"), "429"),
        (stream!("exception_before_content"), "503"),
        (stream!("exception_mid_tool"), "500"),
        (stream!("exception_timeout"), "408"),
    ] {
        assert_eq!(streamed(stream).error.expect(code).code, code);
    }
}

#[test]
fn blocks_that_break_the_order_are_understood() {
    let answer = streamed(stream!("interleaved_tools"));
    let arguments: Vec<&str> = answer
        .parts
        .iter()
        .map(|part| match &part.content {
            Content::ToolCall(call) => call.arguments.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(arguments, [r#"{"a":1}"#, r#"{"b":2}"#]);
    let answer = streamed(stream!("blocks_that_never_stop"));
    assert_eq!(answer.parts.len(), 3);
    let Content::ToolCall(call) = &answer.parts[2].content else { panic!("{answer:?}") };
    assert_eq!(call.arguments, "{}");
    assert_eq!(streamed(stream!("crlf_and_comments")).parts, [Part::text("行尾不同")]);
    assert_eq!(streamed(stream!("cut_off")).finish, None);
}

#[test]
fn a_stream_that_cannot_be_understood_is_malformed() {
    let orphan: &[u8] = b"event: contentBlockDelta\ndata: {\"contentBlockIndex\":3,\"delta\":{\"toolUse\":{\"input\":\"{}\"}}}\n\n";
    for bytes in [orphan, b"event: contentBlockDelta\ndata: {\n\n", b"event: metadata\ndata:\n\n"] {
        assert!(matches!(events(&[bytes]), Err(DialectError::Malformed(_))));
    }
}

#[test]
fn a_signature_in_pieces_is_one() {
    let piece =
        |text: &str| format!("event: contentBlockDelta\ndata: {{\"delta\":{{\"reasoningContent\":{{\"signature\":\"{text}\"}}}}}}\n\n");
    let stream = piece("Ab") + &piece("+/=") + "event: contentBlockStop\ndata: {}\n\n";
    let signature = Some(Signature::new(Kind::Bedrock, Form::Signed, "Ab+/="));
    assert_eq!(events(&[stream.as_bytes()]), Ok(vec![Event::ReasoningEnd { signature, id: None }]));
}

#[test]
fn looks_see_content_end_usage_and_failure() {
    for (name, _, stream) in GOLDEN {
        let chunks = chunks(stream);
        let answer = golden(name);
        assert_eq!(chunks.iter().any(|chunk| chunk.content), !answer.parts.is_empty(), "{name}");
        assert_eq!(chunks.iter().filter(|chunk| chunk.finish).count(), 1, "{name}");
        assert_eq!(chunks.iter().any(|chunk| chunk.done), name != "usage_missing", "{name}");
        assert_eq!(chunks.iter().find_map(|chunk| chunk.usage), answer.usage, "{name}");
    }
    assert_eq!(chunks(stream!("exception_first"))[0].error.as_ref().map(|error| error.code.as_str()), Some("429"));
    assert!(!chunks(b"event: contentBlockDelta\ndata: {\"delta\":{\"text\":\"\"}}\n\n")[0].content);
    assert!(!chunks(b": comment\n\n")[0].valid && !chunks(b"event: new\ndata: {}\n\n")[0].valid);
}

#[test]
fn whatever_ends_fails_or_counts_is_of_interest() {
    for (name, _, stream) in GOLDEN {
        for frame in frames(&[stream]) {
            let chunk = Converse.chunk(&frame);
            let matters = chunk.finish || chunk.done || chunk.usage.is_some() || chunk.error.is_some();
            assert!(!matters || Converse.is_of_interest(frame.bytes()), "{name}");
        }
    }
    assert!(!Converse.is_of_interest(b"event: contentBlockDelta\ndata: {\"delta\":{\"text\":\"usage\"}}\n\n"));
}

#[test]
fn a_glance_sees_the_usage() {
    for (name, body, _) in GOLDEN {
        let glance = Converse.glance(&Bytes::from_static(body)).expect(name);
        assert_eq!((glance.usage, glance.error), (golden(name).usage, None), "{name}");
    }
    for none in ["<html>", "[]", r#"{"usage":{},"usage":{}}"#] {
        assert!(Converse.glance(&Bytes::from(none)).is_none(), "{none}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, name in 0..8_usize, json in "[\\[{}\\]\":,a-z0-9]{0,60}") {
        let event = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "exception", ""][name];
        let frame = Frame::from_data(&json);
        let named = [format!("event: {event}\n").as_bytes(), frame.bytes()].concat();
        let wild = [format!("event: {event}\ndata: ").as_bytes(), &bytes, b"\n\n"].concat();
        for stream in [&named, &wild, &bytes] {
            let _ = events(&[stream]);
            let _ = chunks(stream);
            let _ = Converse.decode_response(stream);
            let _ = Converse.glance(&Bytes::copy_from_slice(stream));
        }
    }

    #[test]
    fn a_part_of_any_member_may_be_of_any_type(at: proptest::sample::Index, put in 0..6_usize) {
        let (_, body, stream) = GOLDEN[at.index(GOLDEN.len())];
        for text in [body, stream] {
            let changed = damaged(text, at, put);
            let _ = Converse.decode_response(changed.as_bytes());
            let _ = events(&[changed.as_bytes()]);
        }
    }

    #[test]
    fn a_stream_may_be_cut_anywhere(at in 0..29_usize, cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12)) {
        let (_, _, stream) = GOLDEN[at];
        prop_assert_eq!(events(&cut(stream, &cuts)), events(&[stream]));
    }
}
