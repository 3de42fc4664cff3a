//! Anthropic's paths over HTTP: its envelope for every error, its list of models, its stream's last word.

use serde_json::{Value, json};

use super::upstream::{Gate, Step, Upstream, error};
use super::{CHAT, Gateway, one, question, streamed};

const MESSAGES: &str = "/v1/messages";

#[tokio::test]
async fn every_error_has_the_envelope_of_its_path() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&(one(&upstream) + "auth: { keys: [sk-bare, { name: some, key: sk-some, models: [none] }] }\n")).await;
    let ask = |path: &str, key: &str, body: Value| gateway.post(path, body).header("x-api-key", key);
    for (key, body, status, kind) in [
        ("sk-wrong", question("m-a"), 401, "authentication_error"),
        ("sk-some", question("m-a"), 403, "permission_error"),
        ("sk-bare", question("nobody"), 404, "not_found_error"),
        ("sk-bare", json!({ "model": "m-a" }), 400, "invalid_request_error"),
    ] {
        for path in [MESSAGES, "/v1/messages?beta=true", "/v1/messages/count_tokens"] {
            let got = ask(path, key, body.clone()).send().await;
            assert_eq!((got.status, &got.json()["type"], &got.json()["error"]["type"]), (status, &json!("error"), &json!(kind)), "{path}");
            assert!(got.json()["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
        }
        // The same is OpenAI's elsewhere.
        assert!(ask(CHAT, key, body).send().await.json().get("type").is_none());
    }
    let got = gateway.get(MESSAGES).bearer("sk-bare").send().await;
    assert_eq!((got.status, got.json()["type"].clone()), (405, json!("error")));
    let got = gateway.post(MESSAGES, "{").bearer("sk-bare").send().await;
    assert_eq!((got.status, got.json()["error"]["type"].clone()), (400, json!("invalid_request_error")));
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn models_are_listed_in_the_form_of_who_asks() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let list = gateway.get("/v1/models").header("anthropic-version", "2023-06-01").send().await.json();
    assert_eq!((&list["data"][0]["type"], &list["data"][0]["id"], &list["has_more"]), (&json!("model"), &json!("m-a"), &json!(false)));
    assert_eq!((list.get("object"), &list["first_id"]), (None, &json!("m-a")));
    let shown = gateway.get("/v1/models/m-a").header("anthropic-version", "2023-06-01").send().await.json();
    assert_eq!((&shown["type"], &shown["display_name"]), (&json!("model"), &json!("m-a")));
    assert_eq!(gateway.get("/v1/models").send().await.json()["object"], json!("list"));
}

#[tokio::test]
async fn a_failure_after_the_status_is_an_event_of_the_clients_dialect() {
    let gate = Gate::new();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| [Step::Wait(held.clone())].into_iter().chain(error(500, "坏了")).collect()).await;
    let often = "server: { keepalive: { every: 5ms, before_headers: 10ms } }\nrouting: { max_attempts: 1 }\n";
    let gateway = Gateway::start(&(one(&upstream) + often)).await;
    let mut got = gateway.post(MESSAGES, streamed("m-a")).open().await;
    assert_eq!(got.head().await.status, 200);
    got.until(": keepalive\n\n").await;
    gate.open(1);
    let rest = String::from_utf8(got.remainder().await.expect("not cut")).unwrap();
    assert!(rest.contains("event: error\ndata: {\"type\":\"error\",\"error\":{") && rest.contains("坏了"), "{rest}");
}
