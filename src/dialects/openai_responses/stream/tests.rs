//! Streams, read and written.

use std::sync::Arc;

use bytes::BytesMut;
use serde_json::{Value, json};

use super::Writer;
use crate::dialects::openai_responses::{Responses, response};
use crate::dialects::testing;
use crate::dialects::{DialectError, Encoder, Occasion};
use crate::hub::{Answer, ApiError, Citation, Content, Event, FinishReason, Form, Kind, Raw, Request, Signature, Tool, ToolInput, Usage};

/// What a stream of these bytes says, in chunks that end at `cut`.
fn told(stream: &[u8], cut: usize) -> Result<Vec<Event>, DialectError> {
    testing::events(&Responses, &[&stream[..cut], &stream[cut..]])
}

/// A stream of these events, as OpenAI writes it.
fn stream(events: &[Value]) -> Vec<u8> {
    let frame = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    events.iter().map(frame).collect::<String>().into_bytes()
}

fn read(events: &[Value]) -> Vec<Event> {
    told(&stream(events), 0).expect("events")
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "resp_1", "model": "gpt-6-sol", "status": "in_progress", "output": []}})
}

fn start() -> Event {
    Event::Start { id: "resp_1".to_owned(), model: "gpt-6-sol".to_owned() }
}

fn call(index: u32, id: &str, is_custom: bool) -> Event {
    Event::ToolCall { index, id: id.to_owned(), name: "查".to_owned(), is_custom, signature: None }
}

fn arguments(index: u32, text: &str) -> Event {
    Event::ToolArguments { index, text: text.to_owned() }
}

fn occasion() -> Occasion {
    Occasion { request: Arc::new(Request { model: "我的".to_owned(), ..Request::default() }), now: 5, seed: 7 }
}

/// The bytes of a stream for a client.
fn bytes(events: &[Event], occasion: Occasion) -> BytesMut {
    let (mut writer, mut out) = (Writer::new(occasion), BytesMut::new());
    events.iter().for_each(|event| writer.encode(event.clone(), &mut out));
    writer.end(&mut out);
    out
}

/// The events of it, whose numbers are checked.
fn written(events: &[Event], occasion: Occasion) -> Vec<Value> {
    let out = bytes(events, occasion);
    let text = std::str::from_utf8(&out).expect("UTF-8");
    let frames = text.strip_suffix("\n\n").expect("an end").split("\n\n");
    let read = |(number, frame): (usize, &str)| {
        let (name, data) = frame.strip_prefix("event: ").and_then(|rest| rest.split_once("\ndata: ")).expect("a frame");
        let value: Value = serde_json::from_str(data).expect("JSON");
        assert_eq!((value["type"].as_str(), value["sequence_number"].as_u64()), (Some(name), Some(number as u64)));
        value
    };
    frames.enumerate().map(read).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap_or_default().trim_start_matches("response.")).collect()
}

/// A reply with all kinds of items, whole.
fn whole() -> Value {
    json!({"id": "resp_1", "object": "response", "model": "gpt-6-sol", "status": "completed", "service_tier": "default",
    "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 5, "total_tokens": 15},
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "一想"}, {"type": "summary_text", "text": "二想"}],
            "encrypted_content": "gAAAA="},
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [
            {"type": "output_text", "text": "你好", "annotations": [], "logprobs": []},
            {"type": "output_text", "text": "世界", "logprobs": [], "annotations": [
                {"type": "url_citation", "url": "https://x", "title": "题", "start_index": 0, "end_index": 2}]},
            {"type": "refusal", "refusal": "不行"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "查", "arguments": "{\"城\":\"京\"}"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "查", "input": "补丁"},
    ]})
}

/// The same as a stream; of each piece the text comes in deltas.
fn pieces() -> Vec<Value> {
    let whole = whole();
    let item = |index: usize| whole["output"][index].clone();
    let message = |kind: &str, content: u64, member: &str, value: Value| json!({"type": kind, "item_id": "msg_1", "output_index": 1, "content_index": content, member: value, "logprobs": []});
    let thought = |kind: &str, index: u64, member: &str, value: &str| json!({"type": kind, "item_id": "rs_1", "output_index": 0, "summary_index": index, member: value});
    let (text, thinks) = ("response.output_text.delta", "response.reasoning_summary_text.delta");
    vec![
        created(),
        json!({"type": "response.in_progress", "response": {"id": "resp_1", "model": "gpt-6-sol"}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
        json!({"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 0, "part": {"type": "summary_text", "text": ""}}),
        thought(thinks, 0, "delta", "一"),
        thought(thinks, 0, "delta", "想"),
        thought("response.reasoning_summary_text.done", 0, "text", "一想"),
        thought(thinks, 1, "delta", "二想"),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item(0)}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "id": "msg_1", "content": []}}),
        message("response.content_part.added", 0, "part", json!({"type": "output_text", "text": ""})),
        message(text, 0, "delta", json!("你")),
        message(text, 0, "delta", json!("好")),
        message("response.output_text.done", 0, "text", json!("你好")),
        message(text, 1, "delta", json!("世界")),
        json!({"type": "response.output_text.annotation.added", "output_index": 1, "content_index": 1, "annotation_index": 0,
            "annotation": item(1)["content"][1]["annotations"][0]}),
        message("response.content_part.done", 1, "part", item(1)["content"][1].clone()),
        message("response.refusal.delta", 2, "delta", json!("不行")),
        json!({"type": "response.output_item.done", "output_index": 1, "item": item(1)}),
        json!({"type": "response.output_item.added", "output_index": 2,
            "item": {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "查", "arguments": ""}}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{\"城\""}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": ":\"京\"}"}),
        json!({"type": "response.function_call_arguments.done", "output_index": 2, "arguments": "{\"城\":\"京\"}"}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": item(2)}),
        json!({"type": "response.output_item.added", "output_index": 3,
            "item": {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "查", "input": ""}}),
        json!({"type": "response.custom_tool_call_input.delta", "output_index": 3, "delta": "补丁"}),
        json!({"type": "response.output_item.done", "output_index": 3, "item": item(3)}),
        json!({"type": "response.completed", "response": whole}),
    ]
}

#[test]
fn a_stream_says_what_the_whole_reply_says() {
    let streamed = Answer::of(read(&pieces()));
    let whole = response::decode(whole().to_string().as_bytes()).expect("an answer");
    assert_eq!(streamed.clone().into_events(), whole.clone().into_events());
    assert_eq!(whole.parts.len(), 5);
    assert!(matches!(&whole.parts[1].content, Content::Text(text) if text.citations[0].range == Some((2, 4))));
    assert_eq!(streamed.usage, Some(Usage { input: 10, cached: 4, output: 5, ..Usage::default() }));
}

#[test]
fn a_stream_may_be_cut_anywhere() {
    let stream = stream(&pieces());
    let uncut = told(&stream, 0).expect("events");
    for cut in 1..stream.len() {
        assert_eq!(told(&stream, cut).expect("events"), uncut, "{cut}");
    }
}

#[test]
fn what_does_not_come_in_pieces_comes_with_what_is_done() {
    let whole = whole();
    let done = |index: usize| json!({"type": "response.output_item.done", "output_index": index, "item": whole["output"][index]});
    let only_done = read(&[created(), done(0), done(1), done(2), done(3), json!({"type": "response.completed", "response": whole})]);
    let only_end = read(&[json!({"type": "response.completed", "response": whole})]);
    let half = read(&[
        created(),
        json!({"type": "response.output_text.delta", "output_index": 1, "delta": "你"}),
        json!({"type": "response.output_text.done", "output_index": 1, "text": "你好"}),
        done(1),
    ]);
    let expected = response::decode(whole.to_string().as_bytes()).expect("an answer").into_events();
    assert_eq!(Answer::of(only_done).into_events(), expected);
    assert_eq!(Answer::of(only_end).into_events(), expected);
    assert!(matches!(&Answer::of(half).parts[0].content, Content::Text(text) if text.text == "你好世界" && text.citations.len() == 1));
}

#[test]
fn a_thought_of_an_open_model_is_told_once() {
    let thought = |kind: &str, member: &str, value: &str| json!({"type": kind, "output_index": 0, "content_index": 0, member: value});
    let item = json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "摘要"}],
        "content": [{"type": "reasoning_text", "text": "想一想"}]});
    let events = read(&[
        created(),
        thought("response.reasoning_text.delta", "delta", "想"),
        thought("response.reasoning_text.done", "text", "想一想"),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "摘要"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
    ]);
    let expected = [
        start(),
        Event::Reasoning("想".to_owned()),
        Event::Reasoning("一想".to_owned()),
        Event::ReasoningEnd { signature: None, id: Some("rs_1".to_owned()) },
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_failure_is_told_with_its_code() {
    let failed = json!({"type": "response.failed", "response": {"id": "resp_1", "status": "failed", "usage": {"input_tokens": 3},
        "error": {"code": "rate_limit_exceeded", "message": "太快"}}});
    let error = ApiError { message: "太快".to_owned(), kind: String::new(), code: "rate_limit_exceeded".to_owned() };
    let usage = Event::Usage(Usage { input: 3, ..Usage::default() });
    assert_eq!(read(&[created(), failed]), [start(), usage, Event::Error(error.clone())]);
    let flat = json!({"type": "error", "code": "rate_limit_exceeded", "message": "太快", "param": null, "sequence_number": 1});
    assert_eq!(read(&[flat]), [Event::Error(error.clone())]);
    assert_eq!(read(&[json!({"error": {"code": "rate_limit_exceeded", "message": "太快"}})]), [Event::Error(error)]);
    let incomplete = json!({"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}});
    assert_eq!(read(&[created(), incomplete]), [start(), Event::Finish(FinishReason::Length)]);
}

#[test]
fn what_is_not_known_is_ignored_and_what_is_no_json_is_not() {
    let ignored = "event: ping\ndata: {\"type\":\"response.new_thing\",\"x\":[1]}\n\n: keep-alive\n\ndata: {\"x\":1}\n\n\
        data: {\"type\":\"response.output_item.added\",\"item\":null}\n\ndata: [DONE]\n\n";
    assert_eq!(told(ignored.as_bytes(), 0), Ok(Vec::new()));
    assert!(matches!(told(b"data: <html>\n\n", 0), Err(DialectError::Malformed(_))));
    assert!(told(b"data: {\"type\":\"response.output_text.delta\",\"delta\":1}\n\n", 0).is_err());
    // Without the call it belongs to it has no name; the whole item brings it again.
    assert_eq!(read(&[json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{"})]), []);
}

#[test]
fn a_call_without_an_id_gets_one() {
    let item = json!({"type": "function_call", "name": "查", "arguments": "{}"});
    let done = |index| json!({"type": "response.output_item.done", "output_index": index, "item": item});
    let expected = [start(), call(0, "resp_1_call_0", false), arguments(0, "{}"), call(1, "resp_1_call_1", false), arguments(1, "{}")];
    assert_eq!(read(&[created(), done(0), done(1)]), expected);
}

#[test]
fn items_may_share_a_place() {
    let added = |id: &str| json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "function_call", "call_id": id, "name": "查"}});
    let delta = |text: &str| json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": text});
    let events = read(&[created(), added("c1"), delta("1"), added("c2"), delta("2")]);
    assert_eq!(events, [start(), call(0, "c1", false), arguments(0, "1"), call(1, "c2", false), arguments(1, "2")]);
}

#[test]
fn log_probabilities_come_after_their_text() {
    let list = r#"[{"token":"你","logprob":-0.10,"bytes":[228],"top_logprobs":[]}]"#;
    let delta =
        format!(r#"data: {{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"你","logprobs":{list}}}"#);
    let events = told(format!("{delta}\n\n").as_bytes(), 0).expect("events");
    assert_eq!(events, [Event::Text("你".to_owned()), Event::Logprobs(Raw::parse(list).expect("JSON"))]);
    let request = Request { logprobs: Some(0), ..Request::default() };
    let frames = written(&events, Occasion { request: Arc::new(request), ..occasion() });
    assert_eq!((&frames[4]["delta"], &frames[4]["logprobs"][0]["token"]), (&json!("你"), &json!("你")));
    assert_eq!((&frames[5]["text"], &frames[5]["logprobs"][0]["logprob"]), (&json!("你"), &json!(-0.1)));
}

#[test]
fn a_text_is_written_in_openais_order() {
    let citation = Citation { url: Some("https://x".to_owned()), ..Citation::default() };
    let events = [
        start(),
        Event::Text("你".to_owned()),
        Event::Text("好".to_owned()),
        Event::Citation(citation),
        Event::Citation(Citation { title: Some("书".to_owned()), ..Citation::default() }),
        Event::Usage(Usage { input: 1, output: 2, ..Usage::default() }),
        Event::Finish(FinishReason::Stop),
    ];
    let frames = written(&events, occasion());
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(kinds(&frames), expected);
    let item_id = json!("msg_00000000000000070001");
    assert_eq!(
        frames[4],
        json!({"type": "response.output_text.delta", "sequence_number": 4, "item_id": item_id, "output_index": 0, "content_index": 0,
            "delta": "你", "logprobs": []})
    );
    let annotation = json!({"type": "url_citation", "url": "https://x", "title": "", "start_index": 2, "end_index": 2});
    assert_eq!((&frames[6]["annotation"], &frames[6]["annotation_index"]), (&annotation, &json!(0)));
    assert_eq!((&frames[7]["text"], &frames[8]["part"]["annotations"]), (&json!("你好"), &json!([annotation])));
    assert_eq!((&frames[2]["item"]["status"], &frames[9]["item"]["status"]), (&json!("in_progress"), &json!("completed")));
    assert_eq!((&frames[0]["response"]["status"], &frames[0]["response"]["output"]), (&json!("in_progress"), &json!([])));
    assert_eq!(frames[10]["response"]["output"], json!([frames[9]["item"]]));
    assert_eq!(frames[10]["response"]["usage"]["total_tokens"], 3);
}

#[test]
fn a_thought_is_an_item_before_the_message() {
    let own = Signature::new(Kind::OpenAiResponses, Form::Encrypted, "gAAAA=");
    let events = [
        Event::Reasoning("想".to_owned()),
        Event::ReasoningEnd { signature: Some(own.clone()), id: Some("rs_1".to_owned()) },
        Event::ReasoningEnd { signature: Some(own), id: Some("rs_2".to_owned()) },
        Event::Refusal("不行".to_owned()),
    ];
    let frames = written(&events, occasion());
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(kinds(&frames), expected);
    // The name that began an item stays its name, and is not OpenAI's.
    let id = json!("rs_llmgw_00000000000000070001");
    assert_eq!((&frames[2]["item"]["id"], &frames[7]["item"]["id"], &frames[9]["item"]["id"]), (&id, &id, &json!("rs_2")));
    assert_eq!(frames[7]["item"]["encrypted_content"], "gAAAA=");
    assert_eq!(
        (&frames[13]["refusal"], &frames[10]["output_index"], &frames[0]["response"]["model"]),
        (&json!("不行"), &json!(2), &json!("我的"))
    );
}

#[test]
fn a_second_call_waits_until_the_first_is_whole() {
    let events = [
        call(0, "c1", false),
        arguments(0, "{\"城\""),
        call(1, "c2", true),
        arguments(1, "补"),
        arguments(0, ":1}"),
        arguments(1, "丁"),
        Event::Finish(FinishReason::ToolCalls),
    ];
    let frames = written(&events, occasion());
    let expected = [
        "created",
        "in_progress",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
        "completed",
    ];
    assert_eq!(kinds(&frames), expected);
    assert_eq!((&frames[5]["arguments"], &frames[5]["name"]), (&json!("{\"城\":1}"), &json!("查")));
    assert_eq!((&frames[8]["delta"], &frames[9]["input"], &frames[10]["item"]["call_id"]), (&json!("补丁"), &json!("补丁"), &json!("c2")));
}

#[test]
fn what_broke_off_is_incomplete_and_what_failed_says_why() {
    let frames = written(&[Event::Text("半".to_owned()), Event::Finish(FinishReason::Length)], occasion());
    let (item, end) = (&frames[frames.len() - 2], &frames[frames.len() - 1]);
    assert_eq!((&item["item"]["status"], &end["type"]), (&json!("incomplete"), &json!("response.incomplete")));
    assert_eq!(end["response"]["incomplete_details"], json!({"reason": "max_output_tokens"}));
    let error = ApiError { message: "坏了".to_owned(), kind: String::new(), code: "server_is_overloaded".to_owned() };
    let frames = written(&[Event::Text("半".to_owned()), Event::Error(error), Event::Text("后".to_owned())], occasion());
    let end = &frames[frames.len() - 1];
    assert_eq!((&end["type"], &end["response"]["status"]), (&json!("response.failed"), &json!("failed")));
    assert_eq!(end["response"]["error"], json!({"code": "server_is_overloaded", "message": "坏了"}));
    assert_eq!(end["response"]["output"][0]["content"][0]["text"], "半");
}

#[test]
fn a_schema_with_line_ends_stays_on_its_line() {
    let schema = Raw::parse("{\r\n  \"title\": \"a\\nb\"\n}");
    let tool = Tool { name: "查".to_owned(), description: None, input: ToolInput::Function { schema, strict: None }, cache: None };
    let request = Request { tools: vec![tool], ..Request::default() };
    let frames = written(&[], Occasion { request: Arc::new(request), ..occasion() });
    assert_eq!(frames[2]["response"]["tools"][0]["parameters"], json!({"title": "a\nb"}));
}

#[test]
fn an_answer_without_content_is_still_a_stream() {
    assert_eq!(kinds(&written(&[], occasion())), ["created", "in_progress", "completed"]);
    let empty = [start(), Event::Text(String::new()), Event::Reasoning(String::new()), Event::ReasoningEnd { signature: None, id: None }];
    assert_eq!(kinds(&written(&empty, occasion())), ["created", "in_progress", "completed"]);
}

#[test]
fn what_is_written_is_read_again() {
    let events = read(&pieces());
    let answer = Answer::of(events.clone());
    let mut again = Answer::of(told(&bytes(&events, occasion()), 0).expect("events"));
    // A stream cannot give a thought the upstream's name any more.
    for (part, before) in again.parts.iter_mut().zip(&answer.parts) {
        if let (Content::Reasoning(thought), Content::Reasoning(before)) = (&mut part.content, &before.content) {
            thought.id.clone_from(&before.id);
        }
    }
    assert_eq!(again.into_events(), answer.into_events());
}

#[test]
fn a_tool_of_a_namespace_is_called_as_its_client_knows_it() {
    let request = Request { model: "m".to_owned(), groups: vec!["crm".to_owned()], ..Request::default() };
    let called = |name: &str| {
        let call = Event::ToolCall { index: 0, id: "call_1".to_owned(), name: name.to_owned(), is_custom: false, signature: None };
        let events = [call, arguments(0, "{}"), Event::Finish(FinishReason::ToolCalls)];
        let frames = written(&events, Occasion { request: Arc::new(request.clone()), now: 5, seed: 7 });
        let ended = |frame: &&Value| frame["type"] == "response.function_call_arguments.done";
        assert_eq!(frames.iter().find(ended).expect("an end")["name"], name.trim_start_matches("crm__"));
        let last = frames.last().expect("a frame")["response"]["output"][0].clone();
        (last["namespace"].clone(), last["name"].clone())
    };
    assert_eq!(called("crm__find"), (json!("crm"), json!("find")));
    assert_eq!(called("find"), (Value::Null, json!("find")));
}
