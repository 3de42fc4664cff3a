//! Whole responses, read and written.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{decode, encode};
use crate::dialects::{DialectError, Occasion};
use crate::hub::{
    Answer, ApiError, Citation, Content, Event, FinishReason, Form, Kind, Message, Part, Raw, Request, Role, Signature, Text, Thought,
    Tool, ToolCall, ToolChoice, ToolInput, Usage,
};

fn read(body: Value) -> Answer {
    decode(body.to_string().as_bytes()).expect("an answer")
}

fn response(output: Value) -> Value {
    json!({"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-6-sol", "output": output, "error": null})
}

fn occasion(request: Request) -> Occasion {
    Occasion { request: Arc::new(request), now: 1_790_000_000, seed: 7 }
}

fn written(events: Vec<Event>, request: Request) -> Value {
    serde_json::from_slice(&encode(Answer::of(events), &occasion(request))).expect("JSON")
}

fn start() -> Event {
    Event::Start { id: "resp_1".to_owned(), model: "gpt-6-sol".to_owned() }
}

#[test]
fn items_become_parts() {
    let answer = read(response(json!([
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "一"}, {"type": "summary_text", "text": "二"}],
            "encrypted_content": "gAAAA="},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "你好", "annotations": []},
            {"type": "output_text", "text": "世界", "annotations": [
                {"type": "url_citation", "url": "https://x", "title": "题", "start_index": 0, "end_index": 2},
                {"type": "file_citation", "file_id": "file_1", "filename": "文.pdf", "index": 1}]},
        ]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "查", "arguments": "{\"a\":1}"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "补", "input": "*** 补丁"},
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "output_format": "webp", "result": "UklG"},
    ])));
    let own = Signature::new(Kind::OpenAiResponses, Form::Encrypted, "gAAAA=");
    let cited = vec![
        // Counted from the beginning of the whole text.
        Citation { url: Some("https://x".to_owned()), title: Some("题".to_owned()), quote: None, range: Some((2, 4)) },
        Citation { title: Some("文.pdf".to_owned()), ..Citation::default() },
    ];
    let parts: Vec<Content> = answer.parts.iter().map(|part| part.content.clone()).collect();
    assert_eq!(parts[0], Content::Reasoning(Thought { text: "一\n\n二".to_owned(), signature: Some(own), id: Some("rs_1".to_owned()) }));
    assert_eq!(parts[1], Content::Text(Text { text: "你好世界".to_owned(), citations: cited, signature: None }));
    assert!(matches!(&parts[2], Content::ToolCall(call) if call.id == "call_1" && call.arguments == "{\"a\":1}" && !call.is_custom));
    assert!(matches!(&parts[3], Content::ToolCall(call) if call.name == "补" && call.arguments == "*** 补丁" && call.is_custom));
    assert!(matches!(&parts[4], Content::Image { .. }));
    assert_eq!((answer.id.as_str(), answer.model.as_str(), answer.finish), ("resp_1", "gpt-6-sol", Some(FinishReason::ToolCalls)));
}

#[test]
fn how_it_ended_is_read() {
    let finish = |members: Value| {
        let mut body = response(json!([]));
        body.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        let answer = read(body);
        (answer.finish, answer.error.map(|error| error.summary().into_owned()))
    };
    let incomplete = |reason: &str| json!({"status": "incomplete", "incomplete_details": {"reason": reason}});
    assert_eq!(finish(json!({})).0, Some(FinishReason::Stop));
    assert_eq!(finish(incomplete("max_output_tokens")).0, Some(FinishReason::Length));
    assert_eq!(finish(incomplete("content_filter")).0, Some(FinishReason::ContentFilter));
    assert_eq!(finish(incomplete("steered")).0, Some(FinishReason::Other("steered".to_owned())));
    assert_eq!(finish(json!({"status": "incomplete"})).0, Some(FinishReason::Other("incomplete".to_owned())));
    assert_eq!(finish(json!({"status": "queued"})).0, Some(FinishReason::Other("queued".to_owned())));
    let failed = json!({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "太快"}});
    assert_eq!(finish(failed), (None, Some("rate_limit_exceeded: 太快".to_owned())));
    assert_eq!(finish(json!({"status": "cancelled"})), (None, Some("server_error: the response is cancelled".to_owned())));
}

#[test]
fn an_error_instead_of_a_response_is_an_answer_that_failed() {
    let answer = read(json!({"error": {"message": "余额不足", "type": "insufficient_quota", "code": "insufficient_quota"}}));
    assert_eq!(answer.error.expect("an error").code, "insufficient_quota");
    assert_eq!(decode(b"{}"), Err(DialectError::Missing { path: "output".to_owned() }));
    assert!(matches!(decode(b"<html>"), Err(DialectError::Malformed(_))));
}

#[test]
fn tokens_are_read_with_and_without_their_details() {
    let usage = |usage: Value| {
        let mut body = response(json!([]));
        body["usage"] = usage;
        read(body).usage
    };
    let details = json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1}, "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 15});
    assert_eq!(usage(details), Some(Usage { input: 10, cached: 4, cache_write: 1, output: 5, reasoning: 3 }));
    assert_eq!(usage(json!({"input_tokens": 1, "output_tokens": 2})), Some(Usage { input: 1, output: 2, ..Usage::default() }));
    assert_eq!(usage(json!(null)), None);
}

#[test]
fn a_response_has_every_member_that_typed_clients_need() {
    let body = written(vec![Event::Text("好".to_owned())], Request { model: "我的".to_owned(), ..Request::default() });
    for (member, expected) in [
        ("id", json!("resp_00000000000000070000")),
        ("object", json!("response")),
        ("created_at", json!(1_790_000_000)),
        ("model", json!("我的")),
        ("status", json!("completed")),
        ("parallel_tool_calls", json!(true)),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("error", json!(null)),
        ("incomplete_details", json!(null)),
        ("usage", json!(null)),
        ("text", json!({"format": {"type": "text"}})),
    ] {
        assert_eq!(body.get(member), Some(&expected), "{member}");
    }
    let content = json!([{"type": "output_text", "text": "好", "annotations": [], "logprobs": []}]);
    let message =
        json!({"type": "message", "id": "msg_00000000000000070001", "status": "completed", "role": "assistant", "content": content});
    assert_eq!(body["output"], json!([message]));
}

#[test]
fn a_response_repeats_what_was_asked() {
    let schema = Raw::parse(r#"{"type":"object"}"#);
    let tool = Tool { name: "查".to_owned(), description: None, input: ToolInput::Function { schema, strict: None }, cache: None };
    let request = Request {
        messages: vec![Message::new(Role::System, vec![Part::text("简短")])],
        tools: vec![tool],
        tool_choice: Some(ToolChoice::Named("查".to_owned())),
        parallel_tool_calls: Some(false),
        metadata: vec![("a".to_owned(), "一".to_owned())],
        max_tokens: Some(9),
        ..Request::default()
    };
    let usage = Usage { input: 10, cached: 4, cache_write: 1, output: 5, reasoning: 3 };
    let body = written(vec![start(), Event::Usage(usage), Event::ServiceTier("flex".to_owned())], request);
    assert_eq!(body["tools"], json!([{"type": "function", "name": "查", "parameters": {"type": "object"}, "strict": null}]));
    assert_eq!(body["tool_choice"], json!({"type": "function", "name": "查"}));
    assert_eq!((&body["instructions"], &body["metadata"], &body["max_output_tokens"]), (&json!("简短"), &json!({"a": "一"}), &json!(9)));
    assert_eq!((&body["parallel_tool_calls"], &body["service_tier"], &body["id"]), (&json!(false), &json!("flex"), &json!("resp_1")));
    let expected = json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1}, "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 15});
    assert_eq!(body["usage"], expected);
}

#[test]
fn how_it_ended_is_written() {
    let ended = |finish| {
        let body = written(vec![start(), Event::Text("好".to_owned()), Event::Finish(finish)], Request::default());
        (body["status"].clone(), body["incomplete_details"]["reason"].clone(), body["output"][0]["status"].clone())
    };
    assert_eq!(ended(FinishReason::Length), (json!("incomplete"), json!("max_output_tokens"), json!("incomplete")));
    assert_eq!(ended(FinishReason::ContentFilter), (json!("incomplete"), json!("content_filter"), json!("incomplete")));
    for whole in [FinishReason::Stop, FinishReason::StopSequence("完".to_owned()), FinishReason::Pause, FinishReason::ToolCalls] {
        assert_eq!(ended(whole), (json!("completed"), json!(null), json!("completed")));
    }
    let error = ApiError { message: "坏了".to_owned(), kind: "overloaded_error".to_owned(), code: String::new() };
    let body = written(vec![start(), Event::Error(error)], Request::default());
    assert_eq!((&body["status"], &body["error"]), (&json!("failed"), &json!({"code": "overloaded_error", "message": "坏了"})));
}

#[test]
fn what_is_written_is_read_again() {
    let thought = |text: &str, id: &str| {
        Content::Reasoning(Thought {
            text: text.to_owned(),
            signature: Some(Signature::new(Kind::OpenAiResponses, Form::Encrypted, "gAAAA=")),
            id: Some(id.to_owned()),
        })
    };
    let call = |id: &str, is_custom| {
        Content::ToolCall(ToolCall {
            id: id.to_owned(),
            name: "查".to_owned(),
            arguments: "{\"城\":1}".to_owned(),
            is_custom,
            signature: None,
        })
    };
    let citation = Citation { url: Some("https://x".to_owned()), title: Some("题".to_owned()), quote: None, range: Some((0, 2)) };
    let text = Content::Text(Text { text: "晴天".to_owned(), citations: vec![citation], signature: None });
    let image = Event::Image { media_type: "image/png".to_owned(), data: "iVBO".to_owned() };
    let mut answer = Answer::of([
        start(),
        image,
        Event::Finish(FinishReason::ToolCalls),
        Event::Usage(Usage { input: 1, output: 2, ..Usage::default() }),
    ]);
    let parts = [thought("想", "rs_1"), thought("", "rs_2"), text, Content::Refusal("不".to_owned()), call("c1", false), call("c2", true)];
    answer.parts.splice(0..0, parts.into_iter().map(Part::from));
    answer.logprobs = vec![Raw::parse(r#"[{"token":"晴","logprob":-0.10}]"#).expect("JSON")];
    let again = decode(&encode(answer.clone(), &occasion(Request::default()))).expect("an answer");
    assert_eq!(again.parts, answer.parts);
    assert_eq!((again.id, again.model, again.finish, again.usage), (answer.id, answer.model, answer.finish, answer.usage));
    assert_eq!(again.logprobs, answer.logprobs);
}

#[test]
fn foreign_signatures_are_marked_and_made_ids_known() {
    let gemini = Signature::new(Kind::Gemini, Form::Signed, "G");
    let anthropic = Signature::new(Kind::Anthropic, Form::Signed, "A");
    let call = Event::ToolCall { index: 0, id: "c".to_owned(), name: "查".to_owned(), is_custom: false, signature: Some(gemini.clone()) };
    let body = written(
        vec![
            Event::Reasoning("想".to_owned()),
            Event::ReasoningEnd { signature: Some(anthropic), id: Some("别人的".to_owned()) },
            Event::Text("好".to_owned()),
            Event::TextSignature(gemini),
            call,
        ],
        Request::default(),
    );
    let output: Vec<_> =
        body["output"].as_array().expect("a list").iter().map(|item| (&item["type"], &item["encrypted_content"])).collect();
    let types = ["reasoning", "message", "reasoning", "reasoning", "function_call"].map(Value::from);
    assert_eq!(output.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), types.iter().collect::<Vec<_>>());
    assert_eq!(output[0].1, "llmgw.anthropic.s.A");
    assert_eq!((output[2].1, output[3].1), (&json!("text:llmgw.gemini.s.G"), &json!("call:llmgw.gemini.s.G")));
    assert!(body["output"][0]["id"].as_str().is_some_and(|id| id.starts_with("rs_llmgw_")));
}

#[test]
fn a_custom_tools_call_is_unwrapped_where_the_upstream_knew_only_functions() {
    let tool = Tool { name: "补".to_owned(), description: None, input: ToolInput::Custom { format: None }, cache: None };
    let request = Request { tools: vec![tool], ..Request::default() };
    for (arguments, input) in [(r#"{"input":"*** 补\n丁"}"#, "*** 补\n丁"), ("{\"inp", "{\"inp")] {
        let call = Event::ToolCall { index: 0, id: "c".to_owned(), name: "补".to_owned(), is_custom: false, signature: None };
        let body = written(vec![call, Event::ToolArguments { index: 0, text: arguments.to_owned() }], request.clone());
        assert_eq!((&body["output"][0]["type"], &body["output"][0]["input"]), (&json!("custom_tool_call"), &json!(input)));
    }
}
