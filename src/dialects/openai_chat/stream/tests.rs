use serde_json::{Value, json};

use super::super::tests::{events_of, stream, streamed, whole, written, written_for};
use super::events;
use crate::hub::{
    Answer, ApiError, Citation, Content, Event, FinishReason, Form, Kind, Part, Raw, Request, Signature, Thought, ToolCall, Usage,
};

const CHUNKS: [&str; 9] = [
    r#"{"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[{}]}"#,
    r#"{"id":"chatcmpl-1","created":1,"model":"m","service_tier":"default","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null}"#,
    r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"reasoning_content":"想一"},"finish_reason":null}]}"#,
    r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"reasoning_content":"想"},"finish_reason":null}]}"#,
    r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"你好"},"logprobs":{"content":[{"token":"你好","logprob":-0.10,"bytes":null,"top_logprobs":[]}]},"finish_reason":null}]}"#,
    r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"天气","arguments":""}}]},"finish_reason":null}]}"#,
    r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"城市\":"}},{"index":1,"id":"call_b","function":{"name":"g","arguments":"{}"}},{"index":0,"function":{"arguments":"\"北京\"}"}}]},"finish_reason":null}]}"#,
    r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
    r#"{"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":8,"total_tokens":17}}"#,
];

const WHOLE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","service_tier":"default","choices":[{"index":0,
    "message":{"role":"assistant","content":"你好","refusal":null,"reasoning_content":"想一想","tool_calls":[
        {"id":"call_a","type":"function","function":{"name":"天气","arguments":"{\"城市\":\"北京\"}"}},
        {"id":"call_b","type":"function","function":{"name":"g","arguments":"{}"}}]},
    "logprobs":{"content":[{"token":"你好","logprob":-0.10,"bytes":null,"top_logprobs":[]}],"refusal":null},"finish_reason":"tool_calls"}],
    "usage":{"prompt_tokens":9,"completion_tokens":8,"total_tokens":17}}"#;

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn call(index: u32, id: &str, name: &str) -> Event {
    Event::ToolCall { index, id: id.to_owned(), name: name.to_owned(), is_custom: false, signature: None }
}

fn arguments(index: u32, text: &str) -> Event {
    Event::ToolArguments { index, text: text.to_owned() }
}

/// The calls of an answer, in short.
fn calls(answer: &Answer) -> Vec<String> {
    let call = |content: &Content| match content {
        Content::ToolCall(ToolCall { id, name, arguments, .. }) => Some(format!("{id} {name} {arguments}")),
        _ => None,
    };
    answer.parts.iter().filter_map(|part| call(&part.content)).collect()
}

/// The chunks of a stream but the terminator.
fn chunks(stream: &str) -> Vec<Value> {
    let data = stream.strip_suffix("data: [DONE]\n\n").expect("a terminator").split_terminator("\n\n");
    data.map(|frame| serde_json::from_str(frame.strip_prefix("data: ").expect("data")).expect("JSON")).collect()
}

/// The deltas of a stream, and what stands where there is none.
fn deltas(stream: &str) -> Vec<Value> {
    let delta = |chunk: &Value| match &chunk["choices"][0] {
        Value::Null => chunk["usage"]["total_tokens"].clone(),
        choice if choice["finish_reason"].is_null() => choice["delta"].clone(),
        choice => choice["finish_reason"].clone(),
    };
    chunks(stream).iter().map(delta).collect()
}

#[test]
fn a_stream_says_what_the_whole_says() {
    let answer = streamed(&CHUNKS);
    assert_eq!(answer, whole(WHOLE));
    assert_eq!(calls(&answer), [r#"call_a 天气 {"城市":"北京"}"#, "call_b g {}"]);
    assert_eq!(answer.logprobs[0].text(), r#"[{"token":"你好","logprob":-0.10,"bytes":null,"top_logprobs":[]}]"#);
    assert_eq!((answer.id.as_str(), answer.model.as_str(), answer.service_tier.as_deref()), ("chatcmpl-1", "m", Some("default")));
    assert_eq!(answer.finish, Some(FinishReason::ToolCalls));
}

#[test]
fn a_stream_may_be_cut_anywhere() {
    let stream = stream(&CHUNKS).replace("\n\n", "\r\n\r\n: keep-alive\r\n\r\n");
    let expected = events_of(&[stream.as_bytes()]).expect("a stream");
    for cut in 0..=stream.len() {
        let (begin, end) = stream.as_bytes().split_at(cut);
        assert_eq!(events_of(&[begin, end]).as_ref(), Ok(&expected), "{cut}");
    }
}

#[test]
fn vendors_call_tools_in_their_own_ways() {
    let piece = |call: &str| format!(r#"{{"id":"x","choices":[{{"delta":{{"tool_calls":[{call}]}}}}]}}"#);
    let cases: [(&str, &[&str], &[&str]); 9] = [
        (
            "no index: an id or a name begins a call",
            &[r#"{"id":"a","function":{"name":"f","arguments":"{"}}"#, r#"{"function":{"arguments":"}"}},{"function":{"name":"g"}}"#],
            &["a f {}", "x_call_1 g "],
        ),
        (
            "the id again and again",
            &[r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#, r#"{"index":0,"id":"a","function":{"arguments":"}"}}"#],
            &["a f {}"],
        ),
        (
            "the name again and again",
            &[
                r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#,
                r#"{"index":0,"id":"","function":{"name":"f","arguments":"}"}}"#,
            ],
            &["a f {}"],
        ),
        (
            "each has the index 0",
            &[
                r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}"#,
                r#"{"index":0,"id":"b","function":{"name":"g","arguments":"[]"}}"#,
            ],
            &["a f {}", "b g []"],
        ),
        (
            "without an index, by the id",
            &[
                r#"{"id":"a","function":{"name":"f","arguments":"{"}},{"id":"b","function":{"name":"g","arguments":"["}}"#,
                r#"{"id":"a","function":{"arguments":"}"}},{"id":"b","function":{"arguments":"]"}}"#,
            ],
            &["a f {}", "b g []"],
        ),
        (
            "arguments as an object keep their digits",
            &[r#"{"index":0,"id":"a","function":{"name":"f","arguments":{"z":1.0,"a":123456789012345678901234567890}}}"#],
            &[r#"a f {"z":1.0,"a":123456789012345678901234567890}"#],
        ),
        (
            "the name comes late",
            &[
                r#"{"index":0,"id":"a","function":{"arguments":"{"}}"#,
                r#"{"index":0,"function":{"name":"f","arguments":"\"甲\":"}}"#,
                r#"{"index":0,"function":{"arguments":"1}"}}"#,
            ],
            &[r#"a f {"甲":1}"#],
        ),
        ("no id", &[r#"{"index":3,"function":{"name":"f","arguments":"{}"}}"#], &["x_call_0 f {}"]),
        ("nulls", &[r#"{"index":null,"id":null,"type":null,"function":{"name":"f","arguments":null}}"#], &["x_call_0 f "]),
    ];
    for (case, pieces, expected) in cases {
        let chunks: Vec<String> = pieces.iter().map(|call| piece(call)).collect();
        let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
        let answer = streamed(&chunks);
        assert_eq!(calls(&answer), expected, "{case}");
        // None of them says why it ended.
        assert_eq!(answer.finish, Some(FinishReason::ToolCalls), "{case}");
    }
}

#[test]
fn reasoning_is_found_where_vendors_put_it() {
    for delta in [
        r#"{"reasoning_content":"想","content":"好"}"#,
        r#"{"reasoning":"想","content":"好"}"#,
        r#"{"reasoning_text":"想","content":"好"}"#,
        r#"{"reasoning":"想","reasoning_details":[{"type":"reasoning.text","text":"想","signature":"EqoB"}],"content":"好"}"#,
        r#"{"reasoning_details":[{"type":"reasoning.summary","summary":"想"}],"content":"好"}"#,
        r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"想"}]},{"type":"text","text":"好"},{"type":"reference"}]}"#,
        r#"{"content":[{"type":"thinking","thinking":"想"},{"type":"text","text":"好"}]}"#,
    ] {
        let answer = streamed(&[&format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#)]);
        assert_eq!(
            answer.parts,
            [Content::Reasoning(Thought { text: "想".to_owned(), ..Thought::default() }).into(), Part::text("好")],
            "{delta}"
        );
        assert_eq!(whole(&format!(r#"{{"choices":[{{"message":{delta}}}]}}"#)), answer, "{delta}");
    }
}

#[test]
fn answers_end_in_many_ways() {
    for (choice, expected) in [
        (r#""finish_reason":"eos""#, FinishReason::Stop),
        (r#""finish_reason":"stop","stop_reason":"完""#, FinishReason::StopSequence("完".to_owned())),
        (r#""finish_reason":"stop","stop_reason":"end_turn""#, FinishReason::Stop),
        (r#""finish_reason":"stop","stop_reason":128001"#, FinishReason::Stop),
        (r#""finish_reason":"length""#, FinishReason::Length),
        (r#""finish_reason":"sensitive""#, FinishReason::ContentFilter),
        (r#""finish_reason":"network_error""#, FinishReason::Other("network_error".to_owned())),
    ] {
        assert_eq!(streamed(&[&format!(r#"{{"choices":[{{"delta":{{}},{choice}}}]}}"#)]).finish, Some(expected), "{choice}");
    }
    let called = r#"{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]}"#;
    assert_eq!(streamed(&[called]).finish, Some(FinishReason::ToolCalls));
    assert_eq!(streamed(&[r#"{"choices":[{"delta":{"content":"好"},"finish_reason":""}]}"#]).finish, None);
}

#[test]
fn errors_and_what_nobody_knows_are_read() {
    let failed = streamed(&[CHUNKS[1], r#"{"error":{"message":"过载","code":502},"choices":[{"delta":{},"finish_reason":"error"}]}"#]);
    assert_eq!(failed.error.expect("an error").summary(), "502: 过载");
    let stream =
        "event: ping\ndata: {}\n\ndata:\n\n: OPENROUTER PROCESSING\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"好\",\"x\":1}}]}\n\n";
    let start = Event::Start { id: String::new(), model: String::new() };
    assert_eq!(events_of(&[stream.as_bytes()]), Ok(vec![start, text("好")]));
    assert!(events_of(&[b"data: {\n\n"]).is_err());
}

#[test]
fn only_the_first_of_several_answers_is_read() {
    let answer = streamed(&[
        r#"{"choices":[{"index":1,"delta":{"content":"乙"}},{"index":0,"delta":{"content":"甲"}}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"乙"}}]}"#,
    ]);
    assert_eq!(answer.parts, [Part::text("甲")]);
}

#[test]
fn sources_are_told_once() {
    let chunk =
        r#"{"choices":[{"delta":{"content":"好"}}],"citations":["https://a.cn"],"search_results":[{"title":"甲","url":"https://a.cn"}]}"#;
    let answer = streamed(&[chunk, chunk]);
    let Content::Text(said) = &answer.parts[0].content else { panic!("{answer:?}") };
    let source = Citation { url: Some("https://a.cn".to_owned()), title: Some("甲".to_owned()), ..Citation::default() };
    assert_eq!((said.text.as_str(), &said.citations), ("好好", &vec![source]));
}

#[test]
fn a_chunk_becomes_events() {
    let chunk = r#"{"choices":[{"delta":{"content":"好","tool_calls":[{"index":1,"id":"c","function":{"name":"f","arguments":"{"}}]},"finish_reason":"length"}]}"#;
    let expected = vec![text("好"), call(0, "c", "f"), arguments(0, "{"), Event::Finish(FinishReason::Length)];
    assert_eq!(events(chunk.as_bytes()), expected);
    assert_eq!(
        events(br#"{"error":{"message":"overloaded"}}"#),
        [Event::Error(ApiError { message: "overloaded".to_owned(), ..ApiError::default() })]
    );
    assert_eq!(events(b"[DONE]"), []);
    assert_eq!(events(b"<html>"), []);
}

#[test]
fn a_stream_is_written_in_order() {
    let stream = written([
        Event::Start { id: "msg_1".to_owned(), model: "claude".to_owned() },
        Event::Finish(FinishReason::ToolCalls),
        Event::ServiceTier("default".to_owned()),
        Event::Reasoning("想".to_owned()),
        Event::ReasoningEnd { signature: Some(Signature::new(Kind::Anthropic, Form::Signed, "S")), id: None },
        text("你"),
        text(""),
        text("好"),
        Event::Logprobs(Raw::parse(r#"[{"token":"你","logprob":-0.10}]"#).expect("JSON")),
        call(0, "a", "f"),
        call(1, "b", "g"),
        arguments(0, "{\"甲\""),
        arguments(0, ":1}"),
        Event::Usage(Usage { input: 1, output: 2, ..Usage::default() }),
    ]);
    let call = |index: u64, id: &str, name: &str| json!({"tool_calls":[{"index":index,"id":id,"type":"function","function":{"name":name,"arguments":""}}]});
    let arguments = |index: u64, text: &str| json!({"tool_calls":[{"index":index,"function":{"arguments":text}}]});
    let detail = json!([{"type":"reasoning.text","text":"想","signature":"llmgw.anthropic.s.S","index":0}]);
    let expected = [
        json!({"role":"assistant","content":null,"refusal":null}),
        json!({"reasoning_content":"想"}),
        json!({"reasoning_details":detail}),
        json!({"content":"你"}),
        json!({"content":"好"}),
        json!({}),
        call(0, "a", "f"),
        call(1, "b", "g"),
        arguments(0, "{\"甲\""),
        arguments(0, ":1}"),
        // A call without arguments has some.
        arguments(1, "{}"),
        json!("tool_calls"),
        json!(3),
    ];
    assert_eq!(deltas(&stream), expected);
    let all = chunks(&stream);
    for chunk in &all {
        assert_eq!((&chunk["id"], &chunk["model"]), (&json!("chatcmpl-0000000000000abc0000"), &json!("claude")), "{chunk}");
        assert_eq!((&chunk["object"], &chunk["created"]), (&json!("chat.completion.chunk"), &json!(1_763_600_000)), "{chunk}");
        assert_eq!((chunk.get("usage").is_some(), &chunk["service_tier"]), (true, &json!("default")), "{chunk}");
    }
    assert!(stream.contains(r#""logprobs":{"content":[{"token":"你","logprob":-0.10}],"refusal":null}"#));
    assert!(all[..all.len() - 1].iter().all(|chunk| chunk["usage"].is_null() && chunk["choices"][0]["index"] == json!(0)));
}

#[test]
fn nobody_gets_usage_who_did_not_ask() {
    let request = Request { model: "模型".to_owned(), ..Request::default() };
    let usage = Event::Usage(Usage { input: 1, output: 2, ..Usage::default() });
    let stream = written_for(request, [text("好"), usage, Event::Finish(FinishReason::Pause)]);
    assert_eq!(deltas(&stream), [json!({"role":"assistant","content":"","refusal":null}), json!({"content":"好"}), json!("stop")]);
    assert!(!stream.contains("usage") && stream.contains("\"model\":\"模型\""));
}

#[test]
fn an_empty_answer_is_a_whole_stream() {
    assert_eq!(deltas(&written([])), [json!({"role":"assistant","content":"","refusal":null}), json!("stop")]);
}

#[test]
fn an_error_is_the_last_word() {
    let failed = ApiError { message: "过载".to_owned(), kind: "overloaded_error".to_owned(), code: String::new() };
    let stream = written([text("从前"), Event::Error(failed.clone()), text("有")]);
    assert!(
        stream.ends_with("{\"error\":{\"message\":\"过载\",\"type\":\"overloaded_error\",\"param\":null,\"code\":null}}\n\n"),
        "{stream}"
    );
    assert_eq!(events_of(&[stream.as_bytes()]).expect("a stream").last(), Some(&Event::Error(failed)));
}

#[test]
fn signatures_images_and_sources_come_back() {
    let signature = |kind, form| Signature::new(kind, form, "S+/=");
    let events = [
        Event::Start { id: "chatcmpl-1".to_owned(), model: "m".to_owned() },
        Event::Reasoning("想".to_owned()),
        Event::ReasoningEnd { signature: Some(signature(Kind::Anthropic, Form::Signed)), id: None },
        Event::ReasoningEnd { signature: Some(signature(Kind::Anthropic, Form::Encrypted)), id: None },
        Event::Reasoning("摘要".to_owned()),
        Event::ReasoningEnd { signature: Some(signature(Kind::OpenAiResponses, Form::Encrypted)), id: Some("rs_1".to_owned()) },
        text("你好"),
        Event::Citation(Citation { url: Some("https://a.cn".to_owned()), title: Some("甲".to_owned()), quote: None, range: Some((0, 2)) }),
        Event::TextSignature(signature(Kind::Gemini, Form::Signed)),
        Event::Refusal("不".to_owned()),
        Event::Image { media_type: "image/png".to_owned(), data: "QUJD".to_owned() },
        Event::ToolCall {
            index: 0,
            id: "a".to_owned(),
            name: "f".to_owned(),
            is_custom: true,
            signature: Some(signature(Kind::Gemini, Form::Signed)),
        },
        arguments(0, "说"),
        Event::Finish(FinishReason::ToolCalls),
        Event::Usage(Usage { input: 9, cached: 3, cache_write: 2, output: 5, reasoning: 1 }),
    ];
    let stream = written(events.clone());
    let (answer, again) = (Answer::of(events), Answer::of(events_of(&[stream.as_bytes()]).expect("a stream")));
    assert_eq!(again, answer);
    assert!(stream.contains("llmgw.gemini.s.S+/=") && stream.contains("llmgw.openai_responses.e.S+/="));
}

#[test]
fn what_is_carried_as_it_was_written_stays_on_one_line() {
    let list = Raw::parse("[{\"token\":\"\\n\",\r\n\t\"logprob\":-0.10\n}]").expect("JSON");
    let stream = written([text("\n"), Event::Logprobs(list)]);
    assert_eq!(events_of(&[stream.as_bytes()]).expect("a stream").len(), 4, "{stream}");
    assert!(stream.contains("[{\"token\":\"\\n\",  \t\"logprob\":-0.10 }]"), "{stream}");
}
