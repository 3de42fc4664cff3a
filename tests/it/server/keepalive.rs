//! What a client of a silent stream sees on the wire. The timing itself is tested beside the code, without sockets.

use super::upstream::{Gate, Step, Upstream, chunk, end, error, events_head, talk, word};
use super::{CHAT, Gateway, one, question, streamed};

const OFTEN: &str = "server: { keepalive: { every: 10ms, before_headers: 20ms } }\n";
const COMMENT: &str = ": keepalive\n\n";

/// An upstream that answers with `steps` when the gate is open.
async fn late(gate: &Gate, steps: fn() -> Vec<Step>) -> Upstream {
    let gate = gate.clone();
    Upstream::start(move |_| [Step::Wait(gate.clone())].into_iter().chain(steps()).collect()).await
}

#[tokio::test]
async fn a_silent_upstream_does_not_keep_the_client_waiting_for_a_status() {
    let gate = Gate::new();
    let upstream = late(&gate, || [events_head(), word("你"), word("好")].into_iter().chain(end()).collect()).await;
    let gateway = Gateway::start(&(one(&upstream) + OFTEN)).await;
    for path in [CHAT, "/v1/completions"] {
        let mut ask = streamed("m-a");
        ask["prompt"] = "你好".into();
        let mut wire = gateway.post(path, ask).open().await;
        let head = wire.head().await;
        assert_eq!((head.status, head.header("content-type")), (200, "text/event-stream"));
        assert_eq!((head.header("cache-control"), head.header("x-accel-buffering")), ("no-cache", "no"));
        assert!(!head.header("x-request-id").is_empty());
        assert!(!head.headers.keys().any(|name| name.as_str().starts_with("x-llmgw-")), "{:?}", head.headers);
        wire.until(&COMMENT.repeat(3)).await;
        gate.open(1);
        let rest = String::from_utf8(wire.remainder().await.expect("not cut")).unwrap();
        assert!(rest.contains("你") && rest.ends_with("data: [DONE]\n\n"), "{rest}");
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_gets_comments_between_its_events() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |_| {
        let begun = [events_head(), word("你"), chunk(b"data: {\"choi"), Step::Wait(waiting.clone()), chunk(b"ces\":[]}\n\n")];
        begun.into_iter().chain(end()).collect()
    })
    .await;
    let gateway = Gateway::start(&(one(&upstream) + OFTEN)).await;
    let mut wire = gateway.post(CHAT, streamed("m-a")).open().await;
    assert_eq!(wire.head().await.status, 200);
    wire.until(&COMMENT.repeat(3)).await;
    gate.open(1);
    let rest = String::from_utf8(wire.remainder().await.expect("not cut")).unwrap();
    assert!(rest.contains("data: {\"choices\":[]}\n\n") && rest.ends_with("data: [DONE]\n\n"), "{rest}");
}

#[tokio::test]
async fn a_failure_after_the_early_status_ends_the_stream_with_its_event() {
    let gate = Gate::new();
    let upstream = late(&gate, || error(400, "不行")).await;
    let gateway = Gateway::start(&(one(&upstream) + OFTEN)).await;
    let mut wire = gateway.post(CHAT, streamed("m-a")).open().await;
    assert_eq!(wire.head().await.status, 200);
    gate.open(1);
    let rest = String::from_utf8(wire.remainder().await.expect("not cut")).unwrap();
    assert!(rest.contains("data: {\"error\"") && rest.contains("不行") && !rest.contains("[DONE]"), "{rest}");
    assert_eq!(gateway.engine.in_flight(), 0);
}

#[tokio::test]
async fn only_streams_of_events_have_an_early_status() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |request| [Step::Wait(waiting.clone())].into_iter().chain(talk(request, "好")).collect()).await;
    let gateway = Gateway::start(&(one(&upstream) + OFTEN)).await;
    let mut stream = gateway.post(CHAT, streamed("m-a")).open().await;
    let asked = [
        gateway.post(CHAT, question("m-a")),
        gateway.post("/v1/embeddings", streamed("m-a").to_string().replace("messages", "input")),
        gateway.post("/v1/audio/speech", streamed("m-a")),
        gateway.post("/providers/a/chat/completions", streamed("m-a")),
    ];
    let mut others = Vec::new();
    for ask in asked {
        others.push(ask.open().await);
        upstream.request().await;
    }
    assert_eq!(stream.head().await.status, 200);
    stream.until(&COMMENT.repeat(5)).await;
    gate.open(5);
    for mut wire in others {
        let answer = wire.answer().await;
        assert!(!answer.header("x-llmgw-provider").is_empty(), "{answer:?}");
        assert!(!answer.text().contains(COMMENT));
    }
}

#[tokio::test]
async fn a_reload_changes_it_for_new_requests_only() {
    let gate = Gate::new();
    let upstream = late(&gate, || [events_head(), word("你")].into_iter().chain(end()).collect()).await;
    let gateway = Gateway::start(&(one(&upstream) + "server: { keepalive: null }\n")).await;
    let mut before = gateway.post(CHAT, streamed("m-a")).open().await;
    upstream.request().await;
    gateway.set_config(&(one(&upstream) + OFTEN));
    let changed = gateway.engine.reload(false).expect("a good configuration").changed;
    assert_eq!(changed, ["server.keepalive.every", "server.keepalive.before_headers"]);
    let mut after = gateway.post(CHAT, streamed("m-a")).open().await;
    after.head().await;
    after.until(&COMMENT.repeat(5)).await;
    gate.open(2);
    assert_eq!(before.head().await.header("x-llmgw-provider"), "a");
    assert!(!String::from_utf8(before.remainder().await.expect("not cut")).unwrap().contains(COMMENT));
    after.remainder().await.expect("not cut");
}
