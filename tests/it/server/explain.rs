//! `GET /admin/api/explain`: the plan as the next request would get it.

use serde_json::{Value, json};

use super::client::Ask;
use super::upstream::{Gate, Step, Upstream, error, events_head, word};
use super::{CHAT, Gateway, one, streamed, two};

const EXPLAIN: &str = "/admin/api/explain";

async fn plan(gateway: &Gateway, model: &str) -> Value {
    let answer = gateway.get(&format!("{EXPLAIN}?model={model}")).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn a_plan_shows_how_its_upstreams_stand() {
    let (a, b) = (Upstream::start(|_| error(500, "出错了")).await, Upstream::talking("好").await);
    let gateway = Gateway::start(&(two(&a, &b) + "routing: { cooldown: { failures: 2, for: 5m, max: 5m } }\n")).await;
    let fresh = plan(&gateway, "gpt-4").await;
    assert_eq!((&fresh["model"], &fresh["max_attempts"], &fresh["skipped"]), (&json!("gpt-4"), &json!(3), &json!([])));
    let closed = json!({
        "state": "closed", "cooldown_left_seconds": 0.0, "failures": 0, "provider_failures": 0, "failures_allowed": 2, "in_flight": 0,
        "max_in_flight": null,
    });
    for (place, provider) in ["a", "b"].into_iter().enumerate() {
        let route = &fresh["candidates"][place];
        assert_eq!((&route["provider"], &route["live"]), (&json!(provider), &closed));
    }

    gateway.chat("gpt-4").await;
    assert_eq!(plan(&gateway, "gpt-4").await["candidates"][0]["live"]["failures"], 1);
    gateway.chat("gpt-4").await;
    let resting = plan(&gateway, "gpt-4").await;
    let (left, skipped) = (&resting["candidates"], &resting["skipped"][0]);
    assert_eq!((left[0]["provider"].as_str(), left.as_array().map(Vec::len)), (Some("b"), Some(1)));
    assert_eq!(
        (&skipped["provider"], &skipped["live"]["state"], &skipped["live"]["failures"]),
        (&json!("a"), &json!("cooling"), &json!(2))
    );
    assert!(skipped["live"]["cooldown_left_seconds"].as_f64().is_some_and(|left| left > 200.0), "{skipped}");
    assert!(skipped["note"].as_str().is_some_and(|note| note.starts_with("cooling for ")), "{skipped}");
    // Looking changes nothing.
    assert_eq!((a.count(), b.count()), (2, 2));
}

#[tokio::test]
async fn requests_on_their_way_are_counted() {
    let gate = Gate::new();
    let behind = gate.clone();
    let upstream = Upstream::start(move |_| vec![events_head(), word("你"), Step::Wait(behind.clone())]).await;
    let gateway = Gateway::start(&one(&upstream).replace("models: [m-a]", "models: [m-a], max_in_flight: 1")).await;
    let mut streaming = gateway.post(CHAT, streamed("m-a")).open().await;
    streaming.head().await;
    streaming.until("你").await;
    let full = plan(&gateway, "m-a").await;
    assert_eq!(full["skipped"][0]["note"], "saturated: 1 requests in flight");
    assert_eq!((&full["skipped"][0]["live"]["in_flight"], &full["skipped"][0]["live"]["max_in_flight"]), (&json!(1), &json!(1)));
    gate.open(1);
}

#[tokio::test]
async fn names_that_need_escaping_are_understood_and_unknown_ones_told() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    for name in ["a/m-a", "a%2Fm-a", "m%2Da"] {
        assert_eq!(plan(&gateway, name).await["candidates"][0]["upstream_model"], "m-a", "{name}");
    }
    let unknown = gateway.get(&format!("{EXPLAIN}?model=m-b")).send().await;
    assert_eq!(unknown.refusal(), (404, "model_not_found".to_owned()));
    assert!(unknown.message().contains("m-a"), "{}", unknown.text());
    for query in ["", "?model=", "?name=m-a", "?model=%FF"] {
        let answer = gateway.get(&format!("{EXPLAIN}{query}")).send().await;
        assert!([400, 404].contains(&answer.status) && !answer.message().is_empty(), "{query}: {}", answer.text());
    }
    assert_eq!(gateway.get(EXPLAIN).send().await.refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(gateway.post(&format!("{EXPLAIN}?model=m-a"), "").send().await.status, 405);
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn with_a_port_for_administration_it_is_explained_there_only() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&(one(&upstream) + "admin: { key: sk-admin, port: 19008 }\n")).await;
    let (admin, path) = (gateway.admin.expect("a listener"), format!("{EXPLAIN}?model=m-a"));
    assert_eq!(Ask::new(admin, "GET", &path).bearer("sk-admin").send().await.status, 200);
    assert_eq!(Ask::new(admin, "GET", &path).send().await.status, 401);
    assert_eq!(gateway.get(&path).bearer("sk-admin").send().await.status, 404);
}
