//! Which headers pass: neither side's credentials, nothing that only concerns one connection, in either direction.

use http::HeaderMap;
use serde_json::json;

use super::raw;
use crate::server::client::Ask;
use crate::server::upstream::{Upstream, reply};
use crate::server::{CHAT, Gateway, question};

/// A client's header, its value, and whether it goes on.
const CLIENTS: [(&str, &str, bool); 38] = [
    ("authorization", "Bearer client-secret", false),
    ("x-api-key", "client-secret", false),
    ("api-key", "client-secret", false),
    ("x-goog-api-key", "client-secret", false),
    ("xi-api-key", "client-secret", false),
    ("anthropic-api-key", "client-secret", false),
    ("x-auth-token", "client-secret", false),
    ("x-access-token", "client-secret", false),
    ("x-amz-security-token", "client-secret", false),
    ("ocp-apim-subscription-key", "client-secret", false),
    ("x-upstream-authorization", "client-secret", false),
    ("proxy-authorization", "Basic client-secret", false),
    ("cookie", "client-secret", false),
    ("cookie2", "client-secret", false),
    ("x-forwarded-for", "10.0.0.1", false),
    ("x-forwarded-host", "gateway.internal", false),
    ("x-real-ip", "10.0.0.1", false),
    ("forwarded", "for=10.0.0.1", false),
    ("via", "1.1 gateway.internal", false),
    ("cf-connecting-ip", "10.0.0.1", false),
    ("cf-access-jwt-assertion", "client-secret", false),
    ("origin", "http://localhost", false),
    ("referer", "http://localhost/page", false),
    ("sec-fetch-site", "none", false),
    ("x-llmgw-provider", "a", false),
    ("keep-alive", "timeout=5", false),
    ("proxy-connection", "keep-alive", false),
    ("te", "trailers", false),
    ("trailer", "x-late", false),
    ("upgrade", "h2c", false),
    ("http2-settings", "AAMAAABkAAQAAP__", false),
    ("x-hop", "1", false),
    ("x-other-hop", "1", false),
    ("accept-encoding", "br", false),
    ("openai-beta", "assistants=v2", true),
    ("user-agent", "client/1", true),
    ("x-stainless-lang", "python", true),
    ("accept", "application/json", true),
];

/// The same of an upstream's.
const UPSTREAMS: [(&str, &str, bool); 20] = [
    ("set-cookie", "upstream-secret", false),
    ("set-cookie2", "upstream-secret", false),
    ("proxy-authenticate", "Basic", false),
    ("proxy-authentication-info", "upstream-secret", false),
    ("keep-alive", "timeout=5", false),
    ("trailer", "x-late", false),
    ("upgrade", "h2c", false),
    ("x-hop", "1", false),
    ("x-other-hop", "1", false),
    ("server", "theirs", false),
    ("alt-svc", "h3=\":443\"", false),
    ("strict-transport-security", "max-age=1", false),
    ("openai-organization", "org-theirs", false),
    ("openai-project", "proj-theirs", false),
    ("anthropic-organization-id", "org-theirs", false),
    ("cf-ray", "1", false),
    ("access-control-allow-origin", "*", false),
    ("x-llmgw-model", "forged", false),
    ("x-ratelimit-remaining-requests", "9", true),
    ("retry-after", "1", true),
];

const HOPS: &str = "close, X-Hop,好 , x-other-hop ,,";

#[tokio::test]
async fn headers_pass_that_concern_the_other_side_and_no_others() {
    let upstream = Upstream::start(|request| {
        let headers: Vec<_> = UPSTREAMS.iter().map(|(name, value, _)| (*name, *value)).chain([("connection", HOPS)]).collect();
        let status = if request.target.contains("refused") { 422 } else { 200 };
        reply(status, &[&headers[..], &[("content-type", "application/json")]].concat(), br#"{"choices":[],"data":[]}"#)
    })
    .await;
    let provider = format!("{{ name: a, base_url: \"{}\", api_key: sk-upstream-0123456789, models: [m-a] }}", upstream.base_url());
    let gateway = Gateway::start(&format!("providers: [{provider}]\nauth: {{ keys: [client-secret] }}\n")).await;
    let asks = [
        gateway.post(CHAT, question("m-a")),
        gateway.post("/v1/embeddings", json!({ "model": "m-a", "input": "你好" })),
        gateway.get("/providers/a/files"),
        gateway.get("/providers/a/refused"),
        gateway.get("/v1/files"),
    ];
    for ask in asks {
        let ask = CLIENTS.iter().fold(ask, |ask, (name, value, _)| ask.header(name, value)).header("connection", HOPS);
        let answer = answered(&ask).await;
        let request = upstream.request().await;
        check("the upstream", &request.headers, &CLIENTS, "client-secret");
        assert_eq!(request.headers["authorization"], "Bearer sk-upstream-0123456789");
        check("the client", &answer, &UPSTREAMS, "upstream-secret");
        assert_eq!(answer["x-llmgw-provider"], "a");
    }
}

fn check(who: &str, headers: &HeaderMap, table: &[(&str, &str, bool)], secret: &str) {
    for (name, value, passes) in table {
        // These two are llmgw's own on this side, and so is what it says of itself.
        let is_ours = ["authorization", "accept-encoding", "x-llmgw-model"].contains(name);
        let passed = headers.get_all(*name).iter().any(|got| got == value);
        assert!(passed == *passes && (is_ours || headers.contains_key(*name) == *passes), "{name} at {who}: {headers:?}");
    }
    assert!(headers.values().all(|value| !String::from_utf8_lossy(value.as_bytes()).contains(secret)), "{who}: {headers:?}");
}

/// The head of the answer.
async fn answered(ask: &Ask) -> HeaderMap {
    let mut wire = ask.open().await;
    wire.answer().await.headers
}

#[tokio::test]
async fn the_reason_and_the_trailers_of_an_upstream_stay_there() {
    let upstream = Upstream::start(|_| {
        let text = "HTTP/1.1 422 sk-upstream-0123456789\r\ntransfer-encoding: chunked\r\ntrailer: x-late\r\n\r\n2\r\n{}\r\n0\r\nx-late: sk-upstream-0123456789\r\n\r\n";
        vec![crate::server::upstream::Step::Write(text.as_bytes().to_vec())]
    })
    .await;
    let gateway = Gateway::start(&crate::server::one(&upstream).replace(crate::server::UPSTREAM_KEY, "sk-upstream-0123456789")).await;
    for ask in [gateway.post(CHAT, question("m-a")), gateway.get("/providers/a/files")] {
        let answer = raw(&ask).await;
        assert!(answer.starts_with("HTTP/1.1 422 ") && !answer.contains("sk-upstream") && !answer.contains("x-late"), "{answer}");
    }
}
