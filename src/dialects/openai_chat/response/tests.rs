use serde_json::{Value, json};

use super::super::tests::{occasion, whole};
use super::{decode, encode, text};
use crate::hub::{Answer, Citation, Content, Event, FinishReason, Form, Kind, Part, Raw, Request, Signature, Usage};

fn written(events: impl IntoIterator<Item = Event>) -> Value {
    let request = Request { model: "模型".to_owned(), ..Request::default() };
    serde_json::from_slice(&encode(&Answer::of(events), &occasion(request))).expect("JSON")
}

fn call(arguments: &str) -> [Event; 2] {
    [
        Event::ToolCall { index: 0, id: "call_a".to_owned(), name: "天气".to_owned(), is_custom: false, signature: None },
        Event::ToolArguments { index: 0, text: arguments.to_owned() },
    ]
}

#[test]
fn a_text_is_an_answer() {
    let usage = Usage { input: 9, cached: 4, cache_write: 0, output: 5, reasoning: 2 };
    let start = Event::Start { id: "chatcmpl-1".to_owned(), model: "gpt-4o-2024-08-06".to_owned() };
    let body = written([start, Event::Text("你好".to_owned()), Event::Finish(FinishReason::Stop), Event::Usage(usage)]);
    let expected = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_763_600_000, "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "你好", "refusal": null}, "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2}},
    });
    assert_eq!(body, expected);
    assert_eq!(text(&body), "你好");
}

#[test]
fn content_is_null_where_only_tools_are_called() {
    let body = written(call("").into_iter().chain([Event::Finish(FinishReason::Stop)]));
    let choice = &body["choices"][0];
    assert_eq!((&choice["message"]["content"], &choice["message"]["refusal"]), (&Value::Null, &Value::Null));
    assert_eq!(choice["finish_reason"], "tool_calls");
    let call = json!([{"id": "call_a", "type": "function", "function": {"name": "天气", "arguments": "{}"}}]);
    assert_eq!(choice["message"]["tool_calls"], call);
    assert_eq!((&body["id"], &body["model"]), (&json!("chatcmpl-0000000000000abc0000"), &json!("模型")));
    assert_eq!(written([])["choices"][0]["message"]["content"], "");
    assert_eq!(
        written([Event::Refusal("不行".to_owned())])["choices"][0]["message"],
        json!({"role":"assistant","content":null,"refusal":"不行"})
    );
}

#[test]
fn what_is_written_is_read() {
    let signature = |kind, form| Some(Signature::new(kind, form, "S+/="));
    let source = Citation { url: Some("https://a.cn".to_owned()), title: Some("甲".to_owned()), quote: None, range: Some((0, 1)) };
    let events = [
        Event::Start { id: "chatcmpl-1".to_owned(), model: "m".to_owned() },
        Event::Reasoning("想".to_owned()),
        Event::ReasoningEnd { signature: signature(Kind::Anthropic, Form::Signed), id: None },
        Event::Reasoning("再想".to_owned()),
        Event::ReasoningEnd { signature: signature(Kind::Bedrock, Form::Signed), id: None },
        Event::Text("好".to_owned()),
        Event::Citation(source),
        Event::Refusal("不".to_owned()),
        Event::Image { media_type: "image/png".to_owned(), data: "QUJD".to_owned() },
        Event::ToolCall {
            index: 0,
            id: "a".to_owned(),
            name: "f".to_owned(),
            is_custom: false,
            signature: signature(Kind::Gemini, Form::Signed),
        },
        Event::ToolArguments { index: 0, text: "{\"z\":1.0}".to_owned() },
        Event::ToolCall { index: 1, id: "b".to_owned(), name: "g".to_owned(), is_custom: true, signature: None },
        Event::ToolArguments { index: 1, text: "纯文本".to_owned() },
        Event::Logprobs(Raw::parse(r#"[{"token":"好","logprob":-0.50}]"#).expect("JSON")),
        Event::ServiceTier("flex".to_owned()),
        Event::Usage(Usage { input: 9, cached: 4, cache_write: 1, output: 5, reasoning: 2 }),
        Event::Finish(FinishReason::ToolCalls),
    ];
    let answer = Answer::of(events);
    let body = encode(&answer, &occasion(Request::default()));
    assert_eq!(decode(&body), Ok(answer));
}

#[test]
fn a_source_stands_where_its_text_does() {
    let source = |range| Event::Citation(Citation { url: Some("https://a.cn".to_owned()), title: None, quote: None, range });
    let nowhere = Event::Citation(Citation { title: Some("一份文件".to_owned()), ..Citation::default() });
    let said = |text: &str| Event::Text(text.to_owned());
    let body = written([said("你好"), Event::Reasoning("想".to_owned()), said("世界"), source(Some((0, 1))), source(None), nowhere]);
    let message = &body["choices"][0]["message"];
    assert_eq!(message["content"], "你好世界");
    let places: Vec<_> = message["annotations"].as_array().expect("a list").iter().map(|it| &it["url_citation"]).collect();
    assert_eq!(places.len(), 2);
    assert_eq!((&places[0]["start_index"], &places[0]["end_index"]), (&json!(2), &json!(3)));
    assert_eq!((&places[1]["start_index"], &places[1]["end_index"], &places[1]["title"]), (&json!(2), &json!(4), &json!("")));
}

#[test]
fn details_are_written_only_where_they_say_more() {
    let body = written([Event::Reasoning("想".to_owned()), Event::Text("好".to_owned())]);
    assert_eq!(body["choices"][0]["message"], json!({"role":"assistant","content":"好","refusal":null,"reasoning_content":"想"}));
}

#[test]
fn log_probabilities_become_one_list() {
    let list = |text: &str| Event::Logprobs(Raw::parse(text).expect("JSON"));
    let body = written([list(r#"[{"token":"你"}]"#), list(r#"[{"token":"好"},{"token":"!"}]"#)]);
    assert_eq!(body["choices"][0]["logprobs"], json!({"content":[{"token":"你"},{"token":"好"},{"token":"!"}],"refusal":null}));
}

#[test]
fn vendors_replies_are_read() {
    let called = |parts: &[Part]| match &parts[0].content {
        Content::ToolCall(call) => format!("{} {} {} {}", call.id, call.name, call.arguments, call.is_custom),
        other => format!("{other:?}"),
    };
    for (message, expected) in [
        (r#"{"content":null,"function_call":{"name":"f","arguments":"{}"}}"#, "x_call_0 f {} false"),
        (r#"{"content":"","tool_calls":[{"id":"","function":{"name":"f","arguments":{"b":1.0}}}]}"#, r#"x_call_0 f {"b":1.0} false"#),
        (r#"{"tool_calls":[{"id":"c","type":"custom","custom":{"name":"f","input":"说"}}]}"#, "c f 说 true"),
    ] {
        let answer = whole(&format!(r#"{{"id":"x","choices":[{{"message":{message},"finish_reason":""}}]}}"#));
        assert_eq!((called(&answer.parts).as_str(), &answer.finish), (expected, &Some(FinishReason::ToolCalls)), "{message}");
    }
    assert_eq!(whole(r#"{"id":"cmpl-1","choices":[{"text":"好","index":0,"finish_reason":"stop"}]}"#).parts, [Part::text("好")]);
    assert_eq!(whole(r#"{"choices":[],"usage":null}"#), Answer::default());
}

#[test]
fn a_signature_of_googles_own_is_geminis() {
    let call = |signature: &str| {
        let call = format!(r#"{{"id":"a","function":{{"name":"f"}},"extra_content":{{"google":{{"thought_signature":"{signature}"}}}}}}"#);
        let answer = whole(&format!(r#"{{"choices":[{{"message":{{"tool_calls":[{call}]}}}}]}}"#));
        match &answer.parts[0].content {
            Content::ToolCall(call) => call.signature.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(call("Ab+/="), Some(Signature::new(Kind::Gemini, Form::Signed, "Ab+/=")));
    assert_eq!(call("llmgw.bedrock.s.Ab+/="), Some(Signature::new(Kind::Bedrock, Form::Signed, "Ab+/=")));
    assert_eq!(call(""), None);
}

#[test]
fn a_failure_in_a_success_is_one() {
    for (body, summary) in [
        (r#"{"error":{"message":"余额不足","code":402}}"#, "402: 余额不足"),
        (r#"{"base_resp":{"status_code":1004,"status_msg":"login fail"}}"#, "1004: login fail"),
        (r#"{"choices":[{"error":{"message":"down","code":502},"message":{"content":""}}]}"#, "502: down"),
        (r#"{"code":10013,"message":"input content security","sid":"x"}"#, "10013: input content security"),
    ] {
        assert_eq!(whole(body).error.expect(body).summary(), summary);
    }
    assert!(decode(b"{}").is_err() && decode(b"<html>").is_err() && decode(b"[1]").is_err());
}
