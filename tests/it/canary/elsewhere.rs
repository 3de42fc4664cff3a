//! A client chooses a model, never an address; an upstream answers, and sends nobody anywhere else.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::json;

use super::raw;
use crate::cli::process::Home;
use crate::server::client::{Ask, Wire};
use crate::server::upstream::{Step, Upstream, json_reply, reply};
use crate::server::{CHAT, Gateway, question, soon, streamed};

/// Where nobody must connect to.
struct Trap(TcpListener);

impl Trap {
    fn set() -> Trap {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        Trap(listener)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    #[track_caller]
    fn stays_untouched(self) {
        let touched = self.0.accept();
        assert!(matches!(&touched, Err(error) if error.kind() == ErrorKind::WouldBlock), "{touched:?}");
        // It would have told.
        let _visitor = TcpStream::connect(self.address()).expect("a connection");
        self.0.set_nonblocking(false).expect("a socket");
        assert!(self.0.accept().is_ok());
    }
}

fn config(upstream: &Upstream) -> String {
    let provider = format!("{{ name: a, base_url: \"{}/v1/below\", api_key: sk-upstream-0123456789 }}", base(upstream));
    format!("providers: [{provider}]\nrouting: {{ passthrough: a, cooldown: null, max_attempts: 1 }}\n")
}

fn base(upstream: &Upstream) -> String {
    format!("http://{}", upstream.address)
}

#[tokio::test]
async fn whatever_a_client_asks_for_only_the_configured_upstream_is_connected_to() {
    let trap = Trap::set();
    let upstream = Upstream::start(|_| json_reply(200, &json!({ "choices": [], "data": [] }))).await;
    let gateway = Gateway::start(&config(&upstream)).await;
    let evil = trap.address();
    let names = [
        format!("http://{evil}/"),
        format!("a/http://{evil}/v1/chat/completions"),
        format!("a/@{evil}"),
        format!("a/../../@{evil}/"),
        format!("a/?x=@{evil}#"),
        format!("a/\\\\{evil}\\"),
        format!("a/m\r\nHost: {evil}\r\n\r\nGET http://{evil}/ HTTP/1.1\r\n\r\n"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
    ];
    for name in &names {
        for body in [question(name), streamed(name)] {
            gateway.post(CHAT, body).send().await;
        }
        gateway.post("/v1/embeddings", json!({ "model": name, "input": "你好" })).send().await;
        gateway.post(&format!("/v1/models/{}/test", encoded(name)), json!({})).send().await;
        gateway.get(&format!("/v1/models/{}", encoded(name))).send().await;
        if !name.contains('\r') {
            gateway.get("/v1/files").header("x-llmgw-provider", name).send().await;
        }
        gateway.get(&format!("/providers/{}/files", encoded(name))).send().await;
    }
    for target in targets(evil) {
        // What is no request at all is answered by closing.
        let lines = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        send(gateway.address, lines.as_bytes()).await;
    }
    for host in [format!("{evil}"), format!("user@{evil}"), format!("localhost:80@{evil}"), format!("localhost\r\nhost: {evil}")] {
        let lines = format!("GET /providers/a/files HTTP/1.1\r\nhost: {host}\r\nx-forwarded-host: {evil}\r\nconnection: close\r\n\r\n");
        send(gateway.address, lines.as_bytes()).await;
    }
    send(gateway.address, format!("CONNECT {evil} HTTP/1.1\r\nhost: {evil}\r\n\r\n").as_bytes()).await;
    gateway.get("/providers/a/the/last").send().await;
    let mut targets = Vec::new();
    while targets.last().is_none_or(|last| last != "/v1/below/the/last") {
        let request = upstream.request().await;
        assert_eq!(request.headers["host"], upstream.address.to_string());
        targets.push(request.target);
    }
    assert!(targets.len() > 20, "hardly anything was passed on: {targets:?}");
    for target in targets {
        let path = target.split('?').next().unwrap_or_default();
        assert!(path.starts_with("/v1/below/") && !path.contains("..") && !path.contains("//"), "{target}");
    }
    trap.stays_untouched();
}

fn targets(evil: SocketAddr) -> Vec<String> {
    let below = [
        format!("//{evil}/"),
        format!("@{evil}/"),
        format!("/@{evil}/"),
        format!(":@{evil}/"),
        format!("/..//{evil}"),
        format!("/%2f%2f{evil}"),
        format!("/%5c%5c{evil}"),
        format!("\\\\{evil}"),
        format!("/a%0d%0aHost:%20{evil}"),
        format!("/a?url=http://{evil}"),
        format!("/a?@{evil}"),
        format!("/a;@{evil}"),
        format!("/http://{evil}/"),
        format!("/http:%2f%2f{evil}%2f"),
        format!("#@{evil}"),
        "/%2e%2e/%2e%2e/admin".to_owned(),
        "/..%2f..%2fadmin".to_owned(),
        "/%252e%252e/admin".to_owned(),
        "/.%00./admin".to_owned(),
    ];
    let by_path = below.iter().flat_map(|rest| [format!("/providers/a{rest}"), format!("/v1/files{rest}"), format!("/v1{rest}")]);
    let absolute = [
        format!("http://{evil}/v1/models"),
        format!("http://{evil}/providers/a/files"),
        format!("https://x@{evil}/v1/files"),
        format!("//{evil}/v1/files"),
    ];
    by_path.chain(absolute).collect()
}

fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

async fn send(address: SocketAddr, bytes: &[u8]) {
    let mut wire = Wire::connect(address).await;
    let _ = wire.try_write(bytes).await;
    wire.finish().await;
    soon("the end of an answer", wire.closed()).await;
}

fn elsewhere(status: u16, trap: SocketAddr) -> Vec<Step> {
    reply(status, &[("location", &format!("http://{trap}/v1/elsewhere"))], b"moved")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_redirect_is_followed_with_what_we_were_trusted_with() {
    let trap = Trap::set();
    let address = trap.address();
    let upstream = Upstream::start(move |request| elsewhere([301, 302, 303, 307, 308][request.number % 5], address)).await;
    let login = format!(
        "{{ name: l, type: request, base_url: \"{0}/v1\", auth: {{ url: \"{0}/auth\", username: u, password: p }} }}",
        base(&upstream)
    );
    let gateway = Gateway::start(&config(&upstream).replace("providers: [", &format!("providers: [{login}, "))).await;
    for _ in 0..5 {
        for provider in ["a", "l"] {
            let model = format!("{provider}/m");
            for ask in [
                gateway.post(CHAT, question(&model)),
                gateway.post(CHAT, streamed(&model)),
                gateway.post("/v1/embeddings", json!({ "model": model, "input": "你好" })),
                gateway.post(&format!("/v1/models/{provider}%2Fm/test"), json!({})),
                gateway.get(&format!("/providers/{provider}/files")),
            ] {
                let answer = raw(&ask).await;
                assert!(!answer.to_lowercase().contains("\nlocation:") && !answer.contains(&address.to_string()), "{answer}");
                assert!(!answer.starts_with("HTTP/1.1 3"), "{answer}");
            }
        }
    }
    assert_eq!(gateway.engine.discover().await.len(), 2);
    // The command line: its own upstreams, its calls to a gateway, and what it takes for an Ollama.
    let home = Home::with(&config(&upstream));
    home.run(&["chat", "-m", "a/m", "你好"], 1);
    home.run(&["list", "--discover"], 1);
    home.run(&["test", "a/m"], 1);
    home.run(&["reload", "--url", &base(&upstream), "--key", "sk-admin"], 1);
    Home::new().llmgw(&["list"]).env("OLLAMA_HOST", &upstream.address.to_string()).ends(0);
    assert!(upstream.count() > 40, "{}", upstream.count());
    trap.stays_untouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_proxy_is_told_the_admin_key_of_a_gateway_on_this_machine() {
    let trap = Trap::set();
    let gateway = Upstream::start(|_| json_reply(200, &json!({ "message": "nothing changed" }))).await;
    let proxy = format!("http://{}", trap.address());
    let line = Home::new().llmgw(&["reload", "--url", &base(&gateway), "--key", "sk-admin-0123456789"]);
    line.env("http_proxy", &proxy).env("HTTP_PROXY", &proxy).env("ALL_PROXY", &proxy).ends(0).prints("nothing changed\n");
    assert_eq!(gateway.request().await.headers["authorization"], "Bearer sk-admin-0123456789");
    trap.stays_untouched();
}

#[tokio::test]
async fn an_upstream_is_never_asked_to_repeat_its_request() {
    let upstream =
        Upstream::start(|request| reply(200, &[("content-type", "message/http")], super::echo::in_full(request).as_bytes())).await;
    let gateway = Gateway::start(&config(&upstream)).await;
    for target in ["/providers/a/files", "/v1/files"] {
        let answer = raw(&Ask::new(gateway.address, "TRACE", target)).await;
        assert!(answer.starts_with("HTTP/1.1 405 ") && !answer.contains("sk-upstream"), "{answer}");
    }
    assert_eq!(upstream.count(), 0);
}
