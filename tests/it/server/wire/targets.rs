//! Which URL is meant: never one that the client chose outside of a provider's `base_url`.

use super::{CHAT, Case, Closed, KEY, ONE_CHAT, Open, case, get, good_chat, play, refused, start};

#[tokio::test]
async fn an_absolute_target_is_read_for_its_path_only() {
    let (target, gateway) = start().await;
    let chat = |to: &str| good_chat().replacen(CHAT, &format!("{to}{CHAT}"), 1);
    let cases = vec![
        case("of another host", get("http://evil.example/healthz", ""), &[200], Open, &[]),
        case("over TLS, with a port", get("https://evil.example:443/healthz", ""), &[200], Open, &[]),
        case("without a path", get("http://evil.example", ""), &[200], Open, &[]),
        case("of another scheme", get("ftp://evil.example/healthz", ""), &[200], Open, &[]),
        case("with a user", get("http://u:p@evil.example/healthz", ""), &[200], Open, &[]),
        case("a chat", chat("http://evil.example"), &[200], Open, ONE_CHAT),
        case("a pass-through", get("http://evil.example/providers/a/files?x=1", ""), &[200], Open, &["GET /v1/files?x=1 none"]),
        case("two slashes", get("//evil.example/healthz", ""), &[404], Open, &[]),
        case("a URL for a provider", get("/providers/http://evil.example/x", ""), &[404], Open, &[]),
        case("a URL for a path", get("/providers/a/http://evil.example/x", ""), &[400], Open, &[]),
        case("two slashes for a path", get("/providers/a//evil.example/x", ""), &[400], Open, &[]),
        case("an address for a provider", get("/providers/169.254.169.254/latest", ""), &[404], Open, &[]),
        case("an @ for a path", get("/providers/a/@127.0.0.1/x", ""), &[200], Open, &["GET /v1/@127.0.0.1/x none"]),
        case("a named host", get("/v1/files", "x-llmgw-provider: evil.example\r\n"), &[404], Open, &[]),
        case("a named URL", get("/v1/files", "x-llmgw-provider: http://evil.example\r\n"), &[404], Open, &[]),
        case("a named provider and more", get("/v1/files", "x-llmgw-provider: a/../open\r\n"), &[404], Open, &[]),
        refused("an authority", get("evil.example:80", ""), &[400]),
        refused("a bare word", get("healthz", ""), &[400]),
        refused("nothing", get("", ""), &[400]),
        case("a star", get("*", ""), &[404], Open, &[]),
        case("a star with OPTIONS", get("*", "").replacen("GET", "OPTIONS", 1), &[404], Open, &[]),
    ];
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn an_encoded_path_is_no_way_out() {
    let (target, gateway) = start().await;
    let passed = |path: &str, upstream| case(path, get(&format!("/providers/a{path}"), ""), &[200], Open, upstream);
    let mut cases: Vec<Case> = vec![
        passed("/files/a%2Fb", &["GET /v1/files/a%2Fb none"]),
        passed("/files/%E4%BD%A0%3F", &["GET /v1/files/%E4%BD%A0%3F none"]),
        passed("/files/100%", &["GET /v1/files/100% none"]),
        passed("/files/%zz", &["GET /v1/files/%zz none"]),
        passed("/files?x=%0d%0ax-other:%201&y=../..", &["GET /v1/files?x=%0d%0ax-other:%201&y=../.. none"]),
        case("an encoded slash", get("/v1%2Fmodels", ""), &[404], Open, &[]),
        case("an encoded chat", good_chat().replacen("completions", "%63ompletions", 1), &[404], Open, &[]),
        case("an encoded provider", get("/providers/%61/files", ""), &[200], Open, &["GET /v1/files none"]),
    ];
    for path in [
        "/%2e%2e/admin",
        "/.%2e/admin",
        "/%252e%252e/admin",
        "/%25252e%25252e/admin",
        "/files/..%2f..%2fadmin",
        "/files/..%5c..%5cadmin",
        "/files/%00",
        "/files/%2500",
        "/files/%0d%0ax-other:%201",
        "/files/%250d%250a",
        "/%c0%ae%c0%ae/admin",
        "/%c0%af",
        "/%e0%80%ae",
        "/%ff",
        "/./files",
        "/files/.",
        "/files//x",
    ] {
        cases.push(case(path, get(&format!("/providers/a{path}"), ""), &[400], Open, &[]));
    }
    for path in ["%2e%2e", "..", "%00", "a%2F..%2Fb", "%ff", "%0d%0a", "a%0d%0ax-other:%201"] {
        cases.push(case(path, get(&format!("/providers/{path}/files"), ""), &[404], Open, &[]));
        cases.push(case(format!("models/{path}"), get(&format!("/v1/models/{path}"), ""), &[404], Open, &[]));
    }
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn bytes_that_no_target_may_have_are_refused() {
    let (target, gateway) = start().await;
    let mut cases: Vec<Case> =
        ["/a\0b", "/a\tb", "/a b", "/a\rb", "/a\x7fb"].map(|path| refused(format!("{path:?}"), get(path, ""), &[400])).into();
    let raw = [b"GET /\xff HTTP/1.1\r\nhost: x\r\n", KEY.as_bytes(), b"\r\n"].concat();
    cases.push(refused("a byte that is no text", raw, &[400]));
    cases.push(case("a line break and a header", get("/healthz HTTP/1.1\r\nx: y\r\n\r\nGET /a", ""), &[400], Closed, &[]));
    cases.push(case("a fragment", get("/healthz#x", ""), &[200], Open, &[]));
    cases.push(case("Chinese as it is", get("/providers/a/你", ""), &[400], Open, &[]));
    play(&target, &gateway, cases).await;
}
