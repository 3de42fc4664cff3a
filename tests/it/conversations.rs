//! Going on from an earlier answer of `/v1/responses`: over upstreams that keep none, over those that do, and what belongs
//! to whom.

use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use llmgw::engine::{Error, Reply};
use llmgw::hub::Endpoint;
use llmgw::transport::memory::Step;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::gateway::{Behaviour, Gateway, events, json_reply, says, status, text};

/// `o` speaks chats only; `x` and `y` have responses and keep them; `l` has them and keeps none.
const UPSTREAMS: &str = r#"
providers:
  - { name: o, base_url: "http://o.test/v1", api_key: sk-oooooooooooooooooooo, models: [m-o] }
  - { name: x, preset: xai, base_url: "http://x.test/v1", api_key: sk-xxxxxxxxxxxxxxxxxxxx, models: [m-x] }
  - { name: y, preset: xai, base_url: "http://y.test/v1", api_key: sk-yyyyyyyyyyyyyyyyyyyy, models: [m-y] }
  - { name: l, type: ollama, base_url: "http://l.test", models: [m-l] }
models:
  native: { routes: [{ provider: x, model: m-x, priority: 1 }, { provider: y, model: m-y, priority: 2 }] }
  mixed: { routes: [{ provider: x, model: m-x, priority: 1 }, { provider: o, model: m-o, priority: 2 }] }
routing: { cooldown: null, backoff: { initial: 1ms, max: 1ms } }
auth: { keys: [{ name: anna, key: sk-anna }, { name: boris, key: sk-boris }] }
"#;

fn kept_in(directory: &Path) -> String {
    format!("{UPSTREAMS}storage: {{ path: \"{}\", responses: {{ keep: 1h }} }}\n", directory.join("llmgw.db").display())
}

/// An upstream that speaks Responses itself, and whose ids begin with `id`.
fn responds(id: &'static str, words: &'static str) -> Behaviour {
    Arc::new(move |request, count| {
        let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
        let response = |status: &str| {
            json!({
                "id": format!("{id}_{count}"), "object": "response", "created_at": 1, "status": status, "model": asked["model"],
                "output": [{ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                    "content": [{ "type": "output_text", "text": words, "annotations": [] }] }],
                "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
                "usage": { "input_tokens": 3, "output_tokens": 2, "total_tokens": 5 },
            })
        };
        if asked["stream"] != Value::Bool(true) {
            return json_reply(200, &response("completed"));
        }
        let event = |name: &str, body: Value| {
            let mut body = body;
            body["type"] = json!(name);
            Step::Send(Bytes::from(format!("event: {name}\ndata: {body}\n\n")))
        };
        events(vec![
            event("response.created", json!({ "response": response("in_progress"), "sequence_number": 0 })),
            event("response.output_text.delta", json!({ "delta": words, "item_id": "msg_1", "output_index": 0, "content_index": 0 })),
            event("response.completed", json!({ "response": response("completed"), "sequence_number": 2 })),
        ])
    })
}

fn start(directory: &TempDir) -> Gateway {
    with(&kept_in(directory.path()))
}

fn with(config: &str) -> Gateway {
    let gateway = Gateway::with(config).upstream("o", says("好的")).upstream("l", responds("resp_l", "本地"));
    gateway.upstream("x", responds("resp_x", "甲")).upstream("y", responds("resp_y", "乙")).start()
}

async fn ask_as(key: &str, gateway: &Gateway, body: &Value) -> Result<Reply, Error> {
    let mut job = gateway.engine.job(Endpoint::Responses, body.to_string());
    job.caller = job.snapshot.keys.authenticate(Some(key)).expect("a key");
    gateway.engine.chat(job).await
}

/// Anna's answer, whole; streamed: the response that its last event holds.
async fn answer(gateway: &Gateway, body: &Value) -> Value {
    let reply = ask_as("sk-anna", gateway, body).await.unwrap_or_else(|error| panic!("{error}"));
    let text = text(reply).await.expect("whole");
    match body["stream"] == json!(true) {
        false => serde_json::from_str(&text).expect("JSON"),
        true => {
            let last = text.split("\n\n").filter_map(|event| event.strip_prefix("event: response.completed\ndata: ")).last();
            let last: Value = serde_json::from_str(last.unwrap_or_else(|| panic!("{text}"))).expect("JSON");
            last["response"].clone()
        }
    }
}

async fn refusal(gateway: &Gateway, body: &Value) -> (u16, &'static str, String) {
    let error = ask_as("sk-anna", gateway, body).await.err().expect("a refusal");
    (error.status().as_u16(), error.code(), error.to_string())
}

fn first(model: &str) -> Value {
    json!({ "model": model, "input": "你好", "instructions": "短一点" })
}

fn next(model: &str, earlier: &Value) -> Value {
    json!({ "model": model, "input": [{ "role": "user", "content": "再说" }], "previous_response_id": earlier["id"] })
}

fn streamed(mut body: Value) -> Value {
    body["stream"] = json!(true);
    body
}

fn sent(gateway: &Gateway, name: &str) -> Value {
    serde_json::from_str(&gateway.last_body(name)).expect("JSON")
}

fn says_what(messages: &Value) -> Vec<String> {
    let messages = messages.as_array().expect("messages").iter();
    messages.map(|message| format!("{}: {}", message["role"].as_str().unwrap_or("?"), said(&message["content"]))).collect()
}

fn said(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        parts => parts.as_array().expect("parts").iter().filter_map(|part| part["text"].as_str()).collect(),
    }
}

#[tokio::test]
async fn a_conversation_goes_on_over_an_upstream_that_keeps_nothing() {
    for stream in [false, true] {
        let directory = tempdir().expect("a directory");
        let gateway = start(&directory);
        let turn = |body: Value| if stream { streamed(body) } else { body };
        let one = answer(&gateway, &turn(first("o/m-o"))).await;
        assert_eq!(said(&one["output"][0]["content"]), "好的", "{one}");
        let two = answer(&gateway, &turn(next("o/m-o", &one))).await;
        assert_ne!(one["id"], two["id"]);
        assert_eq!(two["previous_response_id"], one["id"], "{two}");
        let sent_second = sent(&gateway, "o");
        assert_eq!(says_what(&sent_second["messages"]), ["user: 你好", "assistant: 好的", "user: 再说"], "instructions are of one turn");
        assert_eq!(sent_second.get("previous_response_id"), None);
        answer(&gateway, &turn(next("o/m-o", &two))).await;
        let all = ["user: 你好", "assistant: 好的", "user: 再说", "assistant: 好的", "user: 再说"];
        assert_eq!(says_what(&sent(&gateway, "o")["messages"]), all);
        answer(&gateway, &turn(next("o/m-o", &one))).await;
        assert_eq!(says_what(&sent(&gateway, "o")["messages"]).len(), 3, "an answer may be gone on from twice");
    }
}

#[tokio::test]
async fn what_a_native_upstream_forgets_is_kept_all_the_same() {
    for stream in [false, true] {
        let directory = tempdir().expect("a directory");
        let gateway = start(&directory);
        let turn = |body: Value| if stream { streamed(body) } else { body };
        let one = answer(&gateway, &turn(first("l/m-l"))).await;
        assert_eq!(one["id"], "resp_l_0");
        answer(&gateway, &turn(next("l/m-l", &one))).await;
        let sent = sent(&gateway, "l");
        assert_eq!(sent.get("previous_response_id"), None);
        assert_eq!(says_what(&sent["input"]), ["user: 你好", "assistant: 本地", "user: 再说"]);
        answer(&gateway, &next("o/m-o", &one)).await;
        let messages = says_what(&self::sent(&gateway, "o")["messages"]);
        assert_eq!(messages, ["user: 你好", "assistant: 本地", "user: 再说"], "it may go on anywhere");
    }
}

#[tokio::test]
async fn an_answer_that_its_provider_keeps_is_gone_on_from_there_and_nowhere_else() {
    for stream in [false, true] {
        let directory = tempdir().expect("a directory");
        let failing = Arc::new(Mutex::new(vec!["x"]));
        let fails = |name: &'static str, otherwise: Behaviour| -> Behaviour {
            let failing = failing.clone();
            Arc::new(move |request, count| {
                let is_failing = failing.lock().expect("no panic").contains(&name);
                if is_failing { status(500)(request, count) } else { otherwise(request, count) }
            })
        };
        let gateway = Gateway::with(&kept_in(directory.path())).upstream("o", says("好的")).upstream("l", says(""));
        let gateway =
            gateway.upstream("x", fails("x", responds("resp_x", "甲"))).upstream("y", fails("y", responds("resp_y", "乙"))).start();
        let turn = |body: Value| if stream { streamed(body) } else { body };
        let one = answer(&gateway, &turn(first("native"))).await;
        assert_eq!(one["id"], "resp_y_0");
        failing.lock().expect("no panic").clear();
        let before = gateway.received("x");
        let body = turn(next("native", &one));
        let two = answer(&gateway, &body).await;
        assert_eq!((two["id"].as_str(), gateway.received("x")), (Some("resp_y_1"), before), "`x` would come first");
        assert_eq!(gateway.last_body("y"), body.to_string().replace("\"native\"", "\"m-y\""), "byte for byte");
        failing.lock().expect("no panic").push("y");
        let (code, ..) = refusal(&gateway, &turn(next("native", &two))).await;
        assert_eq!((code, gateway.received("x")), (502, before), "no failing over");
        let (code, _, message) = refusal(&gateway, &turn(next("mixed", &two))).await;
        assert_eq!((code, gateway.received("x"), gateway.received("o")), (400, before, 0), "{message}");
        assert!(message.contains("`y`") && message.contains("resp_y_1"), "{message}");
    }
}

#[tokio::test]
async fn whoever_has_the_earlier_answer_is_asked_even_at_rest_and_nobody_takes_its_place() {
    let directory = tempdir().expect("a directory");
    let config = kept_in(directory.path()).replace("cooldown: null", "cooldown: { failures: 1, for: 1m, max: 1m }, max_attempts: 1");
    let config = config.replace("mixed: {", "mixed: { fallback_on: { context_length: [o/m-o] },");
    let well = responds("resp_x", "甲");
    let x: Behaviour = Arc::new(move |request, number| match number {
        1 => status(500)(request, number),
        3 => json_reply(400, &json!({ "error": { "message": "too long", "code": "context_length_exceeded" } })),
        _ => well(request, number),
    });
    let gateway =
        Gateway::with(&config).upstream("x", x).upstream("o", says("好的")).upstream("y", says("")).upstream("l", says("")).start();
    let one = answer(&gateway, &first("mixed")).await;
    assert_eq!(refusal(&gateway, &next("mixed", &one)).await.0, 502);
    let two = answer(&gateway, &next("mixed", &one)).await;
    assert_eq!((two["id"].as_str(), gateway.received("o")), (Some("resp_x_2"), 0), "it rests, and is asked all the same");
    let reply = ask_as("sk-anna", &gateway, &next("mixed", &two)).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((reply.status.as_u16(), gateway.received("o")), (400, 0), "another model has not what it goes on from");
    assert_eq!(gateway.received("x"), 4);
}

#[tokio::test]
async fn of_several_keys_the_one_that_asked_asks_again() {
    let directory = tempdir().expect("a directory");
    let config = kept_in(directory.path()).replace(
        "api_key: sk-xxxxxxxxxxxxxxxxxxxx",
        "api_keys: [sk-x1xxxxxxxxxxxxxxxxxx, sk-x2xxxxxxxxxxxxxxxxxx, sk-x3xxxxxxxxxxxxxxxxxx]",
    );
    let gateway = with(&config);
    for body in [first("x/m-x"), first("x/m-x"), streamed(first("x/m-x"))] {
        let one = answer(&gateway, &body).await;
        let key = gateway.last_headers("x")["authorization"].clone();
        for _ in 0..2 {
            answer(&gateway, &next("x/m-x", &one)).await;
            assert_eq!(gateway.last_headers("x")["authorization"], key, "another key may be another account's");
        }
    }
    let one = answer(&gateway, &first("x/m-x")).await;
    gateway.reload(&config.replace("sk-x", "sk-new-x")).expect("a reload");
    answer(&gateway, &next("x/m-x", &one)).await;
    assert_eq!(sent(&gateway, "x")["previous_response_id"], one["id"], "where the key is gone, another may do");
    let bytes = std::fs::read(directory.path().join("llmgw.db-wal")).expect("a file");
    assert!(!bytes.windows(5).any(|window| window == b"sk-x1"), "no key is written");
}

#[tokio::test]
async fn an_answer_belongs_to_the_key_that_asked_for_it() {
    let directory = tempdir().expect("a directory");
    let gateway = start(&directory);
    for model in ["o/m-o", "x/m-x"] {
        let one = answer(&gateway, &first(model)).await;
        let before = gateway.received("o") + gateway.received("x");
        let error = ask_as("sk-boris", &gateway, &next(model, &one)).await.err().expect("a refusal");
        assert_eq!(
            (error.status().as_u16(), error.code(), error.param()),
            (400, "previous_response_not_found", Some("previous_response_id"))
        );
        let id = one["id"].as_str().expect("an id");
        assert_eq!(error.to_string(), format!("Previous response with id '{id}' not found."));
        assert_eq!(gateway.received("o") + gateway.received("x"), before, "nobody was asked");
        answer(&gateway, &next(model, &one)).await;
    }
}

#[tokio::test]
async fn an_id_that_nobody_knows_is_for_a_provider_that_keeps_answers_to_judge() {
    let directory = tempdir().expect("a directory");
    let gateway = start(&directory);
    let unknown = json!({ "id": "resp_elsewhere" });
    for model in ["o/m-o", "l/m-l"] {
        let (code, word, message) = refusal(&gateway, &next(model, &unknown)).await;
        assert_eq!((code, word), (400, "previous_response_not_found"), "{message}");
    }
    assert_eq!(gateway.received("o") + gateway.received("l"), 0);
    answer(&gateway, &next("mixed", &unknown)).await;
    assert_eq!(sent(&gateway, "x")["previous_response_id"], "resp_elsewhere");
}

#[tokio::test]
async fn without_storage_only_providers_that_keep_answers_can_go_on() {
    let gateway = with(UPSTREAMS);
    let one = answer(&gateway, &first("o/m-o")).await;
    for model in ["o/m-o", "l/m-l"] {
        let (code, word, message) = refusal(&gateway, &next(model, &one)).await;
        assert_eq!((code, word), (400, "invalid_request"));
        assert!(message.contains("`storage.responses`"), "{message}");
    }
    assert_eq!((gateway.received("o"), gateway.received("l")), (1, 0));
    let one = answer(&gateway, &first("mixed")).await;
    answer(&gateway, &next("mixed", &one)).await;
    assert_eq!(sent(&gateway, "x")["previous_response_id"], one["id"]);
}

#[tokio::test]
async fn what_shall_not_be_kept_is_not() {
    let directory = tempdir().expect("a directory");
    let gateway = start(&directory);
    let mut body = first("o/m-o");
    body["store"] = json!(false);
    let one = answer(&gateway, &body).await;
    assert_eq!(refusal(&gateway, &next("o/m-o", &one)).await.1, "previous_response_not_found");
    body["store"] = json!(true);
    let reply = ask_as("sk-anna", &gateway, &body).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(reply.trace.dropped.is_empty(), "{:?}", reply.trace.dropped);
}

#[tokio::test]
async fn what_was_said_elsewhere_may_go_on_at_a_provider_that_keeps_answers() {
    let directory = tempdir().expect("a directory");
    let thinks: Behaviour = Arc::new(|_, _| {
        let message = json!({ "role": "assistant", "content": "好的", "reasoning_content": "想一想" });
        let choice = json!({ "index": 0, "finish_reason": "stop", "message": message });
        json_reply(200, &json!({ "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m-o", "choices": [choice] }))
    });
    // What a provider has not made itself, it is told in its most native dialect.
    let gateway = Gateway::with(&kept_in(directory.path())).upstream("o", thinks).upstream("x", says("甲")).start();
    let one = answer(&gateway, &first("o/m-o")).await;
    assert!(one.to_string().contains("rs_llmgw_"), "{one}");
    let two = answer(&gateway, &next("x/m-x", &one)).await;
    let sent = gateway.last_body("x");
    assert!(sent.contains("你好") && sent.contains("好的") && sent.contains("再说"), "{sent}");
    assert!(!sent.contains("llmgw") && !sent.contains("previous_response_id"), "nobody knows these ids there: {sent}");
    answer(&gateway, &next("o/m-o", &two)).await;
    assert!(gateway.last_body("o").contains("甲"));
}

#[tokio::test]
async fn a_stream_that_breaks_off_leaves_nothing_to_go_on_from() {
    let directory = tempdir().expect("a directory");
    let breaks: Behaviour = Arc::new(|_, _| {
        let broken = llmgw::transport::TransportError::Broken("reset".to_owned());
        events(vec![crate::gateway::content("半"), Step::Fail(broken)])
    });
    let gateway = Gateway::with(&kept_in(directory.path())).upstream("o", breaks).start();
    let reply = ask_as("sk-anna", &gateway, &streamed(first("o/m-o"))).await.unwrap_or_else(|error| panic!("{error}"));
    let stream = text(reply).await.expect("a clean end");
    let id = stream.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
    assert!(id.starts_with("resp_"), "{stream}");
    assert_eq!(refusal(&gateway, &next("o/m-o", &json!({ "id": id }))).await.1, "previous_response_not_found");
}

#[tokio::test]
async fn a_conversation_outlives_reloads_and_the_process() {
    let directory = tempdir().expect("a directory");
    let config = kept_in(directory.path());
    let gateway = start(&directory);
    let one = answer(&gateway, &first("o/m-o")).await;
    gateway.reload(&config.replace("keep: 1h", "keep: 2h")).expect("a reload");
    let two = answer(&gateway, &next("o/m-o", &one)).await;
    let off = format!("{UPSTREAMS}storage: {{ path: \"{}\" }}\n", directory.path().join("llmgw.db").display());
    gateway.reload(&off).expect("a reload");
    assert!(refusal(&gateway, &next("o/m-o", &two)).await.2.contains("`storage.responses`"));
    let elsewhere = tempdir().expect("a directory");
    let reloaded = gateway.reload(&kept_in(elsewhere.path())).expect("a reload");
    assert_eq!(reloaded.restart_required, ["storage.path"]);
    let three = answer(&gateway, &next("o/m-o", &two)).await;
    drop(gateway);
    let gateway = start(&directory);
    answer(&gateway, &next("o/m-o", &three)).await;
    assert_eq!(says_what(&sent(&gateway, "o")["messages"]).len(), 7);
}

#[tokio::test]
async fn several_processes_share_what_they_keep() {
    let directory = tempdir().expect("a directory");
    let (one, two) = (start(&directory), start(&directory));
    let first = answer(&one, &first("o/m-o")).await;
    // Whoever asks the one after the other comes as late as this.
    answer(&one, &next("o/m-o", &first)).await;
    answer(&two, &next("o/m-o", &first)).await;
    assert_eq!(says_what(&sent(&two, "o")["messages"]), ["user: 你好", "assistant: 好的", "user: 再说"]);
}

#[tokio::test]
async fn without_a_usable_file_answers_come_all_the_same() {
    let directory = tempdir().expect("a directory");
    std::fs::create_dir(directory.path().join("llmgw.db")).expect("a directory in the file's place");
    let gateway = start(&directory);
    for body in [first("o/m-o"), streamed(first("o/m-o"))] {
        let one = answer(&gateway, &body).await;
        assert!(refusal(&gateway, &next("o/m-o", &one)).await.2.contains("`storage.responses`"));
    }
}

#[tokio::test]
async fn what_is_no_id_or_no_input_is_told() {
    let directory = tempdir().expect("a directory");
    let gateway = start(&directory);
    let one = answer(&gateway, &first("o/m-o")).await;
    for (name, value) in
        [("previous_response_id", json!(7)), ("previous_response_id", json!({})), ("input", json!(7)), ("input", json!({}))]
    {
        let mut body = next("o/m-o", &one);
        body[name] = value;
        let error = ask_as("sk-anna", &gateway, &body).await.err().expect("a refusal");
        assert_eq!((error.status().as_u16(), error.param()), (400, Some(name)), "{error}");
    }
    let (code, word, _) = refusal(&gateway, &next("o/m-o", &json!({ "id": "a".repeat(100_000) }))).await;
    assert_eq!((code, word), (400, "previous_response_not_found"));
    assert_eq!(gateway.received("o"), 1);
    let mut body = next("o/m-o", &one);
    body["previous_response_id"] = Value::Null;
    answer(&gateway, &body).await;
    assert_eq!(says_what(&sent(&gateway, "o")["messages"]), ["user: 再说"]);
}
