//! Which headers pass, and the ids by which a request is found again.

use serde_json::json;

use super::upstream::{Upstream, error, reply, talk};
use super::{CHAT, Gateway, one, question, two};

#[tokio::test]
async fn a_sane_request_id_is_taken_over_and_any_other_replaced() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let long = "x".repeat(129);
    for (given, kept) in [
        ("trace-1", true),
        ("0af7651916cd43dd8448eb211c80319c", true),
        ("a/b.c:d+e=_", true),
        ("", false),
        ("a b", false),
        ("a\"b", false),
        ("<script>", false),
        ("你好", false),
        (long.as_str(), false),
    ] {
        for ask in [gateway.post(CHAT, question("m-a")), gateway.get("/health"), gateway.get("/nowhere"), gateway.post(CHAT, "{")] {
            let got = ask.header("x-request-id", given).send().await;
            let id = got.headers["x-request-id"].to_str().expect("ASCII");
            assert!(if kept { id == given } else { id.starts_with("req-") }, "{given:?} → {id:?}");
            assert_eq!(got.headers.get_all("x-request-id").iter().count(), 1);
        }
    }
    let ids = [gateway.chat("m-a").await, gateway.chat("m-a").await].map(|got| got.header("x-request-id").to_owned());
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn an_upstreams_headers_come_back_but_for_what_is_its_own() {
    let upstream = Upstream::start(|_| {
        let body = json!({ "choices": [] }).to_string();
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("x-ratelimit-remaining-requests", "9"),
            ("x-custom", "one"),
            ("x-custom", "two"),
            ("x-request-id", "req_theirs"),
            ("set-cookie", "session=1"),
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("access-control-allow-origin", "*"),
            ("x-llmgw-provider", "forged"),
            ("server", "theirs"),
        ];
        reply(200, &headers, body.as_bytes())
    })
    .await;
    let gateway = Gateway::start(&one(&upstream)).await;
    for ask in [gateway.post(CHAT, question("m-a")), gateway.get("/providers/a/models")] {
        let got = ask.send().await;
        assert_eq!(got.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(got.header("x-ratelimit-remaining-requests"), "9");
        assert_eq!(got.headers.get_all("x-custom").iter().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(got.header("x-upstream-request-id"), "req_theirs");
        assert_ne!(got.header("x-request-id"), "req_theirs");
        assert_eq!(got.header("x-llmgw-provider"), "a");
        for absent in ["set-cookie", "x-hop", "keep-alive", "proxy-authenticate", "access-control-allow-origin", "server"] {
            assert!(!got.headers.contains_key(absent), "{absent}: {:?}", got.headers);
        }
    }
}

#[tokio::test]
async fn a_clients_headers_reach_the_upstream_but_for_what_is_between_client_and_gateway() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&(one(&upstream) + "auth: { keys: [sk-client] }\n")).await;
    let sent = [
        ("openai-beta", "assistants=v2"),
        ("user-agent", "OpenAI/Python 1.2.3"),
        ("x-stainless-retry-count", "1"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("cookie", "session=1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("x-llmgw-provider", "a"),
        ("x-llmgw-anything", "1"),
        ("origin", "https://app.example"),
        ("referer", "https://app.example/page"),
        ("sec-fetch-mode", "cors"),
        ("accept-encoding", "gzip, br"),
        ("te", "trailers"),
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
    ];
    for ask in [gateway.post(CHAT, question("m-a")), gateway.get("/v1/files")] {
        assert_eq!(ask.headers(&sent).bearer("sk-client").send().await.status, 200);
        let received = upstream.request().await.headers;
        for (name, value) in &sent[..4] {
            assert_eq!(received[*name], *value);
        }
        for (name, _) in &sent[4..] {
            let value = received.get(*name).map(|value| value.to_str().unwrap().to_owned());
            assert!(value.is_none() || (*name == "accept-encoding" && value.as_deref() == Some("identity")), "{name}: {value:?}");
        }
        assert_eq!(received["host"], upstream.address.to_string().as_str());
    }
}

#[tokio::test]
async fn an_idempotency_key_is_for_the_first_upstream_only() {
    let (a, b) = (Upstream::start(|_| error(500, "boom")).await, Upstream::start(|request| talk(request, "好")).await);
    let gateway = Gateway::start(&two(&a, &b)).await;
    let got = gateway.post(CHAT, question("gpt-4")).header("idempotency-key", "once").send().await;
    assert_eq!((got.status, got.header("x-llmgw-attempts"), got.header("x-llmgw-provider")), (200, "2", "b"));
    assert_eq!(a.request().await.headers["idempotency-key"], "once");
    assert_eq!(b.request().await.headers.get("idempotency-key"), None);
}

#[tokio::test]
async fn configured_headers_go_along() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream).replace("models: [m-a]", "models: [m-a], headers: { X-Team: a, User-Agent: llm }")).await;
    assert_eq!(gateway.post(CHAT, question("m-a")).header("x-team", "mine").send().await.status, 200);
    let received = upstream.request().await.headers;
    assert_eq!(received.get_all("x-team").iter().collect::<Vec<_>>(), ["a"]);
    assert_eq!(received["user-agent"], "llm");
}

#[tokio::test]
async fn head_is_answered_as_get_without_a_body() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    for path in ["/health", "/v1/models", "/"] {
        let mut wire = super::client::Ask::new(gateway.address, "HEAD", path).header("connection", "close").open().await;
        let text = super::soon("an answer", wire.closed()).await;
        assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("\r\n\r\n"), "{path}: {text}");
    }
}
