//! What `/status` and `/health` say of upstreams that fail, rest, and come back.

use serde_json::{Value, json};

use super::upstream::{Upstream, error, reply, talk};
use super::{Gateway, two};

/// `a` before `b`; two failures in a row send either to rest for longer than a test takes.
async fn start(a: &Upstream, b: &Upstream) -> Gateway {
    Gateway::start(&(two(a, b) + "routing: { cooldown: { failures: 2, for: 5m, max: 5m } }\n")).await
}

/// What `/status` says of `a`.
async fn of_a(gateway: &Gateway) -> Value {
    gateway.get("/status").send().await.json()["providers"][0].clone()
}

/// What `/health` says: its status code, its word, and whether `a` and `b` are usable.
async fn health(gateway: &Gateway) -> (u16, Value, Value) {
    let answer = gateway.get("/health").send().await;
    (answer.status, answer.json()["status"].clone(), answer.json()["providers"].clone())
}

#[tokio::test]
async fn a_failing_model_is_seen_to_rest() {
    let failing = || Upstream::start(|_| error(500, "出错了"));
    let (a, b) = (failing().await, failing().await);
    let gateway = start(&a, &b).await;
    assert_eq!((&of_a(&gateway).await["state"], &of_a(&gateway).await["upstreams"]), (&json!("closed"), &json!([])));
    assert_eq!(health(&gateway).await, (200, json!("healthy"), json!({ "a": true, "b": true })));

    gateway.chat("m-a").await;
    let seen = of_a(&gateway).await;
    let model = &seen["upstreams"][0];
    assert_eq!((&model["model"], &model["state"], &model["failures"]), (&json!("m-a"), &json!("closed"), &json!(1)));
    assert_eq!((&seen["state"], &seen["failures"], &seen["cooldown_left_seconds"]), (&json!("closed"), &json!(0), &json!(0.0)));

    gateway.chat("m-a").await;
    let seen = of_a(&gateway).await;
    let model = &seen["upstreams"][0];
    assert_eq!((&model["state"], &model["failures"], &model["success_rate"]), (&json!("cooling"), &json!(2), &json!(0.0)));
    for level in [model, &seen] {
        let left = level["cooldown_left_seconds"].as_f64().expect("a number");
        assert!(left > 200.0 && left <= 300.0, "{seen}");
        assert!(level["last_error"].as_str().is_some_and(|error| error.contains("出错了")), "{seen}");
    }
    assert_eq!(seen["state"], "cooling", "all of its models that were used rest");
    assert_eq!(health(&gateway).await, (200, json!("degraded"), json!({ "a": false, "b": true })));

    for _ in 0..2 {
        gateway.chat("m-b").await;
    }
    assert_eq!(health(&gateway).await, (503, json!("unhealthy"), json!({ "a": false, "b": false })));
}

#[tokio::test]
async fn a_provider_that_nobody_reaches_is_seen_to_rest() {
    let (a, b) = (Upstream::absent(), Upstream::talking("好").await);
    let gateway = start(&a, &b).await;
    for _ in 0..2 {
        assert_eq!(gateway.chat("gpt-4").await.status, 200);
    }
    let seen = of_a(&gateway).await;
    assert_eq!((&seen["state"], &seen["failures"]), (&json!("cooling"), &json!(2)));
    let model = &seen["upstreams"][0];
    assert_eq!((&model["state"], &model["failures"]), (&json!("closed"), &json!(0)), "its model is not to blame");
    assert_eq!(health(&gateway).await, (200, json!("degraded"), json!({ "a": false, "b": true })));
}

#[tokio::test]
async fn what_has_rested_long_enough_is_usable_and_closed_by_its_next_answer() {
    let limited = |request: &super::upstream::Request| match request.number {
        0 => reply(429, &[("content-type", "application/json"), ("retry-after", "0")], b"{}"),
        _ => talk(request, "好"),
    };
    let (a, b) = (Upstream::start(limited).await, Upstream::talking("好").await);
    let gateway = start(&a, &b).await;
    assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-provider"), "b");
    let seen = of_a(&gateway).await;
    let model = &seen["upstreams"][0];
    assert_eq!((&model["state"], &model["cooldown_left_seconds"]), (&json!("probing"), &json!(0.0)));
    assert_eq!(health(&gateway).await.0, 200);
    assert_eq!(health(&gateway).await.2["a"], true);

    assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-provider"), "a");
    let model = &of_a(&gateway).await["upstreams"][0];
    assert_eq!((&model["state"], &model["failures"], &model["success_rate"]), (&json!("closed"), &json!(0), &json!(0.5)));
}
