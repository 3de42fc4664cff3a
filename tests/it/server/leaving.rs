//! A client that leaves takes its request along: the upstream's connection is closed, wherever the request was.

use super::upstream::{Event, Gate, Request, Step, Upstream, chunk, events_head, talk, word};
use super::{CHAT, Gateway, one, question, soon, streamed};

const BYTES_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// Marks a request that the upstream shall answer whatever it does else.
const AGAIN: &str = "x-again";

/// An upstream that does `steps`, but answers those who come back.
async fn first(steps: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |request| if request.headers.contains_key(AGAIN) { talk(request, "好") } else { steps(request) }).await
}

/// Waits until so many requests are on their way.
async fn expect_running(gateway: &Gateway, count: u64) {
    let running = async {
        while gateway.engine.in_flight() != count {
            tokio::task::yield_now().await;
        }
    };
    soon("so many requests to run", running).await;
}

/// Nothing is on its way any more, nobody's health was hurt, and who comes back is served.
async fn expect_quiet(gateway: &Gateway, upstream: &Upstream) {
    expect_running(gateway, 0).await;
    let providers_rest = async {
        while gateway.engine.status().providers.iter().any(|provider| provider.in_flight > 0) {
            tokio::task::yield_now().await;
        }
    };
    soon("the providers to be at rest", providers_rest).await;
    let status = gateway.get("/status").send().await.json();
    assert_eq!((&status["in_flight"], &status["providers"][0]["in_flight"]), (&0.into(), &0.into()), "{status}");
    let status = gateway.engine.status();
    let failures: u32 =
        status.providers.iter().flat_map(|one| one.upstreams.iter().map(|model| model.failures).chain([one.failures])).sum();
    assert_eq!(failures, 0);
    assert_eq!(gateway.post(CHAT, question("m-a")).header(AGAIN, "1").send().await.status, 200);
    upstream.request().await;
}

#[tokio::test]
async fn before_the_answer_begins() {
    let upstream = first(|_| vec![Step::Never]).await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let mut long = question("m-a");
    long["messages"][0]["content"] = "长".repeat(700_000).into();
    for ask in [
        gateway.post(CHAT, question("m-a")),
        gateway.post(CHAT, streamed("m-a")),
        gateway.post(CHAT, &long),
        gateway.post("/v1/moderations", question("m-a")),
        gateway.post("/v1/models/m-a/test", "{}"),
        gateway.get("/providers/a/files"),
    ] {
        let wire = ask.open().await;
        upstream.request().await;
        drop(wire);
        upstream.closed().await;
        expect_quiet(&gateway, &upstream).await;
    }
}

#[tokio::test]
async fn while_the_stream_is_held_back() {
    let upstream = first(|_| vec![events_head(), chunk(b": ping\n\n"), Step::Never]).await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let wire = gateway.post(CHAT, streamed("m-a")).open().await;
    upstream.request().await;
    drop(wire);
    upstream.closed().await;
    expect_quiet(&gateway, &upstream).await;
}

#[tokio::test]
async fn within_a_stream() {
    let upstream = first(|_| vec![events_head(), word("你"), Step::Never]).await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let mut wire = gateway.post(CHAT, streamed("m-a")).open().await;
    assert_eq!(wire.head().await.status, 200);
    wire.until("你").await;
    drop(wire);
    upstream.closed().await;
    expect_quiet(&gateway, &upstream).await;
}

#[tokio::test]
async fn within_an_answer_that_is_not_streamed() {
    let half = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"choices\":";
    let upstream = first(|_| vec![Step::Write(half.into()), Step::Never]).await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let wire = gateway.post(CHAT, question("m-a")).open().await;
    upstream.request().await;
    drop(wire);
    upstream.closed().await;
    expect_quiet(&gateway, &upstream).await;
}

#[tokio::test]
async fn within_bytes_that_pass_through() {
    let upstream = first(|_| vec![Step::Write(BYTES_HEAD.to_vec()), chunk(b"first"), Step::Never]).await;
    let gateway = Gateway::start(&one(&upstream)).await;
    for ask in [gateway.get("/providers/a/files/1/content"), gateway.post("/v1/audio/speech", question("m-a"))] {
        let mut wire = ask.open().await;
        assert_eq!(wire.head().await.status, 200);
        assert_eq!(wire.piece().await, Ok(Some(b"first".to_vec())));
        drop(wire);
        upstream.closed().await;
        expect_quiet(&gateway, &upstream).await;
    }
}

#[tokio::test]
async fn within_its_own_upload() {
    let upstream = first(|_| vec![Step::Never]).await;
    let gateway = Gateway::start(&(one(&upstream) + "routing: { cooldown: { failures: 1, for: 1h, max: 1h } }\n")).await;
    for _ in 0..3 {
        let mut wire = gateway.post("/providers/a/files", "").open_chunked().await;
        wire.write_chunk(&[1; 5000]).await;
        upstream.until("a piece", |event| matches!(event, Event::Body(_)).then_some(())).await;
        drop(wire);
        upstream.closed().await;
        expect_quiet(&gateway, &upstream).await;
    }
    let mut wire = gateway.post(CHAT, "").open_chunked().await;
    wire.write_chunk(b"{\"model\":").await;
    drop(wire);
    expect_quiet(&gateway, &upstream).await;
    assert_eq!(upstream.count(), 4, "those who came back");
}

#[tokio::test]
async fn an_upload_that_turns_to_nonsense_is_the_clients_mistake() {
    let upstream = first(|_| vec![Step::Never]).await;
    let gateway = Gateway::start(&(one(&upstream) + "routing: { cooldown: { failures: 1, for: 1h, max: 1h } }\n")).await;
    for _ in 0..3 {
        let mut wire = gateway.post("/providers/a/files", "").open_chunked().await;
        wire.write_chunk(&[1; 5000]).await;
        upstream.until("a piece", |event| matches!(event, Event::Body(_)).then_some(())).await;
        wire.write(b"no size\r\n").await;
        let text = soon("the end", wire.closed()).await;
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 400"), "{text}");
        upstream.closed().await;
        expect_quiet(&gateway, &upstream).await;
    }
}

#[tokio::test]
async fn a_client_that_stays_but_does_not_read_holds_nobody_else_up() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |request| match request.target.as_str() {
        "/v1/flood" => {
            let mut steps = vec![Step::Write(BYTES_HEAD.to_vec())];
            steps.extend((0..400).map(|_| chunk(&[0; 100_000])));
            steps
        }
        _ => vec![events_head(), word("你"), Step::Wait(waiting.clone()), Step::Write(b"0\r\n\r\n".to_vec())],
    })
    .await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let mut lazy = gateway.get("/providers/a/flood").open().await;
    assert_eq!(lazy.head().await.status, 200);
    let mut eager = gateway.post(CHAT, streamed("m-a")).open().await;
    assert_eq!(eager.head().await.status, 200);
    eager.until("你").await;
    gate.open(1);
    eager.remainder().await.expect("not cut");
    drop(lazy);
    upstream.closed().await;
}

#[tokio::test]
async fn between_two_attempts() {
    let upstream = first(|_| super::upstream::error(500, "boom")).await;
    let gateway = Gateway::start(&(one(&upstream) + "routing: { backoff: { initial: 1h, max: 1h }, deadline: 1h }\n")).await;
    for body in [question("m-a"), streamed("m-a")] {
        let count = upstream.count();
        let wire = gateway.post(CHAT, body).open().await;
        upstream.request().await;
        assert_eq!(gateway.engine.in_flight(), 1);
        drop(wire);
        expect_running(&gateway, 0).await;
        assert_eq!(upstream.count(), count + 1);
        assert_eq!(gateway.post(CHAT, question("m-a")).header(AGAIN, "1").send().await.status, 200);
        upstream.request().await;
    }
}

#[tokio::test]
async fn while_waiting_for_a_free_place() {
    let upstream = first(|_| vec![Step::Never]).await;
    let limited = one(&upstream).replace("models:", "max_in_flight: 1, timeout: { connect: 1h }, models:");
    let gateway = Gateway::start(&limited).await;
    let holding = gateway.post(CHAT, streamed("m-a")).open().await;
    upstream.request().await;
    for body in [question("m-a"), streamed("m-a")] {
        let waiting = gateway.post(CHAT, body).open().await;
        expect_running(&gateway, 2).await;
        drop(waiting);
        expect_running(&gateway, 1).await;
    }
    drop(holding);
    upstream.closed().await;
    assert_eq!(upstream.count(), 1);
    expect_quiet(&gateway, &upstream).await;
}

#[tokio::test]
async fn after_a_status_that_went_out_early() {
    let upstream = first(|_| vec![Step::Never]).await;
    let gateway = Gateway::start(&(one(&upstream) + "server: { keepalive: { before_headers: 10ms, every: 1h } }\n")).await;
    let mut wire = gateway.post(CHAT, streamed("m-a")).open().await;
    assert_eq!(wire.head().await.status, 200);
    wire.until(": keepalive").await;
    drop(wire);
    upstream.closed().await;
    expect_quiet(&gateway, &upstream).await;
}

/// What lies unread in the connection hides its end; only writing to it shows that nobody is there.
#[tokio::test]
async fn with_another_request_on_the_way_it_is_noticed_by_the_next_comment() {
    let upstream = first(|_| vec![Step::Never]).await;
    let gateway = Gateway::start(&(one(&upstream) + "server: { keepalive: { before_headers: 10ms, every: 10ms } }\n")).await;
    let ask = gateway.post(CHAT, streamed("m-a"));
    let mut wire = ask.open().await;
    upstream.request().await;
    wire.write(&ask.to_bytes(true)).await;
    assert_eq!(wire.head().await.status, 200);
    drop(wire);
    upstream.closed().await;
    assert_eq!(upstream.count(), 1);
    expect_quiet(&gateway, &upstream).await;
}
