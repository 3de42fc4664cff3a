//! A gateway that is full says so, at once, and goes on telling how it is.

use tokio::net::TcpStream;

use super::super::client::Answer;
use super::super::upstream::{Gate, Step, Upstream, talk};
use super::{CHAT, Gateway, Wire, question, soon};
use crate::server::one;

async fn gated(gate: &Gate) -> Upstream {
    let waiting = gate.clone();
    Upstream::start(move |request| [Step::Wait(waiting.clone())].into_iter().chain(talk(request, "好")).collect()).await
}

fn expect_full(got: &Answer, key: &str) {
    assert_eq!(got.refusal(), (503, "no_upstream_available".to_owned()), "{}", got.text());
    assert!(got.message().contains("limit of 1 ") && got.message().contains(key), "{}", got.message());
    assert_eq!((got.header("retry-after"), got.header("retry-after-ms")), ("1", "1000"));
    assert!(got.header("x-request-id").starts_with("req-"));
}

#[tokio::test]
async fn at_its_limit_of_requests_it_refuses_before_it_reads() {
    let gate = Gate::new();
    let upstream = gated(&gate).await;
    let with = |limit: &str| format!("{}server: {{ max_in_flight: {limit}, cors: [\"https://app.example\"] }}\n", one(&upstream));
    let gateway = Gateway::start(&with("1")).await;
    let mut first = gateway.post(CHAT, question("m-a")).open().await;
    upstream.request().await;

    let chat = gateway.post(CHAT, question("m-a"));
    for ask in [&chat, &gateway.get("/v1/models"), &gateway.get("/providers/a/files"), &gateway.get("/nowhere")] {
        expect_full(&ask.send().await, "server.max_in_flight");
    }
    let page = chat.clone().header("origin", "https://app.example").send().await;
    assert_eq!((page.status, page.header("access-control-allow-origin")), (503, "https://app.example"));
    let mut waits = Wire::connect(gateway.address).await;
    waits.write(&chat.clone().header("expect", "100-continue").header("content-length", "50000000").to_bytes(false)).await;
    expect_full(&waits.answer().await, "server.max_in_flight");

    for path in ["/", "/health", "/v1/health", "/healthz", "/readyz", "/status", "/config"] {
        assert_eq!(gateway.get(path).send().await.status, 200, "{path}");
    }
    let requests = gateway.get("/status").send().await.json()["requests"].clone();
    assert_eq!(requests, serde_json::json!({ "now": 1, "max": 1 }));

    gateway.set_config(&with("2"));
    assert_eq!(gateway.post("/reload", "").send().await.status, 200);
    let mut second = chat.open().await;
    upstream.request().await;
    assert_eq!(chat.send().await.status, 503);
    gate.open(3);
    assert_eq!((first.answer().await.status, second.answer().await.status), (200, 200));
    free(&gateway).await;
    assert_eq!(chat.send().await.status, 200);
}

#[tokio::test]
async fn a_place_comes_back_however_a_request_ends() {
    let gate = Gate::new();
    let upstream = gated(&gate).await;
    let gateway = Gateway::start(&(one(&upstream) + "server: { max_in_flight: 1 }\n")).await;
    let leaves = gateway.post(CHAT, question("m-a")).open().await;
    upstream.request().await;
    drop(leaves);
    free(&gateway).await;
    assert_eq!(gateway.post(CHAT, "{").send().await.status, 400);
    free(&gateway).await;
    gate.open(1);
    let mut stream = gateway.post(CHAT, crate::server::streamed("m-a")).open().await;
    assert_eq!(stream.answer().await.status, 200);
    free(&gateway).await;
}

#[tokio::test]
async fn at_its_limit_of_connections_an_unused_one_makes_room() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&(one(&upstream) + "server: { max_connections: 2 }\n")).await;
    let (mut oldest, mut newer) = (kept(&gateway).await, kept(&gateway).await);
    let mut newest = kept_in_place_of(&mut oldest, &gateway).await;
    for wire in [&mut newer, &mut newest] {
        wire.write(&gateway.get("/healthz").to_bytes(true)).await;
        assert_eq!(wire.answer().await.status, 200);
    }
}

#[tokio::test]
async fn where_all_connections_are_used_a_new_one_gets_one_answer() {
    let gate = Gate::new();
    let upstream = gated(&gate).await;
    let gateway = Gateway::start(&(one(&upstream) + "server: { max_connections: 1 }\n")).await;
    let mut used = gateway.post(CHAT, question("m-a")).open().await;
    upstream.request().await;
    for (ask, status) in [(gateway.post(CHAT, question("m-a")), 503), (gateway.get("/healthz"), 200), (gateway.get("/status"), 200)] {
        let mut wire = ask.open().await;
        let got = wire.answer().await;
        assert_eq!((got.status, got.header("connection")), (status, "close"));
        if status == 503 {
            expect_full(&got, "server.max_connections");
        } else if got.json()["connections"].is_object() {
            assert_eq!(got.json()["connections"], serde_json::json!({ "now": 2, "max": 1 }));
        }
        assert_eq!(soon("the end", wire.closed()).await, "");
    }
    gate.open(1);
    assert_eq!(used.answer().await.status, 200);
    // Now unused, it makes room.
    kept_in_place_of(&mut used, &gateway).await;
}

/// A connection that was used once.
async fn kept(gateway: &Gateway) -> Wire<TcpStream> {
    let mut wire = gateway.get("/v1/models").open().await;
    assert_eq!(wire.answer().await.status, 200);
    wire
}

/// The same, for which `other` has to go.
async fn kept_in_place_of(other: &mut Wire<TcpStream>, gateway: &Gateway) -> Wire<TcpStream> {
    let mut wire = gateway.get("/v1/models").open().await;
    let status = wire.answer().await.status;
    assert_eq!(soon("room", other.closed()).await, "");
    // On a busy machine the other may take longer to go than the new one waits.
    if status == 503 { kept(gateway).await } else { wire }
}

/// No request has a place any more.
async fn free(gateway: &Gateway) {
    let none = async { while gateway.get("/status").send().await.json()["requests"]["now"] != 0 {} };
    soon("every place to be free", none).await;
}
