//! What clients may send over a raw socket, and what becomes of it: never two requests out of one, never a framing that
//! another server reads otherwise.
//!
//! Each case is data: the bytes, the statuses that come back, whether the connection goes on, and the requests that the
//! upstream may have seen. [`play`] holds for every case what must always hold.

mod flow;
mod full;
mod heads;
mod smuggling;
mod target;
mod targets;

use super::client::Wire;
use super::{CHAT, Gateway, question, soon};
use target::{Seen, Target};

/// What the connection does after the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// It takes another request, and nothing was left over.
    Open,
    Closed,
}
use Then::{Closed, Open};

/// Bytes, and what must become of them.
struct Case {
    name: String,
    sent: Vec<u8>,
    /// In this order, and no others but `100 Continue`.
    statuses: &'static [u16],
    then: Then,
    /// `METHOD /target framing` of each request that reaches the upstream.
    upstream: &'static [&'static str],
}

fn case(
    name: impl Into<String>,
    sent: impl Into<Vec<u8>>,
    statuses: &'static [u16],
    then: Then,
    upstream: &'static [&'static str],
) -> Case {
    Case { name: name.into(), sent: sent.into(), statuses, then, upstream }
}

/// A request that is refused before anybody else sees it, and the last on its connection.
fn refused(name: impl Into<String>, sent: impl Into<Vec<u8>>, statuses: &'static [u16]) -> Case {
    case(name, sent, statuses, Closed, &[])
}

const KEY: &str = "authorization: Bearer sk-wire\r\n";
/// A chat reaches its upstream so.
const ONE_CHAT: &[&str] = &["POST /v1/chat/completions length"];

/// A gateway with a key, so that nothing but the wire decides; the upstream is the provider `a`, and `open`, which has
/// any model.
async fn start() -> (Target, Gateway) {
    let target = Target::start("").await;
    let gateway = Gateway::start(&config(&target)).await;
    (target, gateway)
}

fn config(target: &Target) -> String {
    let base = format!("base_url: \"http://{}/v1\", api_key: {}", target.address, super::UPSTREAM_KEY);
    format!("providers:\n  - {{ name: a, {base}, models: [m-a] }}\n  - {{ name: open, {base} }}\nauth: {{ keys: [sk-wire] }}\n")
}

fn body() -> String {
    question("m-a").to_string()
}

/// A chat with these header lines, its body following in `framed`.
fn chat(headers: &str, framed: &str) -> String {
    post(CHAT, headers, framed)
}

fn post(path: &str, headers: &str, framed: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\n{KEY}content-type: application/json\r\n{headers}\r\n{framed}")
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n{KEY}{headers}\r\n")
}

/// The chat of [`body`], as it should be.
fn good_chat() -> String {
    chat(&format!("content-length: {}\r\n", body().len()), &body())
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

/// What an attacker wants to be taken for a request of its own.
fn smuggled() -> String {
    get("/providers/a/smuggled", "")
}

/// Sends each case over a connection of its own. After each the gateway must be as good as new.
async fn play(target: &Target, gateway: &Gateway, cases: Vec<Case>) {
    for case in cases {
        let mut wire = Wire::connect(gateway.address).await;
        // It may have hung up before all was sent.
        let _ = wire.try_write(&case.sent).await;
        for (index, status) in case.statuses.iter().enumerate() {
            let got = soon(&format!("answer {index} to {}", case.name), wire.next_answer(case.sent.starts_with(b"HEAD "))).await;
            assert_eq!(got.status, *status, "{}: answer {index}: {}", case.name, String::from_utf8_lossy(&got.body));
        }
        if case.then == Open {
            let last = get("/healthz", "connection: close\r\n");
            wire.write(last.as_bytes()).await;
            let got = soon(&case.name, wire.next_answer(false)).await;
            assert_eq!((got.status, got.text()), (200, "{\"status\":\"ok\"}"), "{}", case.name);
        }
        let rest = soon(&format!("the end of {}", case.name), wire.closed()).await;
        assert_eq!(rest, "", "{}: more than was asked for", case.name);
        settle(gateway).await;
        let seen = target.take();
        assert_eq!(seen.iter().map(Seen::summary).collect::<Vec<_>>(), case.upstream, "{}", case.name);
        seen.iter().for_each(|seen| seen.check(&case.name, target));
    }
    expect_good(target, gateway).await;
}

/// Nothing is on its way any more.
async fn settle(gateway: &Gateway) {
    let quiet = async {
        while gateway.engine.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    };
    soon("the engine to be at rest", quiet).await;
}

/// A following good request is answered.
async fn expect_good(target: &Target, gateway: &Gateway) {
    let mut wire = Wire::connect(gateway.address).await;
    wire.write(good_chat().as_bytes()).await;
    assert_eq!(wire.next_answer(false).await.status, 200);
    assert_eq!(target.take().iter().map(Seen::summary).collect::<Vec<_>>(), ONE_CHAT);
}
