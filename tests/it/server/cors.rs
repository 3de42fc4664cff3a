//! Pages of allowed origins may ask, and may read what they need.

use super::client::Ask;
use super::upstream::Upstream;
use super::{CHAT, Gateway, one, question, streamed};

const PAGE: &str = "https://app.example";

async fn start(more: &str) -> (Upstream, Gateway) {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&format!("server: {{ cors: [\"{PAGE}\"] }}\n{}{more}", one(&upstream))).await;
    (upstream, gateway)
}

fn preflight(gateway: &Gateway, origin: &str, path: &str) -> Ask {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,x-stainless-os"),
    ];
    Ask::new(gateway.address, "OPTIONS", path).headers(&headers)
}

#[tokio::test]
async fn a_preflight_of_an_allowed_page_needs_no_key() {
    for keys in ["", "auth: { keys: [sk-client] }\n"] {
        let (upstream, gateway) = start(keys).await;
        for path in [CHAT, "/v1/models", "/v1/files", "/providers/a/files"] {
            let got = preflight(&gateway, PAGE, path).send().await;
            assert!((200..300).contains(&got.status), "{path}: {}", got.status);
            assert_eq!(got.header("access-control-allow-origin"), PAGE, "{path}");
            assert!(got.header("access-control-allow-methods").contains("POST"), "{path}");
            assert!(got.header("access-control-allow-headers").contains("x-stainless-os"), "{path}");
            assert!(got.header("vary").to_lowercase().contains("origin"), "{path}");
        }
        assert_eq!(preflight(&gateway, "https://evil.example", CHAT).send().await.header("access-control-allow-origin"), "");
        assert_eq!(upstream.count(), 0);
    }
}

#[tokio::test]
async fn an_allowed_page_reads_answers_errors_and_the_headers_it_needs() {
    let (_upstream, gateway) = start("auth: { keys: [sk-client] }\n").await;
    for (ask, status) in [
        (gateway.post(CHAT, question("m-a")).bearer("sk-client"), 200),
        (gateway.post(CHAT, streamed("m-a")).bearer("sk-client"), 200),
        (gateway.post(CHAT, "{").bearer("sk-client"), 400),
        (gateway.post(CHAT, question("m-a")), 401),
        (gateway.get("/nowhere"), 404),
        (gateway.get(CHAT), 405),
    ] {
        let got = ask.clone().header("origin", PAGE).send().await;
        assert_eq!((got.status, got.header("access-control-allow-origin")), (status, PAGE));
        for name in ["x-request-id", "x-llmgw-provider", "retry-after", "x-upstream-request-id"] {
            assert!(got.header("access-control-expose-headers").contains(name), "{status}: {name}");
        }
        let foreign = ask.header("origin", "https://evil.example").send().await;
        assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (status, ""));
    }
}

#[tokio::test]
async fn without_cors_no_page_is_allowed() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&(one(&upstream) + "auth: { keys: [sk-client] }\n")).await;
    let got = preflight(&gateway, PAGE, CHAT).send().await;
    assert_eq!(got.header("access-control-allow-origin"), "");
    let got = gateway.post(CHAT, question("m-a")).bearer("sk-client").header("origin", PAGE).send().await;
    assert_eq!((got.status, got.header("access-control-allow-origin")), (200, ""));

    gateway.set_config(&format!("server: {{ cors: [\"{PAGE}\"] }}\n{}auth: {{ keys: [sk-client] }}\n", one(&upstream)));
    gateway.engine.reload(false).expect("a good configuration");
    assert_eq!(preflight(&gateway, PAGE, CHAT).send().await.header("access-control-allow-origin"), PAGE, "after a reload");
}
