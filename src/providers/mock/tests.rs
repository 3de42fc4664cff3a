//! What the mock sends, byte by byte.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::config::{Mock, Provider, ProviderKind};
use crate::providers::registry::{Built, Shared, build};
use crate::providers::{Call, Target};
use crate::transport::testing::{provider, text};
use crate::transport::{Payload, UpstreamBody};

fn settings() -> Mock {
    Mock { latency: Duration::ZERO, tokens_per_second: None, fail_rate: 0.0, fail_status: 500 }
}

fn config(settings: Mock) -> Provider {
    let mut config = provider("http://mock.invalid/v1");
    config.kind = ProviderKind::Mock(settings);
    config
}

fn mock(settings: Mock) -> Built {
    build(&config(settings), &Shared::default()).unwrap()
}

async fn send(mock: &Built, method: Method, path: &str, kind: &str, body: &str) -> Response<UpstreamBody> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, kind.parse().unwrap());
    let call = Call { target: Target::Path(path), method: &method, model: "", stream: false, headers: &headers };
    let mut head = mock.provider.head(&call).unwrap();
    let body = Payload::from(bytes::Bytes::copy_from_slice(body.as_bytes()));
    mock.provider.sign(&mut head, "", &body).await.unwrap();
    mock.transport.send(Request::from_parts(head, body)).await.unwrap()
}

async fn post(path: &str, body: Value) -> String {
    text(send(&mock(settings()), Method::POST, path, "application/json", &body.to_string()).await.into_body()).await
}

async fn post_json(path: &str, body: Value) -> Value {
    serde_json::from_str(&post(path, body).await).unwrap()
}

fn asks(prompt: &str) -> Value {
    json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": prompt}])
}

#[tokio::test]
async fn a_whole_answer_is_in_the_language_of_the_prompt() {
    let reply = post_json("/chat/completions", json!({"model": "gpt-4", "messages": asks("你是谁")})).await;
    assert_eq!(
        reply,
        json!({
            "id": "chatcmpl-mock-1", "object": "chat.completion", "created": 1_735_689_600, "model": "gpt-4", "system_fingerprint": "fp_mock",
            "choices": [{"index": 0, "message": {
                "role": "assistant", "content": "你好！我是 llmgw 内置的模拟模型（mock），模型名 gpt-4。你说的是：你是谁", "refusal": null
            }, "logprobs": null, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 32, "total_tokens": 37,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0}}
        })
    );
    let parts =
        json!([{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "data:"}}]}]);
    let reply = post_json("/chat/completions", json!({"model": "a/b", "messages": parts})).await;
    let said = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(said.starts_with("Hello! I am llmgw's built-in mock model, answering as a/b. You said: Hi"), "{said}");
}

#[tokio::test]
async fn a_stream_is_openais_byte_for_byte() {
    let body = json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 3, "messages": asks("你好")});
    let head = r#"data: {"id":"chatcmpl-mock-1","object":"chat.completion.chunk","created":1735689600,"model":"m","system_fingerprint":"fp_mock","choices":["#;
    let tail = r#"],"usage":null}"#;
    let delta =
        |delta: &str, finish: &str| format!(r#"{head}{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}{tail}"#);
    let usage = r#"{"prompt_tokens":4,"completion_tokens":3,"total_tokens":7,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}"#;
    let expected = [
        delta(r#"{"role":"assistant","content":"","refusal":null}"#, "null"),
        delta(r#"{"content":"你"}"#, "null"),
        delta(r#"{"content":"好"}"#, "null"),
        delta(r#"{"content":"！"}"#, "null"),
        delta("{}", r#""length""#),
        format!(r#"{head}],"usage":{usage}}}"#),
        "data: [DONE]".to_owned(),
    ];
    let stream = post("/chat/completions", body).await;
    assert_eq!(stream, expected.map(|event| event + "\n\n").concat());
}

#[tokio::test]
async fn a_stream_without_usage_does_not_mention_it() {
    let stream = post("/chat/completions", json!({"model": "m", "stream": true, "messages": asks("Hi there")})).await;
    assert!(!stream.contains("usage"), "{stream}");
    assert!(stream.contains(r#"{"content":"Hello! "}"#) && stream.ends_with("data: [DONE]\n\n"), "{stream}");
}

#[tokio::test]
async fn tools_are_called_with_arguments_that_fit() {
    let parameters = json!({"type": "object", "required": ["city", "days", "unit", "at"], "properties": {
        "city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}, "unit": {"enum": ["C", "F"]}, "hidden": {"type": "string"},
        "at": {"$ref": "#/$defs/at"}}, "$defs": {"at": {"type": ["null", "array"], "items": {"type": "boolean"}, "minItems": 1}}});
    let tools = json!([{"type": "function", "function": {"name": "now"}},
        {"type": "function", "function": {"name": "weather", "parameters": parameters}}]);
    let choice = json!({"type": "function", "function": {"name": "weather"}});
    let body = json!({"model": "m", "messages": asks("天气"), "tools": tools, "tool_choice": choice});
    let reply = post_json("/chat/completions", body).await;
    assert_eq!(reply["choices"][0]["finish_reason"], "tool_calls");
    let call = &reply["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(call["name"], "weather");
    assert_eq!(call["arguments"], r#"{"city":"天气","days":2,"unit":"C","at":[true]}"#);

    let stream = post("/chat/completions", json!({"model": "m", "stream": true, "messages": asks("Call the tool!"), "tools": tools})).await;
    assert!(stream.contains(r#""function":{"name":"now","arguments":""}"#), "{stream}");
    assert!(stream.contains(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#), "{stream}");
    assert!(stream.contains(r#""finish_reason":"tool_calls""#), "{stream}");

    let mut answered = asks("Call the tool!");
    answered.as_array_mut().unwrap().push(json!({"role": "tool", "tool_call_id": "c", "content": "noon"}));
    let reply = post_json("/chat/completions", json!({"model": "m", "messages": answered, "tools": tools})).await;
    assert!(reply["choices"][0]["message"]["content"].as_str().unwrap().ends_with("You said: noon"));
}

#[tokio::test]
async fn json_is_answered_when_json_is_wanted() {
    let content = async |format: Value| {
        let reply = post_json("/chat/completions", json!({"model": "m", "messages": asks("Hi"), "response_format": format})).await;
        serde_json::from_str::<Value>(reply["choices"][0]["message"]["content"].as_str().unwrap()).unwrap()
    };
    assert!(content(json!({"type": "json_object"})).await["reply"].is_string());
    let schema = json!({"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}});
    assert_eq!(content(json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})).await, json!({"ok": true}));
}

#[tokio::test]
async fn completions_are_whole_or_streamed() {
    let reply = post_json("/completions", json!({"model": "m", "prompt": "Hi", "n": 2, "max_tokens": 2})).await;
    assert_eq!((&reply["id"], &reply["object"]), (&json!("cmpl-mock-1"), &json!("text_completion")));
    assert_eq!(reply["choices"][1], json!({"text": "Hello! I", "index": 1, "logprobs": null, "finish_reason": "length"}));
    let stream = post("/completions", json!({"model": "m", "prompt": ["Hi"], "stream": true})).await;
    assert!(stream.contains(r#""choices":[{"text":"Hello! ","index":0,"logprobs":null,"finish_reason":null}]"#), "{stream}");
    assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
}

#[tokio::test]
async fn embeddings_are_unit_vectors_in_either_encoding() {
    let ask = |format: &str| json!({"model": "e", "input": ["a", "b", "a"], "dimensions": 8, "encoding_format": format});
    let floats = post_json("/embeddings", ask("float")).await;
    let vector: Vec<f32> = serde_json::from_value(floats["data"][0]["embedding"].clone()).unwrap();
    assert_eq!(vector.len(), 8);
    assert!((vector.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
    assert_eq!(floats["data"][0]["embedding"], floats["data"][2]["embedding"]);
    assert_ne!(floats["data"][0]["embedding"], floats["data"][1]["embedding"]);
    let packed = post_json("/embeddings", ask("base64")).await;
    let bytes = STANDARD.decode(packed["data"][0]["embedding"].as_str().unwrap()).unwrap();
    let unpacked: Vec<f32> = bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    assert_eq!(unpacked, vector);
    let tokens = post_json("/embeddings", json!({"model": "e", "input": [1, 2, 3]})).await;
    assert_eq!(tokens["data"][0]["embedding"].as_array().unwrap().len(), 1536);
    assert_eq!(post_json("/embeddings", json!({"model": "e", "input": []})).await["error"]["param"], "input");
}

#[tokio::test]
async fn everything_else_has_its_shape() {
    assert_eq!(post_json("/moderations", json!({"input": "x"})).await["results"][0]["flagged"], false);
    for (path, body) in [("/images/generations", json!({"prompt": "x"})), ("/images/edits", json!({"prompt": "x", "images": []}))] {
        let image = post_json(path, body).await;
        assert!(STANDARD.decode(image["data"][0]["b64_json"].as_str().unwrap()).unwrap().starts_with(b"\x89PNG"), "{path}");
    }
    let ranks = post_json("/rerank", json!({"query": "cat", "documents": ["dog", "a cat"], "top_n": 1, "return_documents": true})).await;
    assert_eq!(ranks["results"], json!([{"index": 1, "relevance_score": 1.0, "document": {"text": "a cat"}}]));

    let mock = mock(settings());
    let speech = send(&mock, Method::POST, "/audio/speech", "application/json", r#"{"input":"x"}"#).await;
    assert_eq!(speech.headers()[CONTENT_TYPE], "audio/mpeg");
    assert!(speech.into_body().collect().await.unwrap().to_bytes().starts_with(&[0xff, 0xfb]));
    let form = "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nw\r\n--b--\r\n";
    let heard = send(&mock, Method::POST, "/audio/transcriptions", "multipart/form-data; boundary=b", form).await;
    assert!(text(heard.into_body()).await.starts_with(r#"{"text":"#));
    let models = send(&mock, Method::GET, "/models", "application/json", "").await;
    assert_eq!(
        text(models.into_body()).await,
        r#"{"object":"list","data":[{"id":"mock","object":"model","created":1735689600,"owned_by":"llmgw"}]}"#
    );
}

#[tokio::test]
async fn mistakes_are_told_in_openais_envelope() {
    let mock = mock(settings());
    let cases =
        [("/files", "no JSON", 404), ("/chat/completions", "{", 400), ("/chat/completions", "[]", 400), ("/completions", "{}", 400)];
    for (path, body, status) in cases {
        let response = send(&mock, Method::POST, path, "application/json", body).await;
        assert_eq!(response.status(), status, "{path} {body}");
        let error: Value = serde_json::from_str(&text(response.into_body()).await).unwrap();
        assert_eq!(error["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn failures_come_evenly() {
    let mock = mock(Mock { fail_rate: 0.25, fail_status: 429, ..settings() });
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let response = send(&mock, Method::POST, "/moderations", "application/json", r#"{"input":"x"}"#).await;
        statuses.push(response.status().as_u16());
        if response.status() == 429 {
            assert_eq!(response.headers()["retry-after"], "1");
            assert!(text(response.into_body()).await.contains(r#""code":"rate_limit_exceeded""#));
        }
    }
    assert_eq!(statuses, [200, 200, 200, 429, 200, 200, 200, 429]);
}

#[tokio::test(start_paused = true)]
async fn it_takes_its_time() {
    let mock = mock(Mock { latency: Duration::from_millis(20), tokens_per_second: Some(10.0), ..settings() });
    let start = Instant::now();
    let body = json!({"model": "m", "stream": true, "max_tokens": 5, "messages": asks("你好")}).to_string();
    let response = send(&mock, Method::POST, "/chat/completions", "application/json", &body).await;
    assert_eq!(start.elapsed().as_millis(), 20);
    text(response.into_body()).await;
    // Five tokens, a tenth of a second each; a timer may be a millisecond late.
    assert!((520..=526).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}
