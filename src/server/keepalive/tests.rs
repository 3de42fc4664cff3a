use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::answer;
use crate::config::{Config, Keepalive, Origin, Provider, Timeouts};
use crate::engine::Engine;
use crate::hub::Endpoint;
use crate::server::shutdown::Shutdown;
use crate::transport::memory::{Memory, Step, paced};
use crate::transport::testing::provider;
use crate::transport::{TransportError, UpstreamBody};

const WORD: &str = r#"data: {"choices":[{"index":0,"delta":{"content":"你"}}]}"#;
const DONE: &str = "data: [DONE]";
const COMMENT: &str = ": keepalive";

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn send(text: &str) -> Step {
    Step::Send(text.to_owned().into())
}

fn event(line: &str) -> Step {
    send(&format!("{line}\n\n"))
}

type Steps = fn() -> Vec<Step>;

/// A status, a content type and a body.
type Reply = (u16, &'static str, Steps);

/// An upstream that answers, or breaks, after so long.
#[derive(Clone)]
struct Upstream(Duration, Result<Reply, &'static str>);

impl Upstream {
    fn streams(wait: u64, steps: Steps) -> Upstream {
        Upstream(secs(wait), Ok((200, "text/event-stream", steps)))
    }

    async fn answer(self) -> Result<Response<UpstreamBody>, TransportError> {
        sleep(self.0).await;
        let (status, content_type, steps) = self.1.map_err(|reason| TransportError::Broken(reason.to_owned()))?;
        assert_ne!(status, 0, "told to panic");
        let response = Response::builder().status(status).header("content-type", content_type);
        Ok(response.body(paced(steps())).unwrap())
    }

    fn engine(self) -> Engine {
        let timeout = Timeouts { first_byte: secs(100), ..Timeouts::default() };
        let provider = Provider { models: Some(vec!["m".into()]), timeout, ..provider("http://a.test/v1") };
        let config = Config::of_providers(Origin::Mock, vec![provider]);
        let transport_for = Arc::new(move |_: &Provider| {
            let upstream = self.clone();
            Some(Arc::new(Memory::new(move |_| upstream.clone().answer().boxed())) as Arc<dyn crate::transport::Transport>)
        });
        Engine::start_with_transports(config, Box::new(|| Err(Vec::new())), transport_for).unwrap()
    }
}

/// What a client gets, and when, in seconds.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: HeaderMap,
    head: u64,
    /// Blocks between blank lines.
    blocks: Vec<(u64, String)>,
}

impl Got {
    fn comments(&self) -> Vec<u64> {
        self.blocks.iter().filter(|(_, block)| block == COMMENT).map(|(at, _)| *at).collect()
    }

    fn events(&self) -> Vec<&str> {
        self.blocks.iter().map(|(_, block)| block.as_str()).filter(|block| *block != COMMENT).collect()
    }

    fn last_error(&self) -> Value {
        let last = self.events().last().copied().unwrap_or_default();
        serde_json::from_str(last.strip_prefix("data: ").unwrap_or(last)).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

async fn ask(engine: &Engine, keepalive: Keepalive, shutdown: &Shutdown) -> Got {
    let body = json!({ "model": "m", "stream": true, "messages": [{ "role": "user", "content": "你好" }] });
    let job = engine.job(Endpoint::ChatCompletions, body.to_string());
    let start = Instant::now();
    let response = answer(engine.accept(job).await.unwrap(), keepalive, shutdown).await;
    let (head, mut body) = response.into_parts();
    let mut got = Got { status: head.status.as_u16(), headers: head.headers, head: start.elapsed().as_secs(), blocks: Vec::new() };
    while let Some(frame) = body.frame().await {
        let text = String::from_utf8(frame.expect("not cut").into_data().unwrap().to_vec()).unwrap();
        let blocks = text.split("\n\n").filter(|block| !block.is_empty());
        got.blocks.extend(blocks.map(|block| (start.elapsed().as_secs(), block.to_owned())));
    }
    got
}

async fn get(upstream: Upstream, keepalive: Keepalive) -> Got {
    ask(&upstream.engine(), keepalive, &Shutdown::new()).await
}

const OFF: Keepalive = Keepalive { every: None, before_headers: None };

#[tokio::test(start_paused = true)]
async fn a_silent_stream_gets_a_comment_every_so_often() {
    let upstream = Upstream::streams(1, || {
        vec![event(WORD), Step::Wait(secs(40)), event(WORD), Step::Wait(secs(14)), event(WORD), Step::Wait(secs(16)), event(DONE)]
    });
    let got = get(upstream, Keepalive::default()).await;
    assert_eq!((got.status, got.head, got.headers.contains_key("x-llmgw-provider")), (200, 1, true));
    assert_eq!(got.comments(), [16, 31, 70], "{got:?}");
    assert_eq!(got.events(), [WORD, WORD, WORD, DONE]);
}

#[tokio::test(start_paused = true)]
async fn a_late_stream_has_its_status_early_and_comments_until_it_begins() {
    let upstream = Upstream::streams(59, || vec![event(": ping"), Step::Wait(secs(41)), event(WORD), event(DONE)]);
    let got = get(upstream, Keepalive::default()).await;
    assert_eq!((got.status, got.head), (200, 45));
    assert_eq!(
        (&got.headers["content-type"], &got.headers["cache-control"]),
        (&"text/event-stream".parse().unwrap(), &"no-cache".parse().unwrap())
    );
    assert!(!got.headers.contains_key("x-llmgw-provider"));
    assert_eq!(got.comments(), [45, 60, 75, 90]);
    assert_eq!(got.events(), [": ping", WORD, DONE]);
    assert_eq!(got.blocks.last().unwrap().0, 100);
}

#[tokio::test(start_paused = true)]
async fn a_late_failure_is_the_event_of_the_error_that_would_have_been() {
    const JSON: &str = "application/json";
    let failures: [(&str, Upstream); 6] = [
        (
            "a client's mistake",
            Upstream(
                secs(50),
                Ok((400, JSON, || {
                    vec![send("{\n  \"error\": {\n \"message\": \"坏\", \"type\": \"t\", \"param\": \"p\", \"code\": 7 }\n}")]
                })),
            ),
        ),
        (
            "every upstream the same",
            Upstream(secs(50), Ok((429, JSON, || vec![send(r#"{"error":{"message":"慢","type":"t","param":null,"code":"c"}}"#)]))),
        ),
        ("a failed upstream", Upstream(secs(50), Ok((500, "text/html", || vec![send("<html>")])))),
        ("a broken connection", Upstream(secs(50), Err("reset"))),
        ("silence", Upstream(secs(3600), Err("never"))),
        ("an error in the stream", Upstream::streams(50, || vec![event(r#"data: {"error":{"message":"满","code":"overloaded"}}"#)])),
    ];
    for (case, upstream) in failures {
        let early = Keepalive { every: Some(secs(15)), before_headers: Some(secs(45)) };
        let (late, in_time) = (get(upstream.clone(), early).await, get(upstream, OFF).await);
        assert_eq!((late.status, late.head, late.events().len()), (200, 45, 1), "{case}: {late:?}");
        assert!(in_time.status >= 400, "{case}");
        let [late, in_time] = [late, in_time].map(|got| match got.events().join("\n\n") {
            event if event.starts_with("data: ") => got.last_error(),
            body => serde_json::from_str(&body).unwrap(),
        });
        assert_eq!(late, in_time, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_that_is_no_stream_is_an_error_too() {
    let whole = Upstream(secs(50), Ok((200, "application/json", || vec![send(r#"{"choices":[{"message":{"content":"好"}}]}"#)])));
    let got = get(whole, Keepalive::default()).await.last_error();
    assert_eq!((&got["error"]["type"], &got["error"]["code"]), (&json!("upstream_error"), &json!("upstream_error")));
    let cases: [(Steps, &str, &str); 3] = [
        (|| vec![send(r#"{"message":"不行","code":12}"#)], "不行", "12"),
        (|| vec![send("no")], "the upstream answered 400 Bad Request", "upstream_error"),
        (|| vec![send(&"x".repeat(300_000)), Step::Hang], "the upstream answered 400 Bad Request", "upstream_error"),
    ];
    for (steps, message, code) in cases {
        let got = get(Upstream(secs(50), Ok((400, "application/json", steps))), Keepalive::default()).await;
        assert_eq!(
            got.last_error(),
            json!({ "error": { "message": message, "type": "invalid_request_error", "param": null, "code": code } })
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_comment_goes_between_whole_events_only() {
    let upstream = Upstream::streams(0, || {
        let (begun, rest) = WORD.split_at(12);
        vec![event(WORD), send(begun), Step::Wait(secs(20)), send(rest), send("\r\n\r"), Step::Wait(secs(20)), send("\n"), event(DONE)]
    });
    let got = get(upstream, Keepalive::default()).await;
    assert_eq!(got.comments(), [15, 35]);
    let blocks: Vec<&str> = got.blocks.iter().map(|(_, block)| block.trim()).filter(|block| !block.is_empty()).collect();
    assert_eq!(blocks, [WORD, COMMENT, WORD, COMMENT, DONE]);
}

#[tokio::test(start_paused = true)]
async fn no_comment_follows_the_last_event() {
    let often = Keepalive { every: Some(Duration::from_millis(100)), before_headers: None };
    for ending in
        [|| vec![event(WORD), event(DONE), Step::Hang], || vec![event(WORD), event(r#"data: {"error":{"message":"满"}}"#), Step::Hang]]
    {
        let got = get(Upstream::streams(0, ending), often).await;
        assert_eq!((got.comments().len(), got.events().len()), (0, 2), "{got:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_of_the_two_can_be_off() {
    let upstream = Upstream::streams(50, || vec![event(WORD), Step::Wait(secs(50)), event(DONE)]);
    for (every, before_headers, head, comments) in
        [(None, None, 50, vec![]), (None, Some(45), 45, vec![]), (Some(15), None, 50, vec![65, 80, 95])]
    {
        let got = get(upstream.clone(), Keepalive { every: every.map(secs), before_headers: before_headers.map(secs) }).await;
        assert_eq!((got.head, got.comments()), (head, comments), "{every:?} {before_headers:?}");
        assert_eq!(got.events(), [WORD, DONE]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_behind_the_early_status_is_an_event() {
    let got = get(Upstream(secs(50), Ok((0, "", Vec::new))), Keepalive::default()).await;
    assert_eq!((got.comments(), &got.last_error()["error"]["code"]), (vec![45], &json!("internal_error")));
}

#[tokio::test(start_paused = true)]
async fn the_servers_end_is_the_last_event_of_a_stream_that_runs() {
    for (wait, words) in [(0, 1), (3600, 0)] {
        let engine = Upstream::streams(wait, || vec![event(WORD), Step::Hang]).engine();
        let shutdown = Shutdown::new();
        let end = async {
            sleep(secs(50)).await;
            shutdown.now();
        };
        let (got, ()) = tokio::join!(ask(&engine, Keepalive::default(), &shutdown), end);
        assert_eq!((got.events().len(), got.blocks.last().unwrap().0), (words + 1, 50), "{got:?}");
        let error = got.last_error();
        assert_eq!((&error["error"]["type"], &error["error"]["code"]), (&json!("server_error"), &json!("no_upstream_available")));
        assert_eq!(engine.in_flight(), 0);
    }
    let engine = Upstream::streams(0, || vec![event(WORD), event(DONE), Step::Hang]).engine();
    let ended = Shutdown::new();
    ended.now();
    assert_eq!(ask(&engine, Keepalive::default(), &ended).await.events(), [WORD, DONE], "what is complete stays so");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_early_or_late_leaves_nothing_behind() {
    for (wait, head) in [(0, 0), (3600, 45)] {
        let engine = Upstream::streams(wait, || vec![event(WORD), Step::Hang]).engine();
        let body = json!({ "model": "m", "stream": true, "messages": [{ "role": "user", "content": "你好" }] });
        let job = engine.job(Endpoint::ChatCompletions, body.to_string());
        let start = Instant::now();
        let mut response = answer(engine.accept(job).await.unwrap(), Keepalive::default(), &Shutdown::new()).await;
        assert_eq!(start.elapsed(), secs(head));
        assert!(response.body_mut().frame().await.is_some());
        assert_eq!(engine.in_flight(), 1);
        drop(response);
        assert_eq!(engine.in_flight(), 0);
    }
}
