//! What a client does wrong is its own: the right status, the whole envelope, and a server as good as before.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::client::Wire;
use super::upstream::Upstream;
use super::{CHAT, Gateway, one, question};

const KEYS: &str = "
server: { max_body: 250kB }
auth: { keys: [sk-all, { name: some, key: sk-some, models: [\"other-*\"] }] }
admin: { key: sk-admin }
";

async fn start() -> (Upstream, Gateway) {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&(one(&upstream) + KEYS)).await;
    (upstream, gateway)
}

fn zipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn every_bad_body_is_refused_and_the_next_good_one_answered() {
    let (upstream, gateway) = start().await;
    let chat = |text: &str| text.replace('\'', "\"").into_bytes();
    let deep = format!("{{\"model\":\"m-a\",\"messages\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("nothing", vec![], 400, "invalid_json"),
        ("half of it", chat("{'model':'m-a','messages':[{'role'"), 400, "invalid_json"),
        ("words", chat("你好"), 400, "invalid_json"),
        ("a form", chat("model=m-a"), 400, "invalid_json"),
        ("two values", chat("{'model':'m-a','messages':[1]} {}"), 400, "invalid_json"),
        ("a list", chat("[{'model':'m-a','messages':[1]}]"), 400, "invalid_json"),
        ("a bare number", chat("1"), 400, "invalid_json"),
        ("null", chat("null"), 400, "invalid_json"),
        ("NaN", chat("{'model':'m-a','messages':[1],'temperature':NaN}"), 400, "invalid_json"),
        ("100,000 levels", deep.into_bytes(), 400, "invalid_json"),
        ("no UTF-8", [b"{\"model\":\"m-a\",\"messages\":[\"".as_slice(), &[0xff, 0xfe], b"\"]}"].concat(), 400, "invalid_json"),
        ("half a surrogate as the model", chat(r"{'model':'\ud800','messages':[1]}"), 400, "invalid_request"),
        ("no model", chat("{'messages':[1]}"), 400, "invalid_request"),
        ("an empty model", chat("{'model':'','messages':[1]}"), 400, "invalid_request"),
        ("a number as the model", chat("{'model':4,'messages':[1]}"), 400, "invalid_request"),
        ("two models", chat("{'model':'m-a','messages':[1],'model':'m-b'}"), 400, "invalid_request"),
        ("two models, one in disguise", chat(r"{'model':'m-a','messages':[1],'mod\u0065l':'m-b'}"), 400, "invalid_request"),
        ("two streams", chat("{'model':'m-a','messages':[1],'stream':true,'stream':false}"), 400, "invalid_request"),
        ("no messages", chat("{'model':'m-a'}"), 400, "invalid_request"),
        ("no message", chat("{'model':'m-a','messages':[]}"), 400, "invalid_request"),
        ("text as messages", chat("{'model':'m-a','messages':'你好'}"), 400, "invalid_request"),
        ("null as messages", chat("{'model':'m-a','messages':null}"), 400, "invalid_request"),
        ("text as stream", chat("{'model':'m-a','messages':[1],'stream':'yes'}"), 400, "invalid_request"),
        ("a list as stream_options", chat("{'model':'m-a','messages':[1],'stream':true,'stream_options':[]}"), 400, "invalid_request"),
        ("an unknown model", chat("{'model':'m-b','messages':[1]}"), 404, "model_not_found"),
        ("an absurd model", chat(&format!("{{'model':'{}','messages':[1]}}", "x".repeat(100_000))), 404, "model_not_found"),
        ("too much", chat(&format!("{{'model':'m-a','messages':['{}']}}", "x".repeat(250_000))), 413, "body_too_large"),
    ];
    for (case, body, status, code) in cases {
        let got = gateway.post(CHAT, "").body("application/json", body).bearer("sk-all").send().await;
        assert_eq!(got.refusal(), (status, code.to_owned()), "{case}: {}", got.text());
        assert!(got.header("x-request-id").starts_with("req-") && got.header("content-type") == "application/json", "{case}");
        assert!(!got.message().is_empty() && got.message().len() < 1000, "{case}: {} bytes of message", got.message().len());
        assert_eq!(upstream.count(), 0, "{case}");
    }
    assert_eq!(gateway.post(CHAT, question("m-a")).bearer("sk-all").send().await.status, 200);
    assert_eq!(gateway.engine.in_flight(), 0);
}

#[tokio::test]
async fn every_bad_request_is_refused_and_the_next_good_one_answered() {
    let (upstream, gateway) = start().await;
    let good = gateway.post(CHAT, question("m-a")).bearer("sk-all");
    let bomb = zipped(&vec![b' '; 20_000_000]);
    assert!(bomb.len() < 25_000);
    let form = |text: &str| ("multipart/form-data; boundary=xx", text.replace('\n', "\r\n"));
    let transcription = |(kind, text): (&str, String)| gateway.post("/v1/audio/transcriptions", "").body(kind, text).bearer("sk-all");
    let two_models = "--xx\nContent-Disposition: form-data; name=\"model\"\n\nm-a\n--xx\nContent-Disposition: form-data; name=\"model\"\n\nm-b\n--xx--\n";
    let cases = vec![
        ("no key", gateway.post(CHAT, question("m-a")), 401, "invalid_api_key"),
        ("another's key", good.clone().bearer("sk-other"), 401, "invalid_api_key"),
        ("the admin's key", good.clone().bearer("sk-admin"), 401, "invalid_api_key"),
        ("another scheme", good.clone().header("authorization", "Basic c2stYWxs"), 401, "invalid_api_key"),
        ("a key for others", good.clone().bearer("sk-some"), 403, "model_not_allowed"),
        ("text", good.clone().header("content-type", "text/plain"), 415, "unsupported_media_type"),
        ("a form where JSON is due", good.clone().header("content-type", "multipart/form-data; boundary=x"), 415, "unsupported_media_type"),
        ("JSON where a form is due", transcription(("application/json", "{}".to_owned())), 415, "unsupported_media_type"),
        ("a form without a boundary", transcription(("multipart/form-data", "x".to_owned())), 400, "invalid_request"),
        ("a form that is cut", transcription(form("--xx\nContent-Disposition: form-data; name=\"model\"\n\nm-a")), 400, "invalid_request"),
        (
            "a form without a model",
            transcription(form("--xx\nContent-Disposition: form-data; name=\"x\"\n\n1\n--xx--\n")),
            400,
            "invalid_request",
        ),
        ("a form with two models", transcription(form(two_models)), 400, "invalid_request"),
        ("an unknown encoding", good.clone().header("content-encoding", "rot13"), 415, "unsupported_media_type"),
        ("no gzip", good.clone().header("content-encoding", "gzip"), 400, "invalid_request"),
        ("a bomb", good.clone().body("application/json", bomb).header("content-encoding", "gzip"), 413, "body_too_large"),
        ("embeddings without input", gateway.post("/v1/embeddings", "{\"model\":\"m-a\"}").bearer("sk-all"), 400, "invalid_request"),
        ("completions without prompt", gateway.post("/v1/completions", "{\"model\":\"m-a\"}").bearer("sk-all"), 400, "invalid_request"),
        ("an unknown path", gateway.get("/nowhere"), 404, "not_found"),
        ("an unknown path below /v1", gateway.get("/v1/nowhere").bearer("sk-all"), 404, "not_found"),
        ("a test of a model that is none", gateway.post("/v1/models/m-b/test", "{}").bearer("sk-all"), 404, "model_not_found"),
        ("a test with a number", gateway.post("/v1/models/m-a/test", "{\"test_message\":1}").bearer("sk-all"), 400, "invalid_request"),
    ];
    for (case, ask, status, code) in cases {
        let got = ask.send().await;
        assert_eq!(got.refusal(), (status, code.to_owned()), "{case}: {}", got.text());
        assert!(got.header("x-request-id").starts_with("req-"), "{case}");
        assert_eq!(upstream.count(), 0, "{case}");
    }
    assert_eq!(good.send().await.status, 200);
    let compressed = good.body("application/json", zipped(question("m-a").to_string().as_bytes())).header("content-encoding", "gzip");
    assert_eq!(compressed.send().await.status, 200);
    upstream.request().await;
    let received = upstream.request().await;
    assert_eq!((received.json()["model"].as_str(), received.headers.get("content-encoding")), (Some("m-a"), None));
}

#[tokio::test]
async fn another_method_is_told_which_there_are() {
    let (_upstream, gateway) = start().await;
    for (method, path, allowed) in [
        ("GET", CHAT, "POST"),
        ("PUT", "/v1/embeddings", "POST"),
        ("POST", "/v1/models", "GET,HEAD"),
        ("DELETE", "/health", "GET,HEAD"),
        ("POST", "/", "GET,HEAD"),
        ("POST", "/v1/models/m-a", "GET,HEAD"),
        ("DELETE", "/v1/models/m-a", "GET,HEAD,POST"),
        ("GET", "/reload", "POST"),
    ] {
        let got = super::client::Ask::new(gateway.address, method, path).bearer("sk-all").send().await;
        assert_eq!(got.refusal(), (405, "method_not_allowed".to_owned()), "{method} {path}");
        assert_eq!(got.header("allow"), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn an_unknown_model_is_answered_with_the_nearest_names() {
    let upstream = Upstream::talking("好").await;
    let config = one(&upstream).replace("[m-a]", "[deepseek-chat, deepseek-reasoner, gpt-4o]");
    let gateway = Gateway::start(&config).await;
    for (asked, nearest) in [("deepseek-chta", "deepseek-chat"), ("gpt-4O", "gpt-4o"), ("gpt4o", "gpt-4o")] {
        let got = gateway.chat(asked).await;
        assert_eq!((got.refusal(), got.json()["error"]["param"].as_str()), ((404, "model_not_found".to_owned()), Some("model")));
        assert!(got.message().contains(nearest), "{asked}: {}", got.message());
    }
}

/// Bytes that are no HTTP at all, or nearly.
#[tokio::test]
async fn hostile_bytes_end_their_connection_and_nothing_else() {
    let (upstream, gateway) = start().await;
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(600_000));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(500));
    let body = question("m-a").to_string();
    let smuggled = format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\nGET /");
    let cases = [
        ("a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01".to_owned()),
        ("a poem", "床前明月光\r\n\r\n".to_owned()),
        ("zeros", "\0\0\0\0\r\n\r\n".to_owned()),
        ("a long header", long),
        ("many headers", many),
        ("a header with a line break", "GET / HTTP/1.1\r\nhost: x\r\nx: a\rb\r\n\r\n".to_owned()),
        ("a proxy's request", "CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n".to_owned()),
        ("a request for everything", "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned()),
        ("an upgrade", "GET /v1/realtime HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n".to_owned()),
        ("a path of bytes", "GET /v1/models/\u{4f60} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned()),
        ("a path of nonsense", "GET /v1/models/%ff%zz%00 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned()),
        ("HTTP/1.0 without a host", "GET /v1/models HTTP/1.0\r\n\r\n".to_owned()),
        ("an old version", "GET / HTTP/3.7\r\nhost: x\r\n\r\n".to_owned()),
        ("two lengths", format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\n{body}")),
        ("a negative length", format!("POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: -3\r\n\r\n{body}")),
        ("a length and chunks", smuggled),
        (
            "a chunk without a size",
            format!(
                "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-all\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{body}\r\n0\r\n\r\n"
            ),
        ),
    ];
    for (case, bytes) in cases {
        let mut wire = Wire::connect(gateway.address).await;
        let _ = tokio::time::timeout(super::SOON, wire.try_write(bytes.as_bytes())).await;
        wire.finish().await;
        let text = super::soon(case, wire.closed()).await;
        let status = text.split(' ').nth(1).unwrap_or("none");
        assert!(["none", "204", "400", "401", "404", "405", "414", "431", "501", "505"].contains(&status), "{case}: {text}");
        assert_eq!(upstream.count(), 0, "{case}");
    }
    assert_eq!(gateway.post(CHAT, question("m-a")).bearer("sk-all").send().await.status, 200);
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let (upstream, dead) = (Upstream::talking("好").await, Upstream::absent());
    let gateway = Gateway::start(&format!("{}  - {}\n{KEYS}", one(&upstream), super::provider("dead", &dead))).await;
    for (ask, status) in [
        (gateway.post(CHAT, "x".repeat(30_000_000)).bearer("sk-all"), 413),
        (gateway.post(CHAT, "x".repeat(30_000_000)), 401),
        (gateway.post("/providers/a/files", "x".repeat(30_000_000)).bearer("sk-some"), 403),
        (gateway.post("/nowhere", "x".repeat(30_000_000)), 404),
        (gateway.post("/v1/files", "x".repeat(30_000_000)).bearer("sk-all"), 404),
        (gateway.post("/providers/nobody/files", "x".repeat(30_000_000)).bearer("sk-all"), 404),
        (gateway.post("/providers/a/../files", "x".repeat(30_000_000)).bearer("sk-all"), 400),
        (gateway.post("/providers/dead/files", "x".repeat(30_000_000)).bearer("sk-all"), 502),
        (gateway.post("/v1/models/m-a/test", "x".repeat(30_000_000)), 401),
        (gateway.post("/reload", "x".repeat(30_000_000)), 401),
        (gateway.post("/v1/realtime", "x".repeat(30_000_000)), 501),
    ] {
        assert_eq!(ask.send().await.status, status);
    }
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_to_go_on_is_refused_before_it_sends() {
    let (_upstream, gateway) = start().await;
    let ask = gateway.post(CHAT, "").header("expect", "100-continue").header("content-length", "99000000").bearer("sk-all");
    let mut wire = Wire::connect(gateway.address).await;
    wire.write(&ask.to_bytes(false)).await;
    assert_eq!(wire.head().await.status, 413);
    let body = question("m-a").to_string();
    let ask = gateway.post(CHAT, "").header("expect", "100-continue").header("content-length", &body.len().to_string()).bearer("sk-all");
    let mut wire = Wire::connect(gateway.address).await;
    wire.write(&ask.to_bytes(false)).await;
    assert_eq!(wire.head().await.status, 100);
    wire.write(body.as_bytes()).await;
    assert_eq!(wire.answer().await.status, 200);
}

#[tokio::test]
async fn a_body_without_a_length_is_counted_as_it_comes() {
    let (upstream, gateway) = start().await;
    let large = vec![b' '; 20_000_000];
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(&large).unwrap();
    let packed = encoder.finish().unwrap();
    for (encoding, body) in [("identity", large), ("gzip", packed)] {
        let ask = gateway.post(CHAT, "").bearer("sk-all").header("content-encoding", encoding);
        let mut wire = ask.open_chunked().await;
        for piece in body.chunks(100_000) {
            wire.write_chunk(piece).await;
        }
        wire.write(b"0\r\n\r\n").await;
        assert_eq!(wire.answer().await.refusal(), (413, "body_too_large".to_owned()), "{encoding}");
    }
    assert_eq!(upstream.count(), 0);
}

#[tokio::test]
async fn a_long_body_is_read_like_a_short_one() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let chat =
        |model: &str| format!("{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}]}}", "长".repeat(700_000));
    let answer = gateway.post(CHAT, chat("m-a")).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(upstream.request().await.body, chat("m-a").as_bytes());
    for (body, status, code) in [(chat("m-a").split_off(1), 400, "invalid_json"), (chat("nobody"), 404, "model_not_found")] {
        assert_eq!(gateway.post(CHAT, body).send().await.refusal(), (status, code.to_owned()));
    }
    assert_eq!(gateway.engine.in_flight(), 0);
}
