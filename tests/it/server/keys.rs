//! Who may ask for what; and no key ever crosses to the other side.

use serde_json::json;

use super::client::Ask;
use super::upstream::{Step, Upstream, chunk, end, error, events_head, json_reply, reply, word};
use super::{CHAT, Gateway, UPSTREAM_KEY, one, question, streamed};

/// SHA-256 of `sk-hashed`.
const DIGEST: &str = "sha256:DIGEST";

async fn start(upstream: &Upstream, more: &str) -> Gateway {
    let digest: String = sha256(b"sk-hashed");
    let keys = format!(
        "auth:\n  keys:\n    - sk-bare\n    - {{ name: hashed, key: \"{}\" }}\n    - {{ name: some, key: sk-some, models: [\"m-*\", auto] }}\n    - {{ name: both, key: sk-both, models: [\"a/*\"], passthrough: true }}\n    - {{ name: none, key: sk-none, passthrough: false }}\n",
        DIGEST.replace("DIGEST", &digest)
    );
    Gateway::start(&(one(upstream) + &keys + more)).await
}

fn sha256(text: &[u8]) -> String {
    use std::fmt::Write;

    let mut hex = String::new();
    for byte in <sha2::Sha256 as sha2::Digest>::digest(text) {
        write!(hex, "{byte:02x}").expect("a string");
    }
    hex
}

#[tokio::test]
async fn a_key_is_taken_as_bearer_or_x_api_key_plain_or_hashed() {
    let upstream = Upstream::talking("好").await;
    let gateway = start(&upstream, "").await;
    let ask = gateway.post(CHAT, question("m-a"));
    for (name, value, status) in [
        ("authorization", "Bearer sk-bare", 200),
        ("authorization", "bearer  sk-bare ", 200),
        ("x-api-key", "sk-bare", 200),
        ("authorization", "Bearer sk-hashed", 200),
        ("x-api-key", "sk-hashed", 200),
        ("authorization", "Bearer sk-some", 200),
        ("authorization", "Bearer sk-both", 403),
        ("authorization", "Bearer sk-none", 200),
        ("authorization", "Bearer sk-bar", 401),
        ("authorization", "Bearer sk-bare2", 401),
        ("authorization", "Bearer", 401),
        ("authorization", "sk-bare", 401),
        ("x-api-key", "", 401),
        ("api-key", "sk-bare", 401),
    ] {
        let got = ask.clone().header(name, value).send().await;
        assert_eq!(got.status, status, "{name}: {value}: {}", got.text());
    }
    let hash = ask.bearer(&DIGEST.replace("DIGEST", &sha256(b"sk-hashed"))).send().await;
    assert_eq!(hash.status, 401, "a leaked file must not open the gateway");
}

#[tokio::test]
async fn a_key_reaches_its_models_and_endpoints_only() {
    let upstream = Upstream::talking("好").await;
    let gateway = start(&upstream, "").await;
    let ids = async |key: &str| {
        let list = gateway.get("/v1/models").bearer(key).send().await.json();
        list["data"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("sk-bare").await, ["m-a", "a/m-a"]);
    assert_eq!(ids("sk-some").await, ["m-a"]);
    assert_eq!(ids("sk-both").await, ["a/m-a"]);
    for (key, model, status) in [("sk-some", "m-a", 200), ("sk-some", "a/m-a", 403), ("sk-both", "a/m-a", 200), ("sk-both", "m-a", 403)] {
        assert_eq!(gateway.post(CHAT, question(model)).bearer(key).send().await.status, status, "{key} {model}");
        let tested = gateway.post(&format!("/v1/models/{model}/test"), "{}").bearer(key).send().await;
        assert_eq!(tested.status, status, "a test of {model} by {key}");
    }
    for (key, status) in [("sk-bare", 200), ("sk-some", 403), ("sk-both", 200), ("sk-none", 403), ("sk-wrong", 401)] {
        for ask in [gateway.get("/providers/a/files"), gateway.get("/v1/files").header("x-llmgw-provider", "a")] {
            assert_eq!(ask.bearer(key).send().await.status, status, "{key}");
        }
    }
}

#[tokio::test]
async fn open_models_opens_the_list_and_nothing_else() {
    let upstream = Upstream::talking("好").await;
    let gateway = start(&upstream, "").await;
    assert_eq!(gateway.get("/v1/models").send().await.status, 401);
    let config = one(&upstream) + "auth: { open_models: true, keys: [sk-bare, { name: some, key: sk-some, models: [none] }] }\n";
    gateway.set_config(&config);
    gateway.engine.reload(false).expect("a good configuration");
    for path in ["/v1/models", "/models", "/v1/models/m-a"] {
        assert_eq!(gateway.get(path).send().await.status, 200, "{path}");
    }
    assert_eq!(gateway.get("/v1/models").bearer("sk-some").send().await.json()["data"], json!([]));
    assert_eq!(gateway.get("/v1/models").bearer("sk-wrong").send().await.status, 401);
    assert_eq!(gateway.chat("m-a").await.status, 401);
    assert_eq!(gateway.post("/v1/models/m-a/test", "{}").send().await.status, 401);
}

#[tokio::test]
async fn without_keys_credentials_that_are_sent_are_ignored() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    assert_eq!(gateway.post(CHAT, question("m-a")).bearer("sk-whatever").send().await.status, 200);
    assert_eq!(upstream.request().await.headers["authorization"], format!("Bearer {UPSTREAM_KEY}").as_str());
}

#[tokio::test]
async fn a_clients_key_never_reaches_an_upstream() {
    let upstream = Upstream::talking("好").await;
    let gateway = start(&upstream, "").await;
    let asks: Vec<Ask> = vec![
        gateway.post(CHAT, question("m-a")).bearer("sk-bare"),
        gateway.post(CHAT, question("m-a")).header("x-api-key", "sk-bare"),
        gateway.post(CHAT, question("m-a")).header("x-api-key", "sk-bare").bearer("sk-bare"),
        gateway.post(CHAT, question("m-a")).header("api-key", "sk-bare").header("x-goog-api-key", "sk-bare").bearer("sk-bare"),
        gateway.post(CHAT, question("m-a")).header("proxy-authorization", "Basic sk-bare").bearer("sk-bare"),
        gateway.get("/providers/a/files").header("x-api-key", "sk-bare"),
        gateway.get("/providers/a/files").bearer("sk-bare"),
    ];
    for ask in asks {
        assert_eq!(ask.send().await.status, 200);
        let received = upstream.request().await;
        assert!(!format!("{:?}", received.headers).contains("sk-bare"), "{:?}", received.headers);
        assert_eq!(received.headers.get_all("authorization").iter().collect::<Vec<_>>(), [&format!("Bearer {UPSTREAM_KEY}")]);
    }
}

/// Some upstreams repeat the key that they refuse, in one place or another.
#[tokio::test]
async fn an_upstreams_key_never_reaches_a_client() {
    let told = || format!("what you sent was: Authorization: Bearer {UPSTREAM_KEY}.");
    let said = move |status: u16| Upstream::start(move |_| error(status, &told()));
    let body = json!({ "error": { "message": told(), "code": "server_error" } });
    let in_200 = body.clone();
    let frame = format!("data: {body}\n\n");
    let (first, late) = (frame.clone(), frame);
    let upstreams = vec![
        ("400", said(400).await),
        ("401", said(401).await),
        ("403", said(403).await),
        ("404", said(404).await),
        ("418", said(418).await),
        ("422", said(422).await),
        ("429", said(429).await),
        ("500", said(500).await),
        ("plain text", Upstream::start(move |_| reply(400, &[("content-type", "text/plain")], told().as_bytes())).await),
        ("200 with an error", Upstream::start(move |_| json_reply(200, &in_200)).await),
        (
            "200 and an error event",
            Upstream::start(move |_| vec![events_head(), chunk(first.as_bytes()), Step::Write(b"0\r\n\r\n".to_vec())]).await,
        ),
        (
            "200 and a late error event",
            Upstream::start(move |_| {
                let begun = [events_head(), word("好"), chunk(late.as_bytes())];
                begun.into_iter().chain(end()).collect()
            })
            .await,
        ),
    ];
    for (case, upstream) in upstreams {
        let gateway = Gateway::start(&(one(&upstream) + "routing: { max_attempts: 1, cooldown: null }\n")).await;
        let mut asks = vec![
            gateway.post(CHAT, question("m-a")),
            gateway.post(CHAT, streamed("m-a")),
            gateway.post("/v1/moderations", json!({ "model": "m-a", "input": "x" })),
            gateway.post("/v1/models/m-a/test", "{}"),
            gateway.get("/status"),
        ];
        if case.starts_with("200") {
            // What is no error passes through unread where nothing else is promised.
            asks.remove(2);
        } else {
            asks.push(gateway.get("/providers/a/models"));
        }
        for ask in asks {
            let got = ask.send().await;
            assert!(!got.text().contains(UPSTREAM_KEY), "{case}: {}: {}", got.status, got.text());
            assert!(!format!("{:?}", got.headers).contains(UPSTREAM_KEY), "{case}");
        }
    }
}

/// Whatever the level, before the log itself masks what it knows.
#[tokio::test]
async fn no_key_reaches_the_log() {
    let lines = Lines::default();
    let writer = lines.clone();
    let filter = tracing_subscriber::EnvFilter::new("llmgw=trace");
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || writer.clone()).finish();
    let _log = tracing::subscriber::set_default(log);

    let upstream =
        Upstream::start(move |request| error(if request.number % 2 == 0 { 400 } else { 500 }, &format!("you sent {UPSTREAM_KEY}"))).await;
    let gateway = start(&upstream, "admin: { key: sk-admin-0123456789 }\nrouting: { max_attempts: 1 }\n").await;
    for key in ["sk-bare", "sk-client-wrong-0123456789"] {
        for ask in [
            gateway.post(CHAT, question("m-a")),
            gateway.post(CHAT, streamed("m-a")),
            gateway.get("/providers/a/x?key=1"),
            gateway.get("/status"),
        ] {
            ask.bearer(key).send().await;
        }
    }
    gateway.get("/status").bearer("sk-admin-0123456789").send().await;
    let text = lines.text();
    assert!(text.contains("llmgw") && text.lines().count() > 5, "{text}");
    for key in ["sk-bare", "sk-client-wrong-0123456789", "sk-admin-0123456789", UPSTREAM_KEY] {
        assert!(!text.contains(key), "{key}: {text}");
    }
}

#[derive(Clone, Default)]
struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
