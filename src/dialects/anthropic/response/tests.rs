use serde_json::{Value, json};

use super::super::tests::occasion;
use super::{decode, encode};
use crate::dialects::DialectError;
use crate::hub::{Answer, Citation, Content, Event, FinishReason, Form, Kind, Part, Signature, Usage};

fn written(events: Vec<Event>) -> Value {
    serde_json::from_slice(&encode(&Answer::of(events), &occasion())).expect("JSON")
}

fn call(index: u32, id: &str, arguments: &str, signature: Option<Signature>) -> [Event; 2] {
    let (id, name) = (id.to_owned(), "查".to_owned());
    [Event::ToolCall { index, id, name, is_custom: false, signature }, Event::ToolArguments { index, text: arguments.to_owned() }]
}

#[test]
fn an_answer_of_another_provider_is_a_message() {
    let usage = Usage { input: 100, cached: 60, cache_write: 10, output: 9, reasoning: 4 };
    let mut events = vec![
        Event::Start { id: "chatcmpl-1".to_owned(), model: "gpt".to_owned() },
        Event::Reasoning("想".to_owned()),
        Event::ReasoningEnd { signature: None, id: None },
        Event::Text("好".to_owned()),
        Event::Image { media_type: "image/png".to_owned(), data: "QUJD".to_owned() },
    ];
    events.extend(call(0, "call.1", r#"{"z":1.0,"a":2}"#, None));
    events.extend([Event::ServiceTier("default".to_owned()), Event::Usage(usage), Event::Finish(FinishReason::Stop)]);
    let id = super::super::tool_id("call.1").into_owned();
    let expected = json!({
        "id": "msg_00000000000000070000", "type": "message", "role": "assistant", "model": "gpt",
        "content": [
            { "type": "thinking", "thinking": "想", "signature": "" },
            { "type": "text", "text": "好" },
            { "type": "tool_use", "id": id, "name": "查", "input": { "z": 1.0, "a": 2 } },
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {
            "input_tokens": 30, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 60, "output_tokens": 9,
            "output_tokens_details": { "thinking_tokens": 4 }, "service_tier": "standard",
        },
    });
    assert_eq!(written(events), expected);
}

#[test]
fn a_signature_stands_as_a_block_of_its_own() {
    let gemini = |data: &str| Signature::new(Kind::Gemini, Form::Signed, data);
    let mut events = vec![Event::Text("好".to_owned()), Event::TextSignature(gemini("T"))];
    events.extend(call(0, "a", "{}", Some(gemini("C"))));
    let encrypted = Signature::new(Kind::OpenAiResponses, Form::Encrypted, "E");
    events.push(Event::ReasoningEnd { signature: Some(encrypted), id: None });
    let content = written(events)["content"].clone();
    let expected = json!([
        { "type": "text", "text": "好" },
        { "type": "redacted_thinking", "data": "llmgw.gemini.s.T" },
        { "type": "redacted_thinking", "data": "llmgw.gemini.s.C" },
        { "type": "tool_use", "id": "a", "name": "查", "input": {} },
        { "type": "redacted_thinking", "data": "llmgw.openai_responses.e.E" },
    ]);
    assert_eq!(content, expected);
}

#[test]
fn arguments_that_are_no_object_are_not_lost() {
    let mut events = Vec::from(call(0, "a", r#"{"全部":"#, None));
    events.extend(call(1, "b", "", None));
    let content = written(events)["content"].clone();
    assert_eq!((&content[0]["input"], &content[1]["input"]), (&json!({ "invalid_arguments": r#"{"全部":"# }), &json!({})));
}

#[test]
fn an_ending_has_its_word() {
    let reason = |events: Vec<Event>| {
        let body = written(events);
        json!([body["stop_reason"], body["stop_sequence"]])
    };
    for (finish, expected) in [
        (FinishReason::Stop, json!(["end_turn", null])),
        (FinishReason::StopSequence("完".to_owned()), json!(["stop_sequence", "完"])),
        (FinishReason::Length, json!(["max_tokens", null])),
        (FinishReason::ToolCalls, json!(["end_turn", null])),
        (FinishReason::ContentFilter, json!(["refusal", null])),
        (FinishReason::Pause, json!(["pause_turn", null])),
        (FinishReason::Other("x".to_owned()), json!(["end_turn", null])),
    ] {
        assert_eq!(reason(vec![Event::Text("a".to_owned()), Event::Finish(finish)]), expected);
    }
    assert_eq!(reason(vec![Event::Refusal("不".to_owned()), Event::Finish(FinishReason::Stop)]), json!(["refusal", null]));
}

#[test]
fn a_source_keeps_its_address_its_title_and_its_words() {
    let text = |value: &str| Some(value.to_owned());
    let web = Citation { url: text("https://a"), title: text("甲"), quote: text("引"), range: None };
    let document = Citation { url: None, title: text("乙"), quote: text("文"), range: None };
    let events = vec![Event::Text("据说".to_owned()), Event::Citation(web.clone()), Event::Citation(document.clone())];
    let again = decode(&encode(&Answer::of(events), &occasion())).expect("a message");
    let Content::Text(read) = &again.parts[0].content else { panic!("{again:?}") };
    assert_eq!(read.citations, [web, document]);
}

#[test]
fn what_is_no_message_is_refused_and_an_error_is_one() {
    assert_eq!(decode(br#"{"object":"list"}"#), Err(DialectError::Missing { path: "content".to_owned() }));
    assert!(matches!(decode(b"<html>"), Err(DialectError::Malformed(_))));
    let failed = decode(br#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#).expect("an answer");
    assert_eq!(failed.error.expect("an error").kind, "overloaded_error");
    let refused =
        decode(r#"{"type":"message","stop_reason":"refusal","stop_details":{"explanation":"不行"}}"#.as_bytes()).expect("an answer");
    assert_eq!(refused.parts, [Part::from(Content::Refusal("不行".to_owned()))]);
    assert_eq!(refused.finish, Some(FinishReason::ContentFilter));
}
