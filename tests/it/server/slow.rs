//! A client that does not read: what it does not take stays at the upstream, and goes on from there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::client::Ask;
use super::upstream::{Request, Step, Upstream, events_head, talk};
use super::{CHAT, Gateway, one, question, soon, streamed};

/// More than fits into the systems' buffers on both sides, and the little that llmgw holds.
const MOST: usize = 16_000_000;

/// Round trips without a byte from the upstream, after which it is taken to be stuck.
const ROUNDS: usize = 20;

const EVENT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"你\"}}]}\n\n";

/// An upstream that floods those who do not ask a plain question; and how much of it was taken.
async fn flooding(head: fn() -> Step, line: &str) -> (Upstream, Arc<AtomicUsize>) {
    let text = line.repeat(64 * 1024 / line.len());
    let piece = [format!("{:x}\r\n", text.len()).as_bytes(), text.as_bytes(), b"\r\n"].concat();
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let behaviour = move |request: &Request| match request.json()["stream"].is_null() && request.method == "POST" {
        true => talk(request, "好"),
        false => vec![head(), Step::Flood(piece.clone(), counter.clone())],
    };
    (Upstream::start(behaviour).await, taken)
}

/// The upstream comes to a standstill; returned is what it could send by then. Others are served all the while.
async fn stuck(gateway: &Gateway, taken: &AtomicUsize) -> usize {
    let (mut last, mut rounds) = (0, 0);
    while rounds < ROUNDS {
        assert_eq!(gateway.post(CHAT, question("m-a")).send().await.status, 200);
        let now = taken.load(Ordering::SeqCst);
        assert!(now < MOST, "{now} bytes were taken for a client that reads none");
        rounds = if now > last { 0 } else { rounds + 1 };
        last = now;
    }
    last
}

async fn holds_the_upstream_back(gateway: &Gateway, upstream: &Upstream, taken: &AtomicUsize, ask: Ask) {
    let mut wire = ask.open().await;
    assert_eq!(wire.head().await.status, 200);
    let held = stuck(gateway, taken).await;
    assert!(held > 0);
    // Reading lets it go on.
    soon("more from the upstream", async {
        while taken.load(Ordering::SeqCst) < held + 1_000_000 {
            wire.piece().await.expect("not cut").expect("no end");
        }
    })
    .await;
    assert_eq!(gateway.engine.in_flight(), 1);
    drop(wire);
    upstream.closed().await;
}

#[tokio::test]
async fn a_stream_of_events_that_nobody_reads_holds_its_upstream_back() {
    let (upstream, taken) = flooding(events_head, EVENT).await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let ask = gateway.post(CHAT, streamed("m-a"));
    holds_the_upstream_back(&gateway, &upstream, &taken, ask).await;
}

#[tokio::test]
async fn bytes_that_nobody_reads_hold_their_upstream_back() {
    let head = || Step::Write(b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_vec());
    let (upstream, taken) = flooding(head, "0123456789").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let ask = gateway.get("/providers/a/files/1/content");
    holds_the_upstream_back(&gateway, &upstream, &taken, ask).await;
}
