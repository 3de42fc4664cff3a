//! Heads at the edge of what HTTP allows, and beyond it.

use super::{CHAT, Closed, Gateway, KEY, ONE_CHAT, Open, Target, Wire, body, case, chat, config, get, good_chat, play, refused, start};

#[tokio::test]
async fn a_version_that_is_not_spoken_is_refused() {
    let (target, gateway) = start().await;
    let with = |version: &str| get("/healthz", "").replace("HTTP/1.1", version);
    let mut cases: Vec<_> = ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/3", "http/1.1", "HTTP/1.1x", "HTTP/11", "HTTPS/1.1", " HTTP/1.1"]
        .map(|version| refused(version, with(version), &[400]))
        .into();
    cases.push(refused("HTTP/0.9", "GET /healthz\r\n", &[400]));
    cases.push(refused("half a greeting of HTTP/2", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", &[400]));
    cases.push(refused("two requests in one line", format!("GET /healthz HTTP/1.1 GET / HTTP/1.1\r\nhost: x\r\n{KEY}\r\n"), &[400]));
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn http_1_0_keeps_its_connection_only_if_asked_to() {
    let (target, gateway) = start().await;
    let old = |headers: &str| get("/healthz", headers).replace("HTTP/1.1", "HTTP/1.0");
    let chat = |headers: &str| good_chat().replace("HTTP/1.1", "HTTP/1.0").replace("\r\n\r\n", &format!("\r\n{headers}\r\n"));
    let cases = vec![
        case("plain", old(""), &[200], Closed, &[]),
        case("without a host", "GET /healthz HTTP/1.0\r\n\r\n", &[200], Closed, &[]),
        case("to be kept", old("connection: keep-alive\r\n"), &[200], Open, &[]),
        case("to be kept and closed", old("connection: keep-alive, close\r\n"), &[200], Closed, &[]),
        case("a chat", chat(""), &[200], Closed, ONE_CHAT),
        case("a chat to be kept", chat("connection: Keep-Alive\r\nkeep-alive: timeout=5\r\n"), &[200], Open, ONE_CHAT),
        case("a chat that expects", chat("expect: 100-continue\r\n"), &[200], Closed, ONE_CHAT),
    ];
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn there_is_one_host() {
    let (target, gateway) = start().await;
    let with = |lines: &str| format!("GET /healthz HTTP/1.1\r\n{lines}\r\n");
    let cases = vec![
        case("empty", with("host:\r\n"), &[200], Open, &[]),
        case("of another site", with("host: evil.example\r\n"), &[200], Open, &[]),
        refused("missing", with(""), &[400]),
        refused("twice", with("host: x\r\nhost: x\r\n"), &[400]),
        refused("two of them", with("host: x\r\nHost: evil.example\r\n"), &[400]),
        refused("a list", with("host: x, y\r\n"), &[400]),
        refused("a path", with("host: x/y\r\n"), &[400]),
        refused("blanks", with("host: x y\r\n"), &[400]),
    ];
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn lines_end_as_they_should_or_with_a_bare_line_feed() {
    let (target, gateway) = start().await;
    let plain = get("/healthz", "");
    let cases = vec![
        // RFC 9112 §2.2 lets a server take it, and nginx does; no line feed can get into a value by that.
        case("line feeds", plain.replace("\r\n", "\n"), &[200], Open, &[]),
        case("one line feed", get("/healthz", "x: y\n"), &[200], Open, &[]),
        case("empty lines before", format!("\r\n\r\n\n{plain}"), &[200], Open, &[]),
        refused("carriage returns", plain.replace("\r\n", "\r") + "\r\n\r\n", &[400]),
        refused("a carriage return in a value", get("/healthz", "x: a\rb\r\n"), &[400]),
        refused("a carriage return before a line feed too many", get("/healthz", "x: a\r\r\n"), &[400]),
        refused("a folded line", get("/healthz", "x: a\r\n b\r\n"), &[400]),
        refused("a line folded at once", format!("GET /healthz HTTP/1.1\r\n host: x\r\n{KEY}\r\n"), &[400]),
        refused("NUL", get("/healthz", "x: a\0b\r\n"), &[400]),
        refused("a bell", get("/healthz", "x: a\x07b\r\n"), &[400]),
        refused("DEL", get("/healthz", "x: a\x7fb\r\n"), &[400]),
        refused("no colon", get("/healthz", "x\r\n"), &[400]),
        refused("a blank before the colon", get("/healthz", "x : y\r\n"), &[400]),
        refused("a name in brackets", get("/healthz", "(x): y\r\n"), &[400]),
        refused("a name in Chinese", get("/healthz", "你: 好\r\n"), &[400]),
        refused("TLS", *b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[400]),
        refused("a poem", "床前明月光\r\n\r\n", &[400]),
    ];
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn methods_go_on_unless_they_show_what_they_should_not() {
    let (target, gateway) = start().await;
    let with = |method: &str, path: &str| get(path, "").replacen("GET", method, 1);
    let cases = vec![
        case("an extension", with("PROPFIND", "/providers/a/files"), &[200], Open, &["PROPFIND /v1/files none"]),
        case("in small letters", with("get", "/healthz"), &[405], Open, &[]),
        refused("TRACE", with("TRACE", "/providers/a/files"), &[405]),
        refused("TRACE of a chat", with("TRACE", CHAT), &[405]),
        refused("CONNECT", with("CONNECT", "evil.example:443"), &[405]),
        refused("CONNECT to a path", with("CONNECT", "/providers/a/files"), &[405]),
        refused("a long one", with(&"X".repeat(5000), "/providers/a/files"), &[405]),
        refused("none", with("", "/healthz"), &[400]),
        refused("one with a slash", with("G/T", "/healthz"), &[400]),
    ];
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn head_and_options_on_every_kind_of_path() {
    let (target, gateway) = start().await;
    let mut cases = Vec::new();
    let passed: &[&str] = &["HEAD /v1/files none", "OPTIONS /v1/files none"];
    for (path, head, options, upstream) in [
        ("/", &[200], &[204], [&[][..], &[]]),
        ("/healthz", &[200], &[204], [&[], &[]]),
        ("/v1/health", &[200], &[204], [&[], &[]]),
        ("/v1/models", &[200], &[204], [&[], &[]]),
        ("/v1/models/m-a", &[200], &[204], [&[], &[]]),
        ("/v1/models/m-b", &[404], &[204], [&[], &[]]),
        (CHAT, &[405], &[204], [&[], &[]]),
        ("/v1/files", &[404], &[404], [&[], &[]]),
        ("/status", &[403], &[204], [&[], &[]]),
        ("/reload", &[405], &[204], [&[], &[]]),
        ("/nowhere", &[404], &[404], [&[], &[]]),
        ("/docs", &[200], &[204], [&[], &[]]),
        ("/providers/a/files", &[200], &[200], [&passed[..1], &passed[1..]]),
    ] {
        let [to_head, to_options] = upstream;
        cases.push(case(format!("HEAD {path}"), get(path, "").replacen("GET", "HEAD", 1), head, Open, to_head));
        cases.push(case(format!("OPTIONS {path}"), get(path, "").replacen("GET", "OPTIONS", 1), options, Open, to_options));
    }
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn heads_are_limited_in_lines_and_bytes() {
    let (target, gateway) = start().await;
    let lines = |count: usize| (0..count).map(|index| format!("x-{index}: y\r\n")).collect::<String>();
    let cases = vec![
        // Two are there already.
        case("100 headers", get("/healthz", &lines(98)), &[200], Open, &[]),
        refused("101 headers", get("/healthz", &lines(99)), &[431]),
        case("60,000 bytes", get("/healthz", &format!("x: {}\r\n", "y".repeat(60_000))), &[200], Open, &[]),
        refused("70,000 bytes", get("/healthz", &format!("x: {}\r\n", "y".repeat(70_000))), &[431]),
        refused("70,000 bytes of a name", get("/healthz", &format!("{}: x\r\n", "y".repeat(70_000))), &[431]),
        refused("70,000 bytes of a method", get("/healthz", "").replace("GET", &"G".repeat(70_000)), &[431]),
        case("a path of 8 KiB", get(&format!("/{}", "x".repeat(8191)), ""), &[404], Open, &[]),
        case("a longer one", get(&format!("/{}", "x".repeat(8192)), ""), &[414], Open, &[]),
        case("a longer query", get(&format!("/healthz?{}", "x".repeat(8192)), ""), &[414], Open, &[]),
        refused("a path of 70,000 bytes", get(&format!("/{}", "x".repeat(70_000)), ""), &[431]),
    ];
    play(&target, &gateway, cases).await;
    let mut wire = Wire::connect(gateway.address).await;
    wire.write(get(&format!("/{}", "x".repeat(9000)), "").as_bytes()).await;
    assert_eq!(wire.next_answer(false).await.code(), "uri_too_long");
}

#[tokio::test]
async fn what_is_between_client_and_gateway_stays_there() {
    let (target, gateway) = start().await;
    let length = format!("content-length: {}\r\n", body().len());
    let cases = [
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: eA==\r\n",
        "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
        "connection: te, keep-alive, x-hop, content-length, host, authorization\r\nte: trailers, gzip\r\nkeep-alive: timeout=9\r\nx-hop: 1\r\n",
        "proxy-connection: keep-alive\r\nproxy-authorization: Basic eDp5\r\nproxy-anything: x\r\n",
        "trailer: x-late\r\nexpect: 200-ok\r\n",
        "x-llmgw-anything: x\r\nx-llmgw-provider: open\r\n",
    ];
    let cases = cases.map(|lines| case(lines, chat(&format!("{lines}{length}"), &body()), &[200], Open, ONE_CHAT));
    play(&target, &gateway, cases.into()).await;
}

#[tokio::test]
async fn odd_bytes_in_values_stay_within_them() {
    let (target, gateway) = start().await;
    let lines = [b"x-odd: \xe4\xbd\xa0\xff\x80\t;\r\nx-request-id: \xff\r\nx-llmgw-provider: a\x80\r\n".as_slice()];
    let request = get("/providers/a/files", "x-encoded: a%0d%0ax-evil:%201\r\n");
    let (line, rest) = request.split_once("\r\n").unwrap();
    let mut wire = Wire::connect(gateway.address).await;
    wire.write(&[line.as_bytes(), b"\r\n", lines[0], rest.as_bytes()].concat()).await;
    let got = wire.next_answer(false).await;
    assert!(got.status == 200 && got.header("x-request-id").starts_with("req-"), "{got:?}");
    let seen = target.take();
    seen[0].check("odd bytes", &target);
    assert_eq!(seen[0].value("x-odd"), Some(b"\xe4\xbd\xa0\xff\x80\t;".as_slice()));
    assert_eq!((seen[0].value("x-encoded"), seen[0].value("x-evil")), (Some(b"a%0d%0ax-evil:%201".as_slice()), None));
}

#[tokio::test]
async fn line_breaks_in_a_models_name_stay_encoded() {
    let (target, gateway) = start().await;
    for (model, status) in [("open/evil\r\nx-evil: 1", 200), ("evil\r\nx-evil: 1", 404), ("open/\0\x7f\u{2028}你", 200), ("m-a\r\n", 404)]
    {
        let body = super::question(model).to_string();
        let mut wire = Wire::connect(gateway.address).await;
        wire.write(chat(&format!("content-length: {}\r\n", body.len()), &body).as_bytes()).await;
        let got = wire.next_answer(false).await;
        assert_eq!(got.status, status, "{model:?}: {}", got.text());
        assert!(!got.headers.contains_key("x-evil") && (status != 200 || got.header("x-llmgw-model").is_ascii()), "{:?}", got.headers);
        wire.write(get("/healthz", "").as_bytes()).await;
        assert_eq!(wire.next_answer(false).await.status, 200);
        // A bare name is looked for among the models that upstreams list.
        let asked = target.take().iter().filter(|seen| seen.line.starts_with("POST")).count();
        assert_eq!(asked, usize::from(status == 200));
    }
}

#[tokio::test]
async fn an_upstreams_odd_header_stays_one_header_or_is_a_502() {
    for (headers, status) in [
        (b"x-odd: \xe4\xbd\xa0\xff\t;\r\n".as_slice(), 200),
        (b"x-odd: a%0d%0aset-cookie: x\r\n", 200),
        (b"x-odd: a\nset-cookie: evil=1\r\n", 200),
        (b"x-odd: a\rset-cookie: evil=1\r\n", 502),
        (b"x-odd: a\0b\r\n", 502),
        (b"x-odd: a\r\n set-cookie: evil=1\r\n", 502),
        (b"x-odd : a\r\n", 502),
        (b"connection: x-odd, close\r\nx-odd: a\r\ntransfer_encoding: chunked\r\n", 200),
    ] {
        let target = Target::start(headers).await;
        let gateway = Gateway::start(&(config(&target) + "routing: { max_attempts: 1, cooldown: null }\n")).await;
        let mut wire = Wire::connect(gateway.address).await;
        wire.write(get("/providers/a/files", "").as_bytes()).await;
        let got = wire.next_answer(false).await;
        let shown = String::from_utf8_lossy(headers);
        assert_eq!(got.status, status, "{shown:?}");
        for absent in ["set-cookie", "connection", "transfer_encoding"] {
            assert!(!got.headers.contains_key(absent), "{shown:?}: {:?}", got.headers);
        }
        wire.write(get("/healthz", "").as_bytes()).await;
        assert_eq!(wire.next_answer(false).await.status, 200, "{shown:?}");
    }
}
