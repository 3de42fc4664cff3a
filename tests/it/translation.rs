//! A client of one dialect, an upstream of another: what the loop, the relay and the meter make of it. What is said word
//! for word, `dialects` tests.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use llmgw::dialects::bedrock::eventstream::encode_message;
use llmgw::engine::{Error, Reply};
use llmgw::hub::Endpoint;
use llmgw::transport::TransportError;
use llmgw::transport::memory::Step;
use serde_json::{Value, json};

use crate::gateway::{Answer, Behaviour, Gateway, content, done, events, finish, json_reply, says, status, text, usage, with_headers};

/// `claude` at an Anthropic upstream, then at one that speaks OpenAI's chat; `gpt-4` the other way round.
const MIXED: &str = r#"
providers:
  - { name: a, type: anthropic, base_url: "http://a.test", api_key: sk-ant-aaaaaaaaaaaaaaaa, models: [claude-sonnet-5] }
  - { name: o, type: openai, base_url: "http://o.test/v1", api_key: sk-oooooooooooooooooooo, models: [m-o], priority: 2 }
models:
  claude: { routes: [{ provider: a, model: claude-sonnet-5, priority: 1 }, { provider: o, model: m-o, priority: 2 }] }
  gpt-4: { routes: [{ provider: o, model: m-o, priority: 1 }, { provider: a, model: claude-sonnet-5, priority: 2 }] }
"#;

/// One event of a stream with names.
fn named(data: &Value) -> Step {
    Step::Send(Bytes::from(format!("event: {}\ndata: {data}\n\n", data["type"].as_str().expect("a name"))))
}

fn begun() -> Step {
    named(&json!({ "type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5", "content": [], "stop_reason": null,
        "usage": { "input_tokens": 7, "output_tokens": 1 } } }))
}

fn piece(text: &str) -> Step {
    named(&json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } }))
}

/// An Anthropic upstream that says `words`, whole or as a stream.
fn claude_says(words: &'static str) -> Behaviour {
    Arc::new(move |request, _| {
        let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
        if asked["stream"] == Value::Bool(true) {
            return events(vec![
                begun(),
                named(&json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } })),
                piece(words),
                named(&json!({ "type": "content_block_stop", "index": 0 })),
                named(
                    &json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null }, "usage": { "output_tokens": 5 } }),
                ),
                named(&json!({ "type": "message_stop" })),
            ]);
        }
        json_reply(
            200,
            &json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5",
                "content": [{ "type": "text", "text": words }], "stop_reason": "end_turn", "stop_sequence": null,
                "usage": { "input_tokens": 7, "output_tokens": 5 },
            }),
        )
    })
}

fn message(model: &str) -> Value {
    json!({ "model": model, "max_tokens": 100, "system": "短一点", "messages": [{ "role": "user", "content": "你好" }] })
}

async fn ask(gateway: &Gateway, endpoint: Endpoint, body: &Value) -> Result<Reply, Error> {
    gateway.engine.chat(gateway.engine.job(endpoint, body.to_string())).await
}

async fn json_of(reply: Reply) -> Value {
    serde_json::from_str(&text(reply).await.expect("whole")).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn a_client_reads_its_own_dialect_whoever_answers() {
    let gateway = Gateway::with(MIXED).upstream("a", claude_says("克劳德")).upstream("o", says("好的")).start();
    let chat = json!({ "model": "a/claude-sonnet-5", "messages": [{ "role": "user", "content": "你好" }] });
    let reply = ask(&gateway, Endpoint::ChatCompletions, &chat).await.expect("an answer");
    assert_eq!(reply.headers["content-type"], "application/json");
    let body = json_of(reply).await;
    assert_eq!(body["choices"][0]["message"]["content"], "克劳德");
    assert_eq!((&body["object"], &body["usage"]["prompt_tokens"]), (&json!("chat.completion"), &json!(7)));
    let sent: Value = serde_json::from_str(&gateway.last_body("a")).expect("JSON");
    assert_eq!((&sent["messages"][0]["role"], sent["max_tokens"].is_u64()), (&json!("user"), true));
    assert_eq!(gateway.last_headers("a")["anthropic-version"], "2023-06-01");

    let body = json_of(ask(&gateway, Endpoint::Messages, &message("o/m-o")).await.expect("an answer")).await;
    assert_eq!((&body["type"], &body["content"][0]["text"], &body["stop_reason"]), (&json!("message"), &json!("好的"), &json!("end_turn")));
    let sent: Value = serde_json::from_str(&gateway.last_body("o")).expect("JSON");
    assert_eq!(sent["messages"], json!([{ "role": "system", "content": "短一点" }, { "role": "user", "content": "你好" }]));

    let responses = json!({ "model": "a/claude-sonnet-5", "input": "你好" });
    let body = json_of(ask(&gateway, Endpoint::Responses, &responses).await.expect("an answer")).await;
    assert_eq!((&body["object"], &body["output"][0]["content"][0]["text"]), (&json!("response"), &json!("克劳德")));

    let legacy = json!({ "model": "a/claude-sonnet-5", "prompt": "你好" });
    let body = json_of(ask(&gateway, Endpoint::Completions, &legacy).await.expect("an answer")).await;
    assert_eq!((&body["object"], &body["choices"][0]["text"]), (&json!("text_completion"), &json!("克劳德")));
}

#[tokio::test(start_paused = true)]
async fn the_clients_own_dialect_goes_by_byte_for_byte() {
    let gateway = Gateway::with(MIXED).upstream("a", claude_says("克劳德")).upstream("o", says("好的")).start();
    let body =
        "{ \"model\" : \"claude\", \"max_tokens\":1e2,\"unknown\": 1.00, \"messages\":[{\"role\":\"user\",\"content\":\"你\\u597d\"}]}";
    let reply = gateway.engine.chat(gateway.engine.job(Endpoint::Messages, body)).await.expect("an answer");
    assert!(reply.trace.dropped.is_empty());
    assert_eq!(gateway.last_body("a"), body.replace("\"claude\"", "\"claude-sonnet-5\""));
    let mut streamed = message("claude");
    streamed["stream"] = json!(true);
    let stream = text(ask(&gateway, Endpoint::Messages, &streamed).await.expect("an answer")).await.expect("whole");
    assert!(stream.starts_with("event: message_start\ndata: {") && stream.ends_with("data: {\"type\":\"message_stop\"}\n\n"), "{stream}");
}

#[tokio::test(start_paused = true)]
async fn failing_over_crosses_dialects_before_the_first_word_and_never_after() {
    let overloaded =
        |_: &_, _| events(vec![begun(), named(&json!({ "type": "error", "error": { "type": "overloaded_error", "message": "忙" } }))]);
    let mut body = message("claude");
    body["stream"] = json!(true);
    let gateway = Gateway::with(MIXED).upstream("a", Arc::new(overloaded)).upstream("o", says("好的")).start();
    let reply = ask(&gateway, Endpoint::Messages, &body).await.expect("an answer");
    assert_eq!((reply.trace.provider.as_str(), reply.trace.attempts), ("o", 2));
    let stream = text(reply).await.expect("whole");
    assert!(stream.starts_with("event: message_start\n") && stream.contains("好") && stream.contains("event: message_stop\n"), "{stream}");

    let breaks = |_: &_, _| events(vec![begun(), piece("半"), Step::Fail(TransportError::Broken("reset".to_owned()))]);
    let gateway = Gateway::with(MIXED).upstream("a", Arc::new(breaks)).upstream("o", says("好的")).start();
    let chat = json!({ "model": "a/claude-sonnet-5", "stream": true, "messages": [{ "role": "user", "content": "你好" }] });
    let stream = text(ask(&gateway, Endpoint::ChatCompletions, &chat).await.expect("an answer")).await.expect("a clean end");
    assert!(stream.contains("半") && stream.contains("\"error\":{") && !stream.contains("[DONE]"), "{stream}");
    assert_eq!(gateway.received("o"), 0);

    let breaks = |_: &_, _| events(vec![content("半"), Step::Fail(TransportError::Broken("reset".to_owned()))]);
    let gateway = Gateway::with(MIXED).upstream("o", Arc::new(breaks)).upstream("a", claude_says("克劳德")).start();
    body["model"] = json!("gpt-4");
    let stream = text(ask(&gateway, Endpoint::Messages, &body).await.expect("an answer")).await.expect("a clean end");
    assert!(stream.contains("event: error\ndata: {\"type\":\"error\"") && !stream.contains("message_stop"), "{stream}");
}

#[tokio::test(start_paused = true)]
async fn an_upstreams_refusal_is_told_in_the_clients_envelope() {
    let refusal: Behaviour = Arc::new(|_, _| {
        json_reply(
            400,
            &json!({ "type": "error", "error": { "type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum" } }),
        )
    });
    let gateway = Gateway::with(MIXED).upstream("a", refusal).upstream("o", status(422)).start();
    let chat = json!({ "model": "a/claude-sonnet-5", "messages": [{ "role": "user", "content": "你好" }] });
    let reply = ask(&gateway, Endpoint::ChatCompletions, &chat).await.expect("a refusal");
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let body = json_of(reply).await;
    assert_eq!(body["error"]["code"], "context_length_exceeded", "{body}");
    assert!(body["error"]["message"].as_str().is_some_and(|message| message.starts_with("prompt is too long")), "{body}");
    let body = json_of(ask(&gateway, Endpoint::Messages, &message("o/m-o")).await.expect("a refusal")).await;
    assert_eq!((&body["type"], &body["error"]["message"]), (&json!("error"), &json!("upstream says 422")), "{body}");
}

#[tokio::test(start_paused = true)]
async fn one_same_status_of_all_is_told_in_the_clients_envelope() {
    let limited: Behaviour = Arc::new(|_, _| {
        let body = json!({ "type": "error", "error": { "type": "rate_limit_error", "message": "慢一点" } });
        with_headers(429, vec![("retry-after", "4".to_owned())], &body)
    });
    let gateway = Gateway::with(MIXED).upstream("a", limited).upstream("o", says("好的")).start();
    let chat = json!({ "model": "a/claude-sonnet-5", "messages": [{ "role": "user", "content": "你好" }] });
    let Err(Error::SameStatus { status, body: Some(body), retry_after, .. }) = ask(&gateway, Endpoint::ChatCompletions, &chat).await else {
        panic!("no 429")
    };
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((status.as_u16(), retry_after), (429, Some(Duration::from_secs(4))));
    assert_eq!((&body["error"]["message"], body.get("type")), (&json!("慢一点"), None), "{body}");
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_upstream_is_a_529_to_anthropics_clients_only() {
    let gateway = Gateway::with(MIXED).upstream("a", status(529)).upstream("o", status(529)).start();
    let error = ask(&gateway, Endpoint::Messages, &message("claude")).await.err().expect("an error");
    assert_eq!(error.status().as_u16(), 529);
    let chat = json!({ "model": "gpt-4", "messages": [{ "role": "user", "content": "你好" }] });
    let error = ask(&gateway, Endpoint::ChatCompletions, &chat).await.err().expect("an error");
    assert_eq!(error.status().as_u16(), 503);
}

#[tokio::test(start_paused = true)]
async fn what_an_upstream_has_no_words_for_goes_to_one_that_has() {
    let gateway = Gateway::with(MIXED).upstream("a", claude_says("克劳德")).upstream("o", says("好的")).start();
    let chat = |model: &str| json!({ "model": model, "logprobs": true, "messages": [{ "role": "user", "content": "你好" }] });
    let reply = ask(&gateway, Endpoint::ChatCompletions, &chat("claude")).await.expect("an answer");
    assert_eq!((reply.trace.provider.as_str(), reply.trace.attempts, gateway.received("a")), ("o", 1, 0));
    let error = ask(&gateway, Endpoint::ChatCompletions, &chat("a/claude-sonnet-5")).await.err().expect("an error");
    assert_eq!((error.status().as_u16(), error.code()), (400, "invalid_request"));
    assert!(error.to_string().contains("logprobs"), "{error}");
    let health = gateway.engine.health();
    assert_eq!(health.healthy_providers, health.total_providers);
    let embedding = json!({ "model": "a/claude-sonnet-5", "input": "你好" });
    let error = ask(&gateway, Endpoint::Embeddings, &embedding).await.err().expect("an error");
    assert_eq!(error.status().as_u16(), 400, "{error}");
}

#[tokio::test(start_paused = true)]
async fn hints_that_are_left_out_are_named() {
    let gateway = Gateway::with(MIXED).upstream("a", claude_says("克劳德")).upstream("o", says("好的")).start();
    let chat = json!({ "model": "a/claude-sonnet-5", "seed": 7, "messages": [{ "role": "user", "content": "你好" }] });
    let reply = ask(&gateway, Endpoint::ChatCompletions, &chat).await.expect("an answer");
    assert_eq!(reply.trace.dropped, ["seed"]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_request_is_the_clients_by_its_path() {
    let gateway = Gateway::with(MIXED).upstream("a", claude_says("克劳德")).upstream("o", says("好的")).start();
    let chat = json!({ "model": "a/claude-sonnet-5", "messages": [{ "role": "robot", "content": "你好" }] });
    let error = ask(&gateway, Endpoint::ChatCompletions, &chat).await.err().expect("an error");
    assert_eq!((error.status().as_u16(), error.param()), (400, Some("messages[0].role")), "{error}");
    assert_eq!((gateway.received("a"), gateway.received("o")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn tokens_are_counted_by_the_upstream_or_estimated() {
    let counts: Behaviour = Arc::new(|request, _| match request.uri().path() {
        "/v1/messages/count_tokens" => json_reply(200, &json!({ "input_tokens": 42 })),
        other => panic!("{other}"),
    });
    let gateway = Gateway::with(MIXED).upstream("a", counts).upstream("o", says("好的")).start();
    let asked = |model: &str| json!({ "model": model, "messages": [{ "role": "user", "content": "你好，世界" }] });
    let reply = ask(&gateway, Endpoint::CountTokens, &asked("claude")).await.expect("a count");
    assert!(!reply.headers.contains_key("x-llmgw-estimated"));
    assert_eq!(json_of(reply).await, json!({ "input_tokens": 42 }));
    let reply = ask(&gateway, Endpoint::CountTokens, &asked("gpt-4")).await.expect("a count");
    assert_eq!((&reply.headers["x-llmgw-estimated"], gateway.received("o")), (&"true".parse::<http::HeaderValue>().expect("a value"), 0));
    assert!(json_of(reply).await["input_tokens"].as_u64().is_some_and(|count| (1..100).contains(&count)));
}

#[tokio::test(start_paused = true)]
async fn what_one_dialects_provider_signed_reaches_no_other() {
    let gateway = Gateway::with(MIXED).upstream("a", claude_says("克劳德")).upstream("o", says("好的")).start();
    let body = json!({ "model": "claude", "max_tokens": 100, "messages": [
        { "role": "user", "content": "你好" },
        { "role": "assistant", "content": [
            { "type": "thinking", "thinking": "想", "signature": "llmgw.gemini.s.QUJD" },
            { "type": "text", "text": "好" },
        ] },
        { "role": "user", "content": "再说" },
    ] });
    ask(&gateway, Endpoint::Messages, &body).await.expect("an answer");
    let sent = gateway.last_body("a");
    assert!(!sent.contains("llmgw.") && !sent.contains("QUJD") && sent.contains("再说"), "{sent}");
    let own = body.to_string().replace("llmgw.gemini.s.QUJD", "RVdC");
    gateway.engine.chat(gateway.engine.job(Endpoint::Messages, own)).await.expect("an answer");
    assert!(gateway.last_body("a").contains("RVdC"));
}

#[tokio::test(start_paused = true)]
async fn params_and_limits_reach_a_translated_request() {
    let config = MIXED
        .replace("models: [claude-sonnet-5]", "models: [claude-sonnet-5], params: { max_tokens: 50, set: { metadata: { user_id: gw } } }");
    let gateway = Gateway::with(&config).upstream("a", claude_says("克劳德")).upstream("o", says("好的")).start();
    let chat = json!({ "model": "a/claude-sonnet-5", "max_tokens": 900, "messages": [{ "role": "user", "content": "你好" }] });
    ask(&gateway, Endpoint::ChatCompletions, &chat).await.expect("an answer");
    let sent: Value = serde_json::from_str(&gateway.last_body("a")).expect("JSON");
    assert_eq!((&sent["max_tokens"], &sent["metadata"]["user_id"]), (&json!(50), &json!("gw")));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_its_own_rules_ends_with_an_error_event() {
    let nonsense =
        |_: &_, _| events(vec![begun(), piece("半"), Step::Send(Bytes::from_static(b"event: content_block_delta\ndata: {\"type\":\n\n"))]);
    let gateway = Gateway::with(MIXED).upstream("a", Arc::new(nonsense)).upstream("o", says("好的")).start();
    let chat = json!({ "model": "a/claude-sonnet-5", "stream": true, "messages": [{ "role": "user", "content": "你好" }] });
    let stream = text(ask(&gateway, Endpoint::ChatCompletions, &chat).await.expect("an answer")).await.expect("a clean end");
    assert!(stream.contains("半") && stream.contains("\"error\":{") && !stream.contains("[DONE]"), "{stream}");
}

#[tokio::test(start_paused = true)]
async fn usage_of_a_translated_stream_is_told_as_the_client_asks() {
    let gateway = Gateway::with(MIXED)
        .upstream("a", claude_says("克劳德"))
        .upstream("o", Arc::new(|_, _| -> Answer { events(vec![content("好"), finish("stop"), usage(), done()]) }));
    let gateway = gateway.start();
    let chat = json!({ "model": "a/claude-sonnet-5", "stream": true, "messages": [{ "role": "user", "content": "你好" }],
        "stream_options": { "include_usage": true } });
    let stream = text(ask(&gateway, Endpoint::ChatCompletions, &chat).await.expect("an answer")).await.expect("whole");
    assert!(stream.contains("\"prompt_tokens\":7") && stream.ends_with("data: [DONE]\n\n"), "{stream}");
    let mut body = message("gpt-4");
    body["stream"] = json!(true);
    let stream = text(ask(&gateway, Endpoint::Messages, &body).await.expect("an answer")).await.expect("whole");
    assert!(stream.contains("\"output_tokens\":2"), "{stream}");
    let sent: Value = serde_json::from_str(&gateway.last_body("o")).expect("JSON");
    assert_eq!(sent["stream_options"]["include_usage"], json!(true));
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_which_dialects_each_upstream_speaks() {
    let gateway = Gateway::with(MIXED).upstream("a", claude_says("克劳德")).upstream("o", says("好的")).start();
    let plan = gateway.engine.explain("claude").await.expect("a plan");
    let [anthropic, openai] = &plan.candidates[..] else { panic!("{plan:?}") };
    assert_eq!((anthropic.speaks.join(" ").as_str(), anthropic.note.as_deref()), ("anthropic", Some("speaks anthropic")));
    assert_eq!((openai.speaks.join(" ").as_str(), openai.note.as_deref()), ("openai_chat openai_text", None));
}

/// Upstreams that only upstreams' dialects reach.
const OTHERS: &str = r#"
providers:
  - { name: g, type: gemini, base_url: "http://g.test", api_key: AIza-gggggggggggggggg, models: [gemini-3.8-flash] }
  - { name: b, type: bedrock, region: us-east-1, access_key_id: AKIAEXAMPLE, secret_access_key: geheim-geheim-geheim, models: [us.anthropic.claude-sonnet-4-5-20250929-v1:0] }
models:
  gem: { routes: [{ provider: g, model: gemini-3.8-flash }] }
  rock: { routes: [{ provider: b, model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0" }] }
"#;

fn gemini_says(words: &'static str) -> Behaviour {
    Arc::new(move |request, _| {
        let piece = |text: &str, finish: Option<&str>| {
            json!({ "responseId": "r1", "modelVersion": "gemini-3.8-flash",
                "candidates": [{ "index": 0, "content": { "role": "model", "parts": [{ "text": text }] }, "finishReason": finish }],
                "usageMetadata": { "promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6 } })
        };
        match request.uri().path_and_query().expect("a path").as_str() {
            "/v1beta/models/gemini-3.8-flash:generateContent" => json_reply(200, &piece(words, Some("STOP"))),
            "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse" => {
                let frames = [piece("你", None), piece(words, Some("STOP"))];
                events(frames.iter().map(|frame| Step::Send(Bytes::from(format!("data: {frame}\r\n\r\n")))).collect())
            }
            other => panic!("{other}"),
        }
    })
}

fn bedrock_says(words: &'static str) -> Behaviour {
    Arc::new(move |request, _| {
        assert!(request.headers()["authorization"].to_str().expect("text").starts_with("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"));
        let usage = json!({ "inputTokens": 4, "outputTokens": 2, "totalTokens": 6 });
        if request.uri().path().ends_with("/converse") {
            let message = json!({ "role": "assistant", "content": [{ "text": words }] });
            return json_reply(200, &json!({ "output": { "message": message }, "stopReason": "end_turn", "usage": usage }));
        }
        let said = [
            ("messageStart", json!({ "role": "assistant" })),
            ("contentBlockDelta", json!({ "contentBlockIndex": 0, "delta": { "text": words } })),
            ("contentBlockStop", json!({ "contentBlockIndex": 0 })),
            ("messageStop", json!({ "stopReason": "end_turn" })),
            ("metadata", json!({ "usage": usage })),
        ];
        let headers = |name: &'static str| [(":message-type", "event"), (":event-type", name), (":content-type", "application/json")];
        let bytes: Vec<u8> =
            said.iter().flat_map(|(name, payload)| encode_message(&headers(name), payload.to_string().as_bytes())).collect();
        // Cut where no message ends.
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let steps = [first, second].map(|piece| Step::Send(Bytes::copy_from_slice(piece))).into();
        let headers = vec![("content-type", "application/vnd.amazon.eventstream".to_owned())];
        Answer::Reply(Duration::ZERO, StatusCode::OK, headers, steps)
    })
}

#[tokio::test(start_paused = true)]
async fn upstreams_without_clients_of_their_own_answer_every_client() {
    let gateway = Gateway::with(OTHERS).upstream("g", gemini_says("好")).upstream("b", bedrock_says("好")).start();
    for model in ["gem", "rock"] {
        let chat = json!({ "model": model, "messages": [{ "role": "user", "content": "你好" }] });
        let body = json_of(ask(&gateway, Endpoint::ChatCompletions, &chat).await.expect("an answer")).await;
        assert_eq!((&body["choices"][0]["message"]["content"], &body["usage"]["total_tokens"]), (&json!("好"), &json!(6)), "{model}");
        let mut streamed = message(model);
        streamed["stream"] = json!(true);
        let reply = ask(&gateway, Endpoint::Messages, &streamed).await.expect("an answer");
        assert_eq!(reply.headers["content-type"], "text/event-stream", "{model}");
        let stream = text(reply).await.expect("whole");
        assert!(stream.contains("\"text\":\"好\"") && stream.contains("\"output_tokens\":2"), "{model}: {stream}");
        assert!(stream.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), "{model}: {stream}");
        let responses = json!({ "model": model, "input": "你好", "stream": true });
        let stream = text(ask(&gateway, Endpoint::Responses, &responses).await.expect("an answer")).await.expect("whole");
        assert!(stream.contains("event: response.completed\n") && stream.contains("\"total_tokens\":6"), "{model}: {stream}");
    }
    assert_eq!(gateway.last_headers("g")["x-goog-api-key"], "AIza-gggggggggggggggg");
    let embedding = json!({ "model": "rock", "input": "你好" });
    assert_eq!(ask(&gateway, Endpoint::Embeddings, &embedding).await.err().expect("an error").status().as_u16(), 400);
}
