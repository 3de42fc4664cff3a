//! What was said is exported when that is configured, and only then; secrets never are.

use std::sync::Arc;

use llmgw::hub::Endpoint;
use serde_json::{Value, json};

use super::collector::{Collector, Seen};
use super::{finish, named, traces_of};
use crate::gateway::{Behaviour, Gateway, TWO_ROUTES, json_reply, says, text};

const KEY: &str = "sk-aaaaaaaaaaaaaaaaaaaa";

/// The call's span of a request to `endpoint`.
async fn call_of(more: &str, endpoint: Endpoint, body: &Value, upstream: Behaviour) -> Seen {
    let collector = Collector::http().await;
    let gateway = Gateway::with(&format!("{TWO_ROUTES}{}", collector.config(more))).upstream("a", upstream).start();
    let traces = traces_of(&gateway.engine);
    text(gateway.engine.chat(gateway.engine.job(endpoint, body.to_string())).await.expect("an answer")).await.expect("whole");
    finish(&traces).await;
    let all = format!("{:?}", collector.spans());
    assert!(!all.contains(KEY) && !all.contains("another-secret"), "{all}");
    named(&collector.spans(), "chat gpt-4").clone()
}

fn parsed(call: &Seen, name: &str) -> Value {
    serde_json::from_str(call.says(name)).unwrap_or_else(|_| panic!("no JSON in {name}: {}", call.says(name)))
}

/// A question that gives away two keys: the upstream's, and one that looks like one.
fn question() -> Value {
    json!({
        "model": "gpt-4", "temperature": 0.5, "max_tokens": 100, "seed": 7, "stop": ["。"], "reasoning_effort": "low",
        "messages": [
            { "role": "system", "content": "简短" },
            { "role": "user", "content": format!("你是谁? {KEY} api_key=another-secret-0123") },
        ],
    })
}

#[tokio::test]
async fn contents_are_exported_where_that_is_configured() {
    let call = call_of(", contents: true", Endpoint::ChatCompletions, &question(), says("我是你的助手")).await;
    let asked = parsed(&call, "gen_ai.input.messages");
    assert_eq!(asked[0], json!({ "role": "system", "parts": [{ "type": "text", "content": "简短" }] }));
    let words = asked[1]["parts"][0]["content"].as_str().expect("text");
    assert!(words.starts_with("你是谁? sk-aa****aaaa"), "{words}");
    let answered = json!([{ "role": "assistant", "parts": [{ "type": "text", "content": "我是你的助手" }], "finish_reason": "stop" }]);
    assert_eq!(parsed(&call, "gen_ai.output.messages"), answered);
    let says = [
        ("gen_ai.request.temperature", "0.5"),
        ("gen_ai.request.max_tokens", "100"),
        ("gen_ai.request.seed", "7"),
        ("gen_ai.request.stop_sequences", "。"),
        ("gen_ai.output.type", "text"),
        ("gen_ai.response.id", "chatcmpl-1"),
        ("gen_ai.response.model", "m-a"),
        ("gen_ai.response.finish_reasons", "stop"),
        ("gen_ai.system_instructions", ""),
        ("llmgw.contents_cut", ""),
    ];
    says.iter().for_each(|(name, value)| assert_eq!(call.says(name), *value, "{name}"));
}

#[tokio::test]
async fn without_it_nothing_that_was_said_is_exported_or_kept() {
    let call = call_of("", Endpoint::ChatCompletions, &question(), says("我是你的助手")).await;
    for name in ["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.request.temperature"] {
        assert_eq!(call.says(name), "", "{name}");
    }
}

#[tokio::test]
async fn a_stream_in_another_dialect_is_put_together() {
    let body = json!({
        "model": "gpt-4", "max_tokens": 100, "stream": true, "system": "简短",
        "messages": [{ "role": "user", "content": "你是谁?" }],
    });
    let call = call_of(", contents: true", Endpoint::Messages, &body, says("我是助手")).await;
    assert_eq!(parsed(&call, "gen_ai.system_instructions"), json!([{ "type": "text", "content": "简短" }]));
    assert_eq!(parsed(&call, "gen_ai.input.messages"), json!([{ "role": "user", "parts": [{ "type": "text", "content": "你是谁?" }] }]));
    let answered = parsed(&call, "gen_ai.output.messages");
    assert_eq!(answered[0]["parts"], json!([{ "type": "text", "content": "我是助手" }]));
    assert_eq!((answered[0]["finish_reason"].as_str(), call.says("gen_ai.response.finish_reasons")), (Some("stop"), "stop"));
}

#[tokio::test]
async fn tools_are_called_by_name_and_long_conversations_are_cut() {
    let calls = json!([{ "id": "call_1", "type": "function", "function": { "name": "weather", "arguments": "{\"city\":\"北京\"}" } }]);
    let answer = json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m-a-2026",
        "choices": [{ "index": 0, "finish_reason": "tool_calls", "message": { "role": "assistant", "content": null, "tool_calls": calls } }],
    });
    let upstream: Behaviour = Arc::new(move |_, _| json_reply(200, &answer));
    let body = json!({ "model": "gpt-4", "messages": [{ "role": "user", "content": "字".repeat(100_000) }] });
    let call = call_of(", contents: true", Endpoint::ChatCompletions, &body, upstream).await;
    let part = json!({ "type": "tool_call", "id": "call_1", "name": "weather", "arguments": { "city": "北京" } });
    assert_eq!(parsed(&call, "gen_ai.output.messages"), json!([{ "role": "assistant", "parts": [part], "finish_reason": "tool_call" }]));
    assert_eq!((call.says("gen_ai.response.finish_reasons"), call.says("gen_ai.response.model")), ("tool_calls", "m-a-2026"));
    assert_eq!(call.says("llmgw.contents_cut"), "true");
    assert!(call.says("gen_ai.input.messages").len() < 70_000 && parsed(&call, "gen_ai.input.messages").is_array());
}
