//! What upstreams do wrong on the wire, and what the client is told of it.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::json;

use super::upstream::{Gate, Request, Step, Upstream, end, error, events_head, json_reply, reply, talk, word};
use super::{CHAT, Gateway, one, question, streamed, two};

fn raw(bytes: &str) -> Vec<Step> {
    vec![Step::Write(bytes.as_bytes().to_vec()), Step::Close]
}

/// The faults of an upstream before its answer is there, and what is said of each.
async fn faults() -> Vec<(&'static str, Upstream, &'static str)> {
    let with = |steps: fn(&Request) -> Vec<Step>| Upstream::start(steps);
    let gzip = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nnozip";
    vec![
        ("refuses connections", Upstream::absent(), "cannot connect"),
        ("hangs up", with(|_| vec![Step::Close]).await, "connection closed"),
        ("resets", with(|_| vec![Step::Reset]).await, "connection closed"),
        ("hangs up within its head", with(|_| raw("HTTP/1.1 200 OK\r\ncontent-")).await, "connection closed"),
        ("speaks no HTTP", with(|_| raw("SSH-2.0-OpenSSH_9.6\r\n\r\n")).await, "connection closed"),
        ("answers in another protocol", with(|_| raw("\x15\x03\x01\x00\x02\x02\x46")).await, "connection closed"),
        (
            "hangs up within its body",
            with(|_| raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{")).await,
            "broke off",
        ),
        (
            "sends a chunk that is none",
            with(|_| raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{")).await,
            "broke off",
        ),
        (
            "answers a web page",
            with(|_| reply(200, &[("content-type", "text/html")], b"<html>Sign in</html>")).await,
            "a/m-a: 200: the answer is",
        ),
        ("answers with nothing", with(|_| reply(200, &[("content-type", "application/json")], b"")).await, "a/m-a: 200: "),
        ("compresses what is no gzip", Upstream::start(move |_| raw(gzip)).await, "decoded"),
        (
            "compresses in its own way",
            with(|_| reply(200, &[("content-type", "application/json"), ("content-encoding", "own")], b"x")).await,
            "decoded",
        ),
        ("answers an error in a 200", with(|_| json_reply(200, &json!({ "error": { "message": "boom" } }))).await, "boom"),
        ("fails", with(|_| error(500, "boom")).await, "a/m-a: 500: boom"),
        ("fails without a word", with(|_| reply(503, &[], b"")).await, "a/m-a: 503: Service Unavailable"),
        (
            "fails with a page",
            with(|_| reply(502, &[("content-type", "text/html")], b"<html>Bad gateway</html>")).await,
            "a/m-a: 502: Bad Gateway",
        ),
    ]
}

#[tokio::test]
async fn each_fault_hands_over_to_the_next_route() {
    for (fault, a, _) in faults().await {
        let b = Upstream::start(|request| talk(request, "好")).await;
        let gateway = Gateway::start(&two(&a, &b)).await;
        for body in [question("gpt-4"), streamed("gpt-4")] {
            let got = gateway.post(CHAT, body).send().await;
            assert_eq!(
                (got.status, got.header("x-llmgw-provider"), got.header("x-llmgw-attempts")),
                (200, "b", "2"),
                "{fault}: {}",
                got.text()
            );
            assert!(got.text().contains("好"), "{fault}");
        }
    }
}

#[tokio::test]
async fn each_fault_is_named_when_no_route_is_left() {
    for (fault, a, reason) in faults().await {
        let gateway = Gateway::start(&(one(&a) + "routing: { max_attempts: 1, cooldown: null }\n")).await;
        for body in [question("m-a"), streamed("m-a")] {
            let got = gateway.post(CHAT, &body).send().await;
            assert_eq!(got.refusal(), (502, "upstream_error".to_owned()), "{fault}: {body}");
            assert!(got.message().contains("a/m-a: ") && got.message().contains(reason), "{fault}: {}", got.message());
            assert_eq!((got.header("x-should-retry"), got.header("x-llmgw-attempts")), ("false", "1"), "{fault}");
            assert!(!got.message().contains(&a.address.port().to_string()), "{fault}: {}", got.message());
        }
        assert_eq!(gateway.get("/health").send().await.json()["status"], "healthy", "{fault}");
    }
}

#[tokio::test]
async fn every_attempt_is_named() {
    let (a, b) = (Upstream::start(|_| error(500, "kaputt")).await, Upstream::absent());
    let gateway = Gateway::start(&(two(&a, &b) + "routing: { max_attempts: 0 }\n")).await;
    let got = gateway.chat("gpt-4").await;
    assert_eq!(got.refusal(), (502, "upstream_error".to_owned()));
    let message = got.message();
    assert!(message.contains("a/m-a: 500: kaputt; b/m-b: cannot connect"), "{message}");
}

#[tokio::test]
async fn time_runs_out_as_504() {
    let upstream = Upstream::start(|_| vec![Step::Never]).await;
    let config = one(&upstream).replace("models: [m-a]", "models: [m-a], timeout: { non_stream: 50ms, first_byte: 60ms }");
    let gateway = Gateway::start(&(config + "routing: { max_attempts: 1, cooldown: null }\n")).await;
    for (body, limit) in [(question("m-a"), "50ms"), (streamed("m-a"), "60ms")] {
        let got = gateway.post(CHAT, body).send().await;
        assert_eq!(got.refusal(), (504, "upstream_timeout".to_owned()));
        assert!(got.message().contains(limit), "{}", got.message());
        upstream.closed().await;
    }
}

#[tokio::test]
async fn refused_credentials_are_no_401_of_the_clients() {
    for status in [401, 402] {
        let upstream = Upstream::start(move |_| error(status, "no such key")).await;
        let gateway = Gateway::start(&(one(&upstream) + "routing: { cooldown: null }\n")).await;
        assert_eq!(gateway.chat("m-a").await.refusal(), (502, "upstream_credentials_exhausted".to_owned()));
        assert_eq!(gateway.get("/providers/a/files").send().await.refusal(), (502, "upstream_credentials_exhausted".to_owned()));
    }
}

#[tokio::test]
async fn a_limit_is_passed_on_with_its_wait() {
    let upstream = Upstream::start(|_| {
        let body =
            json!({ "error": { "message": "慢一点", "type": "requests", "param": null, "code": "rate_limit_exceeded" } }).to_string();
        reply(429, &[("content-type", "application/json"), ("retry-after", "7"), ("x-request-id", "up-1")], body.as_bytes())
    })
    .await;
    let gateway = Gateway::start(&(one(&upstream) + "routing: { max_attempts: 1 }\n")).await;
    let got = gateway.chat("m-a").await;
    assert_eq!((got.refusal(), got.header("retry-after")), ((429, "rate_limit_exceeded".to_owned()), "7"));
    assert!(got.message().contains("慢一点"));
    assert_eq!((got.header("x-llmgw-provider"), got.header("x-llmgw-model")), ("a", "m-a"));
    assert_eq!((got.header("x-upstream-request-id"), got.header("x-llmgw-attempts")), ("up-1", "1"));
}

#[tokio::test]
async fn at_its_limit_an_upstream_is_waited_for_and_then_503() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |request| {
        let mut steps = vec![Step::Wait(waiting.clone())];
        steps.extend(talk(request, "好"));
        steps
    })
    .await;
    let config = one(&upstream).replace("models: [m-a]", "models: [m-a], max_in_flight: 1, timeout: { connect: 100ms }");
    let gateway = Gateway::start(&config).await;
    let mut first = gateway.post(CHAT, question("m-a")).open().await;
    upstream.request().await;
    let got = gateway.chat("m-a").await;
    assert_eq!(got.refusal(), (503, "no_upstream_available".to_owned()));
    assert!(!got.header("retry-after").is_empty());
    gate.open(2);
    assert_eq!(first.answer().await.status, 200);
    assert_eq!(gateway.chat("m-a").await.status, 200);
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let (elsewhere, b) = (Upstream::talking("坏").await, Upstream::start(|request| talk(request, "好")).await);
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/chat/completions", elsewhere.base_url());
        let a = Upstream::start(move |_| reply(status, &[("location", &location)], b"")).await;
        let gateway = Gateway::start(&(two(&a, &b) + "routing: { cooldown: null }\n")).await;
        assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-provider"), "b", "{status}");
        for ask in [gateway.post(CHAT, question("m-a")), gateway.get("/providers/a/files")] {
            let got = ask.send().await;
            assert_eq!(got.refusal(), (502, "upstream_error".to_owned()), "{status}");
            assert!(got.message().contains("redirect") || got.message().contains(&status.to_string()), "{}", got.message());
            assert!(!got.headers.contains_key("location") && !got.text().contains(&elsewhere.address.to_string()), "{status}");
        }
    }
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn a_compressed_answer_is_decoded() {
    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }
    fn deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }
    for (encoding, encode) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("x-gzip", gzip), ("deflate", deflate)] {
        let upstream = Upstream::start(move |request| {
            let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"好\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
            let (kind, text) = match request.json()["stream"].as_bool() {
                Some(true) => ("text/event-stream", stream),
                _ => ("application/json", "{\"choices\":[{\"message\":{\"content\":\"好\"}}]}"),
            };
            reply(200, &[("content-type", kind), ("content-encoding", encoding)], &encode(text.as_bytes()))
        })
        .await;
        let gateway = Gateway::start(&one(&upstream)).await;
        for ask in [gateway.post(CHAT, question("m-a")), gateway.post(CHAT, streamed("m-a")), gateway.get("/providers/a/files")] {
            let got = ask.send().await;
            assert_eq!((got.status, got.header("content-encoding")), (200, ""), "{encoding}: {}", String::from_utf8_lossy(&got.body));
            assert!(got.text().contains("好"), "{encoding}");
            upstream.request().await;
        }
    }
}

#[tokio::test]
async fn an_answer_over_the_limit_is_a_502() {
    let bomb = |_: &Request| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(format!("{{\"choices\":[],\"x\":\"{}\"}}", "0".repeat(5_000_000)).as_bytes()).unwrap();
        reply(200, &[("content-type", "application/json"), ("content-encoding", "gzip")], &encoder.finish().unwrap())
    };
    let upstream = Upstream::start(bomb).await;
    let gateway = Gateway::start(&format!("server: {{ max_response: 100kB }}\n{}", one(&upstream))).await;
    let got = gateway.chat("m-a").await;
    assert_eq!(got.refusal(), (502, "upstream_error".to_owned()));
    assert!(got.message().contains("max_response"), "{}", got.message());
}

/// The upstream closes each connection after its answer without saying so: the pooled one dies under the next request.
#[tokio::test]
async fn a_stale_connection_is_replaced_without_an_attempt() {
    let upstream = Upstream::start(|request| match request.number % 2 {
        0 => talk(request, "好"),
        // The second request of a connection meets its end.
        _ if request.connection == 0 => vec![Step::Close],
        _ => talk(request, "好"),
    })
    .await;
    let gateway = Gateway::start(&one(&upstream)).await;
    for _ in 0..2 {
        let got = gateway.chat("m-a").await;
        assert_eq!((got.status, got.header("x-llmgw-attempts")), (200, "1"));
    }
    let connections = [upstream.request().await, upstream.request().await, upstream.request().await].map(|request| request.connection);
    assert_eq!(connections, [0, 0, 1]);
    assert_eq!(gateway.engine.status().providers[0].upstreams[0].failures, 0);
}

#[tokio::test]
async fn a_stream_that_breaks_after_its_first_word_ends_with_an_error_event() {
    let endings: [fn() -> Vec<Step>; 4] = [
        || vec![Step::Close],
        || vec![Step::Reset],
        || vec![Step::Write(b"zz\r\n".to_vec()), Step::Close],
        || vec![Step::Write(b"0\r\n\r\n".to_vec())],
    ];
    for ending in endings {
        let gate = Gate::new();
        let waiting = gate.clone();
        let a = Upstream::start(move |_| {
            let mut steps = vec![events_head(), word("你"), Step::Wait(waiting.clone())];
            steps.extend(ending());
            steps
        })
        .await;
        let b = Upstream::talking("坏").await;
        let gateway = Gateway::start(&two(&a, &b)).await;
        let mut wire = gateway.post(CHAT, streamed("gpt-4")).open().await;
        assert_eq!(wire.head().await.status, 200);
        wire.until("你").await;
        gate.open(1);
        let rest = String::from_utf8(wire.remainder().await.expect("a body that ends cleanly")).unwrap();
        assert!(rest.contains("\"error\"") && !rest.contains("[DONE]") && !rest.contains("坏"), "{rest}");
        assert_eq!(b.count(), 0);
    }
}

#[tokio::test]
async fn bytes_that_break_off_are_cut_off() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 99\r\n\r\nhalf";
    let gate = Gate::new();
    let waiting = gate.clone();
    let upstream = Upstream::start(move |_| vec![Step::Write(head.into()), Step::Wait(waiting.clone()), Step::Close]).await;
    let gateway = Gateway::start(&one(&upstream)).await;
    for ask in [gateway.post("/v1/audio/speech", question("m-a")), gateway.get("/providers/a/files/1/content")] {
        let mut wire = ask.open().await;
        assert_eq!(wire.head().await.status, 200);
        assert_eq!(wire.piece().await, Ok(Some(b"half".to_vec())));
        gate.open(1);
        assert_eq!(wire.remainder().await, Err("cut"));
    }
}

#[tokio::test]
async fn an_informational_answer_is_waited_past() {
    let upstream = Upstream::start(|request| {
        let mut steps = vec![Step::Write(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".to_vec())];
        steps.extend(talk(request, "好"));
        steps
    })
    .await;
    let gateway = Gateway::start(&one(&upstream)).await;
    assert_eq!(gateway.chat("m-a").await.status, 200);
}

#[tokio::test]
async fn an_early_refusal_of_an_upload_reaches_the_client() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let refusing = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let (mut stream, _) = listener.accept().await.unwrap();
        let mut some = [0; 1000];
        stream.read_exact(&mut some).await.unwrap();
        stream.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    });
    let config = format!("providers: [{{ name: a, base_url: \"http://{address}/v1\", api_key: sk-1, models: [m-a] }}]\n");
    let gateway = Gateway::start(&config).await;
    let got = gateway.post("/providers/a/files", "x".repeat(30_000_000)).send().await;
    assert_eq!((got.status, got.text()), (413, "big"));
    refusing.abort();
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_whole() {
    let upstream = Upstream::start(|request| match request.json()["stream"].as_bool() {
        Some(true) => raw("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"好\"},\"finish_reason\":\"stop\"}]}\n\n"),
        _ => raw("HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{\"choices\":[{\"message\":{\"content\":\"好\"}}]}"),
    })
    .await;
    let gateway = Gateway::start(&one(&upstream)).await;
    for ask in [gateway.post(CHAT, question("m-a")), gateway.post(CHAT, streamed("m-a")), gateway.get("/providers/a/files")] {
        let got = ask.send().await;
        assert_eq!((got.status, got.cut), (200, false));
        assert!(got.text().contains("好") && !got.text().contains("error"), "{}", got.text());
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_terminator_even_if_its_connection_does_not() {
    let upstream = Upstream::start(|_| {
        let mut steps = vec![events_head(), word("好")];
        // Everything but the body's last chunk.
        steps.extend(end().into_iter().take(1));
        steps.push(Step::Never);
        steps
    })
    .await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let mut wire = gateway.post(CHAT, streamed("m-a")).open().await;
    assert_eq!(wire.head().await.status, 200);
    wire.until("[DONE]").await;
    assert_eq!(wire.remainder().await, Ok(vec![]));
    upstream.closed().await;
}

#[tokio::test]
async fn a_provider_that_rests_is_still_asked_for_what_only_it_can_answer() {
    let upstream = Upstream::start(|request| match request.number {
        0 => vec![Step::Reset],
        _ => json_reply(200, &json!({})),
    })
    .await;
    let gateway = Gateway::start(&(one(&upstream) + "routing: { cooldown: { failures: 1, for: 1h, max: 1h } }\n")).await;
    assert_eq!(gateway.get("/providers/a/files").send().await.refusal(), (502, "upstream_error".to_owned()));
    assert_eq!(gateway.get("/providers/a/files").send().await.status, 200);
}

#[tokio::test]
async fn an_overloaded_upstream_is_a_503() {
    let upstream = Upstream::start(|_| error(529, "overloaded")).await;
    let gateway = Gateway::start(&(one(&upstream) + "routing: { max_attempts: 1 }\n")).await;
    let got = gateway.chat("m-a").await;
    assert_eq!((got.refusal(), got.header("retry-after")), ((503, "no_upstream_available".to_owned()), "1"));
    assert!(got.message().contains("a/m-a") && got.message().contains("overloaded"), "{}", got.message());
}
