use serde_json::Value;

use super::super::tests::{events, written};
use crate::hub::{Answer, ApiError, Citation, Content, Event, FinishReason, Form, Kind, Signature, Usage};

/// What a stream is made of, in short.
fn outline(stream: &str) -> Vec<String> {
    let frames = stream.split_terminator("\n\n");
    frames
        .map(|frame| {
            let (name, data) = frame.split_once('\n').expect("two lines");
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
            assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let index = data["index"].as_u64().map(|index| index.to_string()).unwrap_or_default();
            match data["type"].as_str().expect("a type") {
                "content_block_start" => format!("{index}+{}", text(&data["content_block"]["type"]).expect("a type")),
                "content_block_delta" => {
                    let delta = data["delta"].as_object().expect("a delta");
                    format!("{index}:{}", delta.values().nth(1).map_or_else(String::new, |value| text(value).unwrap_or(value.to_string())))
                }
                "content_block_stop" => format!("{index}-"),
                "message_delta" => {
                    format!("{} {}", data["delta"]["stop_reason"].as_str().expect("a reason"), data["usage"]["output_tokens"])
                }
                other => other.to_owned(),
            }
        })
        .collect()
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn call(index: u32, id: &str) -> Event {
    Event::ToolCall { index, id: id.to_owned(), name: "f".to_owned(), is_custom: false, signature: None }
}

fn arguments(index: u32, text: &str) -> Event {
    Event::ToolArguments { index, text: text.to_owned() }
}

fn signed(kind: Kind, form: Form, data: &str) -> Event {
    Event::ReasoningEnd { signature: Some(Signature::new(kind, form, data)), id: None }
}

#[test]
fn blocks_begin_and_end_in_order() {
    let stream = written([
        Event::Start { id: "msg_1".to_owned(), model: "m".to_owned() },
        Event::Reasoning("想".to_owned()),
        signed(Kind::Gemini, Form::Signed, "S"),
        signed(Kind::OpenAiResponses, Form::Encrypted, "E"),
        text("你"),
        text(""),
        text("好"),
        Event::Finish(FinishReason::Stop),
        call(0, "a"),
        arguments(0, "{\"a\""),
        arguments(0, ":1}"),
        Event::Usage(Usage { output: 9, ..Usage::default() }),
    ]);
    let expected = [
        "message_start",
        "0+thinking",
        "0:想",
        "0:llmgw.gemini.s.S",
        "0-",
        "1+redacted_thinking",
        "1-",
        "2+text",
        "2:你",
        "2:好",
        "2-",
        "3+tool_use",
        "3:{\"a\"",
        "3::1}",
        "3-",
        "tool_use 9",
        "message_stop",
    ];
    assert_eq!(outline(&stream), expected);
    assert!(
        stream.starts_with("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\"")
    );
}

#[test]
fn calls_do_not_interleave() {
    let stream = written([
        call(0, "a"),
        call(1, "b"),
        arguments(1, "{\"b\":"),
        arguments(0, "{\"甲\":\"}"),
        text("等"),
        arguments(1, "2"),
        arguments(0, "\"}"),
        arguments(1, "}"),
        text("完"),
        arguments(0, "迟"),
    ]);
    let expected = [
        "message_start",
        "0+tool_use",
        "0:{\"甲\":\"}",
        "0:\"}",
        "0-",
        "1+tool_use",
        "1:{\"b\":2",
        "1:}",
        "1-",
        "2+text",
        "2:等",
        "2:完",
        "2-",
        "tool_use 0",
        "message_stop",
    ];
    assert_eq!(outline(&stream), expected);
}

#[test]
fn calls_that_are_never_whole_are_written_in_the_end() {
    let stream = written([call(0, "a"), call(1, "b"), call(2, "c"), arguments(2, "{}"), arguments(1, "{\"b"), text("完")]);
    let expected = [
        "message_start",
        "0+tool_use",
        "0-",
        "1+tool_use",
        "1:{\"b",
        "1-",
        "2+tool_use",
        "2:{}",
        "2-",
        "3+text",
        "3:完",
        "3-",
        "tool_use 0",
        "message_stop",
    ];
    assert_eq!(outline(&stream), expected);
}

#[test]
fn an_index_that_is_used_again_is_another_call() {
    let stream = written([call(0, "a"), arguments(0, "{}"), call(0, "b"), arguments(0, "{\"b\":1}")]);
    assert_eq!(outline(&stream)[1..7], ["0+tool_use", "0:{}", "0-", "1+tool_use", "1:{\"b\":1}", "1-"]);
}

#[test]
fn a_custom_tools_text_is_the_member_of_an_object() {
    let custom = Event::ToolCall { index: 0, id: "a".to_owned(), name: "f".to_owned(), is_custom: true, signature: None };
    let stream = written([custom, arguments(0, "说\"你"), arguments(0, "好\n\"")]);
    let answer = Answer::of(events(stream.as_bytes()).expect("a stream"));
    let Content::ToolCall(call) = &answer.parts[0].content else { panic!("{answer:?}") };
    assert_eq!(call.arguments, r#"{"input":"说\"你好\n\""}"#);
}

#[test]
fn signatures_of_texts_and_calls_are_blocks_of_their_own() {
    let gemini = |data: &str| Signature::new(Kind::Gemini, Form::Signed, data);
    let called = Event::ToolCall { index: 0, id: "a".to_owned(), name: "f".to_owned(), is_custom: false, signature: Some(gemini("C")) };
    let stream = written([text("好"), Event::TextSignature(gemini("T")), called, arguments(0, "{}")]);
    let expected = ["0+text", "0:好", "0-", "1+redacted_thinking", "1-", "2+redacted_thinking", "2-", "3+tool_use", "3:{}", "3-"];
    assert_eq!(outline(&stream)[1..11], expected);
    assert!(stream.contains("llmgw.gemini.s.T") && stream.contains("llmgw.gemini.s.C"));
}

#[test]
fn an_empty_answer_is_a_whole_stream() {
    assert_eq!(outline(&written([])), ["message_start", "end_turn 0", "message_stop"]);
    let start = Event::Start { id: String::new(), model: String::new() };
    let stream = written([start, Event::ReasoningEnd { signature: None, id: None }, Event::Citation(Citation::default())]);
    assert_eq!(outline(&stream), ["message_start", "end_turn 0", "message_stop"]);
    assert!(stream.contains("\"model\":\"模型\""));
}

#[test]
fn an_error_is_the_last_word() {
    let failed = ApiError { message: "过载".to_owned(), kind: "overloaded_error".to_owned(), code: String::new() };
    let stream = written([text("从前"), Event::Error(failed.clone()), text("有")]);
    assert_eq!(outline(&stream), ["message_start", "0+text", "0:从前", "error"]);
    assert_eq!(events(stream.as_bytes()).expect("a stream").last(), Some(&Event::Error(failed)));
}

#[test]
fn a_refusal_is_a_text_and_a_reason() {
    let stream = written([Event::Refusal("不".to_owned()), Event::Refusal("行".to_owned()), Event::Finish(FinishReason::Stop)]);
    assert_eq!(outline(&stream)[1..], ["0+text", "0:不", "0:行", "0-", "refusal 0", "message_stop"]);
}

#[test]
fn servers_that_imitate_anthropic_are_understood() {
    let read = |frames: &[&str]| {
        let stream: String = frames.iter().map(|frame| format!("data: {frame}\n\n")).collect();
        Answer::of(events(stream.as_bytes()).expect("a stream"))
    };
    let answer = read(&[
        r#"{"type":"message_start","message":{"id":"x","model":"kimi"}}"#,
        r#"{"type":"content_block_start","content_block":{"type":"thinking"}}"#,
        r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"想"}}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","name":"f"}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"}}"#,
        "[DONE]",
    ]);
    let words: Vec<String> = answer
        .parts
        .iter()
        .map(|part| match &part.content {
            Content::Reasoning(thought) => thought.text.clone(),
            Content::ToolCall(call) => format!("{} {}", call.id, call.arguments),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(words, ["想", "xcall_0 {}"]);
    assert_eq!(answer.finish, Some(FinishReason::ToolCalls));
    assert_eq!(read(&[r#"{"error":{"message":"余额不足"}}"#]).error.expect("an error").message, "余额不足");
}
