//! Who may administer, and what a gateway without keys refuses so that no web page uses it.

use super::client::{Answer, Ask};
use super::upstream::Upstream;
use super::{CHAT, Gateway, one, question};

const PATHS: [(&str, &str); 7] = [
    ("GET", "/status"),
    ("GET", "/metrics"),
    ("GET", "/config"),
    ("GET", "/admin/api/explain?model=m-a"),
    ("POST", "/reload"),
    ("POST", "/v1/reload"),
    ("POST", "/config/reload?check=true"),
];

/// Asks each path of the administration.
async fn each(gateway: &Gateway, headers: &[(&str, &str)], check: impl Fn(&Answer, &str)) {
    for (method, path) in PATHS {
        let answer = Ask::new(gateway.address, method, path).headers(headers).send().await;
        check(&answer, &format!("{method} {path} with {headers:?}: {}", String::from_utf8_lossy(&answer.body)));
    }
}

async fn start(more: &str) -> (Upstream, Gateway) {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&(one(&upstream) + more)).await;
    (upstream, gateway)
}

#[tokio::test]
async fn without_any_key_only_this_machine_administers() {
    let (_upstream, gateway) = start("").await;
    each(&gateway, &[], |answer, case| assert_eq!(answer.status, 200, "{case}")).await;
    each(&gateway, &[("authorization", "Bearer whatever")], |answer, case| assert_eq!(answer.status, 200, "{case}")).await;
    for header in ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "via"] {
        let expect = |answer: &Answer, case: &str| assert_eq!(answer.refusal(), (403, "forbidden".to_owned()), "{case}");
        each(&gateway, &[(header, "127.0.0.1")], expect).await;
    }
}

#[tokio::test]
async fn with_keys_but_no_admin_key_administration_is_closed() {
    let (_upstream, gateway) = start("auth: { keys: [sk-client] }\n").await;
    for headers in [&[][..], &[("authorization", "Bearer sk-client")], &[("authorization", "Bearer ")]] {
        let expect = |answer: &Answer, case: &str| {
            assert_eq!(answer.refusal(), (403, "forbidden".to_owned()), "{case}");
            assert!(answer.message().contains("admin.key"), "{case}");
        };
        each(&gateway, headers, expect).await;
    }
}

#[tokio::test]
async fn with_an_admin_key_that_one_is_asked_for() {
    for keys in ["", "auth: { keys: [sk-client] }\n"] {
        let (_upstream, gateway) = start(&format!("admin: {{ key: sk-admin }}\n{keys}")).await;
        for key in ["", "Bearer sk-client", "Bearer sk-admi", "Bearer sk-admin2", "Basic sk-admin"] {
            let expect = |answer: &Answer, case: &str| {
                assert_eq!(answer.refusal(), (401, "invalid_api_key".to_owned()), "{case}");
                assert_eq!(answer.header("www-authenticate"), "Bearer", "{case}");
            };
            each(&gateway, &[("authorization", key)], expect).await;
        }
        each(&gateway, &[("x-api-key", "sk-admin")], |answer, case| assert_eq!(answer.status, 401, "{case}")).await;
        let passes = [("authorization", "Bearer sk-admin"), ("x-forwarded-for", "1.2.3.4")];
        each(&gateway, &passes, |answer, case| assert_eq!(answer.status, 200, "{case}")).await;
    }
}

#[tokio::test]
async fn administration_has_its_own_port_where_that_is_configured() {
    let (_upstream, gateway) = start("admin: { key: sk-admin, port: 19008 }\n").await;
    let admin = gateway.admin.expect("a listener");
    for (method, path) in PATHS {
        let public = Ask::new(gateway.address, method, path).bearer("sk-admin").send().await;
        assert_eq!(public.refusal(), (404, "not_found".to_owned()), "{method} {path}");
        assert_eq!(Ask::new(admin, method, path).bearer("sk-admin").send().await.status, 200, "{method} {path}");
        assert_eq!(Ask::new(admin, method, path).send().await.status, 401, "{method} {path}");
    }
    for (path, status) in [("/admin", 401), ("/admin/api/overview", 401), ("/", 401), ("/api/overview", 401)] {
        assert_eq!(gateway.get(path).at(admin).send().await.status, status, "{path}");
        let public = gateway.get(path).send().await;
        assert_eq!(public.status, if path == "/" { 200 } else { 404 }, "{path}");
    }
    assert_eq!(gateway.post(CHAT, question("m-a")).at(admin).send().await.status, 404);
    assert_eq!(gateway.chat("m-a").await.status, 200);
    for address in [gateway.address, admin] {
        for path in ["/healthz", "/readyz", "/health"] {
            assert_eq!(gateway.get(path).at(address).send().await.status, 200, "{path}");
        }
    }
}

#[tokio::test]
async fn without_keys_a_foreign_host_is_refused_everywhere() {
    let (upstream, gateway) = start("").await;
    let refused = ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "0.0.0.0", ""];
    for host in refused {
        for path in ["/", "/health", "/v1/models", "/status", "/providers/a/files", "/nowhere"] {
            let got = gateway.get(path).header("host", host).send().await;
            assert!([400, 403].contains(&got.status), "{host:?} {path}: {}", got.status);
        }
        let got = gateway.post(CHAT, question("m-a")).header("host", host).send().await;
        assert!([400, 403].contains(&got.status), "{host:?}: {}", got.status);
    }
    for host in ["localhost", "localhost:1", "LOCALHOST", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:8000"] {
        let got = gateway.post(CHAT, question("m-a")).header("host", host).send().await;
        assert_eq!(got.status, 200, "{host}: {}", got.text());
    }
    // What stands in the request line wins over `Host` (RFC 9112 §3.2.2).
    let absolute = gateway.get("http://evil.example/health").header("host", "localhost").send().await;
    assert_eq!(absolute.status, 403);
    assert_eq!(upstream.count(), 7);
}

#[tokio::test]
async fn without_keys_what_a_foreign_page_can_post_is_refused() {
    let (upstream, gateway) = start("server: { cors: [\"https://app.example\"] }\n").await;
    let chat = gateway.post(CHAT, question("m-a"));
    let reload = gateway.post("/reload", "");
    for origin in ["https://evil.example", "null", "http://localhost.evil.example", "https://app.example.evil.example", "file://"] {
        for ask in [&chat, &reload] {
            assert_eq!(ask.clone().header("origin", origin).send().await.status, 403, "{origin}");
        }
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "text/plain;application/json", "image/png"] {
        for path in [CHAT, "/reload", "/providers/a/files", "/v1/files"] {
            let got = gateway.post(path, "").body(content_type, question("m-a").to_string()).send().await;
            assert_eq!(got.refusal(), (415, "unsupported_media_type".to_owned()), "{content_type} {path}");
        }
    }
    assert_eq!(gateway.post(CHAT, "").body("", question("m-a").to_string()).send().await.status, 415, "a blob has no type");
    let own = format!("http://{}", gateway.address);
    for origin in ["https://app.example", own.as_str()] {
        assert_eq!(chat.clone().header("origin", origin).send().await.status, 200, "{origin}");
    }
    assert_eq!(gateway.post("/reload", "").body("", "").send().await.status, 200);
    assert_eq!(upstream.count(), 2);
}

#[tokio::test]
async fn with_keys_neither_host_nor_origin_matter() {
    let (_upstream, gateway) = start("auth: { keys: [sk-client] }\n").await;
    let ask =
        gateway.post(CHAT, question("m-a")).bearer("sk-client").header("host", "llm.example").header("origin", "https://evil.example");
    assert_eq!(ask.send().await.status, 200);
    assert_eq!(gateway.get("/health").header("host", "llm.example").send().await.status, 200);
}
