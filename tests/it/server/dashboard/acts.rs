//! What can be done from the dashboard.

use serde_json::{Value, json};

use super::{Browser, MOCKS, keyed};
use crate::server::client::Ask;
use crate::server::{Gateway, question};

fn post(gateway: &Gateway, path: &str) -> Ask {
    Ask::new(gateway.address, "POST", &format!("/admin/api/{path}"))
}

#[tokio::test]
async fn a_provider_is_disabled_and_enabled_until_the_next_start() {
    let gateway = Gateway::start(MOCKS).await;
    let mut browser = Browser::of(&gateway);
    let disabled = browser.submit("providers/a", "providers/a/disable", &[]).await;
    assert!(disabled.text().contains("a is disabled until the next start."), "{}", disabled.text());
    assert!(disabled.text().contains("providers/a/enable") && !disabled.text().contains("providers/a/disable"));
    assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-provider"), "b");
    gateway.reload(&MOCKS.replace("priority: 2", "priority: 3")).unwrap();
    let shown = Ask::new(gateway.address, "GET", "/admin/api/providers/a").send().await.json();
    assert_eq!((&shown["state"], &shown["disabled_by_operator"]), (&json!("disabled"), &json!(true)));
    assert_eq!(post(&gateway, "providers/a/enable").send().await.status, 200);
    assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-provider"), "a");
}

#[tokio::test]
async fn what_the_configuration_disables_cannot_be_enabled_here() {
    let gateway = Gateway::start(&MOCKS.replace("models: [m-a, shared]", "models: [m-a, shared], enabled: false")).await;
    let refused = post(&gateway, "providers/a/enable").send().await;
    assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()));
    let page = Browser::of(&gateway).get("providers/a").await;
    assert!(!page.text().contains("providers/a/enable") && page.text().contains("set enabled to true there"));
}

#[tokio::test]
async fn a_test_asks_every_route_for_real_and_says_what_came_of_it() {
    let gateway = Gateway::start(MOCKS).await;
    let good = post(&gateway, "providers/a/test").send().await.json();
    assert_eq!((&good["ok"], good["results"].as_array().map(Vec::len)), (&json!(true), Some(2)));
    let bad = post(&gateway, "providers/broken/test").send().await.json();
    assert_eq!(bad["ok"], false);
    let said = bad["results"][0]["error"].as_str().unwrap();
    let page = Browser::of(&gateway).submit("providers/broken", "providers/broken/test", &[]).await;
    assert!(said.starts_with("500") && page.text().contains("Failed") && page.text().contains(said), "{said}");
}

#[tokio::test]
async fn a_reset_lets_a_cooling_provider_be_asked_again() {
    let gateway = Gateway::start(MOCKS).await;
    for _ in 0..4 {
        gateway.chat("m-broken").await;
    }
    let state = |gateway: &Gateway| gateway.engine.status().providers[2].state;
    assert_eq!(state(&gateway), "cooling");
    let page = Browser::of(&gateway).get("providers/broken").await;
    assert!(page.text().contains("Cooling") && page.text().contains("Rests for"));
    assert_eq!(post(&gateway, "providers/broken/reset").send().await.status, 200);
    assert_eq!(state(&gateway), "closed");
}

#[tokio::test]
async fn the_file_is_checked_before_it_is_loaded() {
    let gateway = Gateway::start(MOCKS).await;
    let mut browser = Browser::of(&gateway);
    let changes = Ask::new(gateway.address, "GET", "/admin/api/config/changes");
    assert_eq!(changes.send().await.json()["changed"], json!([]));
    gateway.set_config(&MOCKS.replace("name: b, type: mock", "name: b, type: mock, max_in_flight: 7"));
    let found = changes.send().await.json();
    let change = json!({ "key": "providers.b.max_in_flight", "before": null, "after": 7, "restart_required": false });
    assert_eq!((&found["changed"], &found["changes"]), (&json!(["providers.b.max_in_flight"]), &json!([change])));
    let checked = browser.submit("configuration", "configuration/check", &[]).await;
    assert!(checked.text().contains("A reload would change") && checked.text().contains("providers.b.max_in_flight"));
    assert_eq!(changes.send().await.json()["changed"], json!(["providers.b.max_in_flight"]), "nothing has changed by that");
    let done = browser.submit("configuration", "configuration/reload", &[]).await;
    assert!(done.text().contains("Reloaded.") && done.text().contains("The reload changed"));
    assert_eq!(changes.send().await.json()["changed"], json!([]));

    gateway.set_config("providers: [{ name: a, tpye: mock }]");
    let refused = browser.submit("configuration", "configuration/reload", &[]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("tpye") && refused.text().contains("what is in force stays"), "{}", refused.text());
    assert_eq!(post(&gateway, "config/reload").send().await.refusal(), (400, "invalid_config".to_owned()));
    assert_eq!(gateway.chat("gpt-4").await.status, 200);
}

#[tokio::test]
async fn a_prompt_is_tried_as_the_administrator() {
    let gateway = Gateway::start(&keyed()).await;
    let mut browser = Browser::of(&gateway);
    browser.sign_in("sk-admin").await;
    let prompt = [("model", "gpt-4"), ("prompt", "<b>你是谁</b>"), ("temperature", "0.5")];
    let page = browser.submit("models/plan?model=gpt-4", "models/try", &prompt).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Answered by a / m-a") && !page.text().contains("<b>你是谁"), "{}", page.text());

    let body = json!({ "model": "gpt-4", "stream": true, "messages": [{ "role": "user", "content": "hi" }] });
    let stream = post(&gateway, "try").bearer("sk-admin").json(&body).send().await;
    assert_eq!((stream.header("content-type"), stream.header("x-llmgw-provider")), ("text/event-stream; charset=utf-8", "a"));
    assert!(stream.text().contains("data: [DONE]"));
    let unknown = post(&gateway, "try").bearer("sk-admin").json(question("nobody")).send().await;
    assert_eq!(unknown.refusal(), (404, "model_not_found".to_owned()));
    let failed = browser.submit("models/plan?model=m-broken", "models/try", &[("model", "m-broken"), ("prompt", "hi")]).await;
    assert!(failed.status == 200 && failed.text().contains("tone-bad"), "{}", failed.status);
    let large = post(&gateway, "try").bearer("sk-admin").json(Value::String("x".repeat(5_000_000))).send().await;
    assert_eq!(large.status, 413);
}
