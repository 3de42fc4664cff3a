//! How a server ends, and how it ends connections that hold it up.

use tokio::net::TcpStream;

use super::client::Wire;
use super::upstream::{Gate, Step, Upstream, chunk, end, events_head, word};
use super::{CHAT, Gateway, SOON, one, soon, streamed};

/// An upstream whose streams wait for the gate after their first word.
async fn gated(gate: &Gate) -> Upstream {
    let gate = gate.clone();
    Upstream::start(move |_| {
        let begun = [events_head(), word("你"), Step::Wait(gate.clone()), word("好")];
        begun.into_iter().chain(end()).collect()
    })
    .await
}

async fn begin_stream(gateway: &Gateway) -> Wire<TcpStream> {
    let mut wire = gateway.post(CHAT, streamed("m-a")).open().await;
    assert_eq!(wire.head().await.status, 200);
    wire.until("你").await;
    wire
}

/// The stream ends cleanly, with an error that says why.
async fn expect_last_word(wire: &mut Wire<TcpStream>) {
    let rest = String::from_utf8(wire.remainder().await.expect("not cut")).unwrap();
    let last = rest.trim_end().rsplit("\n\n").next().and_then(|block| block.strip_prefix("data: ")).expect("an event");
    let error: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(error["error"]["code"], "no_upstream_available", "{rest}");
    assert!(!rest.contains("[DONE]"));
}

/// The listener is gone.
async fn expect_refused(gateway: &Gateway) {
    let refused = async { while TcpStream::connect(gateway.address).await.is_ok() {} };
    soon("connections to be refused", refused).await;
}

#[tokio::test]
async fn a_running_stream_finishes_while_nothing_new_is_accepted() {
    let gate = Gate::new();
    let upstream = gated(&gate).await;
    let mut gateway = Gateway::start(&one(&upstream)).await;
    let mut idle = Wire::connect(gateway.address).await;
    idle.write(&gateway.get("/readyz").to_bytes(true)).await;
    assert_eq!(idle.answer().await.status, 200);
    let mut running = begin_stream(&gateway).await;
    gateway.shutdown.begin();
    expect_refused(&gateway).await;
    assert_eq!(soon("the idle connection's end", idle.closed()).await, "");
    assert!(!gateway.task.is_finished());
    gate.open(1);
    let rest = String::from_utf8(running.remainder().await.expect("not cut")).unwrap();
    assert!(rest.contains("好") && rest.ends_with("data: [DONE]\n\n"), "{rest}");
    gateway.ended().await;
}

#[tokio::test]
async fn while_draining_it_serves_but_is_not_ready() {
    let upstream = Upstream::talking("好").await;
    let mut gateway = Gateway::start(&format!("server: {{ drain: 1h }}\n{}", one(&upstream))).await;
    assert_eq!(gateway.get("/readyz").send().await.status, 200);
    gateway.shutdown.begin();
    assert_eq!(gateway.get("/readyz").send().await.status, 503);
    assert_eq!(gateway.get("/healthz").send().await.status, 200);
    assert_eq!(gateway.chat("m-a").await.status, 200);
    gateway.shutdown.now();
    gateway.ended().await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let gate = Gate::new();
    let upstream = gated(&gate).await;
    let mut gateway = Gateway::start(&one(&upstream)).await;
    let mut running = begin_stream(&gateway).await;
    gateway.shutdown.begin();
    expect_refused(&gateway).await;
    gateway.shutdown.now();
    gateway.ended().await;
    expect_last_word(&mut running).await;
    upstream.closed().await;
}

#[tokio::test]
async fn a_stream_that_does_not_finish_within_the_grace_says_so_and_ends() {
    let gate = Gate::new();
    let upstream = gated(&gate).await;
    let keepalive = "keepalive: { before_headers: 10ms, every: 10ms }";
    let mut gateway = Gateway::start(&format!("server: {{ shutdown_grace: 50ms, {keepalive} }}\n{}", one(&upstream))).await;
    let mut running = begin_stream(&gateway).await;
    let silent = Upstream::start(|_| vec![Step::Never]).await;
    gateway.set_config(&format!("server: {{ shutdown_grace: 50ms, {keepalive} }}\n{}", one(&silent)));
    gateway.engine.reload(false).expect("a good configuration");
    let mut waiting = gateway.post(CHAT, streamed("m-a")).open().await;
    assert_eq!(waiting.head().await.status, 200);
    let mut half = Wire::connect(gateway.address).await;
    half.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n").await;
    gateway.shutdown.begin();
    gateway.ended().await;
    for wire in [&mut running, &mut waiting] {
        expect_last_word(wire).await;
    }
    upstream.closed().await;
    silent.closed().await;
    assert_eq!(gateway.engine.in_flight(), 0);
}

#[tokio::test]
async fn what_is_no_stream_of_events_is_cut_after_the_grace() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let upstream = Upstream::start(|_| vec![Step::Write(head.to_vec()), chunk(b"first"), Step::Never]).await;
    let mut gateway = Gateway::start(&format!("server: {{ shutdown_grace: 50ms }}\n{}", one(&upstream))).await;
    let mut running = gateway.get("/providers/a/files/1/content").open().await;
    assert_eq!(running.head().await.status, 200);
    assert_eq!(running.piece().await, Ok(Some(b"first".to_vec())));
    gateway.shutdown.begin();
    gateway.ended().await;
    assert_eq!(running.remainder().await, Err("cut"));
    upstream.closed().await;
}

#[tokio::test]
async fn a_grace_that_was_reloaded_counts() {
    let gate = Gate::new();
    let upstream = gated(&gate).await;
    let mut gateway = Gateway::start(&format!("server: {{ shutdown_grace: 1h }}\n{}", one(&upstream))).await;
    let _running = begin_stream(&gateway).await;
    gateway.set_config(&format!("server: {{ shutdown_grace: 50ms }}\n{}", one(&upstream)));
    gateway.engine.reload(false).expect("a good configuration");
    gateway.shutdown.begin();
    gateway.ended().await;
}

#[tokio::test]
async fn a_connection_serves_many_requests_one_after_the_other() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let mut wire = Wire::connect(gateway.address).await;
    for _ in 0..3 {
        for ask in [gateway.post(CHAT, super::question("m-a")), gateway.post(CHAT, streamed("m-a")), gateway.get("/health")] {
            wire.write(&ask.to_bytes(true)).await;
            assert_eq!(wire.answer().await.status, 200);
        }
        // A refusal does not cost the connection.
        wire.write(&gateway.post(CHAT, "{").to_bytes(true)).await;
        assert_eq!(wire.answer().await.status, 400);
    }
    let both = [gateway.get("/healthz").to_bytes(true), gateway.get("/health").to_bytes(true)].concat();
    wire.write(&both).await;
    assert_eq!((wire.answer().await.status, wire.answer().await.status), (200, 200), "pipelined");
    let connections = [upstream.request().await, upstream.request().await].map(|request| request.connection);
    assert_eq!(connections, [0, 0], "the upstream's connection is used again");
}

/// The clock stands still and jumps when nothing else goes on: there is no time to wait for the gateway's limits.
#[tokio::test]
async fn a_head_that_never_ends_and_a_connection_that_says_nothing_are_closed() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    for begun in ["", "GET", "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx: "] {
        let mut wire = Wire::connect(gateway.address).await;
        wire.write(begun.as_bytes()).await;
        tokio::time::pause();
        let said = wire.closed().await;
        tokio::time::resume();
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    let mut wire = Wire::connect(gateway.address).await;
    wire.write(&gateway.get("/health").to_bytes(true)).await;
    assert_eq!(wire.answer().await.status, 200);
    tokio::time::pause();
    assert_eq!(wire.closed().await, "", "an idle connection");
    tokio::time::resume();
    assert_eq!(gateway.chat("m-a").await.status, 200);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_refused() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let mut wire = gateway.post(CHAT, "").open_chunked().await;
    wire.write_chunk(b"{\"model\":").await;
    tokio::time::pause();
    let said = wire.closed().await;
    tokio::time::resume();
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("request_timeout"), "{said}");
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn a_hundred_slow_clients_do_not_keep_others_out() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut wire = Wire::connect(gateway.address).await;
        wire.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost:").await;
        slow.push(wire);
    }
    let answer = tokio::time::timeout(SOON, gateway.chat("m-a")).await.expect("an answer");
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_a_stream_that_ends_with_its_connection() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let body = streamed("m-a").to_string();
    let length = body.len();
    let mut wire = Wire::connect(gateway.address).await;
    let head = format!("POST {CHAT} HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    wire.write((head + &body).as_bytes()).await;
    let said = soon("the end", wire.closed()).await;
    assert!(said.starts_with("HTTP/1.0 200") && said.ends_with("data: [DONE]\n\n"), "{said}");
    assert!(!said.contains("transfer-encoding"), "{said}");
}
